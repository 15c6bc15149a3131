"""Hypothesis strategies for histories such as sessions make: each call has its result."""

from __future__ import annotations

import hypothesis.strategies as st

from akmon_core.messages import (
    Assistant,
    Image,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    User,
)

text = st.text(st.characters(codec="utf-8"), max_size=12)
image = st.just(Image("image/png", "aGk="))
thinking = st.builds(Thinking, text, st.sampled_from(["", "c2ln", "reasoning_content"]), st.booleans())
arguments = st.sampled_from(['{"cmd": "ls"}', "{}", "", "{", "[1]", '"x"', "null", '{"a": 1e999}', "é{"])
user = st.builds(User, st.lists(st.builds(Text, text) | image, max_size=3).map(tuple))


@st.composite
def turn(draw: st.DrawFn) -> list[Message]:
    """What a user says, and a reply with the results of its calls."""
    names = draw(st.lists(st.sampled_from(["shell", "", "no such tool", "x" * 80]), max_size=3))
    calls = [ToolCall(f"call.{at}", name, draw(arguments)) for at, name in enumerate(names)]
    said = draw(st.lists(st.builds(Text, text) | thinking, max_size=3))
    results = [
        ToolResult(call.id, draw(text), draw(st.booleans()), tuple(draw(st.lists(image, max_size=1))))
        for call in calls
    ]
    return [draw(user), Assistant((*said, *calls)), *results]


@st.composite
def history(draw: st.DrawFn) -> tuple[list[Message], int]:
    """A history that ends with what a model must answer, and where its last turn begins."""
    turns = draw(st.lists(turn(), max_size=4))
    before = [message for each in turns for message in each]
    return [*before, draw(user)], len(before)
