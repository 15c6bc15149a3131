"""The list of what is to be done: replaced whole, pinned until all is done."""

from __future__ import annotations

from typing import Any

import pytest

from akmon_core.errors import ArgumentsError
from akmon_core.limits import PIN_CHARS, TODO_CHARS, TODOS
from akmon_core.messages import Pin
from akmon_core.tools import TextView


def todo(text: str, status: str) -> dict[str, str]:
    return {"text": text, "status": status}


def test_the_list_is_pinned_and_shown(hands: Any) -> None:
    todos = [todo("read", "completed"), todo("change\n it", "in_progress"), todo("test", "pending")]
    output = hands("todo", todos=todos)
    rows = "[x] read\n[>] change it\n[ ] test"
    assert output.text == "Kept: 1 of 3 done."
    assert output.summary == "1 of 3 done"
    assert output.view == TextView(rows)
    assert output.pins == (Pin("todos", f"Todos (1 of 3 done):\n{rows}"),)


@pytest.mark.parametrize("todos", [[], [todo("a", "completed"), todo("b", "completed")]])
def test_an_empty_list_and_a_finished_one_are_no_longer_pinned(hands: Any, todos: list[Any]) -> None:
    assert hands("todo", todos=todos).pins == (Pin("todos", ""),)


def test_an_empty_list_is_said_to_be_empty(hands: Any) -> None:
    output = hands("todo", todos=[])
    assert (output.summary, output.view) == ("no todos", None)


def test_two_in_progress_are_kept_with_advice(hands: Any) -> None:
    output = hands("todo", todos=[todo("a", "in_progress"), todo("b", "in_progress")])
    assert output.text == "Kept: 0 of 2 done. Have only one in progress at a time."
    assert not output.error
    assert "[>] b" in output.pins[0].text


def test_the_longest_list_fits_into_a_pin_and_a_longer_one_is_refused(hands: Any) -> None:
    longest = [todo("x" * TODO_CHARS, "pending")] * TODOS
    assert len(hands("todo", todos=longest).pins[0].text) <= PIN_CHARS
    with pytest.raises(ArgumentsError, match=f"length <= {TODOS}"):
        hands("todo", todos=[*longest, todo("x", "pending")])
    with pytest.raises(ArgumentsError, match=f"length <= {TODO_CHARS}"):
        hands("todo", todos=[todo("x" * (TODO_CHARS + 1), "pending")])


@pytest.mark.parametrize(
    ("item", "message"),
    [(todo("a", "done"), "Invalid enum value 'done'"), (todo(" \n", "pending"), "blank"), ({}, "text")],
)
def test_what_is_no_todo_is_refused(hands: Any, item: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentsError, match=message):
        hands("todo", todos=[item])


def test_what_is_invisible_is_shown_to_the_person(hands: Any) -> None:
    assert hands("todo", todos=[todo("a\u202eb", "pending")]).view == TextView("[ ] a<U+202E>b")
