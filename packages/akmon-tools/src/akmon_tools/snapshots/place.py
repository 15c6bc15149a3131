"""Looks at one file, link or folder, and makes of it what it was. Follows no link on the way."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from akmon_core.errors import ToolError
from akmon_core.files import FileState, same
from akmon_core.limits import EDITABLE_BYTES
from akmon_tools.anchored import Folder, open_folder, temporary_name
from akmon_tools.snapshots.tree import Stamp, stamp_of

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_PATH = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
UNKNOWN: Final = FileState("file")
"""What cannot be kept: a pipe, a file that is too large or cannot be read. No file is like it."""


class Present(NamedTuple):
    """What is there now."""

    state: FileState | None
    data: bytes | None = None
    """A file's content."""
    stamp: Stamp | None = None
    owner: tuple[int, int] = (-1, -1)


def look(root: Path, parts: tuple[str, ...]) -> Present:
    """What ``parts`` below ``root`` is now. Raises ``OSError``."""
    try:
        with open_folder(root, parts[:-1]) as folder:
            return _look_in(folder, parts[-1])
    except OSError as error:
        if error.errno in _NO_PATH:
            return Present(None)
        raise


def put(
    root: Path, parts: tuple[str, ...], before: FileState | None, after: FileState | None, data: bytes
) -> None:
    """Makes what is ``before`` to ``after``, a file with content ``data``, if it is not that already.

    Folders on the way are made. A folder is removed only if it is empty, and stays otherwise. Raises
    ``OSError``, and ``ToolError`` if it is neither.
    """
    with open_folder(root, parts[:-1], create=after is not None) as folder:
        now = _look_in(folder, parts[-1])
        if same(now.state, after):
            return
        if now.state == UNKNOWN:
            raise ToolError("what is there cannot be kept.")
        if not same(now.state, before):
            raise ToolError("it is no longer what it was.")
        with _writable(folder):
            _replace(folder, parts[-1], now, after, data)


def _look_in(folder: Folder, name: str) -> Present:
    try:
        seen = os.stat(folder.at(name), dir_fd=folder.fd, follow_symlinks=False)
        stamp, owner, mode = stamp_of(seen), (seen.st_uid, seen.st_gid), stat.S_IMODE(seen.st_mode)
        if stat.S_ISDIR(seen.st_mode):
            return Present(FileState("folder", mode=mode), None, stamp, owner)
        if stat.S_ISLNK(seen.st_mode):
            target = os.readlink(folder.at(name), dir_fd=folder.fd)
            return Present(_link(target), None, stamp, owner)
    except FileNotFoundError:
        return Present(None)
    data = _read(folder, name) if stat.S_ISREG(seen.st_mode) else None
    if data is None:
        return Present(UNKNOWN, None, stamp, owner)
    return Present(FileState("file", hashlib.sha256(data).hexdigest(), mode), data, stamp, owner)


def _link(target: str) -> FileState:
    try:
        target.encode()
    except UnicodeEncodeError:
        return UNKNOWN
    return FileState("link", target)


def _read(folder: Folder, name: str) -> bytes | None:
    try:
        fd = os.open(folder.at(name), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS, dir_fd=folder.fd)
    except PermissionError:
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read(EDITABLE_BYTES + 1)
    return data if len(data) <= EDITABLE_BYTES else None


def _replace(folder: Folder, name: str, now: Present, after: FileState | None, data: bytes) -> None:
    was_folder = now.state is not None and now.state.kind == "folder"
    if after is None:
        _unchanged(folder, name, now)
        _remove(folder, name, was_folder)
    elif now.state is not None and (now.state.kind, now.state.content) == (after.kind, after.content):
        _set_mode(folder, name, after.mode)
    elif after.kind == "folder":
        _unchanged(folder, name, now)
        if now.state is not None:
            os.unlink(folder.at(name), dir_fd=folder.fd)
        os.mkdir(folder.at(name), dir_fd=folder.fd)
        _set_mode(folder, name, after.mode)
    else:
        temporary = _prepare(folder, now, after, data)
        try:
            _unchanged(folder, name, now)
            if was_folder:
                os.rmdir(folder.at(name), dir_fd=folder.fd)
            os.replace(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        except BaseException:
            os.unlink(folder.at(temporary), dir_fd=folder.fd)
            raise


def _unchanged(folder: Folder, name: str, now: Present) -> None:
    """Raises ``ToolError`` if it is not what it was a moment ago."""
    try:
        stamp = stamp_of(os.stat(folder.at(name), dir_fd=folder.fd, follow_symlinks=False))
    except FileNotFoundError:
        stamp = None
    if stamp != now.stamp:
        raise ToolError("it has just been changed.")


def _remove(folder: Folder, name: str, is_folder: bool) -> None:
    if not is_folder:
        os.unlink(folder.at(name), dir_fd=folder.fd)
        return
    try:
        os.rmdir(folder.at(name), dir_fd=folder.fd)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _prepare(folder: Folder, now: Present, after: FileState, data: bytes) -> str:
    """Makes what is to come under a name that is not used, and gives the name."""
    temporary = temporary_name()
    if after.kind == "link":
        os.symlink(after.content, folder.at(temporary), dir_fd=folder.fd)
        return temporary
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
    mode = 0o666 if after.mode is None else 0o600
    fd = os.open(folder.at(temporary), flags, mode, dir_fd=folder.fd)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            if now.owner != (-1, -1) and hasattr(os, "fchown"):
                with suppress(PermissionError):
                    os.fchown(file.fileno(), *now.owner)
            if after.mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), after.mode)
            os.fsync(file.fileno())
        if after.mode is not None and not hasattr(os, "fchmod"):
            Path(folder.at(temporary)).chmod(after.mode)
    except BaseException:
        os.unlink(folder.at(temporary), dir_fd=folder.fd)
        raise
    return temporary


def _set_mode(folder: Folder, name: str, mode: int | None) -> None:
    if mode is None:
        return
    if folder.fd is None:
        Path(folder.at(name)).chmod(mode)
    elif os.chmod in os.supports_follow_symlinks:
        os.chmod(name, mode, dir_fd=folder.fd, follow_symlinks=False)
    else:
        fd = os.open(name, os.O_PATH | _FLAGS, dir_fd=folder.fd)
        try:
            _chmod_open(fd, mode)
        finally:
            os.close(fd)


def _chmod_open(fd: int, mode: int) -> None:
    """Of a descriptor that was opened without a right to read."""
    if stat.S_ISLNK(os.fstat(fd).st_mode):
        raise OSError(errno.ELOOP, "is a symbolic link")
    if hasattr(os, "O_PATH"):
        Path(f"/proc/self/fd/{fd}").chmod(mode)
    else:
        os.fchmod(fd, mode)


@contextmanager
def _writable(folder: Folder) -> Iterator[None]:
    """One's own folder that is marked read-only, as long as an entry is put in its place."""
    if folder.fd is None:
        yield
        return
    seen = os.fstat(folder.fd)
    mode = stat.S_IMODE(seen.st_mode)
    if mode & 0o300 == 0o300 or seen.st_uid != os.geteuid():
        yield
        return
    _chmod_open(folder.fd, mode | 0o300)
    try:
        yield
    finally:
        _chmod_open(folder.fd, mode)
