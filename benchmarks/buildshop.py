"""Has akmon go through the scripted session: ``main MODEL FOLDER`` prints what was asked, as JSON.

Runs where akmon is installed. Its tools work in ``FOLDER``; what the commands print was laid out before.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from akmon_models.catalog import facts
from akmon_query import Backend, Policy, Prompt, Session, TurnEnded, open_session, parse_rule
from benchmarks.cache import Cache
from benchmarks.cache_server import Clock, Play, as_json, serving
from benchmarks.webapp import Script


def main() -> None:
    model, folder = sys.argv[1], Path(sys.argv[2])
    script, clock = Script(), Clock()
    play = Play(Cache(model), clock)
    script.lay_out(folder)
    os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    project = folder / "shop"
    project.mkdir()
    with serving(play) as url:
        own = asyncio.run(_run(script, play, f"anthropic/{model}", url, project))
    if play.failed:
        sys.exit(f"{len(play.failed)} calls of the script failed, the first with: {play.failed[0]}")
    prices = facts("anthropic", model).prices
    print(
        json.dumps(
            {**as_json(play), "own": own, "prices": msgspec.structs.asdict(prices) if prices else None}
        )
    )


async def _run(script: Script, play: Play, model: str, url: str, project: Path) -> dict[str, Any]:
    """What akmon says that it used."""
    session = open_session(
        model,
        cwd=project,
        backends={"anthropic": Backend("key", url)},
        mode="accept-edits",
        policy=Policy(rules=(parse_rule("shell"),)),
        clock=play.clock,
    )
    async with session:
        for turn in script.turns:
            play.begin(turn)
            await _turn(session, turn.prompt)
        state = session.state
    return {"cost": state.cost, "tokens": state.usage.total_tokens}


async def _turn(session: Session, prompt: str) -> None:
    events = session.events()
    await session.send(Prompt(prompt))
    async for envelope in events:
        match envelope.event:
            case TurnEnded(outcome, reason):
                if outcome != "completed":
                    raise RuntimeError(f"the turn ended with {outcome}: {reason}")
                break
            case _:
                pass
    events.close()
