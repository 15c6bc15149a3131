"""Puts files into the index and takes them out, within ``Store.writing``."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import TypeAlias

from akmon_index.chunk import words
from akmon_index.values import Chunk

Stamp: TypeAlias = tuple[int, int, int]
"""Size, time of the last change in ns, inode: what tells that a file is another one now."""


def add_file(
    connection: sqlite3.Connection,
    path: str,
    stamp: Stamp,
    content: bytes,
    symbols: bytes,
    chunks: Iterable[Chunk],
) -> None:
    """Adds a file that is not there. ``content`` tells its text from others, ``symbols`` is for the map.

    The numbers of its chunks follow each other, so that a file tells which they are.
    """
    (begin,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM chunk").fetchone()
    chunks = list(chunks)
    language = chunks[0].language if chunks else ""
    file = connection.execute(
        "INSERT INTO file (path, size, mtime_ns, inode, content, symbols, language, chunk, chunks) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (path, *stamp, content, symbols, language, begin, len(chunks)),
    ).lastrowid
    for number, chunk in enumerate(chunks, begin):
        row = (number, file, chunk.first, chunk.last, chunk.symbol, chunk.kind, chunk.language, key_of(chunk))
        connection.execute(
            "INSERT INTO chunk (id, file, first, last, symbol, kind, language, key, vector) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, coalesce((SELECT id FROM vector WHERE key = ?), 0))",
            (*row, row[-1]),
        )
        connection.execute("INSERT INTO body VALUES (?, ?, ?)", (number, chunk.context, chunk.text))
        fields = _fields(path, chunk.symbol, chunk.context, chunk.text)
        connection.execute(
            "INSERT INTO entry (rowid, path, symbol, body) VALUES (?, ?, ?, ?)", (number, *fields)
        )


def forget_file(connection: sqlite3.Connection, file: int) -> None:
    """Takes a file out. Its vectors stay, as the same text may come back, or lie elsewhere."""
    rows = connection.execute(
        "SELECT chunk.id, path, symbol, context, text FROM chunk JOIN file ON file.id = chunk.file "
        "JOIN body ON body.id = chunk.id WHERE chunk.file = ?",
        (file,),
    ).fetchall()
    for number, *row in rows:
        connection.execute(
            "INSERT INTO entry (entry, rowid, path, symbol, body) VALUES ('delete', ?, ?, ?, ?)",
            (number, *_fields(*row)),
        )
        connection.execute("DELETE FROM body WHERE id = ?", (number,))
    connection.execute("DELETE FROM chunk WHERE file = ?", (file,))
    connection.execute("DELETE FROM file WHERE id = ?", (file,))


def _fields(path: str, symbol: str, context: str, text: str) -> tuple[str, str, str]:
    """What is searched of a chunk; the path and the symbol count by themselves, not again in the context."""
    return (
        " ".join(words(path)),
        " ".join(words(symbol)),
        " ".join(words(context.replace(path, "") + "\n" + text)),
    )


def key_of(chunk: Chunk) -> bytes:
    """Of what is embedded but its path: a file that was moved, and a copy, need no vector of their own."""
    text = f"{chunk.context.replace(chunk.path, '')}\0{chunk.text}"
    return hashlib.sha256(text.encode(errors="replace")).digest()[:16]
