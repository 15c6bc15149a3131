"""Locks a file for this process; the system lets go of it when the process ends, however it ends."""

from __future__ import annotations

import sys


def lock_file(fd: int) -> bool:
    """Whether the lock on the open file ``fd`` is now ours. Never waits."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
