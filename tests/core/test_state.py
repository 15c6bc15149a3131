"""Folding events into the state."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.events import (
    Compacted,
    Continued,
    DurableEvent,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    Reminded,
    Replied,
    Rewound,
    SessionStarted,
    Steered,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import Assistant, Text, ToolCall, ToolResult, User
from akmon_core.permissions import Grant, Scope, Verdict
from akmon_core.state import State, apply, replay
from akmon_core.stream import Usage
from akmon_core.tools import Effect, FileSeen
from akmon_query.testing import check_well_formed
from tests.core.values import values


def said(text: str) -> User:
    return User((Text(text),))


def calling(*ids: str) -> Assistant:
    return Assistant(tuple(ToolCall(id, "t", "{}") for id in ids), "tools")


def finished(id: str, *files: FileSeen) -> ToolFinished:
    return ToolFinished(ToolResult(id, f"result of {id}"), "t", files=files)


def allowed(id: str, scope: Scope = "once", effects: tuple[Effect, ...] = ()) -> PermissionDecided:
    return PermissionDecided(id, "allow", "person", "yes", scope, tool="t", effects=effects)


def texts(state: State) -> list[str]:
    shown = []
    for message in state.history:
        match message:
            case User(parts):
                shown.append("".join(part.text for part in parts if isinstance(part, Text)))
            case ToolResult(text=text):
                shown.append(text)
            case Assistant():
                shown.append(message.text or "calls")
    return shown


def test_results_enter_the_history_in_the_order_of_their_calls_once_all_are_there() -> None:
    state = replay([Prompted(said("go")), Replied(calling("a", "b", "c")), finished("c"), finished("a")])
    assert texts(state) == ["go", "calls"]
    assert [call.id for call in state.open_calls] == ["b"]
    state = apply(state, finished("b"))
    assert texts(state) == ["go", "calls", "result of a", "result of b", "result of c"]
    assert (state.open_calls, state.calls, state.results, state.decisions) == ((), (), {}, {})


def test_steering_waits_for_open_calls_and_is_delivered_in_order_behind_their_results() -> None:
    state = replay([Prompted(said("go")), Replied(calling("a", "b")), Steered(said("one")), finished("a")])
    state = apply(state, Steered(said("two")))
    assert texts(state) == ["go", "calls"]
    state = apply(state, finished("b"))
    assert texts(state) == ["go", "calls", "result of a", "result of b", "one", "two"]
    assert state.queued == ()


def test_steering_during_a_reply_is_delivered_behind_it() -> None:
    state = replay([Prompted(said("go")), Steered(said("wait"))])
    assert texts(state) == ["go"]
    state = apply(state, Replied(Assistant((Text("hm"),))))
    assert texts(state) == ["go", "hm", "wait"]
    assert texts(apply(state, Steered(said("more")))) == ["go", "hm", "wait"]


def test_steering_behind_a_complete_reply_is_delivered_at_once() -> None:
    state = replay([Prompted(said("go")), Replied(Assistant((Text("hm"),))), Steered(said("wait"))])
    assert texts(state) == ["go", "hm", "wait"]


def test_steering_during_a_reply_that_never_came_is_not_lost() -> None:
    state = replay([Prompted(said("go")), Steered(said("wait")), TurnEnded("interrupted")])
    assert texts(state) == ["go", "wait"]


def test_what_akmon_says_before_a_model_call_is_read_in_it_and_a_word_about_the_mode_waits() -> None:
    events: list[DurableEvent] = [Prompted(said("go")), Replied(calling("a")), finished("a")]
    reminded = replay([*events, Steered(said("wait")), Reminded("repetition", said("look again"))])
    assert texts(reminded) == ["go", "calls", "result of a", "wait", "look again"]
    assert reminded.reminded == ("repetition",)
    changed = replay([*events, Reminded("mode", said("plan now"))])
    assert texts(changed) == ["go", "calls", "result of a"]
    assert texts(apply(changed, Replied(Assistant((Text("hm"),))))) == [*texts(changed), "hm", "plan now"]
    assert texts(replay([Prompted(said("go")), Reminded("plan", said("do this"))])) == ["go", "do this"]


def test_a_prompt_starts_a_turn_afresh() -> None:
    failed = replay([Prompted(said("go")), ModelFailed("server", "broke"), TurnEnded("failed", "broke")])
    assert (failed.running, failed.outcome, failed.failure, failed.turn) == (False, "failed", "broke", 1)
    state = apply(failed, Prompted(said("again")))
    assert (state.running, state.outcome, state.failure, state.turn, state.steps) == (True, None, "", 2, 0)


def test_steps_count_replies_and_continuations_count_until_a_reply_calls_tools() -> None:
    cut = Replied(Assistant((Text("a"),), "length"))
    state = replay([Prompted(said("go")), cut, Continued(said("on")), cut, Continued(said("on"))])
    assert (state.steps, state.continuations) == (2, 2)
    state = apply(state, Replied(calling("a")))
    assert (state.steps, state.continuations) == (3, 0)


def test_usage_and_cost_are_the_sums_over_all_calls_also_failed_ones() -> None:
    one, two = Usage(input_tokens=1, output_tokens=2), Usage(cache_read_tokens=3, cache_write_tokens=4)
    state = replay(
        [
            Prompted(said("go")),
            Replied(Assistant(()), one, 0.25),
            ModelFailed("server", "x", two, 0.5),
            Prompted(said("go")),
            Replied(Assistant(()), one),
        ]
    )
    assert state.usage == one + two + one
    assert (state.cost, state.unpriced) == (0.75, 1)


def test_what_a_failed_call_had_said_stays_in_the_conversation() -> None:
    events: list[DurableEvent] = [
        Prompted(said("go")),
        Steered(said("and")),
        ModelFailed("server", "broke", said="half a"),
    ]
    state = replay([*events, TurnEnded("failed", "broke"), Prompted(said("again"))])
    assert texts(state) == ["go", "half a", "and", "again"]
    assert state.history[1] == Assistant((Text("half a"),), "interrupted")
    assert len(replay([*events[:2], ModelFailed("server", "broke")]).history) == 1


def test_35_replies_sum_to_35_usages() -> None:
    usage = Usage(input_tokens=3, output_tokens=5, cache_read_tokens=7, cache_write_tokens=11)
    state = replay([Prompted(said("go")), *[Replied(Assistant(()), usage, 0.125)] * 35])
    assert state.usage == Usage(
        input_tokens=105, output_tokens=175, cache_read_tokens=245, cache_write_tokens=385
    )
    assert state.cost == 35 * 0.125


def test_an_answer_for_the_session_or_all_writes_becomes_a_grant_and_others_do_not() -> None:
    run = (Effect("run", "make"),)
    state = replay([Prompted(said("go")), Replied(calling("a", "b", "c", "d")), allowed("a", effects=run)])
    assert state.grants == ()
    state = apply(state, allowed("b", effects=run, scope="session"))
    assert state.grants == (Grant(tool="t", targets=run),)
    state = apply(state, allowed("c", effects=run, scope="writes"))
    assert state.grants[1:] == (Grant(writes=True),)
    denied = apply(state, PermissionDecided("d", "deny", "person", "no", scope="session", tool="t"))
    assert denied.grants == state.grants
    assert denied.decisions["d"] == Verdict("deny", "no")


def test_files_are_known_as_last_seen() -> None:
    calls = Replied(calling("a", "b"))
    events = [
        finished("a", FileSeen("/x", "1"), FileSeen("/y", "1")),
        finished("b", FileSeen("/x", "2", True)),
    ]
    assert replay([Prompted(said("go")), calls, *events]).files == {"/x": "2", "/y": "1"}


def test_facts_name_model_and_mode_are_those_recorded_last() -> None:
    state = replay(
        [
            SessionStarted(schema=1, akmon="0", cwd="/p", roots=("/p",), facts="here", name="mine"),
            ModelChosen("p", "m"),
            ModelChosen("q", "n"),
            ModeChanged("plan"),
        ]
    )
    assert (state.facts, state.name, state.provider, state.model) == ("here", "mine", "q", "n")
    assert state.mode == "plan"


def test_questions_and_unknown_events_change_nothing() -> None:
    state = replay([Prompted(said("go")), Replied(calling("a"))])
    assert apply(state, PermissionAsked(ToolCall("a", "t", "{}"), (), "why")) == state
    assert apply(state, ToolStarted("a", "t")).started == ("a",)


def test_a_result_that_no_open_call_waits_for_is_left_out() -> None:
    state = replay([Prompted(said("go")), Replied(calling("a", "b")), finished("x"), finished("a")])
    state = apply(apply(state, ToolFinished(ToolResult("a", "twice"), "t")), finished("b"))
    assert texts(state) == ["go", "calls", "result of a", "result of b"]
    assert apply(state, finished("b")).history == state.history


def test_calls_whose_results_a_damaged_journal_lost_get_one_before_anything_else_is_said() -> None:
    state = replay([Prompted(said("go")), Replied(calling("a", "b")), finished("a"), Steered(said("hm"))])
    for event in (Prompted(said("next")), Replied(Assistant((Text("next"),)))):
        after = apply(state, event)
        check_well_formed(after.history)
        assert texts(after)[2:] == ["result of a", "The result of this call was lost.", "hm", "next"]


@pytest.mark.parametrize("kept", range(6))
def test_a_history_whose_results_were_lost_is_shortened_at_a_place_that_providers_accept(kept: int) -> None:
    events: list[DurableEvent] = [Prompted(said("go")), Replied(calling("a", "b")), finished("a")]
    state = replay([*events, Compacted(summary="SUM", kept=kept, said=100)])
    check_well_formed(state.history)
    check_well_formed(apply(state, Prompted(said("next"))).history)


def many_turns(*, last: str) -> State:
    """Sixty prompts, of which every tenth is followed by a way back."""
    events: list[DurableEvent] = []
    for turn in range(1, 61):
        record = turn * 10
        events.append(Prompted(User((Text(last if turn == 60 else "go"),), record=record)))
        events.append(TurnEnded("completed"))
        if turn % 10 == 0:
            events.append(Rewound(record=record + 5, to=record, conversation=turn % 20 == 0))
    return replay(events)


def test_states_with_many_places_to_go_back_to_can_be_compared_and_shown() -> None:
    """Each place knows those before it: whoever looked into all of them would never come to an end."""
    state = many_turns(last="end")
    assert len(state.marks) > 60
    assert state == many_turns(last="end")
    assert state != many_turns(last="END")
    assert state.marks[-1] == many_turns(last="end").marks[-1]
    assert state.marks[-1] != state.marks[-2]
    assert len(repr(state)) < 100_000


KINDS = tuple(kind for kind in get_args(DurableEvent) if kind is not UnknownEvent)
ids = st.sampled_from("ab")
events = st.one_of(
    st.just(Prompted(said("go"))),
    st.just(Steered(said("and"))),
    st.lists(ids, unique=True, max_size=2).map(lambda some: Replied(calling(*some))),
    st.builds(finished, ids),
    st.builds(allowed, ids),
    st.just(TurnEnded("interrupted")),
    st.builds(Compacted, summary=st.just("SUM"), kept=st.integers(0, 4), said=st.just(100)),
    *[values(kind) for kind in KINDS if kind not in (Replied, Prompted, Steered, ToolFinished)],
)


@settings(max_examples=200)
@given(st.lists(events, max_size=20))
def test_whatever_was_lost_of_a_journal_the_next_prompt_follows_a_history_that_providers_accept(
    some: list[DurableEvent],
) -> None:
    check_well_formed(apply(replay(some), Prompted(said("next"))).history)
