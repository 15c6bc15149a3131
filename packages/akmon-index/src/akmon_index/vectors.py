"""Finds the vectors nearest to a query: by their signs in memory, then by their values on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from akmon_core.limits import INDEX_CANDIDATES
from akmon_index.store import Store, in_list, meta

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 65_536
"""Vectors whose codes lie together; one step of reading, and of the scan."""


class Codes:
    """The signs of all vectors: 48 bytes each for 384 dimensions. Grows without being copied."""

    def __init__(self, dimension: int, generation: str = "") -> None:
        self.dimension = dimension
        self.generation = generation
        self.last = 0
        """The highest number of a vector that is in it."""
        self._words = -(-dimension // 64)
        self._filled = 0
        self._ids: list[NDArray[np.int64]] = []
        self._blocks: list[NDArray[np.uint64]] = []
        """Each of ``(words, _BLOCK)``: one word of all codes after the other, which is fastest to scan."""

    def __len__(self) -> int:
        return max(len(self._blocks) - 1, 0) * _BLOCK + self._filled

    def extend(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Adds vectors by number and ``code_of``; numbers only rise."""
        import numpy as np

        while rows:
            if not self._blocks or self._filled == _BLOCK:
                self._ids.append(np.empty(_BLOCK, np.int64))
                self._blocks.append(np.empty((self._words, _BLOCK), np.uint64))
                self._filled = 0
            part, rows = rows[: _BLOCK - self._filled], rows[_BLOCK - self._filled :]
            to = slice(self._filled, self._filled + len(part))
            bits = np.frombuffer(b"".join(code for _, code in part), np.uint64)
            self._blocks[-1][:, to] = bits.reshape(len(part), self._words).T
            self._ids[-1][to] = [number for number, _ in part]
            self._filled += len(part)
            self.last = part[-1][0]

    def nearest(self, code: bytes, count: int, allowed: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Numbers of the ``count`` vectors that differ least from ``code``, of those ``allowed`` (sorted)."""
        import numpy as np

        if not len(self):
            return np.empty(0, np.int64)
        word = np.frombuffer(code, np.uint64)
        far = self._words * 64 + 1
        blocks = [self._distances(at, word) for at in range(len(self._blocks))]
        if allowed is not None:
            for at, distances in enumerate(blocks):
                distances[~_among(self._ids_of(at), allowed)] = far
        tally = sum((np.bincount(each, minlength=far + 1) for each in blocks), np.zeros(far + 1, np.int64))
        cut = min(int(np.searchsorted(np.cumsum(tally), count)), far - 1)
        inside = [self._ids_of(at)[each < cut] for at, each in enumerate(blocks)]
        edge = [self._ids_of(at)[each == cut] for at, each in enumerate(blocks)]
        return np.concatenate(inside + edge)[:count]

    def _ids_of(self, at: int) -> NDArray[np.int64]:
        return self._ids[at][: self._filled] if at == len(self._ids) - 1 else self._ids[at]

    def _distances(self, at: int, code: NDArray[np.uint64]) -> NDArray[np.uint16]:
        import numpy as np

        end = self._filled if at == len(self._blocks) - 1 else _BLOCK
        block = self._blocks[at]
        distances: NDArray[np.uint16] = np.bitwise_count(block[0, :end] ^ code[0]).astype(np.uint16)
        for number in range(1, self._words):
            distances += np.bitwise_count(block[number, :end] ^ code[number])
        return distances


def code_of(vectors: NDArray[np.float32]) -> list[bytes]:
    """The signs of each row, filled up to whole words of 64 bits."""
    import numpy as np

    bits = np.packbits(vectors > 0, axis=1)
    missing = -bits.shape[1] % 8
    return [row.tobytes() for row in np.pad(bits, ((0, 0), (0, missing)))]


def quantised(vectors: NDArray[np.float32]) -> list[tuple[float, bytes]]:
    """Each row as a scale and one signed byte per dimension: a quarter of its size."""
    import numpy as np

    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    rows = np.rint(vectors / scales[:, None]).astype(np.int8)
    return [(float(scale), row.tobytes()) for scale, row in zip(scales, rows, strict=True)]


def add_vectors(connection: sqlite3.Connection, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> int:
    """Keeps one vector for each key that has none, within ``Store.writing``. Gives how many were new."""
    added = 0
    for key, code, (scale, data) in zip(keys, code_of(vectors), quantised(vectors), strict=True):
        row = connection.execute(
            "INSERT OR IGNORE INTO vector (key, scale, data) VALUES (?, ?, ?) RETURNING id",
            (key, scale, data),
        ).fetchone()
        if row:
            connection.execute("INSERT INTO code VALUES (?, ?)", (row[0], code))
            connection.execute("UPDATE chunk SET vector = ? WHERE key = ? AND vector = 0", (row[0], key))
            added += 1
    return added


def nearest(
    store: Store,
    connection: sqlite3.Connection,
    vector: NDArray[np.float32],
    allowed: NDArray[np.int64] | None = None,
) -> list[tuple[int, float]]:
    """Numbers of vectors and how alike they are to ``vector``, best first: ``INDEX_CANDIDATES`` at most.

    ``connection`` is within ``Store.reading``. Only what has come since the last call is read. Gives nothing
    if the vectors in the store are of another dimension.
    """
    import numpy as np

    codes = _up_to_date(store, connection)
    if codes is None or codes.dimension != vector.size:
        return []
    found = codes.nearest(code_of(vector.reshape(1, -1))[0], INDEX_CANDIDATES, allowed)
    rows = connection.execute(
        f"SELECT id, scale, data FROM vector WHERE id IN {in_list(found.tolist())}"
    ).fetchall()
    if not rows:
        return []
    values = np.frombuffer(b"".join(row[2] for row in rows), np.int8).reshape(len(rows), -1)
    scores = values.astype(np.float32) @ vector.astype(np.float32) * np.array([row[1] for row in rows])
    return [(rows[at][0], float(scores[at])) for at in np.argsort(-scores, kind="stable")]


def _up_to_date(store: Store, connection: sqlite3.Connection) -> Codes | None:
    generation, dimension = meta(connection, "generation"), int(meta(connection, "dimension") or 0)
    if not dimension:
        return None
    codes = store.codes
    if codes is None or (codes.generation, codes.dimension) != (generation, dimension):
        codes = store.codes = Codes(dimension, generation)
    for rows in _blocks(connection, codes.last):
        codes.extend(rows)
    return codes


def _blocks(connection: sqlite3.Connection, after: int) -> Iterable[list[tuple[int, bytes]]]:
    cursor = connection.execute("SELECT id, bits FROM code WHERE id > ? ORDER BY id", (after,))
    while rows := cursor.fetchmany(_BLOCK):
        yield rows


def _among(numbers: NDArray[np.int64], allowed: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ``numbers`` are in ``allowed``; both rise."""
    import numpy as np

    if not len(allowed):
        return np.zeros(len(numbers), np.bool_)
    at = np.minimum(np.searchsorted(allowed, numbers), len(allowed) - 1)
    found: NDArray[np.bool_] = allowed[at] == numbers
    return found
