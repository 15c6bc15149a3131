"""Measures and prints all figures: ``python -m benchmarks.run [--rounds N] [--only NAME] [--no-fail]``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import (
    checkpoints,
    cost,
    decoders,
    deltas,
    indexing,
    journal,
    marathon,
    sandbox,
    screen,
    search,
    startup,
    turns,
    vectors,
)
from benchmarks.install import install
from benchmarks.program import Program
from benchmarks.table import Figure, show

PARTS: dict[str, tuple[Callable[[Program, int], Iterator[Figure]], int]] = {
    "startup": (startup.figures, 15),
    "turns": (turns.figures, 5),
    "deltas": (deltas.figures, 5),
    "decoders": (decoders.figures, 3),
    "search": (search.figures, 7),
    "cost": (cost.figures, 1),
    "marathon": (marathon.figures, 1),
    "checkpoints": (checkpoints.figures, 9),
    "journal": (journal.figures, 5),
    "sandbox": (sandbox.figures, 101),
    "screen": (screen.figures, 15),
    "vectors": (vectors.figures, 1),
    "indexing": (indexing.figures, 5),
}
"""By name: what measures it, and how often it is repeated."""


def main() -> int:
    options = _parser().parse_args()
    binaries = install()
    figures: list[Figure] = []
    with TemporaryDirectory() as home:
        program = Program(binaries, Path(home))
        program.project.mkdir()
        for name in options.only or PARTS:
            measure, rounds = PARTS[name]
            print(f"measuring {name} (load of the machine: {os.getloadavg()[0]:.1f})", file=sys.stderr)
            figures += measure(program, options.rounds or rounds)
    figures.sort(key=lambda figure: figure.limit is None)
    print(show(figures))
    over = [figure.name for figure in figures if figure.over]
    if over:
        print(f"over the limit: {'; '.join(over)}", file=sys.stderr)
    return 1 if over and not options.no_fail else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measures akmon; see benchmarks/README.md."
    )
    parser.add_argument("--rounds", type=int, help="repeat each measurement this often")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this; may be repeated")
    parser.add_argument("--no-fail", action="store_true", help="exit with 0 even if a limit is exceeded")
    return parser


if __name__ == "__main__":
    sys.exit(main())
