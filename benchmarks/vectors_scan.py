"""Fills a store with made-up vectors, asks it, and prints figures: ``vectors_scan.py COUNT QUERIES``."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from akmon_index.store import Store, set_meta
from akmon_index.vectors import add_vectors, nearest

DIMENSION = 384
_BLOCK = 10_000
_PER_GROUP = 500
"""Vectors lie in groups, as those of real texts do. Within one, the cosine is about 0.73, and the ten nearest
differ from the next ones by about a hundredth: harder than real texts are."""
_SPREAD = 0.6


def main() -> None:
    count, queries = int(sys.argv[1]), int(sys.argv[2])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index.db"
        made = Made(max(count // _PER_GROUP, 10))
        asked = made.some(queries)
        best = fill(Store(path), made, count, asked)
        store = Store(path)
        before = _resident()
        first, _ = ask(store, asked[0])
        answers = [ask(store, query) for query in asked]
        memory = _resident() - before
        size = path.stat().st_size
        store.close()
    times = sorted(took for took, _ in answers)
    found = [set(numbers) & set(each) for (_, numbers), each in zip(answers, best, strict=True)]
    figures = {
        "p50": times[len(times) // 2] * 1000,
        "p95": times[len(times) * 95 // 100] * 1000,
        "first": first * 1000,
        "missed": 1 - sum(map(len, found)) / (10 * queries),
        "memory": memory / 1e6,
        "bytes": size / count,
    }
    print(json.dumps(figures))


class Made:
    """Vectors of length 1, the same each time."""

    def __init__(self, groups: int) -> None:
        self._numbers = np.random.default_rng(0)
        self._centres = _unit(self._numbers.standard_normal((groups, DIMENSION), dtype=np.float32))

    def some(self, count: int) -> NDArray[np.float32]:
        noise = self._numbers.standard_normal((count, DIMENSION), dtype=np.float32)
        of = self._numbers.integers(0, len(self._centres), count)
        return _unit(self._centres[of] + noise * np.float32(_SPREAD / DIMENSION**0.5))


def fill(store: Store, made: Made, count: int, asked: NDArray[np.float32]) -> list[list[int]]:
    """Gives, for each query, the numbers of the ten vectors that are truly nearest."""
    scores = np.empty((len(asked), 0), np.float32)
    numbers = np.empty((len(asked), 0), np.int64)
    for first in range(0, count, _BLOCK):
        vectors = made.some(min(_BLOCK, count - first))
        with store.writing() as connection:
            set_meta(connection, "dimension", str(DIMENSION))
            keys = [(first + at).to_bytes(16, "little") for at in range(len(vectors))]
            add_vectors(connection, keys, vectors)
        here = np.broadcast_to(np.arange(first + 1, first + len(vectors) + 1), (len(asked), len(vectors)))
        scores = np.concatenate([scores, asked @ vectors.T], axis=1)
        numbers = np.concatenate([numbers, here], axis=1)
        kept = np.argsort(-scores, axis=1)[:, :10]
        scores, numbers = np.take_along_axis(scores, kept, 1), np.take_along_axis(numbers, kept, 1)
    store.close()
    best: list[list[int]] = numbers.tolist()
    return best


def ask(store: Store, query: NDArray[np.float32]) -> tuple[float, list[int]]:
    """How long it took, in seconds, and the numbers of the ten nearest."""
    began = time.perf_counter()
    with store.reading() as connection:
        found = nearest(store, connection, query)
    return time.perf_counter() - began, [number for number, _ in found[:10]]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def _resident() -> int:
    """Bytes of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
