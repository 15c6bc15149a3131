"""Brings the index up to date with the files of the project, and the vectors with the index."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from akmon_core.errors import ToolError
from akmon_index.chunk import chunks_of
from akmon_index.entries import Stamp, add_file, forget_file
from akmon_index.files import Source, list_sources, read_source
from akmon_index.limits import (
    INDEX_EMBEDDED_AT_ONCE,
    INDEX_MAP_SHARE,
    INDEX_RACE_NS,
    INDEX_SPARE_SHARE,
    INDEX_SPARE_VECTORS,
    INDEX_WRITTEN_CHARS,
    INDEX_WRITTEN_FILES,
)
from akmon_index.references import Symbols, symbols_of
from akmon_index.repomap import ranks
from akmon_index.store import Store, meta, next_generation, set_meta
from akmon_index.values import Chunk, Embedder, ModelId


class Progress(msgspec.Struct, frozen=True):
    done: int
    total: int
    what: Literal["files", "vectors"]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What ``refresh_words`` has done."""

    read: int = 0
    """Files that are new or have changed."""
    removed: int = 0
    busy: bool = False
    """Another process or thread was at it already, so nothing was done."""
    stopped: bool = False
    """It ended early; the next call goes on from there."""


class _Known(msgspec.Struct, frozen=True):
    id: int
    stamp: Stamp
    content: bytes


class _Entry(msgspec.Struct, frozen=True):
    """A file that has been read, as it is to be written."""

    source: Source
    content: bytes
    chunks: list[Chunk]
    symbols: bytes
    chars: int


_WAITING = "chunk INDEXED BY chunk_waiting WHERE vector = 0"
"""What has no vector, in the order of keys: by another index, SQLite would sort all of it for each batch."""

Report: TypeAlias = Callable[[Progress], None]
Stopped: TypeAlias = Callable[[], bool]


def refresh_words(
    store: Store,
    root: Path,
    withheld: Callable[[str], bool],
    *,
    progress: Report,
    stopped: Stopped,
) -> Changed:
    """Reads what is new or has changed, and forgets what has gone. Raises ``ToolError``."""
    with store.alone("words") as ours:
        if not ours:
            return Changed(busy=True)
        sources = [source for source in list_sources(root, withheld) if _writable(source.path)]
        known = _known(store)
        gone = known.keys() - {source.path for source in sources}
        _forget_all(store, [known[path].id for path in gone])
        changed = [
            each for each in sources if each.path not in known or known[each.path].stamp != _stamp(each)
        ]
        read = 0
        for batch in _batches(_read(root, changed, known, stopped)):
            _write(store, batch, known)
            read += len(batch)
            progress(Progress(read, len(changed), "files"))
        if read < len(changed):
            return Changed(read=read, removed=len(gone), stopped=True)
        _rank(store, len(sources))
        return Changed(read=read, removed=len(gone))


def refresh_vectors(
    store: Store, embedder: Embedder, *, progress: Report, stopped: Stopped, most: int | None = None
) -> int:
    """Embeds what has no vector yet, ``most`` at most, and gives how many those were. Each batch is kept.

    Vectors of another model are dropped first. Gives 0 if another process or thread is at it. Raises
    ``AkmonError``.
    """
    with store.alone("vectors") as ours:
        if not ours:
            return 0
        _use_model(store, embedder.id)
        total = pending(store)
        total = total if most is None else min(total, most)
        done = 0
        if total:
            progress(Progress(0, total, "vectors"))  # a slow model has no more to tell for seconds
        while not stopped():  # also what comes meanwhile
            left = INDEX_EMBEDDED_AT_ONCE if most is None else most - done
            batch = _next_texts(store, min(INDEX_EMBEDDED_AT_ONCE, left))
            if not batch or not _embed(store, embedder, batch):
                break
            done += len(batch)
            progress(Progress(done, max(done, total), "vectors"))
        _drop_spare(store)
        return done


def pending(store: Store) -> int:
    """Texts that have no vector yet."""
    with store.reading() as connection:
        row = connection.execute(f"SELECT count(DISTINCT key) FROM {_WAITING}").fetchone()
    return int(row[0])


# --- words ------------------------------------------------------------------------------------------


def _known(store: Store) -> dict[str, _Known]:
    with store.reading() as connection:
        rows = connection.execute("SELECT path, id, size, mtime_ns, inode, content FROM file")
        return {path: _Known(number, tuple(stamp), content) for path, number, *stamp, content in rows}


def _stamp(source: Source) -> Stamp:
    return (source.size, source.mtime_ns, source.inode)


def _writable(path: str) -> bool:
    """A name that is no UTF-8 can neither be kept nor shown."""
    return path.isprintable() or not any("\ud800" <= char <= "\udfff" for char in path)


def _read(
    root: Path, changed: Sequence[Source], known: Mapping[str, _Known], stopped: Stopped
) -> Iterator[_Entry | tuple[Source, int]]:
    """What is to be written: of a file whose content is as before only its new stamp."""
    for source in changed:
        if stopped():
            return
        text = read_source(root, source.path).encode(errors="replace").decode()
        content = hashlib.sha256(text.encode()).digest()
        before = known.get(source.path)
        if before and before.content == content:
            yield source, before.id
            continue
        symbols = msgspec.msgpack.encode(symbols_of(source.path, text))
        yield _Entry(source, content, chunks_of(source.path, text), symbols, len(text))


