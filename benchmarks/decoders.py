"""What it costs to read a long reply in each protocol, beside what the provider's SDK takes for its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.program import Program, serving
from benchmarks.table import Figure
from benchmarks.wires import WIRES, Wire

DELTAS = 20_000
WARM = 2_000
_WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the ", "lazy ", "dog.\n")

Measured = tuple[float, float, float]
"""Seconds of processor time, seconds, and memory at the peak over that of a tenth of the reply."""


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    growth = []
    for protocol, wire in WIRES.items():
        own = [_read(program, "akmon", protocol, wire) for _ in range(rounds)]
        sdk = [_read(program, "sdk", protocol, wire) for _ in range(rounds)]
        cpu, fastest = min(each[0] for each in own), min(each[1] for each in own)
        growth.append(max(each[2] for each in own))
        yield Figure(f"{protocol}: processor time / the SDK's", cpu / min(each[0] for each in sdk), "x", 0.5)
        yield Figure(f"{protocol}: processor time per event", cpu / DELTAS * 1e6, "µs")
        yield Figure(f"{protocol}: events per second", DELTAS / fastest, "/s")
    yield Figure(f"memory of {DELTAS:,} deltas / of {WARM:,}", max(growth), "x", 1.1)


def _read(program: Program, side: str, protocol: str, wire: Wire) -> Measured:
    """A warm process reads the same reply ten times as long."""
    with serving(wire(_pieces(WARM)), wire(_pieces(DELTAS))) as server:
        path = Path(__file__).with_name("decode.py")
        run = program.python(str(path), side, protocol, f"http://127.0.0.1:{server.port}")
    warm, whole = ([float(number) for number in line.split()] for line in run.output.splitlines())
    assert whole[3] == sum(map(len, _pieces(DELTAS)))
    return whole[0], whole[1], whole[2] / warm[2]


def _pieces(count: int) -> list[str]:
    return [_WORDS[number % len(_WORDS)] for number in range(count)]
