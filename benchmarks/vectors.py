"""How fast and how well the index finds what is nearest to a query, by vectors alone and as a whole:
``python -m benchmarks.vectors``.

Needs akmon-index and numpy beside the interpreter that runs it. The vectors and the texts are made up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.program import Program
from benchmarks.table import Figure, show

COUNTS = (10_000, 100_000, 1_000_000)
_WHOLE = 1_000_000
_QUERIES = 100


def figures(_: Program | None, rounds: int) -> Iterator[Figure]:
    """Of ``rounds`` times 100 queries (whole searches: each kind); a process for each number of vectors."""
    for count in COUNTS:
        yield from _of(count, rounds * _QUERIES)
    yield from _whole(_WHOLE, rounds * _QUERIES)


def _of(count: int, queries: int) -> Iterator[Figure]:
    command = [sys.executable, str(Path(__file__).with_name("vectors_scan.py")), str(count), str(queries)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    name = f"nearest of {count:,} vectors"
    yield Figure(f"{name}, median", found["p50"], "ms")
    yield Figure(f"{name}, 95th percentile", found["p95"], "ms", 100)
    yield Figure(f"{name}, of the true ten best missed", found["missed"] * 100, "%", 5)
    yield Figure(f"{name}, first query of a process", found["first"], "ms")
    yield Figure(f"{name}, memory", found["memory"], "MB", 30 + count / 10_000)
    yield Figure(f"{name}, on disk each", found["bytes"], "B", 700)


def _whole(count: int, queries: int) -> Iterator[Figure]:
    command = [sys.executable, "-m", "benchmarks.whole_search", str(count), str(queries)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    name = f"search of {count:,} pieces"
    memory, size, first = found.pop("memory"), found.pop("bytes"), found.pop("first")
    for kind, value in found.items():
        yield Figure(f"{name}, {kind}", value, "ms", 100 if kind.endswith("percentile") else None)
    yield Figure(f"{name}, first query of a process", first, "ms")
    yield Figure(f"{name}, memory of the process", memory, "MB", 300)
    yield Figure(f"{name}, on disk each", size, "B")


if __name__ == "__main__":
    print(show(list(figures(None, 1))))
