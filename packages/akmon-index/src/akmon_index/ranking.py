"""Ranks the pieces of a project for a query: by words, by meaning if there are vectors, and both together."""

from __future__ import annotations

import bisect
import fnmatch
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from akmon_index.chunk import words
from akmon_index.languages import is_test
from akmon_index.limits import INDEX_CANDIDATES, INDEX_FILTERED, INDEX_POOL, INDEX_QUERY_WORDS
from akmon_index.lookup import Scope, find, scope_of
from akmon_index.store import Store, in_list
from akmon_index.values import ChunkKind, Filters, Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RRF_K = 10
"""Of reciprocal rank fusion (Cormack and others, 2009). Larger: first places count less. The paper has 60,
for many rankings; of two, 5 to 20 find more: benchmarks/retrieval."""
MAP_WEIGHT = 0.05
"""What a file that much refers to gains, at most: not more than a place among the first."""
TEST_WEIGHT = 0.3
"""What a piece of a test counts beside others, unless tests are asked about: their names say in whole
sentences what others do. Of the questions about this repository 0.43 find a place without it, else 0.53."""
_TESTING = frozenset(("test", "tests", "tested", "testing", "spec", "specs", "fixture", "fixtures"))
_WEIGHTS = "2.0, 8.0, 1.0"
"""Of a word in the path, the symbol and the text: less for the symbol is worse in benchmarks/retrieval."""
STOP_WORDS = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have",
    "how", "i", "in", "is", "it", "its", "of", "on", "or", "should", "that", "the", "there", "this", "to",
    "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "you")
)  # fmt: skip
"""They are in so many pieces that they say nothing and cost most. A query of nothing else keeps them."""

