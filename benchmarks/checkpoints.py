"""What it costs to know what commands did to a project's files, beside a Git repository kept apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.program import Ended, Program, middle
from benchmarks.table import Figure

FILES = (500, 5_000, 30_000)
TURNS = 1_000
_LIMITS = {"first": 3.0, "unchanged": 1.5, "changed": 1.25}


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    lines = _run(program, str(rounds), *map(str, FILES)).output.splitlines()
    for files, line in zip(FILES, lines, strict=True):
        seconds: dict[str, list[float]] = json.loads(line)
        for name, limit in _LIMITS.items():
            own, git = middle(seconds[name]), middle(seconds[f"git {name}"])
            yield Figure(f"survey of {files:,} files, {name} / git add and write-tree", own / git, "x", limit)
            yield Figure(f"survey of {files:,} files, {name}", own * 1000, "ms")
            yield Figure(f"git add and write-tree of {files:,} files, {name}", git * 1000, "ms")
    found: dict[str, float] = json.loads(_run(program, "turns", str(TURNS)).output)
    label = f"{TURNS:,} turns with 5 changed files of 4 kB each"
    yield Figure(f"store's growth / git's, {label}", found["added"] / found["git added"], "x", 0.5)
    yield Figure(f"store's growth, {label}", found["added"] / 1e6, "MB")
    yield Figure("a file put back", found["seconds"] / found["restored"] * 1000, "ms")


def _run(program: Program, *arguments: str) -> Ended:
    with TemporaryDirectory() as place:
        return program.python(str(Path(__file__).with_name("surveys.py")), place, *arguments)
