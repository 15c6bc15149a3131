"""All of what a call has brought, for who wants to see it whole; and what a checklist looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import CommandRan, ToolFinished
from akmon_core.messages import ToolCall, ToolResult
from akmon_core.tools import DiffView, TextView
from akmon_tui.cards import tail, todo_lines, whole
from akmon_tui.lines import text_of, width_of
from tests.tui.scenes import DIFF, call
from tests.tui.test_blocks import is_safe
from tests.tui.test_hostile_text import HOSTILE, STEERING
from tests.tui.test_view import calls, texts

LONG = "\n".join(f"line {number}" for number in range(1_000))


def shown(event: ToolFinished | CommandRan, asked: ToolCall | None = None) -> list[str]:
    return [text_of(each) for each in whole(event, 80, asked)]


def test_nothing_of_an_output_is_left_out() -> None:
    event = ToolFinished(ToolResult("1", f"{LONG}\n[exit 0]"), "shell", "exit 0, 1,000 lines", seconds=3)
    assert shown(event) == ["● shell  exit 0, 1,000 lines (3.0 s)", *LONG.split("\n"), "[exit 0]"]


def test_what_was_asked_for_is_shown_with_all_its_lines() -> None:
    asked = ToolCall("1", "shell", '{"command": "cd a\\nmake", "timeout": 5.0}')
    event = ToolFinished(ToolResult("1", "ok"), "shell", "exit 0, 1 line")
    assert shown(event, asked) == [
        "● shell cd a make  exit 0, 1 line",
        "command: cd a",
        "make",
        "timeout: 5.0",
        "",
        "ok",
    ]


@pytest.mark.parametrize("arguments", ["", "{}", "[1]", "null", "5"])
def test_a_call_without_arguments_of_any_use_is_only_named(arguments: str) -> None:
    event = ToolFinished(ToolResult("1", "ok"), "shell", "exit 0")
    assert shown(event, ToolCall("1", "shell", arguments))[1:] == ["ok"]


def test_arguments_that_are_no_json_are_shown_as_they_came() -> None:
    event = ToolFinished(ToolResult("1", "x", True), "shell", "x")
    assert shown(event, ToolCall("1", "shell", '{"command": '))[1:] == ['{"command": ', "x"]


def test_a_change_is_shown_as_its_whole_diff() -> None:
    diff = DiffView("a", "@@ -0,0 +1,900 @@\n" + "\n".join("+x" for _ in range(900)), 900, 0)
    event = ToolFinished(ToolResult("1", "text for the model"), "edit", "+900 -0 lines", diff)
    lines = shown(event, call(1, "edit", '{"path": "a"}'))
    assert lines[:3] == ["● edit a  +900 -0 lines", "  a +900 -0", "        1 + x"]
    assert len(lines) == 902


def test_a_command_of_ones_own_is_shown_whole() -> None:
    lines = shown(CommandRan("seq 1000", LONG, 0))
    assert lines == ["! seq 1000", *LONG.split("\n"), "exit 0"]
    assert shown(CommandRan("x", "", None))[-1] == "stopped"


def test_the_end_of_an_output_says_how_much_is_above() -> None:
    assert [text_of(each) for each in tail(["a", "b", "c"], 80, 2)] == [
        "  … 1 line above (ctrl+o shows all)",
        "  b",
        "  c",
    ]
    assert [text_of(each) for each in tail(["a", "b"], 80, 2)] == ["  a", "  b"]
    assert tail([], 80, 2) == []


def test_to_dos_have_boxes_and_what_is_done_steps_back() -> None:
    lines = todo_lines("[x] one\n[>] two\n[ ] three\nwhatever", 80)
    assert [text_of(each) for each in lines] == ["  ☑ one", "  ◐ two", "  ☐ three", "  whatever"]
    assert [each[-1].style for each in lines] == ["dim", "bold", "", ""]


events = st.one_of(
    st.builds(
        ToolFinished,
        st.builds(ToolResult, st.just("1"), texts, st.booleans()),
        texts,
        texts,
        st.none() | st.just(DIFF) | st.builds(TextView, texts),
        seconds=st.floats(0, 1e6),
        untrusted=st.sampled_from(["", "web"]),
    ),
    st.builds(CommandRan, texts, texts, st.none() | st.integers(-9, 255)),
)


@given(events, st.none() | calls, st.integers(20, 200))
def test_anything_can_be_looked_at_whole(
    event: ToolFinished | CommandRan, asked: ToolCall | None, width: int
) -> None:
    assert all(width_of(each) <= width and is_safe(each) for each in whole(event, width, asked))


@pytest.mark.parametrize(
    "event",
    [
        CommandRan(HOSTILE, HOSTILE, 1),
        ToolFinished(ToolResult("1", HOSTILE), HOSTILE, HOSTILE),
        ToolFinished(ToolResult("1", HOSTILE), HOSTILE, HOSTILE, TextView(HOSTILE)),
        ToolFinished(ToolResult("1", HOSTILE), HOSTILE, HOSTILE, DiffView(HOSTILE, f"+{HOSTILE}", 1, 0)),
    ],
)
def test_nothing_in_it_steers_the_terminal(event: ToolFinished | CommandRan) -> None:
    asked = ToolCall("1", HOSTILE, HOSTILE)
    assert not set("".join(shown(event, asked))) & STEERING
