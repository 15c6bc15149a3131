"""Whether the project's check ran since the last change."""

from __future__ import annotations

import pytest

from akmon_core.checks import Changes
from akmon_core.events import ToolFinished
from akmon_core.messages import ToolCall, ToolResult
from akmon_core.tools import FileSeen

CHECK = "make -C build verify-all"


def wrote(*paths: str) -> tuple[ToolCall, ToolFinished]:
    files = tuple(FileSeen(path, "0", written=True) for path in paths)
    return ToolCall("1", "edit", "{}"), ToolFinished(ToolResult("1", "ok"), "edit", files=files)


def read(path: str) -> tuple[ToolCall, ToolFinished]:
    return ToolCall("1", "read", "{}"), ToolFinished(
        ToolResult("1", "ok"), "read", files=(FileSeen(path, "0"),)
    )


def ran(command: str, tool: str = "shell") -> tuple[ToolCall, ToolFinished]:
    return ToolCall("1", tool, f'{{"command": "{command}"}}'), ToolFinished(ToolResult("1", "ok"), tool)


def changes(*calls: tuple[ToolCall, ToolFinished]) -> Changes:
    so_far = Changes()
    for call, finished in calls:
        so_far = so_far.and_also(call, finished)
    return so_far


def test_a_change_needs_a_check_if_one_is_known() -> None:
    assert changes(wrote("a.py")).need(CHECK)
    assert not changes(wrote("a.py")).need("")
    assert not changes(read("a.py"), ran("ls")).need(CHECK)


@pytest.mark.parametrize(
    "command",
    [
        CHECK,
        f"cd x && {CHECK} 2>&1 | tail",
        "pytest -q tests",
        "python -m unittest",
        "npm run test",
        "uv run pytest",
        "cargo clippy --all",
        "go vet ./...",
        "make check",
        "ruff check .",
        "tsc --noEmit",
    ],
)
def test_the_check_or_anything_like_it_settles_it(command: str) -> None:
    assert not changes(wrote("a.py"), ran(command)).need(CHECK)


@pytest.mark.parametrize(
    "command", ["ls", "git status", "cat pytests.txt", "npm install", "go mod tidy", "make clean"]
)
def test_other_commands_do_not(command: str) -> None:
    assert changes(wrote("a.py"), ran(command)).need(CHECK)


def test_a_check_before_the_last_change_does_not_count() -> None:
    assert changes(wrote("a.py"), ran(CHECK), wrote("b.py")).need(CHECK)
    assert not changes(wrote("a.py"), wrote("b.py"), ran(CHECK), read("b.py")).need(CHECK)


def test_only_a_shell_runs_checks_and_odd_arguments_are_no_command() -> None:
    assert changes(wrote("a.py"), ran(CHECK, "search")).need(CHECK)
    for arguments in ("", "{}", "[1]", '{"command": 3}', "{broken"):
        call = ToolCall("1", "shell", arguments)
        assert changes(wrote("a.py"), (call, ToolFinished(ToolResult("1", "ok"), "shell"))).need(CHECK)


def test_each_file_is_listed_once() -> None:
    assert changes(wrote("b", "a"), wrote("a"), read("c")).files == ("b", "a")
