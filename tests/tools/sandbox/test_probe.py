"""More than sixty attempts to get out of a sandbox through the shell tool, as two users."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.tools.sandbox.outdoors import STRANGER, Outdoors, outdoors, why_not

USERS = [None, STRANGER] if os.geteuid() == 0 else [None]

OPEN_UNDER_LANDLOCK = {"chmod_outside", "utime_outside", "setxattr_outside", "see_that_a_key_is_there"}
"""What Landlock does not govern, on one's own files."""
UNDONE_UNDER_LANDLOCK = {
    "write_a_hook",
    "write_the_settings_of_git",
    "replace_the_settings_of_git",
    "write_attributes_of_git",
    "rename_the_hooks_of_git",
    "rename_the_folder_of_git",
    "make_a_folder_for_git",
    "write_own_settings",
    "write_own_settings_where_there_are_none",
    "write_settings_of_an_editor",
    "write_settings_of_an_editor_deep_inside",
}
"""Goes through, and is put back when the command has ended."""


@pytest.fixture(params=USERS, ids=lambda user: "ordinary" if user else "self")
def around(request: pytest.FixtureRequest) -> Iterator[Outdoors]:
    with outdoors(request.param) as found:
        yield found


def opened(around: Outdoors, choice: str) -> set[str]:
    if reason := why_not(around.user, choice):
        pytest.skip(reason)
    results = around.attempts(choice)
    assert len(results) >= 60
    print(*(f"{name}: {what}" for name, what in results.items()), sep="\n")
    return {name for name, what in results.items() if what == "open"}


def test_nothing_is_open_in_bubblewrap(around: Outdoors) -> None:
    assert opened(around, "bubblewrap") == set()
    assert around.came == []
    assert sorted(path.name for path in around.plain.iterdir()) == []
    assert (around.work / ".git" / "config").read_text() == "[core]\n"
    assert (around.out / "victim").read_text() == "victim"


def test_under_landlock_only_what_is_known_is_open_and_protected_files_are_put_back(around: Outdoors) -> None:
    assert opened(around, "landlock") == OPEN_UNDER_LANDLOCK | UNDONE_UNDER_LANDLOCK
    assert around.came == []
    git = around.work / ".git"
    assert (git / "config").read_text() == "[core]\n"
    assert sorted(path.name for path in (git / "hooks").iterdir()) == []
    assert sorted(path.name for path in (git / "info").iterdir()) == []
    assert (around.work / ".akmon" / "config.toml").read_text() == ""
    assert list((around.work / ".vscode").iterdir()) == []
    assert list((around.work / "sub" / "deep" / ".vscode").iterdir()) == []
    assert not (around.plain / ".akmon").exists()
    assert not (around.plain / ".git" / "hooks").exists()
    assert (around.out / "victim").read_text() == "victim"
    assert "x" in {path.read_text() for path in (around.base / "aside").rglob("*") if path.is_file()}


@pytest.mark.skipif(os.geteuid() != 0, reason="as oneself, this would be done to one's own machine")
def test_without_a_sandbox_most_of_it_works() -> None:
    with outdoors(STRANGER) as around:
        found = opened(around, "off")
        assert len(found) >= 40
        assert found >= UNDONE_UNDER_LANDLOCK
        assert "datagram" in around.came
