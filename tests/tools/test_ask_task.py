"""A question to the person, and work for a sub-agent: what is handed on, and what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akmon_core.errors import ArgumentsError, ToolError
from akmon_core.limits import OPTIONS, TASK_CHARS
from akmon_core.tools import Delegation, ToolContext


def test_the_answer_of_the_person_is_the_result(hands: Any) -> None:
    hands.answers["Which one?"] = " the second\n"
    output = hands("ask", question="Which one?", options=["a", " a ", "b", " "])
    assert (output.text, output.summary) == ("the second", "the second")
    assert hands.asked == [("Which one?", ("a", "b"))]


def test_no_answer_leaves_it_to_the_model(hands: Any) -> None:
    hands.answers["Go on?"] = "  "
    output = hands("ask", question="Go on?")
    assert "decide yourself" in output.text
    assert output.summary == "no answer"
    assert hands.asked == [("Go on?", ())]


@pytest.mark.parametrize(
    "arguments",
    [{"question": " "}, {"question": "x", "options": ["o"] * (OPTIONS + 1)}, {"question": "x" * 2_001}],
)
def test_blank_and_oversized_questions_are_not_asked(hands: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentsError):
        hands("ask", **arguments)
    assert hands.asked == []


def test_a_task_is_handed_to_a_sub_agent_and_its_answer_comes_back(hands: Any) -> None:
    output = hands("task", title="find\nuses", task="Find every use of f.", reads_only=True)
    assert hands.delegated == [Delegation(task="Find every use of f.", title="find uses", reads_only=True)]
    assert (output.text, output.summary) == ("did find uses", "2 steps")


def test_a_task_may_change_things_unless_said_otherwise(hands: Any) -> None:
    hands("task", title=" ", task="Rename f to g.")
    assert hands.delegated == [Delegation(task="Rename f to g.", title="Rename f to g.")]


@pytest.mark.parametrize("task", ["", "\n", "x" * (TASK_CHARS + 1)])
def test_a_blank_or_oversized_task_is_not_handed_on(hands: Any, task: str) -> None:
    with pytest.raises(ArgumentsError):
        hands("task", title="t", task=task)
    assert hands.delegated == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ask", {"question": "?"}, "nobody can be asked"),
        ("task", {"title": "t", "task": "x"}, "no sub-agents"),
        ("read", {"path": "record:1"}, "no record 1"),
    ],
)
def test_where_nothing_is_provided_the_tools_say_so(
    hands: Any, name: str, arguments: dict[str, Any], message: str
) -> None:
    bare = ToolContext(call_id="c", files={}, progress=print)
    with pytest.raises(ToolError, match=message):
        asyncio.run(hands.tools[name].run(hands.parsed(name, arguments), bare))
