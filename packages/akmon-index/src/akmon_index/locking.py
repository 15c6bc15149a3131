"""Locks between processes on a file beside the index; the system lets go of them when a process ends."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_STEP_SECONDS = 0.01


class FileLock:
    """A lock on ``path``, which is made if it is not there. Raises ``OSError`` where it cannot be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, *, shared: bool = False, wait: float = 0.0) -> bool:
        """Whether it is ours now, or becomes so within ``wait`` seconds."""
        self.release()
        self._file = os.open(self._path, _FLAGS, 0o600)
        end = time.monotonic() + wait
        while not _lock(self._file, shared):
            if time.monotonic() >= end:
                self.release()
                return False
            time.sleep(_STEP_SECONDS)
        return True

    def release(self) -> None:
        """Does nothing for a lock that is not ours."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int, shared: bool) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            if not shared:  # there, what others have open cannot be deleted anyway
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
