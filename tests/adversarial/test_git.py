"""What a repository brings along: akmon's own use of git runs none of it, and neither does an allowed command
reach anything outside."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adversarial.arena import Arena, Played
from tests.adversarial.person import Person

Seen = Callable[[str, str], None]
REPOSITORY = (
    "git init -q; git config user.name x; git config user.email x@x; "
    "echo a > f; git add f; git commit -qm one"
)
AROUND = [
    ("list", {"glob": "**/*"}),
    ("search", {"pattern": "a"}),
    ("read", {"path": "f"}),
    ("write", {"path": "f", "content": "b\n"}),
]
"""Calls of the tools for which akmon uses git: what is ignored, checkpoints, what has changed."""
COMMIT = ("--permission-mode=accept-edits", "--auto-commit")


def repository(arena: Arena, *lines: str, **environ: str) -> None:
    (arena.project / "p.sh").write_text(f"#!/bin/sh\ntouch {arena.mark}\n")
    (arena.project / "p.sh").chmod(0o755)
    for line in (REPOSITORY, *lines):
        arena.bash(arena.fill(line), GIT_CONFIG_GLOBAL="/dev/null", **environ)


def work(arena: Arena) -> Played:
    """A session with a change, a commit and a rewind, and all that shows the project."""
    played = arena.obey(AROUND, *COMMIT)
    assert [call.error for call in played.calls] == [False] * 4
    for arguments in (("doctor",), ("sessions",), ("stats",)):
        assert arena.akmon(*arguments).code in (0, 1)
    return played


def look(arena: Arena) -> None:
    """Starts the conversation, both ways, and leaves it again."""
    for plain in (False, True):
        with Person(arena, plain=plain).starts("-m", arena.script("say hello")) as window:
            window.says("hi")
            window.until("hello")
            window.says("/status")
            window.until(r"turns +1[\s\S]*\n>")


@pytest.mark.parametrize(
    ("id", "line"),
    [
        ("GM-001", 'git config core.fsmonitor "touch {MARK}"'),
        ("GM-004", 'git config diff.external "touch {MARK}"'),
        ("GM-005", "git config log.showSignature true; git config gpg.program {WS}/p.sh"),
        ("GM-010", "git checkout -qb 'a$(touch${IFS}{MARK})'; git checkout -qb 'a;touch${IFS}pwned'"),
        ("GM-011", "git checkout -qb \"main$(printf '\\u3000%.0s' $(seq 70));touch\""),
    ],
)
def test_working_in_a_repository_runs_nothing_of_it(arena: Arena, seen: Seen, id: str, line: str) -> None:
    repository(arena, line)
    work(arena)
    look(arena)
    assert not arena.mark.exists()
    assert not (arena.project / "pwned").exists()
    assert arena.bash("git rev-list --count HEAD", GIT_CONFIG_GLOBAL="/dev/null").stdout == "2\n"
    seen(id, "a whole session with a commit, and the screen: nothing ran")


def test_a_git_folder_that_is_elsewhere_runs_nothing(arena: Arena, seen: Seen) -> None:
    repository(arena)
    shutil.move(arena.project / ".git", arena.out / "evilgit")
    (arena.project / ".git").write_text(f"gitdir: {arena.out}/evilgit\n")
    arena.bash(f'git config core.fsmonitor "touch {arena.mark}"')
    work(arena)
    look(arena)
    assert not arena.mark.exists()
    seen("GM-014", "a whole session with a commit, and the screen: nothing ran")


def test_git_variables_of_the_person_do_not_lead_a_rewind_elsewhere(arena: Arena, seen: Seen) -> None:
    repository(arena)
    evil = arena.folder / "evil"
    arena.bash(f"git init -q --bare {evil}; git -C {evil} config core.fsmonitor 'touch {arena.mark}'")
    before = sorted(path.name for path in evil.rglob("*"))
    lead = {"GIT_DIR": str(evil), "GIT_WORK_TREE": str(arena.out)}
    arena.obey(AROUND, *COMMIT, env=lead)
    assert (arena.project / "f").read_text() == "b\n"
    assert arena.akmon("rewind", "--to", "1", "--yes", env=lead).code in (0, 2)
    assert sorted(path.name for path in evil.rglob("*")) == before
    assert sorted(path.name for path in arena.out.iterdir()) == ["secret.txt"]
    seen("GM-017", "nothing ran, and nothing was written there")


@pytest.mark.parametrize(
    ("id", "line", "command"),
    [
        ("GM-004", 'git config diff.external "touch {MARK}"; echo b > f', "git diff"),
        ("GM-007", 'git config core.sshCommand "touch {MARK}"; git remote add origin ssh://h/x', "git fetch"),
        ("GM-008", 'git config alias.status "!touch {MARK}"', "git status"),
    ],
)
def test_an_allowed_git_command_reaches_nothing_outside(
    arena: Arena, seen: Seen, id: str, line: str, command: str
) -> None:
    repository(arena, line)
    before = arena.surroundings()
    (call,) = arena.obey([("shell", {"command": command})], f"--allow=shell({command} *)").calls
    assert arena.surroundings() == before
    assert not arena.mark.exists()
    if id == "GM-008":
        assert (call.decision, call.error) == ("allow", False)
        seen(id, "ran git's own status")
    if id == "GM-007":
        seen(id, "nothing ran outside the sandbox")


def test_the_setups_fire_where_nothing_guards(arena: Arena) -> None:
    for line, command in (
        ('git config core.fsmonitor "touch {MARK}"', "git status"),
        (
            'git config --unset core.fsmonitor; git config diff.external "touch {MARK}"; echo c > f',
            "git diff",
        ),
        ('git config core.sshCommand "touch {MARK}"; git remote add origin ssh://h/x', "git fetch"),
    ):
        Path(arena.mark).unlink(missing_ok=True)
        repository(arena, line)
        arena.bash(command, GIT_CONFIG_GLOBAL="/dev/null")
        assert arena.mark.exists(), command
