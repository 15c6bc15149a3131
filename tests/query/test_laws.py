"""The laws of the engine, over random sessions with failing tools, denials and interrupts anywhere."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import cast

from hypothesis import given, settings

from akmon_core.commands import Prompt
from akmon_core.events import EPHEMERAL, DurableEvent, Envelope, TurnEnded
from akmon_core.state import State, replay
from akmon_query.journal import FileJournal, MemoryJournal, broken_links
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.engine import Script, journal_path, open_fake_session, play, scripts


def durable(seen: list[Envelope]) -> list[Envelope]:
    return [envelope for envelope in seen if not isinstance(envelope.event, EPHEMERAL)]


def played(script: Script) -> tuple[State, list[Envelope]]:
    async def run() -> tuple[State, list[Envelope]]:
        session, seen = await play(script, MemoryJournal())
        state = session.state
        await session.close()
        return state, seen

    return asyncio.run(run())


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_replaying_the_journal_gives_the_live_state_event_for_event(script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = journal_path(Path(folder))

        async def run() -> tuple[State, list[Envelope]]:
            session, seen = await play(script, FileJournal(path))
            state = session.state
            await session.close()
            return state, seen

        state, seen = asyncio.run(run())
        journal = FileJournal(path)
        kept = list(journal.read())
        journal.close()
        assert kept == durable(seen)
        assert replay(cast("DurableEvent", envelope.event) for envelope in kept) == state
        assert broken_links(path) == []


@settings(max_examples=40, deadline=None)
@given(scripts)
def test_any_byte_prefix_of_a_journal_loads_and_can_be_gone_on_with(script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = journal_path(Path(folder))

        async def run() -> None:
            session, _ = await play(script, FileJournal(path))
            await session.close()

        asyncio.run(run())
        whole = path.read_bytes()
        step = max(1, len(whole) // 40)
        for end in (*range(0, len(whole), step), len(whole) - 1, len(whole)):
            path.write_bytes(whole[:end])
            state, after = asyncio.run(_go_on(path))
            check_well_formed(state.history)
            assert after.outcome == "completed"
            assert broken_links(path) == []


async def _go_on(path: Path) -> tuple[State, State]:
    session = open_fake_session(FakeModel(["fine"]), FileJournal(path))
    state = session.state
    assert not state.running
    await run_turn(session, Prompt("go on"))
    after = session.state
    await session.close()
    return state, after


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_every_call_has_one_result_after_any_turn_however_it_ended(script: Script) -> None:
    state, _ = played(script)
    check_well_formed(state.history)
    assert not state.open_calls
    assert not state.running


@settings(max_examples=100, deadline=None)
@given(scripts)
def test_every_event_names_its_cause_and_a_turn_ends_with_turn_ended(script: Script) -> None:
    _, seen = played(script)
    kept = durable(seen)
    assert [envelope.seq for envelope in kept] == list(range(1, len(kept) + 1))
    of_turns = [envelope for envelope in seen if envelope.turn]
    assert all(envelope.cause for envelope in of_turns)
    for turn, envelopes in itertools.groupby(of_turns, key=lambda envelope: envelope.turn):
        events = [envelope.event for envelope in envelopes]
        ends = [event for event in events if isinstance(event, TurnEnded)]
        assert len(ends) == 1, f"turn {turn} ended {len(ends)} times"
        assert events[-1] == ends[0]


@settings(max_examples=60, deadline=None)
@given(scripts)
def test_all_clients_see_the_same_durable_events_whenever_they_join(script: Script) -> None:
    async def run() -> tuple[list[Envelope], list[Envelope], list[Envelope]]:
        session, seen = await play(script, MemoryJournal())
        late, from_the_middle = session.events(after=0), session.events(after=3)
        await session.close()
        return seen, [e async for e in late], [e async for e in from_the_middle]

    seen, late, from_the_middle = asyncio.run(run())
    assert late == durable(seen)
    assert from_the_middle == durable(seen)[3:]
