"""What it costs to hold a command in: ``bash -c true`` plain, in bubblewrap, and under Landlock, by turns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.program import Program, middle
from benchmarks.table import Figure

_LIMITS = {"bubblewrap": 5.0}


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    with TemporaryDirectory() as place:
        run = program.python(str(Path(__file__).with_name("boxes.py")), place, str(rounds))
    seconds: dict[str, list[float]] = json.loads(run.output)
    plain = middle(seconds["plain"])
    yield Figure("a command, plain", plain * 1000, "ms")
    for name, times in seconds.items():
        if name != "plain":
            cost = (middle(times) - plain) * 1000
            yield Figure(f"a command in {name}: added", cost, "ms", _LIMITS.get(name))
