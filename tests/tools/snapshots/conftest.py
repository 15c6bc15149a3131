"""A project folder with its snapshots, and what a tree is as a value."""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from akmon_core.files import FileChange, FileState
from akmon_core.rewinding import changed_paths, plan_rewind
from akmon_tools.snapshots import Snapshots

Tree: TypeAlias = dict[str, tuple[str, int, bytes]]


def tree(root: Path) -> Tree:
    """Kind, mode and content by path. The mode of a link means nothing."""
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            seen = path.lstat()
            key = path.relative_to(root).as_posix()
            if stat.S_ISLNK(seen.st_mode):
                found[key] = ("link", 0, os.fsencode(path.readlink()))
            elif stat.S_ISDIR(seen.st_mode):
                found[key] = ("folder", stat.S_IMODE(seen.st_mode), b"")
            else:
                found[key] = ("file", stat.S_IMODE(seen.st_mode), path.read_bytes())
    return found


class Rig:
    """A project at ``root`` and a folder ``outside``."""

    def __init__(self, root: Path, outside: Path, snapshots: Snapshots) -> None:
        self.root = root
        self.outside = outside
        self.snapshots = snapshots
        self.progress: list[str] = []

    def survey(self) -> tuple[FileChange, ...]:
        changes = asyncio.run(self.snapshots.survey(self.progress.append))
        self.snapshots.settle()
        return changes

    def undo(self, changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
        """Takes all of ``changes`` back, as nothing stands against it; gives what that changes."""
        changes = tuple(changes)
        plan = plan_rewind(changes, self.snapshots.look(changed_paths(changes)))
        assert plan.conflicts == ()
        for change in plan.changes:
            self.snapshots.restore(change)
        return plan.changes

    def state(self, name: str) -> FileState | None:
        path = str(self.root / name)
        return self.snapshots.look([path])[path]


def rig_in(place: Path) -> Rig:
    root, outside = place / "project", place / "out"
    root.mkdir()
    outside.mkdir()
    return Rig(root, outside, Snapshots((root,), place / "kept" / "store"))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = rig_in(tmp_path)
    yield rig
    rig.snapshots.close()


@pytest.fixture
def plain_rig() -> Iterator[Rig]:
    """As a user whom the marks of files bind: root becomes another one for it."""
    with tempfile.TemporaryDirectory() as place:
        as_root = os.geteuid() == 0
        if as_root:
            os.chown(place, 10001, 10001)
            os.setegid(10001)
            os.seteuid(10001)
        try:
            rig = rig_in(Path(place).resolve())
            yield rig
            rig.snapshots.close()
        finally:
            if as_root:
                os.seteuid(0)
                os.setegid(0)
