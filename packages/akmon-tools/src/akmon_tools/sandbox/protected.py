"""Finds what commands may not change inside the project: whatever makes other programs run something."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from akmon_core.limits import SANDBOX_FOLDERS, SANDBOX_PROTECTED
from akmon_core.permissions import PROTECTED
from akmon_tools.sandbox.placeholders import Placeholders
from akmon_tools.sandbox.repositories import repository

OWN = ".akmon"
WRITABLE = ("plans", "specs")
"""What of our own folder a command may write: documents that people and models work on."""
HELD = PROTECTED - frozenset(
    (
        *(".venv", "venv", "pyvenv.cfg", "sitecustomize.py", "usercustomize.py"),
        *(".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn", ".pnpmfile.cjs", ".pnpmfile.mjs"),
        *(".gitattributes", ".gitlab-ci.yml", ".pre-commit-config.yaml"),
        *("agents.md", "claude.md", "akmon.md", "agents.override.md"),
    )
)
"""Names of what no command may change: not what package managers write, and not what git often changes when
it goes to another commit, which would then fail halfway. Other tools ask before they write there."""
_SKIPPED = frozenset(("node_modules", ".venv", "venv", "__pycache__", "target", ".tox", ".mypy_cache"))
"""Folders that programs fill, and that no editor or git looks for settings in."""


class Protected(msgspec.Struct, frozen=True):
    """What is to stay as it is in the folders that may be written."""

    there: tuple[Path, ...] = ()
    """Files and folders that may not be changed."""
    links: tuple[Path, ...] = ()
    """Symbolic links in the place of such, which cannot be made read-only themselves."""
    writable: tuple[Path, ...] = ()
    """Folders inside ``there`` that may be written all the same."""
    folders: tuple[Path, ...] = ()
    """Folders that may be written and not be moved; outside the roots they are those of git."""
    missing: tuple[Path, ...] = ()
    """Folders that may not come into being."""

    @property
    def entries(self) -> frozenset[Path]:
        return frozenset((*self.there, *self.links))


_Folder: TypeAlias = tuple[int, list[Path], list[str]]
"""When it was changed last, what has a protected name in it, other folders in it. Only the system itself sets
the time of a change."""


class Survey:
    """Looks through ``roots`` again and again; a folder is read anew only when it has changed."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self.placeholders = Placeholders(roots)
        """Count as missing."""
        self._known: dict[str, _Folder] = {}
        self._last = Protected()
        self._marks: tuple[Path, ...] = ()
        self._sign: tuple[tuple[Path, ...], tuple[int, ...]] | None = None

    def look(self) -> Protected:
        named = tuple(path for path in self._named() if path not in self.placeholders)
        sign = (named, tuple(map(_changed, self._marks)))
        if sign == self._sign:
            return self._last
        found = self._found(named)
        marks = (*found.there, *found.links, *found.folders)
        # What changes while it is looked at must not be taken for looked at.
        self._sign = sign if marks == self._marks else None
        self._marks, self._last = marks, found
        return found

    def _found(self, all_named: Sequence[Path]) -> Protected:
        there: list[Path] = []
        links: list[Path] = []
        writable: list[Path] = []
        folders: list[Path] = []
        missing = [
            root / name for root in self._roots for name in (".git", OWN) if self._missing(root / name)
        ]
        for named in all_named:
            path = self._real(named, links)
            if path and named.name == ".git":
                found = repository(path, self._roots)
                folders += found.folders
                there += [] if path.is_dir() else [path]
                parts = [real for part in found.parts if (real := self._real(part, links))]
                there += [part for part in parts if not self._missing(part)]
                missing += [part for part in parts if part.name == "hooks" and self._missing(part)]
            elif path:
                there.append(path)
                if path.name == OWN:
                    writable += [path / name for name in WRITABLE if _is_folder(path / name)]
        kept = there[:SANDBOX_PROTECTED]
        return Protected(tuple(kept), tuple(links), tuple(writable), tuple(folders), tuple(missing))

    def _missing(self, path: Path) -> bool:
        return path in self.placeholders or not os.path.lexists(path)

    def _real(self, path: Path, links: list[Path]) -> Path | None:
        """Where ``path`` lies, if it can be written there at all. A link on the way is noted, too."""
        if not path.is_symlink():
            return path
        links.append(path)
        real = path.resolve()
        return real if any(real.is_relative_to(root) for root in self._roots) and real.exists() else None

    def _named(self) -> Iterator[Path]:
        """Everything with a protected name, that of the roots themselves first."""
        seen: dict[str, _Folder] = {}
        level = [str(root) for root in self._roots]
        while level and len(seen) < SANDBOX_FOLDERS:
            below: list[str] = []
            for folder in level[: SANDBOX_FOLDERS - len(seen)]:
                with suppress(OSError):
                    seen[folder] = self._read(folder)
                    yield from seen[folder][1]
                    below += seen[folder][2]
            level = below
        self._known = seen

    def _read(self, folder: str) -> _Folder:
        changed = os.lstat(folder).st_ctime_ns
        known = self._known.get(folder)
        if known and known[0] == changed:
            return known
        named: list[str] = []
        folders: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.casefold() in HELD:
                    named.append(entry.path)
                elif entry.name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
        return changed, [Path(path) for path in sorted(named)], sorted(folders)


def _changed(path: Path) -> int:
    """When, by the system's own account; 0 if it is gone."""
    try:
        return os.lstat(path).st_ctime_ns
    except OSError:
        return 0


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
