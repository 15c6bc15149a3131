"""The index of one project: passages in SQLite's full-text search, brought up to date before each query."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable
from pathlib import Path

import msgspec

from akmon_index.chunk import passages, words
from akmon_index.files import list_files, read_source

_SCHEMA = """
CREATE TABLE passage (id INTEGER PRIMARY KEY, path TEXT, first INTEGER, last INTEGER, text TEXT);
CREATE INDEX by_path ON passage (path);
CREATE VIRTUAL TABLE entry USING fts5 (path, body, content='', tokenize='unicode61');
"""

Stamp = tuple[int, int, int]
"""Size, time of the last change in ns, inode: what tells that a file is another one now."""


class Found(msgspec.Struct, frozen=True):
    path: str
    first: int
    last: int
    text: str


class Index:
    """Used by one thread at a time. Lives in memory, as long as the process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamps: dict[str, Stamp] = {}
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._database.executescript(_SCHEMA)

    def refresh(self, progress: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        """Reads what is new or changed since the last time, and forgets what is gone.

        Ends early once ``stopped``; the next call goes on from there. Raises ``ToolError``.
        """
        stamps = {name: stamp for name in list_files(self._root) if (stamp := _stamp(self._root / name))}
        changed = [name for name, stamp in stamps.items() if self._stamps.get(name) != stamp]
        with self._database:
            for name in self._stamps.keys() - stamps.keys():
                self._forget(name)
                del self._stamps[name]
            for number, name in enumerate(changed, 1):
                if stopped():
                    return
                self._forget(name)
                self._add(name)
                self._stamps[name] = stamps[name]
                if number % 1000 == 0:
                    progress(f"{number} of {len(changed)} files indexed\n")

    def search(self, query: str, folder: str, limit: int) -> list[Found]:
        """The passages below ``folder`` that fit ``query`` best. At least one of its words is in each."""
        match = " OR ".join(f'"{word}"' for word in dict.fromkeys(words(query)))
        rows = self._database.execute(
            "SELECT passage.path, first, last, text FROM entry JOIN passage ON passage.id = entry.rowid "
            "WHERE entry MATCH :match AND (:folder = '' OR passage.path = :folder "
            "OR substr(passage.path, 1, length(:folder) + 1) = :folder || '/') "
            "ORDER BY bm25(entry, 3.0, 1.0), passage.path, first LIMIT :limit",
            {"match": match, "folder": folder, "limit": limit},
        )
        return [Found(*row) for row in rows]

    def _add(self, name: str) -> None:
        for passage in passages(read_source(self._root / name)):
            row = (name, passage.first, passage.last, passage.text)
            added = self._database.execute(
                "INSERT INTO passage (path, first, last, text) VALUES (?, ?, ?, ?)", row
            ).lastrowid
            self._database.execute(
                "INSERT INTO entry (rowid, path, body) VALUES (?, ?, ?)",
                (added, *_indexed(name, passage.text)),
            )

    def _forget(self, name: str) -> None:
        rows = self._database.execute("SELECT id, text FROM passage WHERE path = ?", (name,)).fetchall()
        for number, text in rows:
            self._database.execute(
                "INSERT INTO entry (entry, rowid, path, body) VALUES ('delete', ?, ?, ?)",
                (number, *_indexed(name, text)),
            )
        self._database.execute("DELETE FROM passage WHERE path = ?", (name,))


def _indexed(name: str, text: str) -> tuple[str, str]:
    return " ".join(words(name)), " ".join(words(text))


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ino)
