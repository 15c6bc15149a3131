"""Questions of the model, and those of several agents at once."""

from __future__ import annotations

import pytest

from akmon_core.commands import Answer, Interrupt, Prompt, Respond
from akmon_core.events import (
    Event,
    PermissionDecided,
    QuestionAnswered,
    QuestionAsked,
    ToolStarted,
    TurnEnded,
)
from akmon_tui.asking import answer_text
from akmon_tui.plain.render import render
from akmon_tui.view import View, Waiting, show
from tests.tui.fake import FakeClient, Step
from tests.tui.scenes import asks, call, finished, said
from tests.tui.terminal import Terminal, talk
from tests.tui.test_conversation import leave

ASKED = QuestionAsked("call-1", "Which database?", ("SQLite", "Postgres\n(needs a server)"))
STEPS: list[Step] = [
    said("", call(1, "ask", '{"question": "Which database?"}')),
    ToolStarted("call-1", "ask"),
    ASKED,
    finished(1, "understood", "ask"),
]


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("2\r", "Postgres\n(needs a server)"),
        ("DuckDB, and\r", "DuckDB, and"),
        ("3\r", "3"),
        ("\r", ""),
        ("\x04", ""),
    ],
)
def test_a_question_is_answered_by_number_by_words_or_left_open(typed: str, text: str) -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("leaves it to the model")
        terminal.press(typed)
        await terminal.until("  understood")
        await leave(terminal)

    terminal = talk(client, person, first_prompt="store it")
    assert client.commands == [Prompt("store it"), Respond("call-1", text)]
    assert "\nWhich database?\n  1  SQLite\n  2  Postgres\n     (needs a server)\nA number" in terminal.text
    assert terminal.text.count("* ask Which database?") == 1


def test_ctrl_c_at_a_question_interrupts() -> None:
    client = FakeClient(STEPS)

    async def person(terminal: Terminal) -> None:
        await terminal.until("leaves it to the model")
        terminal.press("Post\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="store it")
    assert client.commands == [Prompt("store it"), Interrupt()]


def test_what_was_typed_before_a_question_does_not_answer_it() -> None:
    client = FakeClient(["wait for an interrupt"])

    async def person(terminal: Terminal) -> None:
        await terminal.until("> go")
        terminal.press("1")
        client.publish(ASKED)
        await terminal.until("You have begun a line")
        terminal.press("\x03")
        await terminal.until("Interrupted.")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands == [Prompt("go"), Interrupt()]


def test_a_number_means_an_option_only_if_there_is_one() -> None:
    assert [answer_text(ASKED, line) for line in ("1", " 1. ", "0", "9", "1 or 2")] == [
        "SQLite",
        "SQLite",
        "0",
        "9",
        "1 or 2",
    ]
    assert answer_text(QuestionAsked("call-1", "How many?"), "1") == "1"


def test_only_one_of_several_questions_is_on_the_screen() -> None:
    first, second = asks("make one"), asks("make two")
    view = show(View(), first, "task-1")
    assert "task-1: shell asks for permission" in shown(View(), first, "task-1")
    assert shown(view, second, "task-2") == ""
    view = show(view, second, "task-2")
    assert view.question == Waiting(first, "task-1")
    done = PermissionDecided("call-1", "allow", "person", "yes")
    assert shown(view, done, "task-1").startswith("  allowed once\n\ntask-2: shell asks for permission")
    assert show(view, done, "task-1").question == Waiting(second, "task-2")
    assert show(view, done, "task-2").question == Waiting(first, "task-1")


def test_the_question_of_a_sub_agent_goes_away_with_it() -> None:
    view = show(show(View(), asks(), "task-1"), ASKED, "task-2")
    ended = TurnEnded("time_limit", "too long")
    assert show(view, ended, "task-1").question == Waiting(ASKED, "task-2")
    assert "Which database?" in shown(view, ended, "task-1")
    assert show(view, TurnEnded("interrupted")).question is None
    assert show(view, QuestionAnswered("call-1", ""), "task-2").question == Waiting(asks(), "task-1")


def shown(view: View, event: Event, agent: str) -> str:
    return "\n".join(span.text for span in render(view, event, 80, agent))


def test_questions_of_sub_agents_are_answered_one_after_the_other() -> None:
    steps: list[Step] = [
        said("", call(1, "task"), call(2, "task")),
        ("task-1", said("", call(1))),
        ("task-1", asks("make one")),
        ("task-2", said("", call(1))),
        ("task-2", asks("make two")),
    ]
    client = FakeClient(steps)

    async def person(terminal: Terminal) -> None:
        await terminal.until("task-1: shell asks for permission")
        await terminal.until("n no")
        terminal.press("y")
        await terminal.until("task-2: shell asks for permission")
        await terminal.until("n no", times=2)
        terminal.press("n")
        await terminal.until("Why not?")
        terminal.press("no need\r")
        await leave(terminal)

    talk(client, person, first_prompt="go")
    assert client.commands[1:] == [
        Answer("call-1", "once", agent="task-1"),
        Answer("call-1", "deny", "no need", agent="task-2"),
    ]
