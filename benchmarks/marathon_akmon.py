"""Has akmon go through many turns: ``main MODEL URL FOLDER TURNS`` prints what each took of the processor.

Runs where akmon is installed, and alone in its process. Behind each turn it does the same piece of work, as
the speed of a machine may change.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from akmon_query import Backend, Policy, Prompt, open_session, parse_rule
from akmon_query.testing import run_turn


def main() -> None:
    model, url, folder, turns = sys.argv[1:]
    print(json.dumps(asyncio.run(_run(model, url, Path(folder), int(turns)))))


async def _run(model: str, url: str, folder: Path, turns: int) -> list[tuple[float, float]]:
    seconds = []
    async with open_session(
        f"anthropic/{model}",
        cwd=folder,
        backends={"anthropic": Backend("key", url)},
        policy=Policy(rules=(parse_rule("shell"),)),
        sessions=folder / "sessions",
    ) as session:
        for turn in range(1, turns + 1):
            began = time.process_time()
            envelopes = await run_turn(session, Prompt(f"Turn {turn}"))
            ended_at = time.process_time()
            _work()
            seconds.append((ended_at - began, time.process_time() - ended_at))
            ended = envelopes[-1].event
            if getattr(ended, "outcome", "") != "completed":
                raise RuntimeError(f"turn {turn} ended with {ended}")
    return seconds


def _work() -> None:
    """About ten milliseconds of what interpreters do."""
    json.loads(json.dumps([{"number": number, "text": f"{number} words " * 10} for number in range(2_000)]))
