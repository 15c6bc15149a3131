"""Empty folders that are there while commands run, so that none of them can make one with that name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from akmon_tools.anchored import is_alive

NAMES = (".git", ".akmon", ".git/hooks")
_CHANGED = 1_000_000_007 * 10**9
"""The time of the last change of such a folder, in nanoseconds, to which the number of the process is added:
by it, those of a process that was killed are known."""


class Placeholders:
    """A folder belongs to ``roots``, where none of a session that was killed is left from now on."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._held: set[Path] = set()
        remove_left(roots)

    def __contains__(self, path: Path) -> bool:
        return path in self._held

    def hold(self, path: Path) -> bool:
        """Whether an empty folder is there now; not if something else is."""
        if path in self._held:
            return True
        with suppress(OSError):
            path.mkdir(mode=0o755)
            self._held.add(path)
            os.utime(path, ns=(_CHANGED + os.getpid(),) * 2)
            return True
        return False

    def release(self) -> None:
        """Removes them. What somebody has put something into meanwhile stays."""
        for path in sorted(self._held, reverse=True):
            _remove(path)
        self._held.clear()


def remove_left(roots: Iterable[Path]) -> None:
    """Removes those that processes have left in ``roots`` that were killed."""
    for root in roots:
        for name in reversed(NAMES):
            with suppress(OSError):
                owner = (root / name).lstat().st_mtime_ns - _CHANGED
                if 0 < owner < 10**9 and not is_alive(owner):
                    (root / name).rmdir()


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.lstat().st_mtime_ns == _CHANGED + os.getpid():
            path.rmdir()
