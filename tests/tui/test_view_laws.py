"""What holds for the fold of the screen, whatever comes: it never fails, and does not grow with a turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import (
    DurableEvent,
    EphemeralEvent,
    Event,
    PermissionDecided,
    Prompted,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import Text, ToolResult, User
from akmon_core.spending import Spent
from akmon_core.stream import TextDelta
from akmon_core.tools import Effect
from akmon_tui.view import TAIL_CHARS, View, show
from tests.core.values import values
from tests.tui.scenes import DIFF, asks_to_write, call, said
from tests.tui.test_view import agents, events

kinds = [
    each for union in (DurableEvent, EphemeralEvent) for each in union.__args__ if each is not UnknownEvent
]
any_event: st.SearchStrategy[Event] = st.one_of([values(kind) for kind in kinds])


@given(st.lists(st.tuples(any_event | events, agents, st.floats(0, 1e12)), max_size=20))
def test_any_event_can_come_at_any_time(seen: list[tuple[Event, str, float]]) -> None:
    view = View()
    for event, agent, at in seen:
        view = show(view, event, agent, at)
    view = show(view, TurnEnded("completed"))
    assert (view.since, view.streamed, view.waiting) == (None, "", ())
    assert [*view.running, *view.agents, *view.calls, *view.reviewed, *view.runs] == []


def one_call(number: int) -> Iterator[Event]:
    """Everything that a call may leave in a view."""
    asked = asks_to_write(number)
    yield said("", call(number))
    yield asked
    yield PermissionDecided(
        asked.call.id,
        "allow",
        "person",
        "",
        "session",
        "shell",
        (Effect("run", "make"), Effect("write", "a")),
    )
    yield ToolStarted(asked.call.id, "shell")
    yield ToolProgress(asked.call.id, "x" * 10)
    yield ToolFinished(ToolResult(asked.call.id, "done"), "shell", "done", DIFF)


@pytest.mark.parametrize("agent", ["", "task-3"])
def test_a_long_turn_leaves_no_more_than_a_short_one(agent: str) -> None:
    view = show(View(), Prompted(User((Text("x"),))))
    view = show(view, Prompted(User((Text("y"),))), "task-3")
    sizes = set()
    for number in range(300):
        for event in one_call(number):
            view = show(view, event, agent)
        held = [*view.calls, *view.running, *view.reviewed, *view.runs, *view.waiting]
        sizes.add((len(view.grants), len(held)))
    assert sizes == {(1, 0)}


def test_what_a_sub_agent_left_goes_with_it_and_no_more() -> None:
    view = show(View(), said("", call(1)))
    for agent in ("task-1", "task-11"):
        view = show(view, Prompted(User((Text("x"),))), agent)
        for event in list(one_call(1))[:-1]:
            view = show(view, event, agent)
    view = show(view, TurnEnded("interrupted"), "task-1")
    assert set(view.calls) == {"call-1", "task-11 call-1"}
    assert set(view.running) == set(view.runs) == {"task-11 call-1"}
    assert set(view.agents) == {"task-11"}


def test_what_a_sub_agent_spends_is_added_up_for_it_and_for_the_turn() -> None:
    view = show(View(), Prompted(User((Text("x"),))), "task-1", 5.0)
    view = show(show(view, said("a"), "task-1"), said("b"), "task-1")
    assert view.agents["task-1"].spent == view.turn == Spent().and_also(said("a")).and_also(said("b"))
    assert (view.agents["task-1"].at, view.agents["task-1"].task) == (5.0, "x")


def test_the_tail_of_a_call_that_runs_is_bounded() -> None:
    view = show(View(), ToolStarted("1", "shell"))
    for _ in range(30):
        view = show(view, ToolProgress("1", "0123456789" * 50))
    assert len(view.running["1"].tail) == TAIL_CHARS
    assert view.running["1"].tail.endswith("789")


@given(st.lists(st.text(max_size=5)))
def test_streamed_text_is_kept_whole_in_few_pieces(parts: list[str]) -> None:
    view = View()
    for part in parts:
        view = show(view, TextDelta(part))
        assert len(view.pieces) <= len(view.streamed).bit_length() + 1
    assert view.streamed == "".join(parts)


def test_streamed_text_is_copied_a_few_times_only() -> None:
    """Each character moves into a longer piece at most as often as its length can double."""
    view, copied = View(), 0
    for _ in range(4_096):
        before = view.pieces
        view = show(view, TextDelta("word "))
        copied += sum(map(len, set(view.pieces) - set(before)))
    assert copied <= 20 * len(view.streamed)
