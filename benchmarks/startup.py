"""How fast the program starts: its version, and the way to the first request."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import replies
from benchmarks.program import Program, middle, serving
from benchmarks.table import Figure

# To the end of the import, not of the process, and without searches for garbage, which the program puts
# off as well: the least that the import can take, so that the rest is the program's own.
_SDK = "import gc; gc.disable(); import openai, time; print(time.monotonic())"


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    """All kinds of runs by turns, so that what else the machine does falls on all alike."""
    empty, version, sdk, request = [], [], [], []
    for _ in range(rounds):
        for _ in range(3):
            empty.append(program.python("-c", "pass").seconds)
            version.append(program.akmon("--version").seconds)
        sdk.append(_import(program))
        request.append(_first_request(program))
    base = middle(empty)
    own = middle(request) - (middle(sdk) - base)
    yield Figure("akmon --version / python -c pass", middle(version) / base, "x", 2.5)
    yield Figure("start to first request without the SDK's import / python -c pass", own / base, "x", 20)
    yield Figure("python -c pass", base * 1000, "ms")
    yield Figure("the SDK's import", (middle(sdk) - base) * 1000, "ms")
    yield Figure("start to first request", middle(request) * 1000, "ms")


def _import(program: Program) -> float:
    run = program.python("-c", _SDK)
    return float(run.output) - run.started


def _first_request(program: Program) -> float:
    with serving(replies.text(["hello"])) as server:
        run = program.ask(server.port)
    return server.times[0][0] - run.started
