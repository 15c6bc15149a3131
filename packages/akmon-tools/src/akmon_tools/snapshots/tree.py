"""What was seen below one root: each entry's stamp, which changes when the entry does, and its content."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

from akmon_core.files import FileState

Stamp: TypeAlias = tuple[int, int, int, int, int]
"""Mode, size, time of the last change of the content and of the entry in ns, inode.

A time of the entry of -1 makes a stamp that no entry has.
"""
Why: TypeAlias = Literal["", "rule", "kind", "large", "many", "unreadable"]
"""Why an entry is not covered: it is named by a rule; it is no file, link or folder; and so on."""
UNUSUAL: tuple[Why, ...] = ("large", "many", "unreadable")


class Entry(NamedTuple):
    """One name in a folder. ``content`` is a file's hash, where a link points, or empty for a folder."""

    stamp: Stamp
    content: str | None
    """None is not covered."""
    why: Why = ""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.stamp[0])

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.stamp[0])


def stamp_of(seen: os.stat_result) -> Stamp:
    return (seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)


def doubtful(stamp: Stamp) -> Stamp:
    """The stamp for what has to be looked at again in any case."""
    return (*stamp[:3], -1, stamp[4])


def state_of(entry: Entry | None) -> FileState | None:
    """As it is reported. What is not covered counts as nothing."""
    if entry is None or entry.content is None:
        return None
    mode = stat.S_IMODE(entry.stamp[0])
    if entry.is_folder:
        return FileState("folder", mode=mode)
    if entry.is_file:
        return FileState("file", entry.content, mode)
    return FileState("link", entry.content)


def split(path: str) -> tuple[str, str]:
    """The folder and the name of a path below the root, which is ``""`` itself."""
    folder, _, name = path.rpartition("/")
    return folder, name


def join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


class Tree:
    """Entries by folder, then by name. Paths are those below the root, with slashes."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, Entry]] = {"": {}}
        self.files = 0
        """Covered files, and their bytes together."""
        self.bytes = 0
        self.unusual: dict[str, Why] = {}
        """What is not covered for another reason than a rule."""

    def get(self, path: str) -> Entry | None:
        folder, name = split(path)
        return self.folders.get(folder, {}).get(name)

    def update(self, entries: Mapping[str, Entry | None]) -> None:
        """Takes in what was seen; None is gone. What lies below an entry is not touched."""
        for path, entry in entries.items():
            folder, name = split(path)
            self._count(self.folders.get(folder, {}).get(name), -1)
            self._count(entry, 1)
            self.unusual.pop(path, None)
            if entry is None:
                self.folders.get(folder, {}).pop(name, None)
                self.folders.pop(path, None)
                continue
            self.folders.setdefault(folder, {})[name] = entry
            if entry.why in UNUSUAL:
                self.unusual[path] = entry.why

    def below(self, path: str) -> Iterator[str]:
        """All that is known below a folder, each folder before what lies in it."""
        for name in self.folders.get(path, ()):
            inner = join(path, name)
            yield inner
            yield from self.below(inner)

    def _count(self, entry: Entry | None, sign: int) -> None:
        if entry is not None and entry.content is not None and entry.is_file:
            self.files += sign
            self.bytes += sign * entry.stamp[1]
