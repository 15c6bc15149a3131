"""Files that say what akmon may do: written whole, by one process at a time, for their owner's eyes only."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from akmon_core.errors import SettingsError
from akmon_core.text import one_line

_WAIT_SECONDS = 10.0
"""For another process that is writing; it takes milliseconds."""
_OTHERS = 0o002


def changeable_by_others(path: Path) -> bool:
    """Whether some other user of the machine (but its administrator) could have written what ``path`` says.

    A file that is not there is nobody's.
    """
    if sys.platform == "win32":
        return False
    try:
        status = path.stat()
    except OSError:
        return False
    return bool(status.st_mode & _OTHERS) or status.st_uid not in (0, os.geteuid())


def changeable_warning(path: Path) -> tuple[str, ...]:
    """What to tell the person of a settings file that others can change."""
    if not changeable_by_others(path):
        return ()
    name = one_line(str(path), 300)
    return (f"{name} can be changed by other users of this machine. Make it yours alone: chmod 600 on it.",)


def refuse_changeable(path: Path) -> None:
    """Raises ``SettingsError`` if others can change ``path``, so that it could allow what nobody has."""
    if changeable_by_others(path):
        name = one_line(str(path), 300)
        raise SettingsError(
            f"{name} can be changed by other users of this machine, so nothing in it counts. "
            "Look at what it says, then make it yours alone: chmod 600 on it."
        )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes of akmon from changing ``path`` meanwhile. Raises ``SettingsError``."""
    name = one_line(str(path), 300)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | _CLOSED, 0o600)
    except OSError as error:
        raise SettingsError(f"{name} cannot be changed: {error.strerror}.") from None
    try:
        end = time.monotonic() + _WAIT_SECONDS
        while not _lock(lock):
            if time.monotonic() > end:
                raise SettingsError(f"{name} cannot be changed: another akmon is writing it. Try again.")
            time.sleep(0.01)
        yield
    finally:
        os.close(lock)


def write_private(path: Path, data: bytes) -> None:
    """Makes ``path`` hold ``data``, at once and for its owner only; a link stays one.

    Raises ``SettingsError``.
    """
    write_whole(path, data, 0o600)


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """As ``write_private``, with the permissions ``mode`` less what the process leaves out of new files."""
    real = Path(os.path.realpath(path))
    temporary = real.with_name(f".{real.name}.{os.getpid()}.new")
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOSED, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(real)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise SettingsError(f"{one_line(str(path), 300)} cannot be written: {error.strerror}.") from None


def read_private(path: Path, cap: int) -> bytes | None:
    """What ``path`` holds, None if it is not there.

    Raises ``SettingsError`` if it cannot be read, is larger than ``cap`` bytes, or others can change it.
    """
    name = one_line(str(path), 300)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _CLOSED)
        with os.fdopen(descriptor, "rb") as file:
            ordinary = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(cap + 1) if ordinary else b""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}.") from None
    if not ordinary:
        raise SettingsError(f"{name} cannot be read: it is not an ordinary file.")
    if len(data) > cap:
        raise SettingsError(f"{name} is larger than {cap:,} bytes.")
    refuse_changeable(path)
    return data


_CLOSED = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def _lock(descriptor: int) -> bool:
    """Whether the lock is now ours; the system lets go of it when the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
