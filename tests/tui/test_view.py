"""The screen's fold, its lines and its tables, without a screen."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from akmon_core.events import (
    CacheBroken,
    Cleared,
    Committed,
    Compacted,
    Compacting,
    Continued,
    Event,
    FilesChanged,
    Instructed,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Noticed,
    Outcome,
    PermissionAsked,
    PermissionDecided,
    Pinned,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Reminder,
    Replied,
    Rewound,
    SessionStarted,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Assistant, Pin, Text, ToolCall, ToolResult, User
from akmon_core.permissions import MODES
from akmon_core.spending import Spent
from akmon_core.stream import CallDelta, Retrying, TextDelta, ThinkingDelta, Usage
from akmon_core.tools import DiffView, Effect, TextView
from akmon_tui.plain.keys import answer_of, interrupts
from akmon_tui.plain.render import render
from akmon_tui.plain.spans import Span
from akmon_tui.slash import SLASHES, run_slash
from akmon_tui.slash.helping import help_text
from akmon_tui.slash.plainly import KEYS
from akmon_tui.view import View, Waiting, show
from tests.tui.scenes import asks, asks_to_write, call, finished, said

texts = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\r\n\x07\x9b\u202e[]0;mJ")), max_size=20)
ids = st.sampled_from(["call-1", "call-2", "call-3"])
usages = st.builds(Usage, input_tokens=st.integers(0, 9), output_tokens=st.integers(0, 9))
costs = st.none() | st.floats(0, 9)
views = st.none() | st.builds(TextView, texts) | st.builds(DiffView, texts, texts, st.just(1), st.just(2))
calls = st.builds(ToolCall, ids, texts, texts)
users = st.builds(User, st.tuples(st.builds(Text, texts)), record=st.integers(0, 9))
pins = st.builds(Pin, st.sampled_from(["todos", "plan"]), texts)
states = st.none() | st.builds(FileState, st.just("file"), texts)
changes = st.lists(st.builds(FileChange, texts, states, states), max_size=3).map(tuple)
agents = st.sampled_from(["", "", "task-3", "task-4\x1b[2J"])
effects = st.lists(st.builds(Effect, st.sampled_from(["read", "write", "run", "fetch"]), texts), max_size=3)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(SessionStarted, schema=st.just(1), akmon=texts, cwd=texts, roots=st.just(())),
    st.builds(ModelChosen, texts, texts, st.integers(0, 9)),
    st.builds(Instructed, texts),
    st.builds(Reminded, st.sampled_from(get_args(Reminder)), users),
    st.builds(Pinned, pins),
    st.builds(PlanSaved, texts, texts),
    st.builds(Cleared, st.lists(st.integers(1, 9)).map(tuple), st.integers(0, 9)),
    st.builds(
        Compacted,
        summary=texts,
        kept=st.just(1),
        said=st.just(1),
        by=st.sampled_from(["model", "trim"]),
        usage=usages,
        cost=costs,
    ),
    st.builds(SummaryFailed, message=texts, usage=usages, cost=costs),
    st.builds(QuestionAsked, ids, texts, st.lists(texts, max_size=3).map(tuple)),
    st.builds(QuestionAnswered, ids, texts),
    st.builds(Compacting, st.integers(0, 9)),
    st.builds(ModeChanged, st.sampled_from(MODES)),
    st.builds(Prompted, users),
    st.builds(Steered, users),
    st.builds(Continued, users),
    st.builds(
        Replied,
        st.builds(Assistant, st.lists(st.builds(Text, texts) | calls, max_size=3).map(tuple)),
        usages,
        costs,
    ),
    st.builds(ModelFailed, texts, texts, usages, costs, said=texts),
    st.builds(CacheBroken, texts, st.integers(0, 9)),
    st.builds(
        PermissionAsked,
        calls,
        effects.map(tuple),
        texts,
        views,
        rule=texts,
        paths=st.dictionaries(texts, texts, max_size=2),
    ),
    st.builds(
        PermissionDecided,
        ids,
        st.sampled_from(["allow", "deny"]),
        st.sampled_from(["policy", "person"]),
        texts,
        st.sampled_from(["once", "session", "writes", "always"]),
        effects=effects.map(tuple),
        rule=texts,
    ),
    st.builds(ToolStarted, ids, texts),
    st.builds(
        ToolFinished,
        st.builds(ToolResult, ids, texts, st.booleans()),
        texts,
        texts,
        views,
        seconds=st.floats(0, 1e6),
        pins=st.lists(pins, max_size=2).map(tuple),
    ),
    st.builds(FilesChanged, changes, ids),
    st.builds(FilesChanged, changes),
    st.builds(
        Rewound,
        record=st.integers(1, 9),
        to=st.integers(1, 9),
        conversation=st.booleans(),
        changes=changes,
        left=st.lists(texts).map(tuple),
    ),
    st.builds(Committed, texts, texts, st.lists(texts).map(tuple)),
    st.builds(TurnEnded, st.sampled_from(get_args(Outcome)), texts),
    st.builds(TextDelta, texts),
    st.builds(ThinkingDelta, texts),
    st.builds(CallDelta, st.just(0), texts, texts),
    st.builds(Retrying, st.integers(1, 5), st.just(5), st.floats(0, 60), texts, st.floats(0, 60), texts),
    st.builds(ToolProgress, ids, texts),
    st.builds(Noticed, texts),
)


@given(st.lists(st.tuples(events, agents), max_size=20), st.integers(20, 200))
def test_any_events_can_be_shown_and_nothing_shown_steers_a_terminal(
    seen: list[tuple[Event, str]], width: int
) -> None:
    view = View()
    for event, agent in seen:
        for span in render(view, event, width, agent):
            steering = [
                char
                for char in span.text
                if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\n\t\u200c\u200d"
            ]
            assert not steering
        view = show(view, event, agent)


def test_a_turn_begins_at_nothing_and_the_total_goes_on() -> None:
    view = show(show(View(), said("a")), TurnEnded("completed"))
    view = show(view, Prompted(User((Text("b"),))))
    assert view.turn == Spent()
    assert view.total.cost == 0.0123


@given(st.lists(texts, max_size=8))
def test_streaming_shows_what_the_whole_text_would_and_the_reply_adds_nothing(parts: list[str]) -> None:
    view = View()
    for part in parts:
        view = show(view, TextDelta(part))
    assert render(view, Replied(Assistant((Text("".join(parts)),))), 80) == [] or not "".join(parts)


def test_a_reply_that_was_not_streamed_is_shown_when_it_is_whole() -> None:
    assert render(View(), said("all of it"), 80)[-1].text == "all of it"
    begun = show(View(), TextDelta("all "))
    assert render(begun, said("all of it"), 80) == [Span("of it", "more")]
    lost = show(View(), TextDelta("of "))
    assert render(lost, said("all of it"), 80)[-1].text == "all of it"


def test_each_wait_is_told_once() -> None:
    view = View()
    lines = []
    for attempt, passed in ((2, 0.0), (2, 1.0), (3, 0.0), (3, 1.0)):
        retry = Retrying(attempt, 5, 2.5, "busy", passed=passed)
        lines += render(view, retry, 100)
        view = show(view, retry)
    assert lines == [Span(f"attempt {attempt} of 5 in 3 s: busy") for attempt in (2, 3)]
    assert len(render(view, TextDelta("on"), 100)) == 2
    assert view.retrying
    assert show(view, TurnEnded("interrupted")).retrying is None


def test_a_model_that_takes_over_is_named() -> None:
    (line,) = render(View(), Retrying(1, 6, 0.0, "busy", model="openai/gpt-x"), 100)
    assert line.text == "openai/gpt-x takes over: busy"


@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_what_was_streamed_before_a_retry_is_not_shown_again(parts: list[str], rest: str) -> None:
    view, whole = View(), "".join((*parts, rest))
    for part in parts:
        view = show(show(view, TextDelta(part)), Retrying(2, 5, 1.0, "busy"))
    view = show(view, TextDelta(rest))
    assert render(view, Replied(Assistant((Text(whole),))), 80) == []
    assert render(view, ModelFailed("server", "down", said=whole), 80) == []


def test_what_a_failed_call_said_is_shown_if_it_was_not_streamed() -> None:
    assert render(View(), ModelFailed("server", "down", said="half a"), 80)[-1].text == "half a"


def test_a_prompt_that_was_read_anew_is_told() -> None:
    (line,) = render(View(), CacheBroken("the tools changed", 5_000), 80)
    assert line.text.endswith("5,000 tokens of the prompt anew: the tools changed")


def test_results_of_parallel_calls_name_their_call() -> None:
    view = show(View(), said("", call(1), call(2, "read", '{"path": "a.txt"}')))
    for number, tool in ((1, "shell"), (2, "read")):
        view = show(view, ToolStarted(f"call-{number}", tool))
    assert [line.text for line in render(view, finished(1), 80)] == ["* shell pytest -q", "  3 passed"]
    assert [line.text for line in render(view, finished(2, "40 lines"), 80)] == ["  40 lines"]
    view = show(view, finished(2, "40 lines", "read"))
    assert [line.text for line in render(view, finished(1), 80)] == ["* shell pytest -q", "  3 passed"]


def test_a_long_result_for_people_is_cut_and_says_so() -> None:
    diff = DiffView("a", "\n".join(f"+{number}" for number in range(100)), 100, 0)
    lines = render(View(under="call-1"), finished(1, "done", view=diff), 80)
    assert len(lines) == 42
    assert lines[-1].text == "  (61 more lines)"


def test_a_question_goes_away_with_its_answer_its_turn_and_no_other() -> None:
    view = show(View(), asks())
    assert show(view, PermissionDecided("call-9", "allow", "person", "")).question == Waiting(asks())
    assert show(view, PermissionDecided("call-1", "allow", "person", "")).question is None
    assert show(view, TurnEnded("interrupted")).question is None


@pytest.mark.parametrize(
    ("keys", "about_command", "about_write"),
    [
        (["y"], "once", "once"),
        (["s"], "session", "session"),
        (["a"], None, "writes"),
        (["n"], "deny", "deny"),
        (["N"], "deny", "deny"),
        ([Keys.ControlM], None, None),
        ([Keys.Escape], None, None),
        (["x"], None, None),
        (["y", Keys.ControlM], None, None),
        (["y", "y"], None, None),
        ([], None, None),
    ],
)
def test_only_one_key_by_itself_is_an_answer(
    keys: list[str], about_command: str | None, about_write: str | None
) -> None:
    burst = tuple(KeyPress(key) for key in keys)
    assert answer_of(asks(), burst) == about_command
    assert answer_of(asks_to_write(), burst) == about_write


def test_a_pasted_letter_is_no_answer() -> None:
    assert answer_of(asks(), (KeyPress(Keys.BracketedPaste, "y"),)) is None


def test_ctrl_c_and_a_lost_terminal_interrupt() -> None:
    assert interrupts((KeyPress(Keys.ControlC),))
    assert interrupts((KeyPress("x"), KeyPress(Keys.ControlC)))
    assert interrupts(())
    assert not interrupts((KeyPress("c"),))


def test_help_lists_every_command() -> None:
    text = help_text(SLASHES, KEYS)
    assert all(slash.usage in text and slash.about in text for slash in SLASHES.values())
    assert all(key in text and about in text for key, about in KEYS)


@pytest.mark.parametrize("line", ["hello", "/", "/Etc", "/etc/hosts", "//", "a /help", "", "/help-me.txt x"])
def test_what_is_no_command_is_a_prompt(line: str) -> None:
    assert run_slash(line, View()) is None


def test_nothing_but_the_app_loads_prompt_toolkit() -> None:
    code = (
        "import sys, akmon_tui, akmon_tui.view, akmon_tui.plain.render, akmon_tui.slash\n"
        "print([name for name in ('prompt_toolkit', 'asyncio') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
