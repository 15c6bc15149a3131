"""Finds what has changed below one root since it was last seen. Follows no link and never leaves the root."""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec

from akmon_core.files import FileState
from akmon_core.limits import EDITABLE_BYTES, SNAPSHOT_FILE_BYTES, SNAPSHOT_FILES, SNAPSHOT_TREE_BYTES
from akmon_tools.snapshots.rules import Rules
from akmon_tools.snapshots.tree import Entry, Stamp, Tree, doubtful, join, stamp_of, state_of

_RULES = frozenset((".gitignore", ".git"))
"""Where one of these appears, changes or goes, other entries may be ignored than before."""
_LISTING = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
_READING = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_BY_DESCRIPTOR = os.listdir in os.supports_fd and os.stat in os.supports_dir_fd
_LOCAL = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "tmpfs", "overlay"))
_COARSE = 2_000_000_000
_FINE = 20_000_000
"""Nanoseconds that two changes may have one time: of clocks in seconds or two, and of the kernel's ticks."""


class Seen(msgspec.Struct):
    """What a scan found: entries that are not as known, None for what is gone, and what to tell of it."""

    entries: dict[str, Entry | None] = {}
    changes: list[tuple[str, FileState | None, FileState | None]] = []
    """Path, what was known, what is now; only of entries that are and were covered, or are not there."""
    failed: list[str] = []
    """Folders that could not be listed; what is known of them holds on. ``""`` is the root itself."""


class _Task(NamedTuple):
    folder: str
    seen: os.stat_result
    silent: bool
    """Whether what is new here was perhaps there before."""
    judge: bool
    """Whether other rules may hold here than before."""
    listed: bool
    """Whether the names in it are those that are known."""


