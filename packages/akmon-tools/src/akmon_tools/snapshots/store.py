"""One SQLite file for contents and for what is known of a project's files; several processes may use it."""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from akmon_core.errors import ToolError
from akmon_core.files import FileChange
from akmon_core.limits import SNAPSHOT_BYTES
from akmon_tools.oserrors import reason
from akmon_tools.snapshots.tree import Entry, Tree

if TYPE_CHECKING:
    import sqlite3

_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS object (hash TEXT UNIQUE NOT NULL, packed INTEGER NOT NULL, size INTEGER NOT NULL,
    used INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_use ON object (used, size, hash);
CREATE TABLE IF NOT EXISTS root (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, rules TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (root INTEGER NOT NULL, path TEXT NOT NULL, mode INTEGER NOT NULL,
    size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, ino INTEGER NOT NULL,
    content TEXT, why TEXT NOT NULL, PRIMARY KEY (root, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS planned (path TEXT PRIMARY KEY, change BLOB NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_WAIT_SECONDS = 30.0
_PENDING_BYTES = 8_000_000
_MADE_FREE = 0.9
"""Share of the cap that is left when the oldest contents have been deleted."""
_DAMAGED = (11, 26)
"""SQLite's codes for a damaged file, and for one that is none of its own."""
_Result = TypeVar("_Result")


class Known(msgspec.Struct):
    """What an earlier survey left of one root."""

    tree: Tree
    rules: str | None = None
    """What the rules from outside the root were; None: there was no survey."""


class Store:
    """The file at ``path``, opened at first use. To be used by one thread at a time.

    All methods raise ``ToolError``. A damaged file is moved aside; ``damaged`` then says so.
    """

    def __init__(self, path: Path, capacity: int = SNAPSHOT_BYTES) -> None:
        self._path = path
        self._capacity = capacity
        self._database: sqlite3.Connection | None = None
        self._pending: dict[str, bytes] = {}
        self._pending_bytes = 0
        self._used: set[str] = set()
        """What this process has kept or may want back."""
        self.damaged = ""
        self.generation = 0
        """Counts how often the file had to be begun anew."""

    # --- contents -----------------------------------------------------------------------------------

    def keep(self, data: bytes) -> str:
        """The SHA-256 of ``data``, which is written at the latest by the next ``flush`` or ``save``."""
        key = hashlib.sha256(data).hexdigest()
        if key in self._used:
            return key
        self._used.add(key)
        self._pending[key] = data
        self._pending_bytes += len(data)
        if self._pending_bytes > _PENDING_BYTES:
            self.flush()
        return key

    def flush(self) -> None:
        """Writes what was kept."""
        if self._pending:
            self._run(self._write_pending)

    def fetch(self, key: str) -> bytes:
        """The content with that SHA-256."""
        self.flush()
        row = self._run(
            lambda db: db.execute("SELECT packed, data FROM object WHERE hash = ?", (key,)).fetchone()
        )
        data = _unpacked(*row) if row else None
        if data is None:
            raise ToolError("its earlier content is no longer kept.")
        if hashlib.sha256(data).hexdigest() != key:
            self._run(lambda db: _changing(db, "DELETE FROM object WHERE hash = ?", [(key,)]))
            self._used.discard(key)
            raise ToolError("its earlier content is no longer kept whole.")
        return data

    # --- what is known ------------------------------------------------------------------------------

    def load(self, root: Path) -> Known:
        """What is known of what lies below ``root``."""
        return self._run(lambda db: _load(db, str(root)))

    def planned(self) -> dict[str, FileChange]:
        """By path: changes that were announced and not seen yet."""
        rows = self._run(lambda db: db.execute("SELECT change FROM planned").fetchall())
        changes = (msgspec.json.decode(row[0], type=FileChange) for row in rows)
        return {change.path: change for change in changes}

    def plan(self, changes: Iterable[FileChange]) -> None:
        """Keeps announced changes, with the contents kept so far."""
        rows = [_row(change) for change in changes]

        def write(db: sqlite3.Connection) -> None:
            self._write_pending(db, "INSERT OR REPLACE INTO planned VALUES (?, ?)", rows)

        self._run(write)

    def unplan(self, paths: Iterable[str]) -> None:
        """Forgets announced changes."""
        rows = [(path,) for path in paths]
        if rows:
            self._run(lambda db: _changing(db, "DELETE FROM planned WHERE path = ?", rows))

    def save(
        self,
        updates: Mapping[Path, tuple[Mapping[str, Entry | None], str, bool]],
        seen: Collection[FileChange],
        former: Collection[str],
    ) -> None:
        """Keeps what a survey found, with the contents kept so far: all of it or nothing.

        ``updates`` are entries by root and path, the rules from outside the root, and whether nothing was
        known before; ``seen`` are announced changes that now are settled; ``former`` are contents that files
        no longer have.
        """
        self._used.update(former)

        def write(db: sqlite3.Connection) -> None:
            with _transaction(db):
                self._insert_pending(db)
                for root, (entries, rules, anew) in updates.items():
                    _save(db, str(root), entries, rules, anew)
                db.executemany("DELETE FROM planned WHERE path = ? AND change = ?", map(_row, seen))
                now = time.time_ns()
                db.executemany("UPDATE object SET used = ? WHERE hash = ?", [(now, key) for key in former])
            self._written(db)

        self._run(write)

    def close(self) -> None:
        if self._database:
            self._database.close()
            self._database = None

    # --- the database -------------------------------------------------------------------------------

    def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        import sqlite3

        try:
            if self._database is None:
                self._database = self._opened()
            return work(self._database)
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                self._move_aside()
                raise ToolError(f"the earlier states of files were damaged: {self.damaged}") from None
            raise ToolError(f"cannot keep what files are now, in {self._path}: {reason(error)}.") from None

    def _opened(self) -> sqlite3.Connection:
        import sqlite3

        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise
        self._move_aside()
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        import sqlite3

        database = sqlite3.connect(
            self._path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts only before the first table
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA journal_size_limit = 16000000")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                database.executescript(_SCHEMA)
            elif version != _VERSION:
                raise OSError(f"it was made by another version of akmon (format {version}); delete it")
        except BaseException:
            database.close()
            raise
        return database

    def _move_aside(self) -> None:
        self.close()
        aside = self._path.with_name(self._path.name + ".damaged")
        for ending in ("-wal", "-shm"):
            with suppress(OSError):
                Path(f"{self._path}{ending}").replace(f"{aside}{ending}")
        with suppress(OSError):
            self._path.replace(aside)
        self._used.clear()
        self._pending.clear()
        self._pending_bytes = 0
        self.generation += 1
        self.damaged = f"they were moved to {aside}, and are kept anew from here on."

    def _write_pending(
        self, db: sqlite3.Connection, statement: str = "", rows: Iterable[tuple[object, ...]] = ()
    ) -> None:
        with _transaction(db):
            self._insert_pending(db)
            if statement:
                db.executemany(statement, rows)
        self._written(db)

    def _insert_pending(self, db: sqlite3.Connection) -> None:
        now = time.time_ns()
        for key, data in self._pending.items():
            again = db.execute("UPDATE object SET used = ? WHERE hash = ?", (now, key))
            if again.rowcount:
                continue
            packed, stored = _packed(data)
            row = (key, packed, len(stored), now, stored)
            db.execute("INSERT INTO object VALUES (?, ?, ?, ?, ?)", row)

    def _written(self, db: sqlite3.Connection) -> None:
        self._pending.clear()
        self._pending_bytes = 0
        self._make_room(db)

    def _make_room(self, db: sqlite3.Connection) -> None:
        """Deletes the contents that were not used for longest, if there is too much of them."""
        surplus = _size(db) - self._capacity
        if surplus <= 0:
            return
        surplus += int(self._capacity * (1 - _MADE_FREE))
        with _transaction(db):
            gone = []
            for key, size in db.execute(
                "SELECT hash, size FROM object WHERE hash NOT IN"
                " (SELECT content FROM entry WHERE content IS NOT NULL) ORDER BY used"
            ):
                if surplus <= 0:
                    break
                if key not in self._used:
                    gone.append((key,))
                    surplus -= size
            db.executemany("DELETE FROM object WHERE hash = ?", gone)
        db.execute("PRAGMA incremental_vacuum").fetchall()


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _changing(db: sqlite3.Connection, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    with _transaction(db):
        db.executemany(statement, rows)


def _row(change: FileChange) -> tuple[str, bytes]:
    return change.path, msgspec.json.encode(change)


def _size(db: sqlite3.Connection) -> int:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (bytes_each,) = db.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * bytes_each)


def _packed(data: bytes) -> tuple[bool, bytes]:
    packed = zlib.compress(data, 1)
    return (True, packed) if len(packed) < len(data) else (False, data)


def _unpacked(packed: bool, data: bytes) -> bytes | None:
    try:
        return zlib.decompress(data) if packed else data
    except zlib.error:
        return None


def _load(db: sqlite3.Connection, root: str) -> Known:
    row = db.execute("SELECT id, rules FROM root WHERE path = ?", (root,)).fetchone()
    tree = Tree()
    if row is None:
        return Known(tree)
    entries = db.execute(
        "SELECT path, mode, size, mtime, ctime, ino, content, why FROM entry WHERE root = ?", row[:1]
    )
    tree.update({path: Entry((mode, *stamp), content, why) for path, mode, *stamp, content, why in entries})
    return Known(tree, row[1])


def _save(
    db: sqlite3.Connection, root: str, entries: Mapping[str, Entry | None], rules: str, anew: bool
) -> None:
    db.execute(
        "INSERT INTO root (path, rules) VALUES (?, ?)"
        " ON CONFLICT (path) DO UPDATE SET rules = excluded.rules",
        (root, rules),
    )
    (number,) = db.execute("SELECT id FROM root WHERE path = ?", (root,)).fetchone()
    if anew:
        db.execute("DELETE FROM entry WHERE root = ?", (number,))
    gone = [(number, path) for path, entry in entries.items() if entry is None]
    db.executemany("DELETE FROM entry WHERE root = ? AND path = ?", gone)
    rows = [
        (number, path, *map(_storable, entry.stamp), *entry[1:])
        for path, entry in entries.items()
        if entry is not None
    ]
    db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _storable(number: int) -> int:
    """SQLite has 64 bits; an inode or a time beyond them counts as changed when it is read back."""
    return number if -(2**63) <= number < 2**63 else 0
