"""Finds the vectors nearest to a query: by their signs in memory, then by their values on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from akmon_index.codes import BLOCK, Codes, code_of, quantised
from akmon_index.limits import INDEX_CANDIDATES
from akmon_index.store import Store, in_list, meta

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


def roughly_nearest(
    store: Store, connection: sqlite3.Connection, vector: NDArray[np.float32], count: int
) -> list[int]:
    """Numbers of the ``count`` vectors that are nearest by their signs, in no order; else as ``nearest``."""
    codes = _up_to_date(store, connection)
    if codes is None or codes.dimension != vector.size:
        return []
    found: list[int] = codes.nearest(code_of(vector.reshape(1, -1))[0], count).tolist()
    return found


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
    while rows := cursor.fetchmany(BLOCK):
        yield rows
