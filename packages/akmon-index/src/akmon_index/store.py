"""The index of one project as one SQLite file, which several processes and threads may use at once."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akmon_core.errors import ToolError
from akmon_index.limits import INDEX_BUSY_SECONDS
from akmon_index.locking import FileLock
from akmon_index.values import ModelId

if TYPE_CHECKING:
    from akmon_index.codes import Codes

VERSION = 2
"""To be raised with the tables, and with what ``chunks_of``, ``words`` and ``symbols_of`` give."""
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, content BLOB NOT NULL, symbols BLOB NOT NULL,
    rank REAL NOT NULL DEFAULT 0, language TEXT NOT NULL, chunk INTEGER NOT NULL, chunks INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS file_place ON file (path, language, chunk, chunks);
CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, file INTEGER NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, symbol TEXT NOT NULL, kind TEXT NOT NULL, language TEXT NOT NULL,
    key BLOB NOT NULL, vector INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS chunk_of_file ON chunk (file, language, vector);
CREATE INDEX IF NOT EXISTS chunk_of_vector ON chunk (vector);
CREATE INDEX IF NOT EXISTS chunk_waiting ON chunk (key) WHERE vector = 0;
CREATE TABLE IF NOT EXISTS body (id INTEGER PRIMARY KEY, context TEXT NOT NULL, text TEXT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS entry
    USING fts5 (path, symbol, body, content='', tokenize='unicode61 remove_diacritics 2');
CREATE TABLE IF NOT EXISTS vector (id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB UNIQUE NOT NULL,
    scale REAL NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS code (id INTEGER PRIMARY KEY, bits BLOB NOT NULL);
PRAGMA user_version = {VERSION};
COMMIT;
"""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _MemoryLock:
    """Between threads, as there is no other process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def take(self) -> bool:
        return self._lock.acquire(blocking=False)

    def release(self) -> None:
        self._lock.release()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    files: int
    chunks: int
    texts: int
    """Chunks that differ: as many vectors as there will be."""
    embedded: int
    """Those of them that have a vector."""
    bytes: int
    """Of the file and its log on disk; 0 in memory."""


class Store:
    """The file at ``path``, opened at first use; None is in memory. Threads may share one.

    All methods raise ``ToolError``. A file of another version or a damaged one is begun anew, if no other
    process uses it; ``begun_anew`` then says why.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.begun_anew = ""
        self.codes: Codes | None = None
        """What ``vectors`` has in memory."""
        self._connection: sqlite3.Connection | None = None
        self._in_use = threading.RLock()
        self._memory_locks = {"words": _MemoryLock(), "vectors": _MemoryLock()}
        self._opened = FileLock(self._beside("open")) if path else None
        self._close: Callable[[], object] = _nothing

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the index, whatever others write meanwhile."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All of what is done within it is kept, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def alone(self, what: str) -> Iterator[bool]:
        """Whether nobody else does ``what``, ``words`` or ``vectors``, until the end of the block."""
        with self._named():
            if self.path:
                _make_private(self.path.parent)
            lock = FileLock(self._beside(what)) if self.path else self._memory_locks[what]
            ours = lock.take()
        try:
            yield ours
        finally:
            if ours:
                lock.release()

    def counts(self) -> Counts:
        with self.reading() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM file), (SELECT count(*) FROM chunk), "
                "(SELECT count(DISTINCT vector) FROM chunk WHERE vector > 0), "
                "(SELECT count(DISTINCT key) FROM chunk WHERE vector = 0)"
            ).fetchone()
        names = [self.path, Path(f"{self.path}-wal")] if self.path else []
        size = sum(name.stat().st_size for name in names if name.exists())
        return Counts(files=row[0], chunks=row[1], texts=row[2] + row[3], embedded=row[2], bytes=size)

    def is_empty(self) -> bool:
        """Whether no file is in it."""
        with self.reading() as connection:
            return connection.execute("SELECT 1 FROM file LIMIT 1").fetchone() is None

    def model(self) -> ModelId | None:
        """What the vectors were made with; None if there are none."""
        text = self.meta("model")
        return msgspec.json.decode(text, type=ModelId) if text else None

    def meta(self, name: str) -> str:
        with self.reading() as connection:
            return meta(connection, name)

    def clear(self) -> None:
        """Forgets everything, and gives the room back."""
        with self.writing() as connection:
            for table in ("file", "chunk", "body", "vector", "code"):
                connection.execute(f"DELETE FROM {table}")
            connection.execute("INSERT INTO entry (entry) VALUES ('delete-all')")
            next_generation(connection)
            connection.execute("DELETE FROM meta WHERE name != 'generation'")
        with self._in_use, self._named(), suppress(sqlite3.OperationalError):  # others read it: then later
            self._connected().execute("VACUUM")
            self._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Lets go of the file; it is opened again at the next use."""
        with self._in_use:
            self._close()
            self._connection = self.codes = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._in_use, self._named():
            connection = self._connected()
            if connection.in_transaction:
                raise RuntimeError("a transaction within another one")
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the first one says more
                    connection.rollback()
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._open()
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise
                self._begin_anew("it was damaged")
                self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if self.path:
            _make_private(self.path.parent)
            self._hold()
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
        connection = self._connect()
        try:
            version = _version(connection)
            if version not in (0, VERSION):
                connection.close()
                self._begin_anew(f"it was of version {version}, and this akmon writes version {VERSION}")
                connection = self._connect()
            connection.execute("PRAGMA synchronous = NORMAL")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._close = weakref.finalize(self, _close, connection, self._opened)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Gives a new file its tables. One at a time: SQLite fails where two go over to a log at once."""
        if _version(connection) == VERSION:
            return
        lock = FileLock(self._beside("new")) if self.path else None
        if lock and not lock.take(wait=INDEX_BUSY_SECONDS):
            raise ToolError(f"the index {self.path} is in use by another akmon. Try again.")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            if _version(connection) == 0:
                connection.executescript(_TABLES)
        finally:
            if lock:
                lock.release()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path or ":memory:", timeout=INDEX_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _hold(self) -> None:
        """Keeps others from deleting the file as long as it is open here."""
        if self._opened and not self._opened.take(shared=True, wait=INDEX_BUSY_SECONDS):
            raise ToolError(f"the index {self.path} is in use by another akmon. Try again.")

    def _begin_anew(self, why: str) -> None:
        """Deletes the file. A process that has it open would write into what comes after: so not then."""
        if self.path is None or self._opened is None:
            return
        self._opened.release()
        sole = FileLock(self._beside("open"))
        if not sole.take():
            raise ToolError(
                f"the index {self.path} cannot be used: {why}. Another akmon has it open, so it could not be "
                "begun anew: end that one, and try again."
            )
        try:
            for name in (f"{self.path}-wal", f"{self.path}-shm", self.path):
                Path(name).unlink(missing_ok=True)
        finally:
            sole.release()
        self.begun_anew = f"the index is begun anew: {why}."
        self._hold()

    def _beside(self, what: str) -> Path:
        return Path(f"{self.path}.{what}.lock")

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors in words; a file that turns out to be damaged is begun anew at the next use."""
        try:
            yield
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise ToolError(f"the index {self.path or 'in memory'} cannot be used: {error}.") from error
            self.close()
            self._begin_anew("it was damaged")
            if self._opened:
                self._opened.release()
            raise ToolError(f"the index {self.path} was damaged, and is begun anew. Try again.") from error
        except OSError as error:
            raise ToolError(f"the index {self.path} cannot be used: {error.strerror or error}.") from error


def meta(connection: sqlite3.Connection, name: str) -> str:
    """A note of the store; empty if there is none."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def set_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def next_generation(connection: sqlite3.Connection) -> None:
    """Tells every process that vectors have gone, so that it reads all of them anew."""
    set_meta(connection, "generation", str(int(meta(connection, "generation") or 0) + 1))


def in_list(numbers: Sequence[int]) -> str:
    """For ``IN``, as SQLite takes only so many parameters."""
    return f"({','.join(str(int(number)) for number in numbers)})"


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_damage(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGED


def _close(connection: sqlite3.Connection, opened: FileLock | None) -> None:
    connection.close()
    if opened:
        opened.release()


def _nothing() -> None:
    """Closes what is not open."""


def _make_private(folder: Path) -> None:
    """Creates ``folder`` and those above it that are missing, whatever the umask is."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