class Scan:
    """One walk through ``root``, whose entries so far are in ``tree``."""

    def __init__(
        self,
        root: Path,
        tree: Tree,
        keep: Callable[[bytes], str],
        *,
        apart: frozenset[Path] = frozenset(),
        stopped: Callable[[], bool] = lambda: False,
        progress: Callable[[int], None] = lambda _files: None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._tree = tree
        self._keep = keep
        self._stopped = stopped
        self._progress = progress
        self._began = now()
        self._files = tree.files
        self._bytes = tree.bytes
        self._rules = Rules(root, apart)
        self._device = -1
        """Where the times of a folder tell whether the names in it are as they were."""
        self._seen = Seen()

    def run(self, *, silent: bool, judge: bool) -> Seen | None:
        """What was found, or None if ``stopped``.

        ``silent`` tells no changes; ``judge`` asks all rules anew.
        """
        try:
            top = self._root.lstat()
        except OSError:
            self._seen.failed.append("")
            return self._seen
        self._device = top.st_dev if times_tell(self._root) else -1
        tasks = deque([_Task("", top, silent, judge, False)])
        while tasks:
            if self._stopped():
                return None
            tasks.extend(self._folder(tasks.popleft()))
        return self._seen

    # --- a folder -----------------------------------------------------------------------------------

    def _folder(self, task: _Task) -> list[_Task]:
        if task.listed and (folders := self._as_known(task.folder)) is not None:
            return folders
        path = self._root / task.folder
        fd = None
        try:
            if _BY_DESCRIPTOR:
                fd = os.open(path, _LISTING)
                if not os.path.samestat(os.fstat(fd), task.seen):
                    raise FileNotFoundError(path)  # another has taken its place, or one that a link leads to
            names = os.listdir(path if fd is None else fd)  # noqa: PTH208 - names are wanted, not paths
            return list(self._entries(task, names, _Place(path, fd)))
        except OSError as error:
            self._not_listed(task.folder, error)
            return []
        finally:
            if fd is not None:
                os.close(fd)

    def _as_known(self, folder: str) -> list[_Task] | None:
        """The folders in a folder whose names are known; None if an entry is not as known.

        This loop is what a survey spends its time in.
        """
        folders = []
        look, prefix = os.lstat, f"{self._root}{os.sep}{folder}{os.sep}"
        try:
            for name, (stamp, content, _) in self._tree.folders.get(folder, {}).items():
                s = look(prefix + name)
                if s.st_ctime_ns != stamp[3] or s.st_ino != stamp[4] or s.st_size != stamp[1]:
                    return None
                if content == "":
                    folders.append(_Task(f"{folder}/{name}", s, False, False, s.st_dev == self._device))
        except OSError:
            return None
        return folders

    def _not_listed(self, folder: str, error: OSError) -> None:
        """What is known of it holds on until it can be listed."""
        if not folder or isinstance(error, PermissionError):
            self._seen.failed.append(folder)
        entry = self._seen.entries.get(folder) or self._tree.get(folder)
        if entry is not None:
            self._seen.entries[folder] = entry._replace(stamp=doubtful(entry.stamp))

    def _entries(self, task: _Task, names: list[str], place: _Place) -> Iterator[_Task]:
        known = self._tree.folders.get(task.folder, {})
        found = _stats(names, place)
        gone = known.keys() - set(names)
        judge = task.judge or self._other_rules(known, found, gone)
        for name in sorted(gone):
            self._removed(join(task.folder, name), known[name])
        for name, seen in found.items():
            old = known.get(name)
            same = old is not None and old.stamp == stamp_of(seen)
            new = old if same and not judge else self._judged(task.folder, name, seen, old, place)
            if new is None:
                continue
            inner = join(task.folder, name)
            self._met(inner, old, new, task.silent)
            if new.is_folder and new.content is not None:
                silent = task.silent if old is None else old.content is None
                listed = same and not judge and seen.st_dev == self._device
                yield _Task(inner, seen, silent, judge, listed)

    def _other_rules(
        self, known: Mapping[str, Entry], found: Mapping[str, os.stat_result], gone: Collection[str]
    ) -> bool:
        """Whether entries may be ignored that were not, or the other way round."""
        if not _RULES.isdisjoint(gone) or (".git" in found and ".git" not in known):
            return True
        seen, old = found.get(".gitignore"), known.get(".gitignore")
        return seen is not None and (old is None or old.stamp != stamp_of(seen))

    def _removed(self, path: str, old: Entry) -> None:
        for inner in (path, *self._tree.below(path)):
            self._seen.entries[inner] = None
            if (state := state_of(self._tree.get(inner))) is not None:
                self._seen.changes.append((inner, state, None))

    def _met(self, path: str, old: Entry | None, new: Entry, silent: bool) -> None:
        if new is not old:
            self._seen.entries[path] = new
        before, after = state_of(old), state_of(new)
        if old is not None and old.is_folder and not (new.is_folder and after):
            for inner in self._tree.below(path):
                self._seen.entries[inner] = None
                if after and (state := state_of(self._tree.get(inner))) is not None:
                    self._seen.changes.append((inner, state, None))
        told = before is not None if old is not None else not silent
        if after is not None and told and before != after:
            self._seen.changes.append((path, before, after))

    # --- an entry -----------------------------------------------------------------------------------

    def _judged(
        self, folder: str, name: str, seen: os.stat_result, old: Entry | None, place: _Place
    ) -> Entry | None:
        """What the entry is now; None if that cannot be recorded, or if it has just gone."""
        if old is None and not _is_text(name):
            return None
        stamp = self._stamp(seen)
        if self._rules.leave_out(folder, name, stat.S_ISDIR(seen.st_mode)):
            return Entry(stamp, None, "rule")
        if old is not None and old.content is not None and old.stamp == stamp_of(seen):
            return old
        covered = old is not None and old.content is not None
        if stat.S_ISDIR(seen.st_mode):
            return Entry(stamp, "") if covered or self._files < SNAPSHOT_FILES else Entry(stamp, None, "many")
        if stat.S_ISLNK(seen.st_mode):
            return _link(place, name, stamp)
        if not stat.S_ISREG(seen.st_mode):
            return Entry(stamp, None, "kind")
        return self._file(name, stamp, old, place)

    def _file(self, name: str, stamp: Stamp, old: Entry | None, place: _Place) -> Entry | None:
        covered = old is not None and old.content is not None and old.is_file
        if stamp[1] > (EDITABLE_BYTES if covered else SNAPSHOT_FILE_BYTES):
            return Entry(stamp, None, "large")
        if not covered and (self._files >= SNAPSHOT_FILES or self._bytes + stamp[1] > SNAPSHOT_TREE_BYTES):
            return Entry(stamp, None, "many")
        try:
            data = place.read(name)
        except FileNotFoundError:
            return None
        except OSError:
            if old is not None and covered and old.stamp[1:3] == stamp[1:3] and old.stamp[4] == stamp[4]:
                return Entry(stamp, old.content)  # only the right to read it has gone
            return Entry(stamp, None, "unreadable")
        if len(data) > EDITABLE_BYTES:
            return Entry(stamp, None, "large")
        if not covered:
            self._files += 1
            self._bytes += len(data)
            self._progress(self._files)
        return Entry(stamp, self._keep(data))

    def _stamp(self, seen: os.stat_result) -> Stamp:
        """As git has it: what was changed just now may change again without another time."""
        stamp = stamp_of(seen)
        changed = max(stamp[2:4]) if os.name == "nt" else stamp[3]  # there, the other one is when it was made
        slack = _FINE if changed % 1_000_000_000 else _COARSE
        return stamp if changed < self._began - slack else doubtful(stamp)


class _Place(NamedTuple):
    """A folder that is being looked at, by descriptor where the system has that."""

    path: Path
    fd: int | None

    def at(self, name: str) -> str:
        return name if self.fd is not None else str(self.path / name)

    def read(self, name: str) -> bytes:
        fd = os.open(self.at(name), _READING, dir_fd=self.fd)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise FileNotFoundError(name)  # something else has just taken its place
            return file.read(EDITABLE_BYTES + 1)


def _stats(names: list[str], place: _Place) -> dict[str, os.stat_result]:
    found = {}
    for name in names:
        with suppress(OSError):  # it has just gone
            found[name] = os.stat(place.at(name), dir_fd=place.fd, follow_symlinks=False)
    return found


def times_tell(root: Path) -> bool:
    """Whether ``root`` lies on a file system on which a folder's times change with the names in it.

    POSIX asks for that, and not every network file system does it.
    """
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    fields = (line.split(" ") for line in mounts.splitlines())
    above = {str(root), *map(str, root.parents)}
    kinds = [(len(place), kind) for _, place, kind, *_ in fields if place in above]
    return bool(kinds) and max(kinds, key=itemgetter(0))[1] in _LOCAL


def _link(place: _Place, name: str, stamp: Stamp) -> Entry | None:
    try:
        target = os.readlink(place.at(name), dir_fd=place.fd)
    except OSError:
        return None
    return Entry(stamp, target) if _is_text(target) else Entry(stamp, None, "kind")


def _is_text(name: str) -> bool:
    """Whether it can be recorded."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
