"""What a step costs beside the model and the command: in time, and in memory after a hundred of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from benchmarks import replies
from benchmarks.program import Ended, Program, middle, serving
from benchmarks.table import Figure

STEPS = 100
COMMAND = "cat four-kilobytes.txt"
READS = 8
_BARE = """
import statistics, subprocess, time
def run():
    began = time.perf_counter()
    subprocess.run(["bash", "-c", "--", %r], stdout=subprocess.PIPE, start_new_session=True)
    return time.perf_counter() - began
print(statistics.median(run() for _ in range(100)))
"""


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    (program.project / "four-kilobytes.txt").write_text("A line of the output of a command.\n" * 117)
    for number in range(READS):
        (program.project / f"file{number}.txt").write_text("A line of a file that is read.\n" * 100)
    bare, each, growth, memory, ten, reads = [], [], [], [], [], []
    for _ in range(rounds):
        bare.append(float(program.python("-c", _BARE % COMMAND).output))
        run, steps = _steps(program, STEPS)
        each.append(middle(steps))
        growth.append(middle(steps[-10:]) / middle(steps[:10]))
        memory.append(run.memory)
        ten.append(_steps(program, 10)[0].seconds)
        reads.append(_reads(program))
    added = middle(each) - middle(bare)
    yield Figure(f"time that a step adds to its command, of {STEPS} with 4 kB each", added * 1000, "ms", 10)
    yield Figure("last ten steps / first ten steps", middle(growth), "x", 1.2)
    yield Figure(f"peak memory of {STEPS} steps", max(memory), "MB", 120)
    yield Figure("the bare command", middle(bare) * 1000, "ms")
    yield Figure("a step with its command", middle(each) * 1000, "ms")
    yield Figure("ten steps, start to exit", middle(ten), "s")
    yield Figure(f"{READS} files read in one step", middle(reads) * 1000, "ms")


def _steps(program: Program, steps: int) -> tuple[Ended, list[float]]:
    """A run of ``steps`` commands, and for each the seconds from the reply with it to the next request."""
    commands = (f"{COMMAND} # {number}" for number in range(steps))  # the same each time would be a circle
    script = [
        replies.calls("shell", [{"command": command}], number) for number, command in enumerate(commands)
    ]
    with serving(*script, replies.text(["done"])) as server:
        run = program.ask(server.port, "--max-turns", "200", "--allow", "shell")
    assert len(server.times) == steps + 1, run.output.decode()
    return run, _between(server.times)


def _reads(program: Program) -> float:
    arguments = [{"path": f"file{number}.txt"} for number in range(READS)]
    warm_up = replies.calls("read", arguments[:1], 0)
    with serving(warm_up, replies.calls("read", arguments, 1), replies.text(["done"])) as server:
        program.ask(server.port)
    return _between(server.times)[1]


def _between(times: list[tuple[float, float]]) -> list[float]:
    return [came - gone for (_, gone), (came, _) in pairwise(times)]
