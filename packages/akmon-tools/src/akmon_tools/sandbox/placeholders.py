"""Empty folders that are there while commands run, so that none of them can make one with that name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

NAMES = (".git", ".akmon", ".git/hooks")
_CHANGED = 1_000_000_007
"""The time of the last change of such a folder, in seconds; by it, those of a killed session are known."""


class Placeholders:
    """A folder belongs to ``roots``, where none of a session that was killed is left from now on."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._held: set[Path] = set()
        for root in roots:
            for name in reversed(NAMES):
                _remove(root / name)

    def __contains__(self, path: Path) -> bool:
        return path in self._held

    def hold(self, path: Path) -> bool:
        """Whether an empty folder is there now; not if something else is."""
        if path in self._held:
            return True
        with suppress(OSError):
            path.mkdir(mode=0o755)
            self._held.add(path)
            os.utime(path, (_CHANGED, _CHANGED))
            return True
        return False

    def release(self) -> None:
        """Removes them. What somebody has put something into meanwhile stays."""
        for path in sorted(self._held, reverse=True):
            _remove(path)
        self._held.clear()


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.lstat().st_mtime_ns == _CHANGED * 10**9:
            path.rmdir()
