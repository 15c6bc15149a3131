"""Finds pieces by their words, within a filter, with work that is bounded whatever the words are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import compress, islice

import msgspec

from akmon_index.limits import INDEX_COMMON_WORD, INDEX_LOOKED_UP, INDEX_SCANNED, INDEX_SCORED


class Scope(msgspec.Struct, frozen=True):
    """What a search is among."""

    files: tuple[int, ...] = ()
    among: bytearray | None = None
    """For each number of a piece whether it is in it; None is everything."""
    size: int = 0
    """Pieces in it, unless it is everything."""


def scope_of(files: Sequence[tuple[int, int, int]]) -> Scope:
    """Of files by number, their first chunk and how many they have."""
    among = bytearray(max((first + count for _, first, count in files), default=0))
    for _, first, count in files:
        among[first : first + count] = b"\1" * count
    return Scope(tuple(number for number, _, _ in files), among, sum(count for _, _, count in files))


def find(
    connection: sqlite3.Connection,
    asked: Sequence[str],
    scope: Scope,
    weights: str,
    count: int,
    enough: int,
) -> list[int]:
    """The best ``count`` pieces with the words that are rare; with common ones if those are not ``enough``.

    ``weights`` is of a word in the path, the symbol and the text, as SQL.
    """
    if scope.among is not None and not scope.size:
        return []
    words = _Words(connection, scope, weights, count)
    spread = {word: words.pieces(_quoted(word)) for word in asked}
    rare = [word for word in asked if spread[word] < INDEX_COMMON_WORD]
    common = sorted((word for word in asked if word not in rare), key=lambda word: spread[word])
    found = dict.fromkeys(words.with_rare({word: spread[word] for word in rare}))
    telling = _cheapest({word: spread[word] for word in common}, INDEX_SCANNED)
    # All of the common words, or any if there is no piece with all.
    for joint, least in ((" AND ", enough), (" OR ", 1)):
        if telling and len(found) < least:
            found |= dict.fromkeys(words.with_common(_joined(joint, telling)))
    # What is nearly everywhere says nothing: a few pieces with the rarest two, or one, will do.
    for some in (common[:2], common[:1]):
        if some and len(found) < (1 if telling else enough):
            found |= dict.fromkeys(words.unranked(_joined(" AND ", some)))
    return list(found)[:count]


class _Words:
    """Looks for pieces by expressions of FTS5. Scoring one takes 1.3 µs, passing over one 0.1 µs."""

    def __init__(self, connection: sqlite3.Connection, scope: Scope, weights: str, count: int) -> None:
        self._connection = connection
        self._scope = scope
        self._weights = weights
        self._count = count
        self._last = int(connection.execute("SELECT coalesce(max(id), 0) FROM chunk").fetchone()[0])
        if scope.among:
            connection.create_function("within", 1, scope.among.__getitem__, deterministic=True)

    def pieces(self, expression: str) -> int:
        """How many match. From ``INDEX_COMMON_WORD`` on, as many as if all came as densely as those."""
        count, last = self._connection.execute(
            "SELECT count(*), max(rowid) FROM (SELECT rowid FROM entry WHERE entry MATCH ? LIMIT ?)",
            (expression, INDEX_COMMON_WORD),
        ).fetchone()
        return int(count) if count < INDEX_COMMON_WORD else count * self._last // last

    def with_rare(self, spread: dict[str, int]) -> list[int]:
        """Of a large project only pieces with the rarest, ``INDEX_SCORED`` at most; all words rank them."""
        if not spread:
            return []
        chosen = list(spread)
        if sum(spread.values()) > INDEX_SCORED and self._is_large():
            chosen = _cheapest(spread, INDEX_SCORED) or [min(spread, key=lambda word: spread[word])]
        expression = _joined(" OR ", spread)
        if len(chosen) < len(spread):
            expression = f"({_joined(' OR ', chosen)}) AND ({expression})"
        return self._ranked(expression, 1)

    def with_common(self, expression: str) -> list[int]:
        """Of more than ``INDEX_SCORED`` an even sample."""
        pieces = self.pieces(expression)
        if self._scope.among:
            pieces = min(pieces, self._scope.size)
        return self._ranked(expression, max(-(-pieces // INDEX_SCORED), 1))

    def unranked(self, expression: str) -> list[int]:
        """Some that match, of ``INDEX_LOOKED_UP`` that lie evenly in the scope."""
        among, every = self._scope.among, range(self._last + 1)
        step = (self._scope.size if among else self._last) // INDEX_LOOKED_UP + 1
        numbers = list(islice(compress(every, among) if among else every, 0, None, step))
        rows = self._connection.execute(
            "WITH piece AS MATERIALIZED "
            "(SELECT DISTINCT (SELECT min(id) FROM chunk WHERE id >= value) AS id FROM json_each(?)) "
            "SELECT id FROM piece CROSS JOIN entry ON entry.rowid = id WHERE entry MATCH ? LIMIT ?",
            (json.dumps(numbers), expression, self._count),
        )
        return [row[0] for row in rows]

    def _ranked(self, expression: str, step: int) -> list[int]:
        where = "entry MATCH ?"
        if step > 1:
            # Scattered by a multiplication, as every n-th piece may be of its own kind.
            where += f" AND (entry.rowid * 2654435761 >> 16) % {step} = 0"
        if self._scope.among:
            first, end = self._scope.among.find(1), len(self._scope.among)
            where += f" AND entry.rowid >= {first} AND entry.rowid < {end} AND within(entry.rowid)"
        rows = self._connection.execute(
            f"SELECT id FROM (SELECT rowid AS id, bm25(entry, {self._weights}) AS score FROM entry "
            f"WHERE {where} LIMIT ?) ORDER BY score, id LIMIT ?",
            (expression, INDEX_SCORED, self._count),
        )
        return [row[0] for row in rows]

    def _is_large(self) -> bool:
        query = "SELECT count(*) FROM (SELECT 1 FROM chunk LIMIT ?)"
        (count,) = self._connection.execute(query, (INDEX_SCORED + 1,)).fetchone()
        return bool(count > INDEX_SCORED)


def _cheapest(spread: dict[str, int], budget: int) -> list[str]:
    """The words with the fewest pieces, whose pieces are no more than ``budget`` together."""
    chosen: list[str] = []
    for word in sorted(spread, key=lambda word: spread[word]):
        budget -= spread[word]
        if budget < 0:
            break
        chosen.append(word)
    return chosen


def _joined(joint: str, words: Iterable[str]) -> str:
    return joint.join(map(_quoted, words))


def _quoted(word: str) -> str:
    return f'"{word}"'
