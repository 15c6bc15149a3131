"""The ways of searching that are compared: our own, its parts alone, ripgrep, and windows of lines."""

from __future__ import annotations

import hashlib
import subprocess
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from akmon_index.chunk import words
from akmon_index.files import list_sources, read_source
from akmon_index.ranking import MAP_WEIGHT, STOP_WORDS, TEST_WEIGHT, search
from akmon_index.store import Store
from akmon_index.values import Embedder, Filters
from benchmarks.retrieval.corpora import Corpus
from benchmarks.retrieval.scores import FIRST, Place, Way

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINES, _SHARED, _LEAST_CHARS = 50, 10, 10
"""Of a window: its lines, those that it shares with the one before, and what is too small to count."""
_AT_ONCE = 256


def ours(store: Store, vector: Callable[[str], NDArray[np.float32]]) -> dict[str, Way]:
    """``vector`` gives that of a question."""

    def places(query: str, meaning: NDArray[np.float32] | None, tests: float, weight: float) -> list[Place]:
        filters = Filters(limit=FIRST)
        hits = search(store, query, filters, vector=meaning, map_weight=weight, test_weight=tests)
        return [Place(hit.path, hit.first, hit.last, hit.symbol) for hit in hits]

    return {
        "FTS5 alone": lambda question: places(question, None, 1, 0),
        "vectors alone": lambda question: places("", vector(question), 1, 0),
        "hybrid": lambda question: places(question, vector(question), 1, 0),
        "hybrid and map": lambda question: places(question, vector(question), 1, MAP_WEIGHT),
        "the whole: hybrid, map, tests behind": lambda question: places(
            question, vector(question), TEST_WEIGHT, MAP_WEIGHT
        ),
    }


def keywords(corpus: Corpus, store: Store, ripgrep: str) -> Way:
    """What somebody sees who greps for each word of a question: the chunks with most of the words, of those
    the ones with most matches. Words that say nothing are left out, upper case counts as lower case."""
    chunks = _Chunks(store)

    @cache
    def matches(word: str) -> Counter[int]:
        command = [ripgrep, "--no-config", "--no-heading", "-inoF", "--null", "-e", word, "./"]
        done = subprocess.run(command, cwd=corpus.root, capture_output=True, check=False)
        return Counter(filter(None, map(chunks.of, done.stdout.split(b"\n"))))

    def way(question: str) -> list[Place]:
        asked = {word for word in words(question) if word not in STOP_WORDS}
        found, total = Counter[int](), Counter[int]()
        for word in asked:
            found.update(matches(word).keys())
            total.update(matches(word))
        best = sorted(found, key=lambda number: (-found[number], -total[number], number))
        return [chunks.places[number] for number in best[:FIRST]]

    return way


class _Chunks:
    """Which chunk a line is in: of several the last to begin, as a class begins before its members."""

    def __init__(self, store: Store) -> None:
        with store.reading() as connection:
            rows = connection.execute(
                "SELECT chunk.id, path, first, last, symbol FROM chunk JOIN file ON file.id = chunk.file "
                "ORDER BY path, first, last DESC"
            ).fetchall()
        self.places = {number: Place(*row) for number, *row in rows}
        self._of_file: dict[str, list[tuple[int, int]]] = {}
        for number, path, first, *_ in rows:
            self._of_file.setdefault(path, []).append((first, number))

    def of(self, match: bytes) -> int:
        """0 is none. ``match`` is a line of ripgrep's output."""
        path, _, rest = match.partition(b"\0")
        begins = self._of_file.get(path.decode(errors="replace").removeprefix("./"), [])
        at = bisect_right(begins, (int(rest.partition(b":")[0] or 0), 1 << 62))
        return begins[at - 1][1] if at else 0


def windows(corpus: Corpus, embedder: Embedder, report: Callable[[int, int], None]) -> Way:
    """Windows of 50 lines, each sharing 10 with the one before, by the cosine of their vectors alone."""
    places, texts = zip(*_windows(corpus), strict=True)
    vectors = _vectors(corpus, embedder, texts, report)

    def way(question: str) -> list[Place]:
        alike = vectors @ embedder.query(question)
        return [places[at] for at in np.argsort(-alike, kind="stable")[:FIRST]]

    return way


def _windows(corpus: Corpus) -> Iterator[tuple[Place, str]]:
    for source in list_sources(corpus.root, corpus.left_out.__contains__):
        lines = read_source(corpus.root, source.path).split("\n")
        for start in range(0, len(lines), _LINES - _SHARED):
            text = "\n".join(lines[start : start + _LINES])
            if len(text.strip()) >= _LEAST_CHARS:
                yield Place(source.path, start + 1, min(start + _LINES, len(lines))), text


def _vectors(
    corpus: Corpus, embedder: Embedder, texts: tuple[str, ...], report: Callable[[int, int], None]
) -> NDArray[np.float32]:
    """Those kept from another run, if the texts are the same; else they are made."""
    kept = corpus.kept(f"windows-{_digest(embedder, texts)}.npy")
    if kept.exists():
        made: NDArray[np.float32] = np.load(kept)
        return made
    rows = []
    for at in range(0, len(texts), _AT_ONCE):
        rows.append(embedder.passages(texts[at : at + _AT_ONCE]))
        report(min(at + _AT_ONCE, len(texts)), len(texts))
    vectors = np.concatenate(rows)
    np.save(kept, vectors)
    return vectors


def _digest(embedder: Embedder, texts: tuple[str, ...]) -> str:
    told = msgspec.json.encode((embedder.id, texts))
    return hashlib.sha256(told).hexdigest()[:16]
