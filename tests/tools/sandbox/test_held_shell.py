"""The shell tool with its commands held in: state, jobs, what is left running, and what is put back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from akmon_core.permissions import SandboxChoice
from akmon_core.tools import Contained, Standing
from tests.tools.sandbox.held import CHOICES, Held, held, in_a_sandbox
from tests.tools.shell.rig import QUICK, wait_until
from tests.tools.shell.scenarios import SCENARIOS
from tests.tools.shell.test_scenarios import play

pytestmark = in_a_sandbox

BOXED = [choice for choice in CHOICES if choice == "bubblewrap"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("choice", CHOICES)
def test_folder_and_variables_carry_over_and_tell_what_holds_the_tool_in(root: Path, choice: str) -> None:
    with held(choice, root) as box:
        assert box("mkdir d; cd d; export A=1") == "(no output)\n[exit 0, in d]"
        assert box('pwd; echo "$A"; cd /usr') == f"{root}/d\n1\n[exit 0, in /usr]"
        assert isinstance(box.tool, Standing)
        assert isinstance(box.tool, Contained)
        assert box.tool.folder("") == "/usr"
        assert box.tool.sandbox == choice


@pytest.mark.parametrize("choice", CHOICES)
def test_temporary_files_last_for_the_session_and_are_nobody_elses(root: Path, choice: str) -> None:
    with held(choice, root) as first, held(choice, root) as second:
        first('mkdir "$TMPDIR/d"; cd "$TMPDIR/d"; echo a >file')
        assert first("cat file; pwd | grep -c d$").startswith("a\n1\n")
        place = first('echo "$TMPDIR"').splitlines()[0]
        assert "No such file" in second(f"cat {place}/d/file") or "denied" in second(f"cat {place}/d/file")
        assert oct(Path(first.sandbox.outside(Path(place)) or "").stat().st_mode & 0o777) == "0o700"
        kept = first.sandbox.outside(Path(place))
    assert kept
    assert not kept.exists()


@pytest.mark.parametrize("choice", CHOICES)
def test_a_timeout_keeps_the_state(root: Path, choice: str) -> None:
    with held(choice, root) as box:
        text = asyncio.run(box.shell("cd /usr; export A=1; sleep 1000", timeout=3)).text
        assert text == "(no output)\n[killed after 3 s, in /usr]"
        assert box("echo $A") == "1\n[exit 0, in /usr]"


@pytest.mark.parametrize("choice", BOXED)
def test_what_a_command_leaves_ends_with_it_unless_it_only_needs_a_moment(root: Path, choice: str) -> None:
    with held(choice, root) as box:
        assert box("echo a > >(sleep 0.05; cat)") == "a\n[exit 0]"
        text = box("(sleep 0.7; echo late >late) & echo now")
        assert (
            text
            == "now\n[2 processes left running ended with the command; `background` keeps them]\n[exit 0]"
        )
        time.sleep(1)
        assert not (root / "late").exists()


@pytest.mark.parametrize("choice", CHOICES)
def test_a_background_child_that_holds_the_output_delays_nobody(root: Path, choice: str) -> None:
    with held(choice, root) as box:
        assert box("setsid sleep 1000 & echo a").startswith("a\n")


@pytest.mark.parametrize("choice", CHOICES)
def test_a_job_runs_on_is_read_and_killed(root: Path, tmp_path: Path, choice: str) -> None:
    async def body() -> None:
        box = Held(choice, root, tmp_path / "aside")
        await box.shell("echo up; (trap '' TERM; sleep 1000) & sleep 1000", background=True)
        text = ""
        while "up\n" not in text:
            text += (await box.job(1)).text
            await asyncio.sleep(0.01)
        assert (await box.shell("echo b")).text == "b\n[exit 0]"
        assert "[job 1: killed, " in (await box.job(1, kill=True)).text
        await box.tool.close()

    asyncio.run(body())


@pytest.mark.parametrize("choice", CHOICES)
def test_two_commands_at_once_do_not_undo_each_others_protection(
    root: Path, tmp_path: Path, choice: str
) -> None:
    async def body() -> None:
        box = Held(choice, root, tmp_path / "aside")
        hook = "mkdir -p .git/hooks; echo x >.git/hooks/pre-commit; echo done"
        await box.shell(f"until [ -e go ]; do sleep 0.01; done; {hook}", background=True)
        await box.shell("true")
        await box.shell("touch go; mkdir -p .akmon && echo x >.akmon/config.toml")
        assert "done\n" in (await box.job(1, wait=60)).text
        await box.tool.close()

    asyncio.run(body())
    assert not (root / ".git" / "hooks").exists()
    assert not (root / ".akmon").exists()


@pytest.mark.parametrize("choice", CHOICES)
def test_what_was_put_in_the_place_of_a_protected_file_is_kept_and_said(root: Path, choice: str) -> None:
    (root / "sub").mkdir()
    (root / ".envrc").write_text("before")
    with held(choice, root) as box:
        text = box("echo evil >sub/.mcp.json; echo evil >.envrc; mkdir .vscode; echo a >.vscode/tasks.json")
        assert f"{root}/sub/.mcp.json is protected: what the command put there was moved to" in text
        assert sorted(path.name for path in box.aside.iterdir() if "envrc" not in path.name) == [
            "1-.vscode",
            "2-.mcp.json",
        ]
    assert (root / ".envrc").read_text() == "before"
    assert not (root / ".vscode").exists()


@pytest.mark.parametrize("choice", CHOICES)
def test_links_in_the_place_of_protected_files_stay_and_lead_where_they_did(root: Path, choice: str) -> None:
    (root / "shared").mkdir()
    (root / "shared" / "tasks.json").write_text("{}")
    (root / ".vscode").symlink_to("shared")
    with held(choice, root) as box:
        box("echo x >shared/tasks.json; rm .vscode; mkdir .vscode; echo y >.vscode/tasks.json")
    assert os.readlink(root / ".vscode") == "shared"  # noqa: PTH115
    assert (root / "shared" / "tasks.json").read_text() == "{}"


@pytest.mark.parametrize("choice", CHOICES)
def test_plans_and_specs_may_be_written(root: Path, choice: str) -> None:
    (root / ".akmon" / "plans").mkdir(parents=True)
    with held(choice, root) as box:
        assert box("echo a >.akmon/plans/p.md") == "(no output)\n[exit 0]"
        box("echo a >.akmon/config.toml")
    assert [path.name for path in (root / ".akmon").iterdir()] == ["plans"]
    assert (root / ".akmon" / "plans" / "p.md").read_text() == "a\n"


@pytest.mark.parametrize("choice", BOXED)
def test_killing_akmon_ends_its_commands_and_the_next_start_tidies_up(root: Path, choice: str) -> None:
    mark = os.urandom(8).hex()
    order = {"choice": choice, "roots": [str(root)], "unreadable": [], "aside": str(root.parent / "aside")}
    order |= {"commands": [f"touch started; exec -a akmon{mark} sleep 1000"]}
    program = [sys.executable, str(Path(__file__).with_name("play.py")), json.dumps(order)]
    with subprocess.Popen(program, start_new_session=True) as akmon:
        wait_until(lambda: (root / "started").exists() and running(mark))
        akmon.send_signal(signal.SIGKILL)
    wait_until(lambda: not running(mark))
    assert sorted(os.listdir(root)) == [".akmon", ".git", "started"]  # noqa: PTH208
    with held(choice, root) as box:
        box("true")
    assert os.listdir(root) == ["started"]  # noqa: PTH208


def running(mark: str) -> bool:
    done = subprocess.run(["pgrep", "-f", f"akmo[n]{mark} 1000"], capture_output=True, check=False)
    return bool(done.stdout.strip())


OTHERWISE = ("&", "kill", "exec")
"""Where processes outlive a command, or are told of by the number of a signal."""
SAME = [
    scenario
    for scenario in SCENARIOS
    if scenario.times is QUICK
    and not any(word in call.command or call.timeout for call in scenario.calls for word in OTHERWISE)
]


@pytest.mark.parametrize("choice", CHOICES)
def test_most_of_what_models_do_comes_out_as_without_a_sandbox(tmp_path: Path, choice: SandboxChoice) -> None:
    folder = tmp_path.resolve()

    async def body() -> None:
        for number, scenario in enumerate(SAME):
            await play(scenario, folder / str(number), 1, choice)

    assert len(SAME) > 20
    asyncio.run(body())
