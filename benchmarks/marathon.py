"""Whether a turn costs akmon more processor time after three hundred of them: each does the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import prose
from benchmarks.cache import Cache
from benchmarks.cache_server import Clock, Play, serving
from benchmarks.program import Program, middle
from benchmarks.table import Figure
from benchmarks.webapp import Call, Reply, Turn

MODEL = "claude-sonnet-4-6"
"""Its window has 200,000 tokens."""
EARLY, LATE = 30, 300
AROUND = 25
"""Turns before and after it that count as well: meanwhile prompts grow, and are shortened by a summary."""
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from benchmarks.marathon_akmon import main; main()"
_LINES = 200


@dataclass
class _Same(Play):
    """Says the same in every turn. A turn begins with its prompt."""

    def answer(self, body: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        last = body["messages"][-1]["content"][-1].get("text", "")
        if last == f"Turn {self.turn + 1}":
            self.begin(Turn(30.0, last, _REPLIES))
        return super().answer(body)


_SAID = prose.sentences(Random(3), 1_200)
"""So much that the window fills within the turns around."""
_REPLIES = (
    Reply(_SAID, (Call("read", {"path": "server/orders.py", "limit": _LINES}, 0.0),)),
    Reply(_SAID, (Call("shell", {"command": "cat output.txt"}, 0.0),)),
    Reply(_SAID, (Call("search", {"pattern": "order", "path": "web"}, 0.0),)),
    Reply(_SAID),
)


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    growth, early = [], []
    for _ in range(rounds):
        turns = _turns(program)
        own = [turn / work for turn, work in turns]
        growth.append(_around(own, LATE) / _around(own, EARLY))
        early.append(_around([turn for turn, _ in turns], EARLY))
    yield Figure(f"processor time of turn {LATE} / turn {EARLY}", middle(growth), "x", 1.2)
    yield Figure(f"processor time of turn {EARLY}, of 4 calls", middle(early) * 1000, "ms")


def _turns(program: Program) -> list[tuple[float, float]]:
    """By turn: seconds of processor time that it took, and that the same piece of work took behind it."""
    play = _Same(Cache(MODEL), Clock())
    with TemporaryDirectory() as folder, serving(play) as url:
        _lay_out(Path(folder))
        turns = str(LATE + AROUND)
        run = program.python("-c", _RUN, str(Path(__file__).parents[1]), MODEL, url, folder, turns)
    if play.failed:
        raise RuntimeError(f"a call of the script failed: {play.failed[0]}")
    seconds: list[tuple[float, float]] = json.loads(run.output)
    return seconds


def _around(turns: list[float], turn: int) -> float:
    return middle(turns[turn - AROUND : turn + AROUND])


def _lay_out(folder: Path) -> None:
    random = Random(5)
    for path, size in (("server/orders.py", 30_000), ("web/cart.js", 6_000)):
        (folder / path).parent.mkdir()
        (folder / path).write_text("\n".join(prose.file(random, path, size)))
    (folder / "output.txt").write_text(prose.log(random, ["npm", "test"], 4_000))