_TOKENS = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""Of a glob: any characters, one, one of several, or one as it is."""

By: TypeAlias = Literal["words", "meaning"]


class _Place(msgspec.Struct, frozen=True):
    id: int
    path: str
    first: int
    last: int
    symbol: str
    kind: ChunkKind
    language: str
    rank: float


def search(
    store: Store,
    query: str,
    filters: Filters,
    *,
    vector: NDArray[np.float32] | None = None,
    map_weight: float = MAP_WEIGHT,
    test_weight: float = TEST_WEIGHT,
    there: Callable[[str], bool] = lambda _: True,
) -> list[Hit]:
    """The pieces that fit best, no two of which overlap. ``there`` says whether a file may still be shown.

    ``vector`` is the query's, by the model of ``Store.model``. Raises ``ToolError``.
    """
    pool = max(INDEX_POOL, filters.limit * 5)
    with store.reading() as connection:
        scope = _scope(connection, filters)
        lists: dict[By, list[int]] = {"words": _by_words(connection, query, scope, pool, filters.limit * 2)}
        if vector is not None:
            lists["meaning"] = _by_meaning(store, connection, vector, scope, pool)
        places = _places(connection, {number for found in lists.values() for number in found})
        scores = _on_the_map(fuse(list(lists.values())), places, map_weight)
        if _TESTING.isdisjoint(words(query)):
            tests = {number for number, place in places.items() if is_test(place.path)}
            scores |= {number: scores[number] * test_weight for number in tests}
        order = sorted(
            scores, key=lambda number: (-scores[number], places[number].path, places[number].first)
        )
        chosen = _thin([places[number] for number in order], filters.limit, there)
        texts = dict(_rows(connection, "SELECT id, text FROM body WHERE id IN", [each.id for each in chosen]))
    found_by = {name: set(found) for name, found in lists.items()}
    return [_hit(place, scores[place.id], texts[place.id], found_by) for place in chosen]


def fuse(lists: Sequence[Sequence[int]], k: int = RRF_K) -> dict[int, float]:
    """Reciprocal rank fusion: each list adds 1 / (``k`` + the rank in it, from 1)."""
    scores: dict[int, float] = {}
    for found in lists:
        for rank, number in enumerate(found, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (k + rank)
    return scores


def _on_the_map(scores: Mapping[int, float], places: Mapping[int, _Place], weight: float) -> dict[int, float]:
    """``scores`` raised by up to ``weight`` of themselves: by the share of the others that ranks lower."""
    ranks = sorted(place.rank for place in places.values())
    return {
        number: score * (1 + weight * bisect.bisect_left(ranks, places[number].rank) / len(ranks))
        for number, score in scores.items()
    }


# --- where ------------------------------------------------------------------------------------------


def _scope(connection: sqlite3.Connection, filters: Filters) -> Scope:
    """Where to look; a filter is by file, whose pieces are numbered one after the other."""
    parts, values, meant = [], [], None
    path = filters.path.removeprefix("./").rstrip("/")
    if path not in ("", ".", "**"):
        if _is_glob(path) and not _is_file(connection, path):
            meant = re.compile(glob_pattern(path))
        else:
            # "0" comes right after "/": this is all that begins with the folder's name and a slash.
            parts.append("(path = ? OR (path > ? AND path < ?))")
            values += [path, f"{path}/", f"{path}0"]
    if filters.language:
        parts.append("language = ?")
        values.append(filters.language.lower())
    if not parts and not meant:
        return Scope()
    where = f"WHERE {' AND '.join(parts)}" if parts else ""
    rows = connection.execute(f"SELECT id, chunk, chunks, path FROM file {where}", values)
    return scope_of([row[:3] for row in rows if not meant or meant.fullmatch(row[3])])


def _is_glob(path: str) -> bool:
    return any(char in path for char in "*?[")


def _is_file(connection: sqlite3.Connection, path: str) -> bool:
    """Names such as ``[id].tsx`` are common in some projects."""
    below = (path, f"{path}/", f"{path}0")
    row = connection.execute("SELECT 1 FROM file WHERE path = ? OR (path > ? AND path < ?) LIMIT 1", below)
    return row.fetchone() is not None


def glob_pattern(glob: str) -> str:
    """A regular expression for a glob over whole paths; one without a slash is meant in every folder.

    As ``akmon_core.pathglobs``, but fast enough for every path of a large project. Between two stars the
    first place that fits is as good as any: atomic groups keep it, so that no glob takes long.
    """
    parts = [part for part in glob.split("/") if part not in ("", ".")]
    if len(parts) == 1 and parts[0] != "**":
        parts.insert(0, "**")
    first, *between = [[_part(part) for part in run] for run in _runs(parts, "**")]
    if not between:
        return f"(?s:{'/'.join(first)})"
    *between, last = between
    found = "".join(f"{part}/" for part in first)
    for run in filter(None, between):
        found += f"(?>(?:[^/]+/)*?{'/'.join(run)}/)"
    return f"(?s:{found}{'(?:[^/]+/)*' + '/'.join(last) if last else '.*'})"


def _part(part: str) -> str:
    """For a name in a path."""
    tokens = ["*" if token[0] == "*" else token for token in _TOKENS.findall(part)]
    first, *between = ["".join(map(_token, run)) for run in _runs(tokens, "*")]
    if not between:
        return first
    *between, last = between
    return first + "".join(f"(?>[^/]*?{run})" for run in between) + f"[^/]*{last}"


def _runs(items: Sequence[str], parting: str) -> list[list[str]]:
    """What stands before, between and after ``parting``."""
    runs: list[list[str]] = [[]]
    for item in items:
        if item == parting:
            runs.append([])
        else:
            runs[-1].append(item)
    return runs


def _token(token: str) -> str:
    match token:
        case "?":
            return "[^/]"
        case _ if token[0] == "[" and len(token) > 1:
            return "(?!/)" + fnmatch.translate(token)[4:-3]  # without what stands for the whole
    return re.escape(token)


# --- words and meaning ------------------------------------------------------------------------------


def _by_words(connection: sqlite3.Connection, query: str, scope: Scope, count: int, enough: int) -> list[int]:
    """Pieces with the words that are rare; with all the common ones, if those are not ``enough``."""
    asked = list(dict.fromkeys(words(query)))
    asked = [word for word in asked if word not in STOP_WORDS] or asked
    return find(connection, asked[:INDEX_QUERY_WORDS], scope, _WEIGHTS, count, enough)


def _by_meaning(
    store: Store,
    connection: sqlite3.Connection,
    vector: NDArray[np.float32],
    scope: Scope,
    count: int,
) -> list[int]:
    """The nearest of all, or of what is in the scope: if that is large, first of what is near in it."""
    from akmon_index.vectors import nearest, roughly_nearest

    if scope.among is None:
        return _chunks(connection, nearest(store, connection, vector), count)
    pieces: list[tuple[int, int]] = []
    # So many of all that four times as many as wanted are in the scope, if it is not far from the query.
    many = max(INDEX_CANDIDATES, 4 * count * len(scope.among) // max(scope.size, 1))
    if scope.size > INDEX_FILTERED >= many:
        near = roughly_nearest(store, connection, vector, many)
        rows = _rows(connection, "SELECT id, vector FROM chunk WHERE vector IN", near)
        pieces = [row for row in rows if row[0] < len(scope.among) and scope.among[row[0]]]
    if len(pieces) < count:
        query = "SELECT id, vector FROM chunk WHERE vector > 0 AND file IN"
        pieces = _rows(connection, query, scope.files).fetchall()
    return _nearest_of(store, connection, vector, pieces)[:count]


def _nearest_of(
    store: Store,
    connection: sqlite3.Connection,
    vector: NDArray[np.float32],
    pieces: Sequence[tuple[int, int]],
) -> list[int]:
    """Of ``pieces``, which come with their vectors, those with the nearest ones."""
    import numpy as np

    from akmon_index.vectors import nearest

    of: dict[int, list[int]] = {}
    for piece, number in pieces:
        of.setdefault(number, []).append(piece)
    allowed = np.array(sorted(of.keys() - {0}), np.int64)
    found = nearest(store, connection, vector, allowed)
    return [piece for number, _ in found for piece in sorted(of[number])]


def _chunks(connection: sqlite3.Connection, vectors: Sequence[tuple[int, float]], count: int) -> list[int]:
    """The chunks that have these vectors, in their order."""
    found: list[int] = []
    for at in range(0, len(vectors), count):
        part = {number: place for place, (number, _) in enumerate(vectors[at : at + count])}
        rows = _rows(
            connection,
            "SELECT vector, id FROM chunk INDEXED BY chunk_of_vector WHERE vector IN",
            list(part),
        )
        found += [number for _, number in sorted(rows, key=lambda row: (part[row[0]], row[1]))]
        if len(found) >= count:
            break
    return found[:count]


# --- hits -------------------------------------------------------------------------------------------


def _places(connection: sqlite3.Connection, numbers: set[int]) -> dict[int, _Place]:
    rows = _rows(
        connection,
        "SELECT chunk.id, path, first, last, symbol, kind, chunk.language, rank FROM chunk "
        "JOIN file ON file.id = chunk.file WHERE chunk.id IN",
        sorted(numbers),
    )
    return {row[0]: _Place(*row) for row in rows}


def _rows(connection: sqlite3.Connection, query: str, numbers: Sequence[int]) -> sqlite3.Cursor:
    return connection.execute(f"{query} {in_list(numbers)}")


def _thin(places: Sequence[_Place], limit: int, there: Callable[[str], bool]) -> list[_Place]:
    """The best ``limit``, without what shares lines with a better one. A class has none of its members."""
    chosen: list[_Place] = []
    lines: dict[str, list[tuple[int, int]]] = {}
    exists: dict[str, bool] = {}
    for place in places:
        if len(chosen) == limit:
            break
        taken = lines.setdefault(place.path, [])
        overlaps = any(place.first <= last and first <= place.last for first, last in taken)
        if overlaps and place.kind != "class":
            continue
        if place.path not in exists:
            exists[place.path] = there(place.path)
        if exists[place.path]:
            chosen.append(place)
            if place.kind != "class":
                taken.append((place.first, place.last))
    return chosen


def _hit(place: _Place, score: float, text: str, found_by: Mapping[By, set[int]]) -> Hit:
    return Hit(
        path=place.path,
        first=place.first,
        last=place.last,
        symbol=place.symbol,
        language=place.language,
        score=score,
        text=text,
        by=tuple(name for name, found in found_by.items() if place.id in found),
    )
