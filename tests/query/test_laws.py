"""The laws of the engine, over random sessions with failures, interrupts and full windows anywhere."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import cast

from hypothesis import given, settings

from akmon_core.commands import Prompt
from akmon_core.events import (
    EPHEMERAL,
    Cleared,
    CommandRan,
    Compacted,
    Compacting,
    DurableEvent,
    Envelope,
    Instructed,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Pinned,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    SessionStarted,
    SummaryFailed,
    ToolProgress,
    TurnEnded,
)
from akmon_core.messages import User
from akmon_core.spending import Spent
from akmon_core.state import State, apply, fold
from akmon_core.stats import stats_of
from akmon_core.stream import Retrying
from akmon_core.tokens import weigh
from akmon_query.journal import FileJournal, MemoryJournal
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.chain import broken_links
from tests.query.engine import Script, journal_path, open_fake_session, play, scripts

CHARGED = Replied | ModelFailed | Compacted | SummaryFailed
QUESTIONS = PermissionAsked | PermissionDecided | QuestionAsked | QuestionAnswered
OUTSIDE = (
    SessionStarted
    | ModelChosen
    | Instructed
    | ModeChanged
    | Reminded
    | Pinned
    | Compacted
    | SummaryFailed
    | Cleared
    | Compacting
    | Noticed
    | Retrying
    | Rewound
    | CommandRan
    | Renamed
    | ToolProgress
)
"""What may happen while no turn runs."""


def durable(seen: Iterable[Envelope]) -> list[Envelope]:
    return [envelope for envelope in seen if not isinstance(envelope.event, EPHEMERAL)]


def spent(envelopes: Iterable[Envelope]) -> Spent:
    """What all model calls took, each counted once."""
    total = Spent()
    for envelope in envelopes:
        if isinstance(envelope.event, CHARGED):
            total = total.and_also(envelope.event)
    return total


def of_agent(envelopes: Iterable[Envelope], agent: str) -> State:
    own = (cast("DurableEvent", each.event) for each in envelopes if each.agent == agent)
    return reduce(apply, own, State())


def played(script: Script) -> tuple[State, list[Envelope]]:
    async def run() -> tuple[State, list[Envelope]]:
        session, seen = await play(script, MemoryJournal())
        return session.state, seen

    return asyncio.run(run())


def check_history(state: State) -> None:
    check_well_formed(state.history)
    assert state.weight == sum(map(weigh, state.history))
    assert not state.open_calls
    assert not state.running


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_replaying_the_journal_gives_the_live_state_event_for_event(script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = journal_path(Path(folder))
        session, seen = asyncio.run(play(script, FileJournal(path)))
        journal = FileJournal(path)
        kept = list(journal.read())
        journal.close()
        assert kept == durable(seen)
        assert reduce(fold, kept, State()) == session.state
        assert broken_links(path) == []


@settings(max_examples=40, deadline=None)
@given(scripts)
def test_any_byte_prefix_of_a_journal_loads_and_can_be_gone_on_with(script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = journal_path(Path(folder))
        asyncio.run(play(script, FileJournal(path)))
        whole = path.read_bytes()
        step = max(1, len(whole) // 25)
        for end in (*range(0, len(whole), step), len(whole) - 1, len(whole)):
            path.write_bytes(whole[:end])
            before, after = asyncio.run(_go_on(path))
            check_history(before)
            check_history(after)
            assert after.outcome == "completed"
            assert broken_links(path) == []
            journal = FileJournal(path)
            kept = list(journal.read())
            journal.close()
            assert after.spent == spent(kept)
            assert reduce(fold, kept, State()) == after


async def _go_on(path: Path) -> tuple[State, State]:
    session = open_fake_session(FakeModel(["fine"] * 3), FileJournal(path))
    state = session.state
    await run_turn(session, Prompt("go on"))
    after = session.state
    await session.close()
    return state, after


@settings(max_examples=250, deadline=None)
@given(scripts)
def test_every_agents_history_is_whole_after_any_session_and_the_first_words_stay(script: Script) -> None:
    state, seen = played(script)
    check_history(state)
    kept = durable(seen)
    for agent in {each.agent for each in kept} - {""}:
        check_history(of_agent(kept, agent))
    if not any(isinstance(each.event, Rewound) for each in kept):
        first = next((each.event.message for each in kept if isinstance(each.event, Prompted)), None)
        check_first_words(state, first)


def check_first_words(state: State, first: User | None) -> None:
    if first:
        people = [each for each in state.history if isinstance(each, User) and each.by == "person"]
        assert people[0].record == first.record
        assert people[0].text[:20] == first.text[:20]


@settings(max_examples=250, deadline=None)
@given(scripts)
def test_a_rewind_leaves_the_conversation_as_it_was_and_what_it_cost_as_it_is(script: Script) -> None:
    _, seen = played(script)
    states = {0: State()}
    for envelope in durable(seen):
        before = states[envelope.seq - 1]
        after = states[envelope.seq] = fold(before, envelope)
        if not isinstance(event := envelope.event, Rewound):
            continue
        then = states[event.to - 1] if event.conversation else before
        for part in ("history", "weight", "summary", "pins", "plan"):
            assert getattr(after, part) == getattr(then, part), part
        for part in ("spent", "grants", "mode", "turn", "model", "instructions"):
            assert getattr(after, part) == getattr(before, part), part
        assert after.marks[-1].record == envelope.seq
        check_history(after)


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_every_model_call_counts_once_in_the_session_and_in_its_statistics(script: Script) -> None:
    state, seen = played(script)
    kept = durable(seen)
    assert state.spent == spent(kept)
    assert stats_of(kept).total.spent == state.spent


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_every_event_names_its_cause_and_a_turn_ends_with_turn_ended(script: Script) -> None:
    _, seen = played(script)
    assert [envelope.seq for envelope in durable(seen)] == list(range(1, len(durable(seen)) + 1))
    running = False
    for envelope in seen:
        main = not envelope.agent
        if main and isinstance(envelope.event, Prompted):
            assert not running, "a turn began in another one"
            running = True
        assert running or (main and isinstance(envelope.event, OUTSIDE)), envelope
        assert envelope.cause or not running
        if main and isinstance(envelope.event, TurnEnded):
            running = False
    assert not running


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_at_most_one_summary_is_tried_before_each_model_call(script: Script) -> None:
    _, seen = played(script)
    for agent in {each.agent for each in seen}:
        tried = 0
        for event in (each.event for each in seen if each.agent == agent):
            if isinstance(event, Compacting):
                tried += 1
            elif isinstance(event, Replied | TurnEnded | Prompted):
                tried = 0
            assert tried <= 1 or not _in_turn(seen, event, agent)


def _in_turn(seen: list[Envelope], event: object, agent: str) -> bool:
    """Whether a turn of ``agent`` runs when ``event`` happens: outside, people may ask as they like."""
    running = False
    for envelope in seen:
        if envelope.agent == agent and isinstance(envelope.event, Prompted | TurnEnded):
            running = isinstance(envelope.event, Prompted)
        if envelope.event is event:
            return running
    return running


@settings(max_examples=80, deadline=None)
@given(scripts)
def test_every_shortening_makes_the_prompt_shorter(script: Script) -> None:
    _, seen = played(script)
    for event in (each.event for each in seen):
        if isinstance(event, Compacted):
            assert event.after < event.before
        if isinstance(event, Cleared):
            assert event.tokens > 0


@settings(max_examples=80, deadline=None)
@given(scripts)
def test_all_clients_see_the_same_durable_events_whenever_they_join(script: Script) -> None:
    async def run() -> tuple[list[Envelope], ...]:
        session, seen = await play(script, MemoryJournal())
        late = [each async for each in session.events(after=0, agents=True)]
        from_the_middle = [each async for each in session.events(after=3, agents=True)]
        plain = [each async for each in session.events(after=0)]
        return durable(seen), late, from_the_middle, plain

    seen, late, from_the_middle, plain = asyncio.run(run())
    assert late == seen
    assert from_the_middle == seen[3:]
    assert plain == [each for each in seen if not each.agent or isinstance(each.event, QUESTIONS)]
