"""What the commands of an agent hand on from one to the next: the folder and the exported variables."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.text import one_line
from akmon_tools.environment import carried
from akmon_tools.workspace import Workspace

_NAME_CHARS = 60


class ShellState(msgspec.Struct, frozen=True):
    """What a shell left. None is unknown."""

    cwd: Path | None
    exported: dict[str, str] | None
    ended: int = 0
    """Processes that ended with the shell, as all in its sandbox do."""


def _as_it_is(folder: Path) -> Path | None:
    return folder


class ShellMemory:
    """Where the next command of an agent starts, and with which variables."""

    def __init__(self, cwd: Path, environment: dict[str, str]) -> None:
        self._cwd = cwd
        self._initial = environment
        self._told: set[str] = set()
        self.exported = environment

    def next(self, workspace: Workspace, outside: Callable[[Path], Path | None] = _as_it_is) -> Path:
        """Where the next command would start now, see ``folder``."""
        there = outside(self._cwd)
        return self._cwd if there and there.is_dir() else self._nearest(workspace)

    def folder(
        self, workspace: Workspace, notes: list[str], outside: Callable[[Path], Path | None] = _as_it_is
    ) -> Path:
        """Where the next command starts. Raises ``ToolError`` if the project folder is gone.

        If the remembered folder is gone, it is the nearest one in the project, and ``notes`` says so.
        ``outside`` says where a folder lies that commands see.
        """
        gone, self._cwd = self._cwd, self.next(workspace, outside)
        if self._cwd != gone:
            notes.append(f"{workspace.show(gone)} is gone; started in {self._cwd}")
            self.exported = {name: value for name, value in self.exported.items() if name != "PWD"}
        return self._cwd

    def _nearest(self, workspace: Workspace) -> Path:
        for folder in (*self._cwd.parents, workspace.cwd):
            inside = any(folder.is_relative_to(root) for root in workspace.roots)
            if inside and folder.is_dir():
                return folder
        raise ToolError(f"the project folder {workspace.cwd} is gone.")

    def keep(self, left: ShellState | None) -> list[str]:
        """Takes over what an ended command left; says what it does not take over, each name once."""
        if left is None:
            return []
        self._cwd = left.cwd or self._cwd
        lost: list[str] = []
        if left.exported is not None:
            self.exported, lost = carried(self._initial, left.exported)
        self.exported = {**self.exported, "PWD": os.fspath(self._cwd)}  # the name it was reached by
        new = [one_line(name, _NAME_CHARS) for name in lost if name not in self._told]
        self._told.update(lost)
        notes = [f"not kept for later commands: {', '.join(new)}"] if new else []
        if left.ended:
            count = f"{left.ended} process{'es' * (left.ended > 1)}"
            notes.append(f"{count} left running ended with the command; `background` keeps them")
        return notes

    def place(self, workspace: Workspace) -> str:
        """Where the next command starts, if that is not where the first one did."""
        return "" if self._cwd == workspace.cwd else workspace.show(self._cwd)
