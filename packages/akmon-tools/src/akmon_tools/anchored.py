"""Opens, replaces and removes files below a root without following any symbolic link on the way.

A path is checked before it is used, and between the two another process may put a link in its place.
Here each folder is opened from the one above it and a link is refused at every step, so what is
opened lies where the path says. Systems without ``openat`` (Windows) get plain paths instead.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

_ANCHORED = os.open in os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _NO_LINK


_TEMPORARY = re.compile(r"\.akmon-([0-9]{1,10})-[0-9a-f]{16}\.tmp")


class Folder(msgspec.Struct, frozen=True):
    """An open folder. Give ``at(name)`` and ``dir_fd=fd`` to the functions of ``os``."""

    path: Path
    fd: int | None

    def at(self, name: str) -> str:
        return name if self.fd is not None else str(self.path / name)


@contextmanager
def open_folder(root: Path, parts: tuple[str, ...], *, create: bool = False) -> Iterator[Folder]:
    """The folder ``parts`` below ``root``, made if asked; what was made goes again if the work in it fails.

    Raises ``OSError``.
    """
    if not create:
        with _opened(root, parts, create=False) as folder:
            yield folder
        return
    there = _existing(root, parts)
    try:
        with _opened(root, parts, create=True) as folder:
            yield folder
    except BaseException:
        for depth in range(len(parts) - 1, there - 1, -1):
            with suppress(OSError), _opened(root, parts[:depth], create=False) as above:
                os.rmdir(above.at(parts[depth]), dir_fd=above.fd)
        raise


def _existing(root: Path, parts: tuple[str, ...]) -> int:
    """How many of ``parts`` are there."""
    depths = range(len(parts))
    return next((at for at in depths if not os.path.lexists(root.joinpath(*parts[: at + 1]))), len(parts))


@contextmanager
def _opened(root: Path, parts: tuple[str, ...], *, create: bool) -> Iterator[Folder]:
    path = root.joinpath(*parts)
    if not _ANCHORED:
        if create:
            path.mkdir(parents=True, exist_ok=True)
        yield Folder(path, None)
        return
    fd = os.open(root, _STEP)
    try:
        for part in parts:
            below = _step(fd, part, create)
            os.close(fd)
            fd = below
        yield Folder(path, fd)
    finally:
        os.close(fd)


def _step(fd: int, part: str, create: bool) -> int:
    try:
        return os.open(part, _STEP, dir_fd=fd)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(part, dir_fd=fd)
    return os.open(part, _STEP, dir_fd=fd)


def open_file(root: Path, parts: tuple[str, ...]) -> int:
    """A descriptor for reading the regular file ``parts`` below ``root``. Raises ``OSError``, never waits."""
    with open_folder(root, parts[:-1]) as folder:
        name = parts[-1] if parts else "."
        fd = os.open(folder.at(name), os.O_RDONLY | _NO_LINK | _NO_WAIT, dir_fd=folder.fd)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
    os.close(fd)
    raise (
        IsADirectoryError(errno.EISDIR, "is a folder")
        if is_folder
        else OSError(errno.ENXIO, "is not a regular file")
    )


def list_folder(root: Path, parts: tuple[str, ...]) -> list[str]:
    """The names in the folder ``parts`` below ``root``, sorted. Raises ``OSError``."""
    with open_folder(root, parts) as folder:
        if folder.fd is None:
            return sorted(os.listdir(folder.path))  # noqa: PTH208 - names are wanted, not paths
        fd = os.open(".", os.O_RDONLY, dir_fd=folder.fd)  # the folder itself is open without a right to read
        try:
            return sorted(os.listdir(fd))  # noqa: PTH208
        finally:
            os.close(fd)


def temporary_name() -> str:
    """A new name for what is to be renamed at once. It tells which process would have left it behind."""
    return f".akmon-{os.getpid()}-{os.urandom(8).hex()}.tmp"


def remove_leftovers(root: Path, parts: tuple[str, ...]) -> None:
    """Removes what processes that are dead had begun to write in a folder. Raises ``OSError``."""
    for name in list_folder(root, parts):
        match = _TEMPORARY.fullmatch(name)
        if match and not is_alive(int(match[1])):
            remove_file(root, (*parts, name))


def is_alive(pid: int) -> bool:
    """Whether a process of that number runs; where that cannot be told, yes."""
    if sys.platform == "win32":  # there the question would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def remove_file(root: Path, parts: tuple[str, ...]) -> None:
    """Removes the file, or the link itself, ``parts`` below ``root``. Raises ``OSError``."""
    with open_folder(root, parts[:-1]) as folder:
        os.unlink(folder.at(parts[-1]), dir_fd=folder.fd)


def replace_file(root: Path, parts: tuple[str, ...], data: bytes) -> None:
    """Puts ``data`` in the place of the file ``parts`` below ``root``, all of it or nothing.

    Folders on the way are made. A file that was there gives its mode and, where the system lets us,
    its owner to the new one; if it is a link or no regular file, or marked read-only, nothing happens.
    Another hard link to the old file keeps the old content. Raises ``OSError``.
    """
    with open_folder(root, parts[:-1], create=True) as folder:
        temporary = stage_file(folder, parts[-1], data)
        try:
            os.replace(folder.at(temporary), folder.at(parts[-1]), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        except BaseException:
            os.unlink(folder.at(temporary), dir_fd=folder.fd)
            raise


def stage_file(folder: Folder, name: str, data: bytes, like: os.stat_result | None = None) -> str:
    """Writes ``data`` to a new file beside the file ``name``, to be put in its place; gives the new name.

    It has the mode and owner of ``like``, else of the file that it is to replace. Raises ``OSError``, also
    if that may not be replaced, see ``replace_file``.
    """
    before = _replaceable(folder, name)
    like = like or before
    temporary = temporary_name()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
    mode = 0o666 if like is None else 0o600
    fd = os.open(folder.at(temporary), flags, mode, dir_fd=folder.fd)
    try:
        _fill(fd, data, like)
    except BaseException:
        os.unlink(folder.at(temporary), dir_fd=folder.fd)
        raise
    return temporary


def _replaceable(folder: Folder, name: str) -> os.stat_result | None:
    try:
        before = os.stat(folder.at(name), dir_fd=folder.fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(before.st_mode):
        raise OSError(errno.ELOOP, "is a symbolic link")
    if stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if not stat.S_ISREG(before.st_mode):
        raise OSError(errno.ENXIO, "is not a regular file")
    if not before.st_mode & 0o222:
        raise PermissionError(f"it is marked read-only (mode {stat.S_IMODE(before.st_mode):04o})")
    return before


def _fill(fd: int, data: bytes, before: os.stat_result | None) -> None:
    try:
        with os.fdopen(fd, "wb", closefd=False) as file:
            file.write(data)
        if before is not None and hasattr(os, "fchown"):
            with suppress(PermissionError):
                os.fchown(fd, before.st_uid, before.st_gid)
            os.fchmod(fd, stat.S_IMODE(before.st_mode))
        os.fsync(fd)
    finally:
        os.close(fd)