def _batches(entries: Iterable[_Entry | tuple[Source, int]]) -> Iterator[list[_Entry | tuple[Source, int]]]:
    batch: list[_Entry | tuple[Source, int]] = []
    chars = 0
    for entry in entries:
        batch.append(entry)
        chars += entry.chars if isinstance(entry, _Entry) else 0
        if len(batch) >= INDEX_WRITTEN_FILES or chars >= INDEX_WRITTEN_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _write(store: Store, batch: Sequence[_Entry | tuple[Source, int]], known: Mapping[str, _Known]) -> None:
    import time

    recent = time.time_ns() - INDEX_RACE_NS
    with store.writing() as connection:
        for entry in batch:
            source = entry.source if isinstance(entry, _Entry) else entry[0]
            # A file that changed a moment ago may change again without another stamp: look again next time.
            stamp = (source.size, source.mtime_ns if source.mtime_ns < recent else -1, source.inode)
            if isinstance(entry, _Entry):
                if source.path in known:
                    forget_file(connection, known[source.path].id)
                add_file(connection, source.path, stamp, entry.content, entry.symbols, entry.chunks)
            else:
                connection.execute(
                    "UPDATE file SET size = ?, mtime_ns = ?, inode = ? WHERE id = ?", (*stamp, entry[1])
                )
        _count_unranked(connection, len(batch))


def _forget_all(store: Store, files: Sequence[int]) -> None:
    for at in range(0, len(files), INDEX_WRITTEN_FILES):
        part = files[at : at + INDEX_WRITTEN_FILES]
        with store.writing() as connection:
            for file in part:
                forget_file(connection, file)
            _count_unranked(connection, len(part))


def _count_unranked(connection: sqlite3.Connection, more: int) -> None:
    """Kept with the change itself, so that the map is drawn also if this process ends before it is."""
    set_meta(connection, "unranked", str(int(meta(connection, "unranked") or 0) + more))


def _rank(store: Store, files: int) -> None:
    """Brings the map's ranks up to date, once enough has changed since the last time for it to show."""
    with store.reading() as connection:
        changed = int(meta(connection, "unranked") or 0)
        if not changed or (changed < files * INDEX_MAP_SHARE and meta(connection, "ranked")):
            return
        rows = connection.execute("SELECT path, symbols FROM file").fetchall()
    symbols = {path: msgspec.msgpack.decode(data, type=Symbols, dec_hook=_counter) for path, data in rows}
    new = ranks(symbols)
    with store.writing() as connection:
        connection.executemany(
            "UPDATE file SET rank = ? WHERE path = ?", ((rank, path) for path, rank in new.items())
        )
        set_meta(connection, "unranked", "0")
        set_meta(connection, "ranked", "1")


def _counter(_: type, value: dict[str, int]) -> Counter[str]:
    """What is kept of counted names, as msgspec knows no ``Counter``."""
    return Counter(value)


# --- vectors ----------------------------------------------------------------------------------------


def _use_model(store: Store, model: ModelId) -> None:
    if store.model() == model:
        return
    with store.writing() as connection:
        _drop_vectors(connection)
        set_meta(connection, "model", msgspec.json.encode(model).decode())
        set_meta(connection, "dimension", str(model.dimension))


def _drop_vectors(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM vector")
    connection.execute("DELETE FROM code")
    connection.execute("UPDATE chunk SET vector = 0")
    next_generation(connection)


def _next_texts(store: Store, count: int) -> dict[bytes, str]:
    """By key, what is to be embedded next."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT next.key, context, text FROM "
            f"(SELECT key, min(id) AS id FROM {_WAITING} GROUP BY key LIMIT ?) AS next JOIN body USING (id)",
            (count,),
        )
        return {key: f"{context}\n{text}" if context else text for key, context, text in rows}


def _embed(store: Store, embedder: Embedder, texts: Mapping[bytes, str]) -> bool:
    """Whether the vectors were kept: not if someone else has meanwhile cleared the index."""
    from akmon_index.vectors import add_vectors

    vectors = embedder.passages(list(texts.values()))
    if vectors.shape != (len(texts), embedder.id.dimension):
        raise ToolError(
            f"the model {embedder.id.name} gave vectors of the shape {vectors.shape} for {len(texts)} texts, "
            f"and not of {embedder.id.dimension} numbers each. None was kept. Choose another model."
        )
    with store.writing() as connection:
        if meta(connection, "model") != msgspec.json.encode(embedder.id).decode():
            return False
        return add_vectors(connection, list(texts), vectors) > 0


def _drop_spare(store: Store) -> None:
    """Deletes the vectors of texts that have gone, once they are many: then all of them are read anew."""
    with store.reading() as connection:
        vectors, chunks = connection.execute(
            "SELECT (SELECT count(*) FROM code), (SELECT count(*) FROM chunk)"
        ).fetchone()
    if vectors <= chunks + max(chunks * INDEX_SPARE_SHARE, INDEX_SPARE_VECTORS):
        return
    with store.writing() as connection:
        spare = "SELECT id FROM code WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.vector = code.id)"
        connection.execute(f"DELETE FROM code WHERE id IN ({spare})")
        connection.execute("DELETE FROM vector WHERE id NOT IN (SELECT id FROM code)")
        next_generation(connection)
