"""What it costs to have a record on the disk before anything is done, and to read a long one again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.journals import EVENTS
from benchmarks.program import Program, middle
from benchmarks.table import Figure


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    with TemporaryDirectory(dir=program.project) as place:
        script = str(Path(__file__).with_name("journals.py"))
        found: dict[str, list[float]] = json.loads(program.python(script, place, str(rounds)).output)
    bare, append, anchor = (middle(found[name]) for name in ("bare", "append", "anchor"))
    short, long = (middle(found[f"resume {events}"]) for events in (EVENTS, 2 * EVENTS))
    size = found[f"size {EVENTS}"][0] / 1e6
    label = f"{EVENTS:,} records, {size:.0f} MB"
    yield Figure("the anchor's part of a bare write and fdatasync", anchor / bare * 100, "%", 5)
    yield Figure("a record on the disk / a bare write and fdatasync", append / bare, "x", 1.5)
    yield Figure("a record on the disk", append * 1000, "ms")
    yield Figure(f"resuming {label}", short, "s", 2)
    yield Figure("resuming twice as many / that", long / short, "x", 3)
    yield Figure(f"verifying {label}", middle(found[f"verify {EVENTS}"]), "s")
