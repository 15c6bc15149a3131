"""Puts back what a command has changed of protected files where the system itself does not prevent it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.limits import SANDBOX_KEPT_BYTES, SANDBOX_PROTECTED
from akmon_core.text import one_line
from akmon_tools.anchored import open_folder
from akmon_tools.sandbox.protected import OWN, WRITABLE, Protected
from akmon_tools.sandbox.repositories import innocent

_NAME_CHARS = 200


class _Kept(msgspec.Struct, frozen=True):
    """A file, folder or link as it is to be. ``sign`` changes with it, and no program can hide that."""

    mode: int
    sign: tuple[int, ...]
    content: bytes | None
    """Of a file, or where a link leads; None of what cannot be kept, such as a file that is too large."""


class Guard:
    """Over the folders ``roots``. What is in the way of what was there goes to ``aside``: nothing is lost."""

    def __init__(self, roots: Iterable[Path], aside: Path | None = None) -> None:
        self._roots = tuple(roots)
        self._aside = aside
        self._entries: frozenset[Path] = frozenset()
        self._kept: dict[Path, _Kept] = {}

    def take(self, found: Protected, watched: Iterable[Path]) -> None:
        """This is how things are to be: ``watched`` with all that is in it, and no entry but ``found``."""
        self._entries = found.entries
        before = self._kept
        self._kept = {}
        room = SANDBOX_KEPT_BYTES
        for path in watched:
            for each in _whole(path):
                kept = _look(each, before.get(each), room)
                if kept:
                    self._kept[each] = kept
                    room -= len(kept.content or b"")

    def settle(self, found: Protected) -> tuple[str, ...]:
        """Makes it so again. Gives what was done, in words for the model."""
        notes = [self._remove(path) for path in sorted(found.entries - self._entries) if not innocent(path)]
        changed = [path for path, kept in self._kept.items() if not _same(path, kept)]
        notes += [self._put_back(path) for path in changed]
        for entry in {path for path in self._kept if path in self._entries}:
            if entry.is_dir() and not entry.is_symlink():
                notes += [self._remove(new) for new in _whole(entry) if new not in self._kept]
        return tuple(note for note in notes if note)

    def _remove(self, path: Path) -> str:
        if not os.path.lexists(path):  # it went with the folder that it was in
            return ""
        name = one_line(str(path), _NAME_CHARS)
        try:
            place = self._put_aside(path)
        except OSError as error:
            return (
                f"{name} is protected, and what the command put there could not be removed: {error.strerror}"
            )
        return f"{name} is protected: what the command put there was moved to {place}"

    def _put_back(self, path: Path) -> str:
        kept = self._kept[path]
        name = one_line(str(path), _NAME_CHARS)
        try:
            with open_folder(*_anchor(path.parent, self._roots), create=True) as folder:
                if not (stat.S_ISDIR(kept.mode) and _is_folder(path)):
                    if os.path.lexists(path):
                        self._put_aside(path)
                    _make(folder.at(path.name), folder.fd, kept)
                if not stat.S_ISLNK(kept.mode):
                    os.chmod(folder.at(path.name), stat.S_IMODE(kept.mode), dir_fd=folder.fd)
        except OSError as error:
            return f"{name} is protected, and could not be put back: {error.strerror}"
        current = _look(path, None, SANDBOX_KEPT_BYTES)
        self._kept[path] = msgspec.structs.replace(kept, sign=current.sign if current else kept.sign)
        if kept.content is None:
            return f"{name} is protected and was changed, and could not be kept to be put back"
        return f"{name} is protected: what the command did to it was undone"

    def _put_aside(self, path: Path) -> Path:
        """Renames it within its folder first, as a rename follows no link in its last part."""
        if self._aside is None:
            self._aside = Path(tempfile.mkdtemp(prefix="akmon-aside-"))
        self._aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = sum(1 for _ in self._aside.iterdir())
        place = self._aside / f"{number + 1}-{path.name}"
        with open_folder(*_anchor(path.parent, self._roots)) as folder:
            _move(folder.at(path.name), folder.fd, place)
        return place


def _move(name: str, fd: int | None, place: Path) -> None:
    try:
        os.rename(name, place, src_dir_fd=fd)
    except OSError:  # another file system
        import shutil

        source = Path(f"/proc/self/fd/{fd}", name) if fd is not None else Path(name)
        shutil.move(source, place)


def _make(name: str, fd: int | None, kept: _Kept) -> None:
    if stat.S_ISDIR(kept.mode):
        os.mkdir(name, dir_fd=fd)
    elif stat.S_ISLNK(kept.mode):
        os.symlink(kept.content or b"", name, dir_fd=fd)
    elif kept.content is not None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=fd), "wb") as file:
            file.write(kept.content)


def _whole(path: Path) -> Iterator[Path]:
    """``path`` and all below it, in no link and in nothing of ours that may be written."""
    count = 0
    waiting = [path]
    while waiting and count < SANDBOX_PROTECTED:
        each = waiting.pop()
        if not os.path.lexists(each):
            continue
        count += 1
        yield each
        if _is_folder(each):
            with suppress(OSError), os.scandir(each) as entries:
                waiting += sorted(
                    (Path(entry.path) for entry in entries if each.name != OWN or entry.name not in WRITABLE),
                    reverse=True,
                )


def _look(path: Path, known: _Kept | None, room: int) -> _Kept | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    sign = _sign(status)
    if known and known.sign == sign:
        return known
    content: bytes | None = b""
    if stat.S_ISLNK(status.st_mode):
        content = os.fsencode(os.readlink(path))  # noqa: PTH115
    elif stat.S_ISREG(status.st_mode):
        content = _read(path) if status.st_size <= room else None
    elif not stat.S_ISDIR(status.st_mode):
        content = None
    return _Kept(status.st_mode, sign, content)


def _same(path: Path, kept: _Kept) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    if _sign(status) == kept.sign:
        return True
    now = _look(path, None, SANDBOX_KEPT_BYTES)
    return bool(now and now.mode == kept.mode and now.content is not None and now.content == kept.content)


def _sign(status: os.stat_result) -> tuple[int, ...]:
    """The time of the last change is set by the system alone. A folder's is that of its entries, too."""
    if stat.S_ISDIR(status.st_mode):
        return (status.st_ino, status.st_mode)
    return (status.st_ino, status.st_mode, status.st_size, status.st_ctime_ns)


def _read(path: Path) -> bytes | None:
    try:
        with os.fdopen(
            os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK), "rb"
        ) as file:
            return file.read()
    except OSError:
        return None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _anchor(folder: Path, roots: tuple[Path, ...]) -> tuple[Path, tuple[str, ...]]:
    """A folder that a command cannot replace, and the way from there."""
    for root in roots:
        if folder.is_relative_to(root):
            return root, folder.relative_to(root).parts
    return folder, ()
