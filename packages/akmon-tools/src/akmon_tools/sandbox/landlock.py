"""Landlock by system calls: which files this process, and all that it starts, may still open.

Needs the standard library alone, as it is used by the bare interpreter that starts a command.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH, _VERSION, _NO_NEW_PRIVILEGES = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
READ = _EXECUTE | _READ_FILE | _READ_FOLDER
DEVICE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL
WRITE = (1 << 16) - 1
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_TCP = 1 | 2
_ABSTRACT_SOCKETS_AND_SIGNALS = 1 | 2
LEAST_ABI = 3
"""The first that governs truncation (Linux 6.2)."""


def abi() -> int:
    """The version that this kernel offers; 0 is none."""
    try:
        return _call(_CREATE, None, 0, _VERSION)
    except OSError:
        return 0


def enforce(rules: Iterable[tuple[str, int]]) -> None:
    """From now on only what ``rules`` say: a path and what may be done with it and everything below it.

    A path that is gone, or is a link, grants nothing. TCP, abstract sockets and signals to processes outside
    are refused where the kernel can. Raises ``OSError``.
    """
    version = abi()
    if version < LEAST_ABI:
        raise OSError(errno.ENOSYS, f"Landlock has version {version} here, and {LEAST_ABI} is needed")
    files = WRITE if version >= 5 else WRITE & ~_IOCTL
    handled = struct.pack("=Q", files)
    if version >= 4:
        handled += struct.pack("=Q", _TCP)
    if version >= 6:
        handled += struct.pack("=Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = _call(_CREATE, handled, len(handled), 0)
    for path, access in rules:
        _add(ruleset, path, access & files)
    if _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(errno.EPERM, "cannot give up new privileges")
    _call(_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _add(ruleset: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        mode = os.fstat(place).st_mode
        if not stat.S_ISLNK(mode):
            rule = struct.pack("=Qi", access if stat.S_ISDIR(mode) else access & _OF_FILES, place)
            _call(_ADD, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(place)


def _libc() -> ctypes.CDLL:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: int | bytes | None) -> int:
    import ctypes

    typed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = _libc().syscall(ctypes.c_long(number), *typed)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
