"""How long an index of 10,000 files takes to build, keep up and ask: ``python -m benchmarks.indexing``.

Needs akmon-index and numpy beside the interpreter that runs it. The files are made up of real functions.
If ``AKMON_INDEX_MODEL`` names another embedding model than ``hashed``, that is measured too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.program import Program
from benchmarks.table import Figure, show

_ROOT = Path(__file__).parents[1]
_UNCHANGED = 300.0
"""Milliseconds, as each search begins with this."""


def figures(_: Program | None, rounds: int) -> Iterator[Figure]:
    """A process that builds, changes files, and asks; ``rounds`` of each change and of 20 queries."""
    found = _measured(rounds)
    name = "index of 10,000 files"
    yield Figure(f"{name}: words, files per second", found["files_rate"], "/s")
    yield Figure(f"{name}: words, pieces per second", found["chunks_rate"], "/s")
    yield Figure(f"{name}: words, text per second", found["bytes_rate"], "MB")
    yield Figure(f"{name}: pieces", found["chunks"], "")
    yield Figure(f"{name}: words, on disk for each piece", found["words_bytes"], "B", 2_500)
    yield Figure(f"{name}: words and vectors, on disk for each piece", found["all_bytes"], "B", 3_500)
    yield Figure(f"{name}: peak memory of building words", found["memory"], "MB", 400)
    yield Figure(f"{name}: hashed vectors per second", found["vectors_rate"], "/s")
    yield Figure(f"{name}: nothing has changed", found["unchanged"], "ms", _UNCHANGED)
    yield Figure(f"{name}: 10 files have changed", found["changed"], "ms", 2 * _UNCHANGED)
    yield Figure(f"{name}: 10 files have changed, files read", found["changed_read"], "", 10)
    yield Figure(f"{name}: 10 files have changed, pieces embedded", found["changed_embedded"], "", 20)
    yield Figure(f"{name}: a folder of 100 was renamed", found["renamed"], "ms")
    yield Figure(f"{name}: a folder of 100 was renamed, pieces embedded", found["renamed_embedded"], "", 0)
    yield Figure(f"{name}: a folder of 100 was deleted", found["deleted"], "ms")
    for by, said in (("words", "by words"), ("both", "by words and meaning")):
        for what in ("search", "ranking"):
            for part, which in (("p50", "median"), ("p95", "95th percentile")):
                value = found[f"{what}_{by}_{part}"]
                limit = 2 * _UNCHANGED if (what, part) == ("search", "p95") else None
                yield Figure(f"{name}: {what} {said}, {which}", value, "ms", limit)
    yield Figure(f"{name}: akmon search, start to exit", found["process"], "ms")
    yield Figure(f"{name}: akmon search / python -c pass", found["process"] / found["bare"], "x")
    if "own_rate" in found:
        model = os.environ.get("AKMON_INDEX_MODEL", "")
        yield Figure(f"{model}: vectors per second", found["own_rate"], "/s")


def _measured(rounds: int) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.indexing_steps", folder, str(rounds)]
        done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    print(show(list(figures(None, 5))))
