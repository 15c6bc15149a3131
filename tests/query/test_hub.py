"""Clients that read slowly, late, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from akmon_core.commands import Prompt, SetMode
from akmon_core.errors import AkmonError
from akmon_core.events import EPHEMERAL, Envelope, ModeChanged, TurnEnded
from akmon_core.limits import SUBSCRIBER_EVENTS
from akmon_core.ports import Events, Journal
from akmon_core.stream import Retrying, StreamEvent, TextDelta, ThinkingDelta
from akmon_query.journal import FileJournal, MemoryJournal
from akmon_query.session import Session
from akmon_query.testing import FakeModel, run_turn
from tests.query.fakes import StreamModel, done, of, open_with

JOURNALS: list[Callable[[Path], Journal]] = [
    lambda _: MemoryJournal(),
    lambda folder: FileJournal(folder / "s.jsonl"),
]


async def rest(session: Session, events: Events) -> list[Envelope]:
    await session.close()
    return [envelope async for envelope in events]


async def toggle(session: Session, count: int) -> None:
    for at in range(count):
        await session.send(SetMode("accept-edits" if at % 2 else "default"))


def test_a_slow_reader_gets_all_the_text_in_fewer_pieces() -> None:
    async def run() -> None:
        words = [f"{at} " for at in range(5_000)]
        deltas = [TextDelta(word) for word in words]
        session = open_with(StreamModel([*deltas, done("".join(words))]))
        slow, fast = session.events(), session.events()
        await session.send(Prompt("go"))
        async for envelope in fast:
            if isinstance(envelope.event, TurnEnded):
                break
        pieces = of(await rest(session, slow), TextDelta)
        assert "".join(piece.text for piece in pieces) == "".join(words)
        assert len(pieces) < len(words) / 100

    asyncio.run(run())


def test_only_neighbouring_pieces_of_one_kind_are_merged() -> None:
    async def run() -> None:
        retry = Retrying(attempt=2, attempts=5, wait=1.0, reason="x")
        stream: list[StreamEvent] = [
            TextDelta("a"),
            TextDelta("b"),
            ThinkingDelta("c"),
            ThinkingDelta("d"),
            retry,
            TextDelta("e"),
        ]
        session = open_with(StreamModel([*stream, done("e")]))
        slow = session.events()
        await run_turn(session, Prompt("go"))
        shown = [
            envelope.event for envelope in await rest(session, slow) if isinstance(envelope.event, EPHEMERAL)
        ]
        assert shown == [TextDelta("ab"), ThinkingDelta("cd"), retry, TextDelta("e")]

    asyncio.run(run())


@pytest.mark.parametrize("make", JOURNALS)
def test_a_reader_that_falls_behind_catches_up_in_order_without_loss(
    make: Callable[[Path], Journal], tmp_path: Path
) -> None:
    async def run() -> None:
        session = open_with(FakeModel(["fine"]), journal=make(tmp_path))
        slow = session.events()
        count = 2 * SUBSCRIBER_EVENTS + 100
        await toggle(session, count)
        seen = [await anext(slow) for _ in range(SUBSCRIBER_EVENTS + 10)]
        await toggle(session, SUBSCRIBER_EVENTS // 2)
        seen += await rest(session, slow)
        assert [envelope.seq for envelope in seen] == list(range(3, count + SUBSCRIBER_EVENTS // 2 + 3))
        assert len(of(seen, ModeChanged)) == len(seen)

    asyncio.run(run())


def test_a_reader_that_caught_up_sees_what_happens_live_again() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["fine words"]))
        slow = session.events()
        await toggle(session, SUBSCRIBER_EVENTS + 5)
        for _ in range(SUBSCRIBER_EVENTS + 5):
            await anext(slow)
        await run_turn(session, Prompt("go"))
        seen = await rest(session, slow)
        assert "".join(delta.text for delta in of(seen, TextDelta)) == "finewords"
        assert len(of(seen, TurnEnded)) == 1

    asyncio.run(run())


def test_a_reader_from_a_number_gets_what_follows_it_then_what_happens() -> None:
    async def run() -> None:
        session = open_with(FakeModel(["one", "two"]))
        await run_turn(session, Prompt("go"))
        late = session.events(after=3)
        await run_turn(session, Prompt("more"))
        durable = [e.seq for e in await rest(session, late) if not isinstance(e.event, EPHEMERAL)]
        assert durable == [4, 5, 6, 7, 8]

    asyncio.run(run())


def test_a_waiting_reader_ends_when_the_session_or_itself_is_closed() -> None:
    async def run() -> None:
        session = open_with(FakeModel([]))
        events, other = session.events(), session.events()
        waiting = [asyncio.create_task(anext(one, None)) for one in (events, other)]
        await asyncio.sleep(0)
        events.close()
        assert await waiting[0] is None
        await session.close()
        assert await waiting[1] is None
        assert [envelope.seq async for envelope in session.events(after=0)] == [1, 2]
        assert [envelope async for envelope in session.events()] == []
        with pytest.raises(AkmonError, match="closed"):
            await session.send(Prompt("go"))

    asyncio.run(run())
