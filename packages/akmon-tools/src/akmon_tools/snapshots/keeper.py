"""Keeps what a project's files were: before a tool writes, around commands, and when a rewind is planned."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.files import FileChange, FileState, same
from akmon_core.limits import SNAPSHOT_BYTES, SNAPSHOT_FILE_BYTES, SNAPSHOT_FILES, SNAPSHOT_TREE_BYTES
from akmon_core.text import one_line
from akmon_tools.anchored import remove_leftovers
from akmon_tools.oserrors import tool_error
from akmon_tools.snapshots.place import UNKNOWN, Present, look, put
from akmon_tools.snapshots.rules import outer_rules
from akmon_tools.snapshots.scan import Scan, Seen
from akmon_tools.snapshots.store import Known, Store
from akmon_tools.snapshots.tree import Why

_PROGRESS_SECONDS = 1.0
_NAMED = 3
"""Files that are named where there are more of a kind."""
_WHY: dict[Why, str] = {
    "large": f"larger than {SNAPSHOT_FILE_BYTES:,} bytes",
    "many": f"the project has more than {SNAPSHOT_FILES:,} files or {SNAPSHOT_TREE_BYTES:,} bytes",
    "unreadable": "cannot be read",
}


class Snapshots:
    """Implements ``akmon_core.ports.Snapshots`` for the files below ``roots``, canonical folders.

    ``store`` is the file that keeps it all, one for each project; several processes may use it. Folders
    ``apart`` are not covered: those where akmon keeps its own files, should they lie in the project.
    ``capacity`` is what ``store`` may take, in bytes.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        store: Path,
        *,
        apart: Collection[Path] = (),
        capacity: int = SNAPSHOT_BYTES,
    ) -> None:
        self._roots = tuple(roots)
        self._apart = frozenset((*apart, store.parent))
        self._store = Store(store, capacity)
        self._lock = threading.Lock()
        self._known: dict[Path, Known] = {}
        """What is known of each root; empty until it is needed."""
        self._planned: dict[str, FileChange] = {}
        self._surveyed = False
        self._unsettled: Callable[[], None] = _nothing
        self._failed: dict[Path, list[str]] = {}
        self._generation = 0

    # --- the port -----------------------------------------------------------------------------------

    def plan(self, writes: Mapping[str, str | None]) -> tuple[FileChange, ...]:
        with self._lock:
            self._load()
            changes: dict[str, FileChange] = {}
            for path, content in writes.items():
                for change in self._coming(path, content):
                    changes.setdefault(change.path, change)
            self._announce(changes.values())
            return tuple(changes.values())

    async def survey(self, progress: Callable[[str], None]) -> tuple[FileChange, ...]:
        import asyncio

        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(progress, text)

        try:
            return await asyncio.to_thread(self._survey, tell, stop)
        finally:
            stop.set()

    def settle(self) -> None:
        with self._lock:
            self._settle()

    def catch_up(self) -> tuple[FileChange, ...]:
        if not self._remembered:
            return ()
        return self._survey(lambda _: None, threading.Event())

    @property
    def _remembered(self) -> bool:
        if self._surveyed:
            return False
        with self._lock:
            try:
                self._load()
            except ToolError:
                return False
        return any(known.rules is not None for known in self._known.values())

    def look(self, paths: Sequence[str]) -> dict[str, FileState | None]:
        with self._lock:
            found = {path: self._present(path).state for path in paths}
            self._store.flush()
            return found

    def restore(self, change: FileChange) -> tuple[FileChange, ...]:
        with self._lock:
            self._load()
            root, parts = self._anchor(change.path)
            after = change.after
            try:
                data = self._store.fetch(after.content) if after and after.kind == "file" else b""
                folders = self._missing_folders(change.path) if after else []
                self._announce((*folders, FileChange(change.path, self._present(change.path).state, after)))
                put(root, parts, change.before, after, data)
            except ToolError as error:
                self._revoke(change.path)
                raise ToolError(f"cannot put back {change.path}: {error}") from None
            except OSError as error:
                self._revoke(change.path)
                raise tool_error(f"cannot put back {change.path}", error) from None
            return tuple(folders)

    def tidy(self, paths: Sequence[str]) -> None:
        for folder in {Path(path).parent for path in paths}:
            for root in self._roots:
                if folder.is_relative_to(root):
                    with suppress(OSError):  # the folder is gone, or not ours to write in
                        remove_leftovers(root, folder.relative_to(root).parts)

    @property
    def uncovered(self) -> str:
        return " ".join(part for part in (self._store.damaged, self._unlisted(), self._unusual()) if part)

    def close(self) -> None:
        with self._lock:
            self._store.close()

    # --- what is known ------------------------------------------------------------------------------

    def _load(self) -> None:
        """Reads what an earlier process left, once, and again if the file had to be begun anew."""
        if self._known and self._generation == self._store.generation:
            return
        known = {root: self._store.load(root) for root in self._roots}
        planned = self._store.planned().values()
        self._planned = {
            change.path: change
            for change in planned
            if any(Path(change.path).is_relative_to(root) for root in self._roots)
        }
        self._known = known
        self._generation = self._store.generation

    def _anchor(self, path: str) -> tuple[Path, tuple[str, ...]]:
        place = Path(path)
        for root in self._roots:
            if place.is_relative_to(root) and place != root:
                return root, place.relative_to(root).parts
        raise ToolError(f"{path} is outside the project.")

    def _present(self, path: str) -> Present:
        """What is at ``path`` now, with its content kept."""
        try:
            present = look(*self._anchor(path))
        except OSError as error:
            raise tool_error(f"cannot look at {path}", error) from None
        if present.data is not None:
            self._store.keep(present.data)
        return present

    # --- announced changes --------------------------------------------------------------------------

    def _coming(self, path: str, content: str | None) -> list[FileChange]:
        """The change of one file, after those of the folders that it needs."""
        before = self._present(path).state
        if before == UNKNOWN:
            raise ToolError(
                f"cannot keep what {path} is now: it is too large, cannot be read, or is no regular file."
            )
        if content is None:
            return [FileChange(path, before, None)] if before else []
        mode = before.mode if before else None
        change = FileChange(path, before, FileState("file", content, mode))
        if before is not None:
            return [] if before == change.after else [change]
        return [*self._missing_folders(path), change]

    def _missing_folders(self, path: str) -> list[FileChange]:
        """The folders that have to be made for a file, from above."""
        folders: list[FileChange] = []
        root, _ = self._anchor(path)
        for above in Path(path).parents:
            if above == root or self._present(str(above)).state is not None:
                break
            folders.append(FileChange(str(above), None, FileState("folder")))
        return folders[::-1]

    def _announce(self, changes: Collection[FileChange]) -> None:
        self._store.plan(changes)
        self._planned.update((change.path, change) for change in changes)

    def _revoke(self, path: str) -> None:
        if self._planned.pop(path, None):
            self._store.unplan((path,))

    def _settle(self) -> None:
        self._unsettled()
        self._unsettled = _nothing

    # --- surveys ------------------------------------------------------------------------------------

    def _survey(self, progress: Callable[[str], None], stop: threading.Event) -> tuple[FileChange, ...]:
        with self._lock:
            self._load()
            self._settle()
            news: dict[Path, tuple[Seen, str]] = {}
            for root in self._roots:
                rules = outer_rules(root)
                seen = self._scan(root, rules, _slowly(progress), stop)
                if seen is None:
                    return ()
                news[root] = (seen, rules)
            return self._taken_in(news)

    def _scan(
        self, root: Path, rules: str, progress: Callable[[int], None], stop: threading.Event
    ) -> Seen | None:
        known = self._known[root]
        scan = Scan(
            root,
            known.tree,
            self._store.keep,
            apart=self._apart,
            stopped=stop.is_set,
            progress=progress,
        )
        return scan.run(silent=known.rules is None, judge=known.rules != rules)

    def _taken_in(self, news: Mapping[Path, tuple[Seen, str]]) -> tuple[FileChange, ...]:
        """Keeps what was found, and gives the changes that nobody announced."""
        changes = [
            change
            for root, (seen, _) in news.items()
            for path, before, after in seen.changes
            if (change := self._told(str(root / path), before, after))
        ]
        former = {c.before.content for c in changes if c.before and c.before.kind == "file"}
        updates = {
            root: (seen.entries, rules, self._known[root].rules is None)
            for root, (seen, rules) in news.items()
            if "" not in seen.failed and (seen.entries or rules != self._known[root].rules)
        }
        self._store.flush()
        planned = self._planned

        def settle() -> None:
            if updates or planned:
                self._store.save(updates, planned.values(), former)

        self._unsettled = settle
        for root, (entries, rules, _) in updates.items():
            self._known[root].tree.update(entries)
            self._known[root].rules = rules
        self._failed = {root: seen.failed for root, (seen, _) in news.items()}
        self._planned = {}
        self._surveyed = True
        return tuple(changes)

    def _told(self, path: str, before: FileState | None, after: FileState | None) -> FileChange | None:
        planned = self._planned.get(path)
        if planned is None:
            return FileChange(path, before, after)
        if same(after, planned.after) or same(after, planned.before):
            return None
        return FileChange(path, planned.after, after)

    # --- what is not covered ------------------------------------------------------------------------

    def _unlisted(self) -> str:
        paths = [str(root / path) for root, failed in self._failed.items() for path in failed]
        return f"{_names(paths)} could not be read; changes there are not seen." if paths else ""

    def _unusual(self) -> str:
        found: dict[Why, list[str]] = {}
        for root, known in self._known.items():
            for path, why in known.tree.unusual.items():
                found.setdefault(why, []).append(str(root / path))
        return " ".join(
            f"Commands' changes are not undone in {_names(found[why])}: {_WHY[why]}." for why in found
        )


def _nothing() -> None:
    """What is left to do when all is settled."""


def _names(paths: list[str]) -> str:
    shown = ", ".join(one_line(path, 200) for path in sorted(paths)[:_NAMED])
    more = len(paths) - _NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _slowly(progress: Callable[[str], None]) -> Callable[[int], None]:
    """Tells of a number of files once in a while."""
    last = time.monotonic()

    def told(files: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _PROGRESS_SECONDS:
            last = time.monotonic()
            progress(f"keeping what the project's files are: {files:,} so far\n")

    return told
