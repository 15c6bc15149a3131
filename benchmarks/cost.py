"""What a session of thirty turns costs where prompts are cached, beside other ways to send it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cache import Counted
from benchmarks.program import Program
from benchmarks.table import Figure
from benchmarks.ways import Way, append_only, cleared_each_time, counted

MODELS = ("claude-haiku-4-5", "claude-sonnet-5-5")
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from benchmarks.buildshop import main; main()"


@dataclass(frozen=True)
class Bill:
    """One way to send the session, with its replies."""

    calls: int
    counted: Counted
    output: int
    cost: float
    """US dollars."""

    @property
    def share(self) -> float:
        """Of the prompts' tokens, those read from the cache."""
        return self.counted.read / self.counted.total


def figures(program: Program, _rounds: int) -> Iterator[Figure]:
    """Nothing of this is a time, so once is enough."""
    for model in MODELS:
        played = _play(program, model)
        ours = _bill(played, ((Counted(**each["counted"]), each["output"]) for each in played["asked"]))
        _check(played["own"], ours)
        plain = _sent(played, append_only, cached=False)
        cleared = _sent(played, cleared_each_time, cached=True)
        print(f"{model}, cents per turn: {_by_turn(played)}", file=sys.stderr)
        yield Figure(f"{model}: prompt tokens not from the cache", 100 * (1 - ours.share), "%", 15)
        yield Figure(f"{model}: cost / cost of clearing each time", ours.cost / cleared.cost, "x", 0.5)
        ways = {"no cache": plain, "clearing each time": cleared, "akmon": ours}
        for name, bill in ways.items():
            yield from _lines(f"{model}, {name}", bill)
        yield Figure(f"{model}: tokens of replies", plain.output / 1_000, "k")


def _lines(name: str, bill: Bill) -> Iterator[Figure]:
    yield Figure(f"{name}: cost of {bill.calls} calls", bill.cost, "$")
    yield Figure(f"{name}: tokens read from the cache", bill.counted.read / 1_000, "k")
    yield Figure(f"{name}: tokens written to the cache", bill.counted.write / 1_000, "k")
    yield Figure(f"{name}: other prompt tokens", bill.counted.input / 1_000, "k")


def _play(program: Program, model: str) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        run = program.python("-c", _RUN, str(Path(__file__).parents[1]), model, folder)
    played: dict[str, Any] = json.loads(run.output)
    return played


def _sent(played: dict[str, Any], way: Way, *, cached: bool) -> Bill:
    replies = [each["output"] for each in played["asked"] if each["messages"]]
    return _bill(played, zip(counted(played, way, cached=cached), replies, strict=True))


def _bill(played: dict[str, Any], calls: Iterable[tuple[Counted, int]]) -> Bill:
    listed = list(calls)
    total = sum((each for each, _ in listed), Counted())
    output = sum(each for _, each in listed)
    return Bill(len(listed), total, output, _price(played["prices"], total, output))


def _price(prices: dict[str, float], took: Counted, output: int) -> float:
    read, write = took.read * prices["cache_read"], took.write * prices["cache_write"]
    return (took.input * prices["input"] + read + write + output * prices["output"]) / 1e6


def _by_turn(played: dict[str, Any]) -> str:
    cents: dict[int, float] = {}
    for each in played["asked"]:
        cost = _price(played["prices"], Counted(**each["counted"]), each["output"])
        cents[each["turn"]] = cents.get(each["turn"], 0.0) + 100 * cost
    return " ".join(f"{cost:.1f}" for cost in cents.values())


def _check(own: dict[str, Any], billed: Bill) -> None:
    """akmon must have added up what it was billed."""
    tokens = billed.counted.total + billed.output
    if own["tokens"] != tokens or abs(own["cost"] - billed.cost) > 1e-6:
        raise RuntimeError(f"akmon counted {own}, but was billed {tokens} tokens and {billed.cost} $")
