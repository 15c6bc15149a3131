"""The end of a conversation that is resumed."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolResult, User, note
from akmon_tui.lines import text_of, width_of
from akmon_tui.replayed import recent
from tests.tui.scenes import call
from tests.tui.test_blocks import is_safe
from tests.tui.test_hostile_text import HOSTILE, STEERING
from tests.tui.test_view import calls, ids, texts

TALK: tuple[Message, ...] = (
    User((Text("what fails?"), Image("image/png", "AAAA"))),
    Assistant(
        (Thinking("hm"), Text("I **look**."), call(1), call(2, "read", '{"path": "a"}'), call(3)), "tools"
    ),
    ToolResult("call-1", "3 failed\n[exit 1]", error=True),
    ToolResult("call-2", "the text"),
    ToolResult("call-3", "Denied: plan mode only reads.", error=True),
    note("akmon says something to the model"),
    Assistant((Text("All of it."),)),
)


def shown(history: tuple[Message, ...], most: int = 100, width: int = 80) -> list[str]:
    return [text_of(each) for each in recent(history, width, most)]


def test_prompts_replies_and_calls_are_shown_as_they_were() -> None:
    assert shown(TALK) == [
        "",
        "> what fails?",
        "  [image 1: image/png, 1 KB]",
        "",
        "I look.",
        "✗ shell pytest -q  3 failed [exit 1]",
        "● read a",
        "– shell pytest -q  Denied: plan mode only reads.",
        "",
        "All of it.",
    ]


def test_what_came_before_is_counted() -> None:
    assert shown(TALK, 4) == [
        "… 1 earlier message",
        "– shell pytest -q  Denied: plan mode only reads.",
        "",
        "All of it.",
    ]
    assert shown((*TALK, User((Text("a"),))), 3) == ["… 7 earlier messages", "", "> a"]
    assert shown((), 10) == []


def test_what_a_summary_stands_for_is_said() -> None:
    assert shown((User((Text("long ago"),), by="summary"),)) == [
        "",
        "(a summary stands for what was said before)",
    ]


def test_what_came_long_before_is_not_even_looked_at() -> None:
    unreadable = cast("Message", object())
    lines = shown((*[unreadable] * 20_000, *TALK), 8)
    assert len(lines) == 8
    assert lines[0] == "… 20,001 earlier messages"


messages = st.one_of(
    st.builds(User, st.tuples(st.builds(Text, texts)), st.sampled_from(["person", "akmon", "summary"])),
    st.builds(Assistant, st.lists(st.builds(Text, texts) | calls, max_size=3).map(tuple)),
    st.builds(ToolResult, ids, texts, st.booleans()),
)


@given(st.lists(messages, max_size=12).map(tuple), st.integers(20, 120), st.integers(0, 30))
def test_any_conversation_can_be_shown_in_the_room_that_there_is(
    history: tuple[Message, ...], width: int, most: int
) -> None:
    lines = recent(history, width, most)
    assert len(lines) <= most
    assert all(is_safe(each) for each in lines)
    is_code = any(
        "    " in message.text or "\t" in message.text or "`" in message.text for message in history
    )
    assert is_code or all(width_of(each) <= width for each in lines)


@pytest.mark.parametrize(
    "message",
    [
        User((Text(HOSTILE),)),
        Assistant((Text(HOSTILE), call(1, HOSTILE))),
        ToolResult("call-1", HOSTILE, True),
    ],
)
def test_nothing_that_was_said_steers_the_terminal(message: Message) -> None:
    history = (Assistant((call(1, HOSTILE),)), message)
    assert not set("".join(shown(history))) & STEERING
