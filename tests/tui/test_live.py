"""The lines above the composer: what is at work, how they shrink, and when they move at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import (
    CommandRan,
    Compacted,
    Compacting,
    Event,
    Noticed,
    Pinned,
    Prompted,
    QuestionAsked,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Pin, Text, User
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_tui.lines import text_of, width_of
from akmon_tui.live import live, needs_tick, todo_lines
from akmon_tui.view import View, show
from tests.tui.scenes import asks, call, finished, said
from tests.tui.test_view import agents as agent_names
from tests.tui.test_view import events as any_events

START = 1_000.0
TASK = '{"title": "look", "task": "find the parser"}'


def prompted(text: str = "go") -> Prompted:
    return Prompted(User((Text(text),), record=1))


def after(*events: Event | tuple[str, Event], view: View | None = None) -> View:
    view = view or View()
    for event in events:
        agent, happened = event if isinstance(event, tuple) else ("", event)
        view = show(view, happened, agent, START)
    return view


def shown(view: View, seconds: float = 0.0, width: int = 80, height: int = 20, frame: int = 0) -> list[str]:
    return [text_of(row) for row in live(view, START + seconds, width, height, frame=frame)]


def test_nothing_is_shown_and_nothing_moves_when_nothing_runs() -> None:
    for view in (View(), after(prompted(), said("done"), TurnEnded("completed"))):
        assert shown(view) == []
        assert not needs_tick(view)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "Working"),
        ([ThinkingDelta("hm")], "Thinking"),
        ([TextDelta("a" * 4_000)], "Writing · 12 s · 1.0k tokens"),
        ([said("", call()), ToolStarted("call-1", "shell")], "Running shell"),
        ([Compacting(84_000)], "Shortening the conversation (84k tokens)"),
    ],
)
def test_the_last_line_says_what_goes_on_for_how_long_and_how_to_stop_it(
    events: list[Event], words: str
) -> None:
    view = after(prompted(), *events)
    last = shown(view, 12.9)[-1]
    assert words in last
    assert "12 s" in last
    assert last.endswith("esc stops")
    assert needs_tick(view)


def test_tokens_of_the_turn_are_those_counted_and_those_that_stream() -> None:
    view = after(prompted(), said("x", call()), TextDelta("y" * 400))
    assert "134 tokens" in shown(view)[-1]


def test_a_call_shows_its_time_from_the_first_second_on() -> None:
    view = after(prompted(), said("", call()), ToolStarted("call-1", "shell"))
    assert shown(view, 0.9)[0] == "⠋ shell pytest -q"
    assert shown(view, 65)[0] == "⠋ shell pytest -q · 1 min 05 s"
    assert shown(view, 65, frame=1)[0] != shown(view, 65)[0]
    assert shown(after(finished(), view=view), 65)[0].startswith("⠋ Working")


def test_output_of_the_last_call_is_shown_as_a_terminal_would_show_it_last() -> None:
    output = "".join(f"{number}\n" for number in range(9)) + "10%\r50%\r\x1b[31m99%\x1b[0m\r"
    view = after(prompted(), said("", call()), ToolStarted("call-1", "shell"), ToolProgress("call-1", output))
    assert shown(view)[1:-1] == ["  │ 5", "  │ 6", "  │ 7", "  │ 8", "  │ 99%"]
    assert shown(view, height=4)[1:-1] == ["  │ 8", "  │ 99%"]
    assert len(shown(view, height=2)) == 2
    assert shown(view, height=1) == shown(view)[-1:]


def test_agents_stand_below_the_call_that_began_them() -> None:
    view = after(
        prompted(),
        said("", call(1, "task", TASK), call(2)),
        ToolStarted("call-1", "task"),
        ToolStarted("call-2", "shell"),
        ("task-3", prompted("find the parser")),
        ("task-3", said("", call(7, "read", '{"path": "a.py"}'))),
        ("task-3", ToolStarted("call-7", "read")),
    )
    rows = shown(view, 12)
    assert rows[0].startswith("⠋ task look")
    assert rows[1] == "  └ task-3 · find the parser · 1 call · 12 s · read a.py"
    assert rows[2].startswith("⠋ shell")
    assert rows[3].startswith("⠋ Running 2 tools")
    assert len(rows) == 4
    assert not any("task-3" in row for row in shown(after(("task-3", TurnEnded("completed")), view=view)))


def test_a_retry_counts_down() -> None:
    view = after(prompted(), Retrying(2, 5, 8.0, "overloaded", 3.0))
    assert shown(view)[0] == "  attempt 2 of 5 in 5 s: overloaded"
    assert "Waiting to try again" in shown(view)[1]
    assert len(shown(after(TextDelta("a"), view=view))) == 1


def test_a_conversation_that_is_shortened_between_turns_is_shown_until_that_is_over() -> None:
    view = after(Compacting(5_000))
    assert needs_tick(view)
    assert "Shortening" in shown(view)[0]
    ends = (Compacted(summary="s", kept=1, said=1), Noticed("it stays as it was"))
    assert [shown(after(end, view=view)) for end in ends] == [[], []]


def test_a_command_of_one_s_own_is_shown_from_its_beginning_to_its_end() -> None:
    view = after(ToolProgress("command-9", ""))
    assert needs_tick(view)
    assert shown(view, 3) == ["⠋ command · 3 s", "⠋ Running command · esc stops"]
    view = after(ToolProgress("command-9", "some"), ToolProgress("command-9", " output"), view=view)
    assert shown(view)[1] == "  │ some output"
    assert shown(after(CommandRan("make", "some output", 0), view=view)) == []
    assert shown(after(ToolProgress("call-1", "the end of a call that was stopped"))) == []


def test_nothing_moves_while_only_the_person_is_waited_for() -> None:
    waiting = after(prompted(), said("", call()), asks())
    assert not needs_tick(waiting)
    assert shown(waiting, 0.0) == shown(waiting, 99.0, frame=3) == ["? Waiting for your answer · esc stops"]
    asked = after(
        prompted(), said("", call(1, "ask")), ToolStarted("call-1", "ask"), QuestionAsked("call-1", "a or b?")
    )
    assert not needs_tick(asked)
    assert len(shown(asked)) == 1
    beside = after(ToolStarted("call-2", "shell"), view=waiting)
    assert needs_tick(beside)


def test_where_there_is_too_little_room_the_first_lines_go() -> None:
    calls = [call(number, arguments=f'{{"command": "run {number}"}}') for number in range(1, 9)]
    view = after(prompted(), said("", *calls), *(ToolStarted(each.id, "shell") for each in calls))
    rows = shown(view, height=4)
    assert len(rows) == 4
    assert rows[0] == "  (+6 more)"
    assert "run 7" in rows[1]
    assert "Running 8 tools" in rows[3]


@given(
    st.lists(st.tuples(agent_names, any_events), max_size=12),
    st.integers(1, 60),
    st.integers(0, 8),
    st.integers(0, 99),
)
def test_whatever_happens_lines_stay_within_their_room(
    happened: list[tuple[str, Event]], width: int, height: int, frame: int
) -> None:
    view = after(*happened)
    rows = live(view, START + 5, width, height, frame=frame)
    todos = todo_lines(view, width, height)
    assert len(rows) <= height
    assert len(todos) <= height
    assert all(width_of(row) <= width for row in (*rows, *todos))
    assert not any(char < " " or char == "\x7f" for row in (*rows, *todos) for char in text_of(row))


TODOS = "Todos (2 of 5 done):\n[x] one\n[x] two\n[>] three\n[ ] four\n[ ] five"


def test_the_to_do_list_shows_what_is_in_progress_whatever_the_room() -> None:
    view = after(Pinned(Pin("todos", TODOS)))

    def rows(most: int, width: int = 80) -> list[str]:
        return [text_of(row) for row in todo_lines(view, width, most)]

    assert rows(6) == ["To-dos (2 of 5 done)", "☑ one", "☑ two", "◐ three", "☐ four", "☐ five"]
    assert rows(4) == ["To-dos (2 of 5 done)", "☑ two", "◐ three", "  (+3 more)"]
    assert rows(3) == ["To-dos (2 of 5 done)", "◐ three", "  (+4 more)"]
    assert rows(1) == ["To-dos (2 of 5 done): ◐ three"]
    assert rows(0) == []
    assert rows(6, 5)[0] == "To-d…"
    assert todo_lines(View(), 80, 9) == []
