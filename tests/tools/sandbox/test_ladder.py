"""Which sandbox is chosen, what is never silently passed over, and what other machines would be told."""

from __future__ import annotations

import asyncio
import os
import re
import struct
from pathlib import Path

import pytest

from akmon_core.errors import SettingsError
from akmon_tools.environment import command_environment
from akmon_tools.sandbox import seccomp
from akmon_tools.sandbox.box import Places
from akmon_tools.sandbox.bubblewrap import find_bwrap
from akmon_tools.sandbox.ladder import open_sandbox
from akmon_tools.sandbox.seatbelt import profile
from akmon_tools.sandbox.secrets import secret_places
from tests.tools.sandbox.held import CHOICES, in_a_sandbox


def test_switched_off_is_told_from_not_there(tmp_path: Path) -> None:
    assert open_sandbox("off", [tmp_path]).level == "off"
    whole = open_sandbox("auto", [Path("/")])
    assert whole.level == "none"
    assert "whole file system" in whole.why


@in_a_sandbox
def test_one_that_was_chosen_and_does_not_work_is_an_error_that_says_why() -> None:
    with pytest.raises(SettingsError, match="bubblewrap does not work here: the whole file system"):
        open_sandbox("bubblewrap", [Path("/")])
    with pytest.raises(SettingsError, match="seatbelt does not work here: there is no mechanism"):
        open_sandbox("seatbelt", [Path("/usr")])


@in_a_sandbox
def test_the_best_that_proves_itself_is_chosen_and_remembered(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "sandbox"
    first = open_sandbox("auto", [tmp_path], cache=cache)
    assert first.level == CHOICES[0]
    assert first.why == ""
    noted = cache.read_text()
    assert open_sandbox("auto", [tmp_path], cache=cache).level == first.level
    assert cache.read_text() == noted
    asyncio.run(first.close())


@in_a_sandbox
@pytest.mark.skipif(CHOICES != ["bubblewrap", "landlock"], reason="needs both")
def test_the_next_one_says_why_it_is_not_the_first(tmp_path: Path) -> None:
    """bwrap is refused where a command could replace it, as in a project that contains the environment."""
    roots = [path.parents[1] for path in find_bwrap([])]
    sandbox = open_sandbox("auto", [*roots, tmp_path])
    assert sandbox.level == "landlock"
    asyncio.run(sandbox.close())
    with pytest.raises(SettingsError):
        open_sandbox("bubblewrap", [*roots, tmp_path])


def test_secret_places_are_those_that_are_there_without_what_lies_in_others(tmp_path: Path) -> None:
    home = tmp_path.resolve()
    (home / ".config" / "akmon").mkdir(parents=True)
    (home / "keys").mkdir()
    (home / ".ssh").symlink_to("keys")
    (home / ".netrc").touch()
    found = set(secret_places({"HOME": str(home)}, [home / ".config" / "akmon" / "x", home / "more"]))
    assert {path for path in found if path.is_relative_to(home)} == {
        home / ".config" / "akmon",
        home / "keys",
        home / ".netrc",
    }


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("allow", [(), seccomp.INET, (seccomp.AF_UNIX, *seccomp.INET)])
def test_every_jump_of_the_filter_leads_to_one_of_its_steps(machine: str, allow: tuple[int, ...]) -> None:
    steps = list(struct.iter_unpack("=HBBI", seccomp.program(allow, machine)))
    jumps = [(at, step) for at, step in enumerate(steps) if step[0] & 0x07 == 0x05]
    assert all(at + 1 + max(step[1], step[2]) < len(steps) for at, step in jumps)
    assert steps[-1] == (0x06, 0, 0, 0x7FFF0000)
    assert steps[2] == (0x06, 0, 0, 0x80000000)  # another architecture


def test_a_machine_whose_calls_are_not_known_is_an_error() -> None:
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program((), "riscv64")


def test_the_profile_for_macos_allows_little_and_its_last_rules_protect(tmp_path: Path) -> None:
    work, hidden = tmp_path / 'a "b"', tmp_path / "home" / ".ssh"
    text = profile(Places(roots=(work,), unreadable=(hidden,)), tmp_path / "scratch", port=61080)
    quoted = str(work).replace('"', '\\"')
    assert "(deny default)" in text
    assert f'(deny file-read* file-write* (subpath "{hidden}"))' in text
    assert text.index(f'(allow file-read* file-write* (subpath "{quoted}"))') < text.index("hooks")
    assert text.index("(deny network*)") < text.index('(remote ip "localhost:61080")')
    assert "network-outbound" not in profile(Places(roots=(work,)), tmp_path)
    expressions = [
        one.replace('\\"', '"').replace("\\\\", "\\")
        for one in re.findall(r'\(regex "((?:[^"\\]|\\.)*)"\)', text)
    ]
    for name in (
        ".git/hooks/pre-commit",
        ".git/config",
        "sub/.git/modules/x/config",
        ".vscode/tasks.json",
        ".envrc",
    ):
        assert any(re.search(expression, f"{work}/{name}") for expression in expressions), name
    for name in (".git/index", ".git/objects/aa", "src/config", "hooks/x"):
        assert not any(re.search(expression, f"{work}/{name}") for expression in expressions), name


def test_commands_get_what_programs_need_and_what_is_named_besides_and_never_a_secret() -> None:
    environment = command_environment(
        {"PATH": "/bin", "LC_ALL": "C", "https_proxy": "http://p", "OTHER": "1", "SSH_AUTH_SOCK": "/s"}
        | {"DATABASE_URL": "postgres://u:p@h/d", "MINE_A": "a", "MINE_TOKEN": "CANARY", "JAVA_HOME": "/j"},
        ["mine_*"],
    )
    assert {"PATH", "LC_ALL", "https_proxy", "MINE_A", "JAVA_HOME"} <= environment.keys()
    assert environment.keys().isdisjoint({"OTHER", "SSH_AUTH_SOCK", "DATABASE_URL", "MINE_TOKEN"})


@in_a_sandbox
def test_no_descriptor_and_no_folder_is_left(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for choice in ("bubblewrap", "landlock"):
        if choice in CHOICES:
            sandbox = open_sandbox(choice, [root])
            place = sandbox.outside(Path(sandbox.environment["TMPDIR"]))
            assert place
            assert place.is_dir()
            asyncio.run(sandbox.close())
            assert not place.exists()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
