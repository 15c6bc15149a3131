"""A session of its own process, which may be killed: ``child URL FOLDER FIRST LAST`` plays these turns.

What the folder holds of a session is resumed. Prints each turn's number as it begins, and at the end, as
JSON, how the turns ended and what the session says that it used.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec

from akmon_core.events import TurnEnded
from akmon_core.state import State, fold
from akmon_query import list_sessions
from akmon_query.journal import FileJournal
from akmon_query.testing import check_well_formed, run_turn
from tests.marathon.courses import MIDDLE, command_of


async def main(url: str, folder: Path, first: int, last: int) -> None:
    known = list_sessions(folder / "sessions")
    resumed = known[0] if known else None
    ends: list[str] = []
    async with MIDDLE.open(
        url, folder, clock=time.time, mode=None if resumed else "plan", resumed=resumed
    ) as session:
        for turn in range(first, last + 1):
            print(turn, flush=True)
            envelopes = await run_turn(session, command_of(turn))
            ends += [each.event.outcome for each in envelopes if isinstance(each.event, TurnEnded)]
        live = session.state
    check_well_formed(live.history)
    journal = FileJournal(next((folder / "sessions").glob("*.jsonl")))
    replayed = State()
    for envelope in journal.read():
        replayed = fold(replayed, envelope)
    said = {"ends": ends, "same": replayed == live, "usage": msgspec.structs.asdict(live.usage)}
    print(json.dumps({**said, "cost": live.cost}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
