"""Finds what has changed below one root since it was last seen. Follows no link and never leaves the root."""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from akmon_core.files import FileState
from akmon_core.limits import EDITABLE_BYTES, SNAPSHOT_FILE_BYTES, SNAPSHOT_FILES, SNAPSHOT_TREE_BYTES
from akmon_tools.gitignore import Ignored
from akmon_tools.snapshots.tree import Entry, Stamp, Tree, join, split, stamp_of, state_of

VERSION_CONTROL = frozenset((".git", ".hg", ".svn", ".jj"))
"""Never covered, be it a folder or, as in a work tree, a file."""
REMADE = frozenset(
    (
        "node_modules",
        ".venv",
        "venv",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".cache",
        ".gradle",
        ".hypothesis",
    )
)
"""Folders that programs make again, not covered also where no .gitignore says so."""
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
    ) -> None:
        self._root = root
        self._tree = tree
        self._keep = keep
        self._apart = apart
        self._stopped = stopped
        self._progress = progress
        self._began = time.time_ns()
        self._files = tree.files
        self._bytes = tree.bytes
        self._rules: dict[str, Ignored] = {}
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
        tasks = deque([_Task("", top, silent, judge)])
        while tasks:
            if self._stopped():
                return None
            tasks.extend(self._folder(tasks.popleft()))
        return self._seen

    # --- a folder -----------------------------------------------------------------------------------

    def _folder(self, task: _Task) -> list[_Task]:
        path = self._root / task.folder if task.folder else self._root
        fd = None
        try:
            if _BY_DESCRIPTOR:
                fd = os.open(path, _LISTING)
                if not os.path.samestat(os.fstat(fd), task.seen):
                    return []  # another folder has taken its place, or one that a link leads to
            names = os.listdir(path if fd is None else fd)  # noqa: PTH208 - names are wanted, not paths
            return list(self._entries(task, names, _Place(path, fd)))
        except OSError as error:
            if not task.folder or isinstance(error, PermissionError):
                self._seen.failed.append(task.folder)
            return []
        finally:
            if fd is not None:
                os.close(fd)

    def _entries(self, task: _Task, names: list[str], place: _Place) -> Iterator[_Task]:
        known = self._tree.folders.get(task.folder, {})
        fresh, folders = _fresh(names, {} if task.judge else known, place)
        gone = known.keys() - set(names) if len(names) - len(fresh) < len(known) else set()
        judge = task.judge or any(name in _RULES for name in (*gone, *(name for name, _ in fresh)))
        if judge and not task.judge:
            fresh, folders = _fresh(names, {}, place)
        for name in sorted(gone):
            self._removed(join(task.folder, name), known[name])
        for name, seen in fresh:
            old = known.get(name)
            new = self._judged(task.folder, name, seen, old, place)
            if new is None:
                continue
            inner = join(task.folder, name)
            self._met(inner, old, new, task.silent)
            if new.is_folder and new.content is not None:
                yield _Task(inner, seen, task.silent if old is None else old.content is None, judge)
        for name, seen in folders:
            yield _Task(join(task.folder, name), seen, False, False)

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
        if self._left_out(folder, name, stat.S_ISDIR(seen.st_mode)):
            return Entry(stamp, None, "rule")
        if old is not None and old.content is not None and old.stamp == stamp:
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
        if stat.S_ISDIR(seen.st_mode) or changed < self._began - slack:
            return stamp
        return (*stamp[:3], -1, stamp[4])

    def _left_out(self, folder: str, name: str, is_folder: bool) -> bool:
        if name.startswith(".akmon-") and name.endswith(".tmp"):
            return True  # a file that is being written, or was as its process was killed
        if name in VERSION_CONTROL or (is_folder and name in REMADE):
            return True
        if is_folder and self._apart and self._root.joinpath(folder, name) in self._apart:
            return True
        return self._rules_in(folder).ignores(name, is_folder)

    def _rules_in(self, folder: str) -> Ignored:
        rules = self._rules.get(folder)
        if rules is None:
            above, name = split(folder)
            rules = self._rules_in(above).folder((name,)) if folder else Ignored(self._root)
            self._rules[folder] = rules
        return rules


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


def _fresh(
    names: list[str], known: dict[str, Entry], place: _Place
) -> tuple[list[tuple[str, os.stat_result]], list[tuple[str, os.stat_result]]]:
    """The entries that are not as known, and the covered folders that are. What a scan spends its time in."""
    fresh, folders = [], []
    look, lookup, fd = os.stat, known.get, place.fd
    prefix = "" if fd is not None else f"{place.path}{os.sep}"
    for name in names:
        try:
            s = look(prefix + name, dir_fd=fd, follow_symlinks=False)
        except OSError:
            continue
        old = lookup(name)
        mode = s.st_mode
        if mode & 0o170000 == stat.S_IFDIR:
            if old is None or old.stamp[0] != mode or old.stamp[4] != s.st_ino:
                fresh.append((name, s))
            elif old.content is not None:
                folders.append((name, s))
        elif old is None or old.stamp != (mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino):
            fresh.append((name, s))
    return fresh, folders


def outer_rules(root: Path) -> str:
    """Changes with the rules from outside ``root``, and its repository's own, that count in it."""
    found = []
    for folder in (root, *root.parents):
        is_top = os.path.lexists(folder / ".git")
        for file in (".gitignore", ".git/info/exclude"):
            with suppress(OSError):
                found.append((str(folder), file, *stamp_of((folder / file).lstat())))
        if is_top:
            return str(found)
    return ""


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
