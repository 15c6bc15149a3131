"""What it costs to take in a long reply, beside what the provider's SDK itself takes for the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import replies
from benchmarks.program import Program, middle, serving
from benchmarks.table import Figure

DELTAS = 20_000
_WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the ", "lazy ", "dog.\n")


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    reply = replies.text(_WORDS[number % len(_WORDS)] for number in range(DELTAS))
    sdk, own, whole, whole_cpu = [], [], [], []
    for _ in range(rounds):
        sdk.append(_absorb(program, "absorb_sdk.py", reply))
        own.append(_absorb(program, "absorb_akmon.py", reply))
        with serving(reply) as server:
            run = program.ask(server.port)
        assert run.output.count(b"quick") == DELTAS // len(_WORDS) + 1, run.output[-1000:]
        whole.append(run.seconds)
        whole_cpu.append(run.cpu)
    yield Figure(f"processor time for {DELTAS:,} deltas / the SDK's", min(own) / min(sdk), "x", 0.5)
    yield Figure(f"{DELTAS:,} deltas, the SDK alone", min(sdk), "s")
    yield Figure(f"{DELTAS:,} deltas, start to exit", middle(whole), "s")
    yield Figure(f"{DELTAS:,} deltas, processor time from start to exit", min(whole_cpu), "s")


def _absorb(program: Program, script: str, reply: bytes) -> float:
    """Processor time in seconds that a client takes for ``reply``, once it is warm."""
    with serving(replies.text(["warm ", "up"]), reply) as server:
        path = Path(__file__).with_name(script)
        run = program.python(str(path), f"http://127.0.0.1:{server.port}/v1")
    seconds, characters = run.output.split()
    assert int(characters) == sum(len(_WORDS[number % len(_WORDS)]) for number in range(DELTAS))
    return float(seconds)
