"""What a survey leaves out: version control, what programs make again, what .gitignore files say."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from akmon_tools.gitignore import Ignored
from akmon_tools.snapshots.tree import split, stamp_of

VERSION_CONTROL = frozenset((".git", ".hg", ".svn", ".jj"))
"""Never covered, be it a folder or, as in a work tree, a file."""
REMADE = frozenset(
    (
        "node_modules",
        ".venv",
        "venv",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".cache",
        ".gradle",
        ".hypothesis",
    )
)
"""Folders that programs make again, not covered also where no .gitignore says so."""


class Rules:
    """For one walk through ``root``; of the folders ``apart`` nothing is covered."""

    def __init__(self, root: Path, apart: frozenset[Path]) -> None:
        self._root = root
        self._apart = apart
        self._ignored: dict[str, Ignored] = {}

    def leave_out(self, folder: str, name: str, is_folder: bool) -> bool:
        """Whether ``name`` in ``folder`` is not covered."""
        if name.startswith(".akmon-") and name.endswith(".tmp"):
            return True  # a file that is being written, or was as its process was killed
        if name in VERSION_CONTROL or (is_folder and name in REMADE):
            return True
        if is_folder and self._apart and self._root.joinpath(folder, name) in self._apart:
            return True
        return self._ignored_in(folder).ignores(name, is_folder)

    def _ignored_in(self, folder: str) -> Ignored:
        ignored = self._ignored.get(folder)
        if ignored is None:
            above, name = split(folder)
            ignored = self._ignored_in(above).folder((name,)) if folder else Ignored(self._root)
            self._ignored[folder] = ignored
        return ignored


def outer_rules(root: Path) -> str:
    """Changes with the rules from outside ``root``, and its repository's own, that count in it."""
    found = []
    for folder in (root, *root.parents):
        is_top = os.path.lexists(folder / ".git")
        for file in (".gitignore", ".git/info/exclude"):
            with suppress(OSError):
                found.append((str(folder), file, *stamp_of((folder / file).lstat())))
        if is_top:
            return str(found)
    return ""
