"""A session in a process of its own that can be killed: carries out each line of its input.

A line ``{"calls": [[tool, arguments], ...]}`` is a turn with these calls, ``{"to": RECORD, "what": ...}`` a
rewind. It answers with one line of JSON: the places to go back to, which files calls have touched since the
last of them, and what a rewind left as it is.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from akmon_core.commands import Prompt, Rewind
from akmon_core.errors import JournalError
from akmon_core.events import FilesChanged, Noticed, Rewound
from akmon_core.messages import Assistant, ToolCall
from akmon_query import Session, SessionInfo, find_session, open_session
from akmon_query.journal import read_records
from akmon_query.testing import FakeModel, run_turn


class Told:
    """The replies that the model has been told to give."""

    def __init__(self) -> None:
        self.next: list[Assistant | str] = []

    def __iter__(self) -> Iterator[Assistant | str]:
        while True:
            yield self.next.pop(0)


async def main(place: Path) -> None:
    told = Told()
    sessions = place / "sessions"
    session = open_session(
        FakeModel(told),
        cwd=place / "project",
        mode="full-auto",
        sessions=sessions,
        resumed=_last(sessions),
        checkpoints=place / "cache" / "files.db",
        variables=["AKMON_MODEL_TEST"],  # by which what a killed session had started is found
    )
    journal = sessions / f"{session.id}.jsonl"
    async with session:
        _say(journal, session)
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            if "calls" in asked:
                told.next = [*_replies(asked["calls"]), "done"]
                await run_turn(session, Prompt("go"))
                _say(journal, session)
            else:
                _say(journal, session, await _rewind(session, asked))


def _last(sessions: Path) -> SessionInfo | None:
    try:
        return find_session(sessions)
    except JournalError:  # killed before it was asked anything
        return None


def _replies(calls: list[tuple[str, dict[str, Any]]]) -> Iterator[Assistant]:
    for number, (tool, arguments) in enumerate(calls):
        yield Assistant((ToolCall(str(number), tool, json.dumps(arguments)),), "tools")


async def _rewind(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    events = session.events()
    await session.send(Rewind(**asked))
    left: tuple[str, ...] = ()
    problems: list[str] = []
    async for envelope in events:
        match envelope.event:
            case Rewound():
                left = envelope.event.left
            case Noticed(text) if text.startswith("rewind: "):
                problems.append(text)
                break
            case Noticed(text):
                problems.append(text)
            case _:
                pass
    events.close()
    return {"left": left, "said": problems}


def _say(journal: Path, session: Session, more: dict[str, Any] | None = None) -> None:
    marks = [mark.record for mark in session.state.marks]
    touched = _touched(journal, marks[-1]) if marks else []
    print(json.dumps({"marks": marks, "touched": touched, **(more or {})}), flush=True)


def _touched(journal: Path, since: int) -> list[str]:
    """The paths on record from a record on."""
    events = (envelope.event for _, envelope, _ in read_records(journal) if envelope.seq >= since)
    changes = (event.changes for event in events if isinstance(event, FilesChanged))
    return sorted({change.path for changed in changes for change in changed})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
