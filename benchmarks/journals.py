"""Run by the measured installation: ``journals.py FOLDER ROUNDS`` prints what a journal costs, as JSON.

An append that has to last, by turns with a bare write and fdatasync of the same bytes and, apart from that,
with writing the anchor; and resuming sessions of two lengths.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from akmon_core.chain import GENESIS
from akmon_core.codec import SCHEMA, encode_record
from akmon_core.events import (
    DurableEvent,
    Envelope,
    PermissionDecided,
    Prompted,
    Replied,
    SessionStarted,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Assistant, Text, ToolCall, ToolResult, User
from akmon_query.anchor import Anchor, Head
from akmon_query.integrity import verify_journal
from akmon_query.journal import FileJournal
from akmon_query.ledger import Ledger

APPENDS = 200
EVENTS = 10_000
RESULT = "a line of what a command printed\n" * 210


def main(folder: Path, rounds: int) -> None:
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds)

    for number in range(rounds):
        place = folder / f"appends-{number}"
        place.mkdir()
        _appends(place, note)
    for events in (EVENTS, 2 * EVENTS):
        path = folder / f"{events}.jsonl"
        _write(path, events)
        found[f"size {events}"] = [path.stat().st_size]
        for _ in range(rounds):
            note(f"resume {events}", _timed(partial(_resume, path)))
            note(f"verify {events}", _timed(partial(verify_journal, path)))
    print(json.dumps(found))


def _appends(place: Path, note: Callable[[str, float], None]) -> None:
    """By turns, so that what else the disk does meets all of them."""
    journal = FileJournal(place / "s.jsonl")
    fd = os.open(place / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    anchor = Anchor(place / "other.jsonl", Head(0, GENESIS))
    for seq in range(1, APPENDS + 1):
        envelope = Envelope(seq, 1.0, "s", 1, "c", ToolStarted("call", "shell", mutating=True))
        line = encode_record(envelope, GENESIS) + b"\n"

        note("append", _timed(partial(journal.append, envelope, sync=True)))
        note("bare", _timed(partial(_bare, fd, line)))
        note("anchor", _timed(partial(anchor.write, Head(seq, GENESIS))))
    journal.close()


def _bare(fd: int, line: bytes) -> None:
    os.write(fd, line)
    os.fdatasync(fd)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _write(path: Path, events: int) -> None:
    journal = FileJournal(path)
    seq = 0
    for turn in range(1, events):
        for event in _turn(turn):
            if seq == events:
                journal.close()
                return
            seq += 1
            journal.append(Envelope(seq, 1.0, "s", turn, "c", event), sync=False)


def _turn(turn: int) -> list[DurableEvent]:
    call = ToolCall("call", "shell", '{"command": "make"}')
    start = SessionStarted(schema=SCHEMA, akmon="0", cwd="/p", roots=("/p",))
    return [
        *([start] if turn == 1 else []),
        Prompted(User((Text("go on"),))),
        *(
            event
            for _ in range(5)
            for event in (
                Replied(Assistant((Text("I look."), call), "tools")),
                PermissionDecided(call_id="call", decision="allow", by="policy", reason="a rule"),
                ToolStarted("call", "shell", mutating=True),
                ToolFinished(ToolResult("call", RESULT), "shell", summary="exit 0"),
            )
        ),
        Replied(Assistant((Text("It is done."),))),
        TurnEnded("completed"),
    ]


def _resume(path: Path) -> None:
    ledger = Ledger("s", FileJournal(path), time.time)
    ledger.restore()
    ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
