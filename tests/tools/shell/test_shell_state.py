"""Whose state it is, what becomes of it, what is carried, and the ways of systems that are not Linux."""

from __future__ import annotations

import asyncio
import os
import string
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_core.limits import SHELL_ENVIRONMENT_BYTES
from akmon_tools.environment import STEERING, carried, command_environment
from akmon_tools.shell import ShellTimes
from tests.tools.shell.rig import QUICK, Rig, wait_until

LENIENT = ShellTimes(foreground=60, grace=60, settle=5)
"""For commands that end when they are told to, however busy the machine is."""


def play(
    folder: Path,
    body: Callable[[Rig], Awaitable[None]],
    times: ShellTimes = QUICK,
    *,
    portable: bool = False,
) -> None:
    async def whole() -> None:
        rig = Rig(folder, times, portable=portable)
        try:
            await body(rig)
        finally:
            await rig.close()
        wait_until(lambda: not rig.processes())

    asyncio.run(whole())


def test_each_agent_has_a_state_of_its_own(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.shell("cd /usr; export A=main")
        assert (await rig.shell('pwd; echo "<$A>"', agent="1")).text == f"{rig.root}\n<>\n[exit 0]"
        await rig.shell("cd /; export A=sub", agent="1")
        assert (await rig.shell("echo $A")).text == "main\n[exit 0, in /usr]"

    play(tmp_path, body)


def test_git_runs_nothing_of_a_folder_that_only_looks_like_a_repository(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.shell("git init -q --bare looks && cd looks && git --git-dir=. config core.bare false")
        await rig.shell(
            "git --git-dir=. config core.worktree .. ; git --git-dir=. config core.fsmonitor 'touch ran; :'"
        )
        assert "cannot use bare repository" in (await rig.shell("git status")).text
        assert not list(rig.root.rglob("ran"))

    play(tmp_path, body)


def test_programs_are_not_looked_for_from_the_folder_that_a_command_runs_in() -> None:
    path = os.pathsep.join(("bin", "/usr/bin", "", ".", "/bin"))
    assert command_environment({"PATH": path})["PATH"] == os.pathsep.join(("/usr/bin", "/bin"))


def test_a_command_that_takes_the_search_path_away_takes_it_from_itself_alone(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        before = (await rig.shell('echo "$PATH"')).text
        await rig.shell("unset PATH")
        assert (await rig.shell('echo "$PATH"')).text == before

    play(tmp_path, body)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="has no /proc")
def test_a_command_that_says_itself_where_it_has_ended_names_a_whole_path_or_none(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        forge = (
            "for fd in $(compgen -G '/proc/self/fd/1??'); do printf '.\\0\\0' >&${fd##*/}; done; exec true"
        )
        await rig.shell(forge)
        assert (await rig.shell("pwd")).text.startswith(f"{rig.root}\n")

    play(tmp_path, body)


def test_a_variable_that_is_not_kept_is_said_once(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        assert (
            "[not kept for later commands: NODE_OPTIONS]"
            in (await rig.shell("export NODE_OPTIONS=-r./x")).text
        )
        assert (await rig.shell("export NODE_OPTIONS=-r./x")).text == "(no output)\n[exit 0]"

    play(tmp_path, body)


def test_a_secret_of_the_person_never_gets_in_and_one_of_the_model_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "CANARY")

    async def body(rig: Rig) -> None:
        assert (await rig.shell('echo "<$GH_TOKEN>"; export MY_TOKEN=own')).text.startswith("<>\n")
        text = (await rig.shell("env; echo own is $MY_TOKEN")).text
        assert "CANARY" not in text
        assert "own is own" in text

    play(tmp_path, body)


def test_the_persons_own_settings_of_that_kind_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--max-old-space-size=99")
    monkeypatch.setenv("odd.name", "kept")

    async def body(rig: Rig) -> None:
        await rig.shell("export NODE_OPTIONS=-r./x")
        assert (await rig.shell("echo $NODE_OPTIONS; env | grep odd")).text.startswith(
            "--max-old-space-size=99\nodd.name=kept\n"
        )

    play(tmp_path, body)


def test_a_project_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.root.rmdir()
        with pytest.raises(ToolError, match="is gone"):
            await rig.shell("true")

    play(tmp_path, body)


def test_a_removed_folder_outside_leads_back_to_the_project(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        (tmp_path / "other").mkdir()
        await rig.shell(f"cd {tmp_path}/other")
        (tmp_path / "other").rmdir()
        assert (await rig.shell("pwd")).text == (
            f"{rig.root}\n[{tmp_path}/other is gone; started in {rig.root}]\n[exit 0]"
        )

    play(tmp_path, body)


def test_a_shell_in_a_shell_of_akmon_can_be_found_by_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKMON_CALL", "outer.7")

    async def body(rig: Rig) -> None:
        assert (await rig.shell("echo $AKMON_CALL")).text.startswith("outer.7/")

    play(tmp_path, body)


@pytest.mark.parametrize(
    "command", ["exit 5", "cd /usr; export A=1; set -e; false", "(exit 3)", "echo a; echo b >&2"]
)
def test_without_what_only_linux_has_the_result_is_the_same(tmp_path: Path, command: str) -> None:
    texts = []
    for portable in (False, True):

        async def body(rig: Rig) -> None:
            output = await rig.shell(command)
            texts.append((output.text, output.error, (await rig.shell("echo $A")).text))

        play(tmp_path / str(portable), body, portable=portable)
    assert texts[0] == texts[1]


def test_without_what_only_linux_has_a_timeout_keeps_the_state(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        command = "cd /usr; export A=1; touch $OLDPWD/ready; sleep 1000; echo never"
        for timeout in (0.3, 3, 30):
            await rig.shell(command, timeout)
            if "ready" in os.listdir(rig.root):  # noqa: PTH208
                break
        assert (await rig.shell("echo $A")).text == "1\n[exit 0, in /usr]"

    play(tmp_path, body, LENIENT, portable=True)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    async def body(rig: Rig) -> None:
        await rig.shell("true")
        before = count()
        await rig.shell("seq 100000")
        await rig.shell("sleep 1000", 0.1)
        await rig.shell("sleep 1000", background=True)
        await rig.job(1, kill=True)
        assert count() == before

    play(tmp_path, body)


NAMES = st.text(st.sampled_from(string.ascii_uppercase + "_"), min_size=1, max_size=3) | st.sampled_from(
    [name.replace("*", "X") for name in STEERING]
)
ENVIRONMENTS = st.dictionaries(NAMES, st.text("xy", max_size=4) | st.just("z" * 150_000), max_size=12)


@settings(max_examples=60)
@given(ENVIRONMENTS, ENVIRONMENTS)
def test_what_is_carried_is_what_was_exported_but_for_what_steers_other_programs(
    initial: dict[str, str], exported: dict[str, str]
) -> None:
    steering = {name.replace("*", "X") for name in STEERING}
    kept, lost = carried(initial, exported)
    assert (
        sum(len(name) + len(value) for name, value in kept.items() if name not in initial)
        <= SHELL_ENVIRONMENT_BYTES
    )
    for name, value in exported.items():
        if name in ("_", "SHLVL", "PWD"):
            assert kept.get(name) == initial.get(name)
        elif name in lost:
            assert initial.get(name) != value
            assert kept.get(name) == initial.get(name)
            assert name in steering or len(value) > 100_000
        else:
            assert kept[name] == value
            assert name not in steering or initial[name] == value
    assert set(kept) <= {*exported, *(name for name in ("_", "SHLVL", "PWD") if name in initial), *lost}
