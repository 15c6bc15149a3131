"""Questions of the session on the whole screen: when keys answer them, and what stands beside them."""

from __future__ import annotations

import pytest

from akmon_core.commands import Answer, Interrupt, Prompt, Respond, Steer
from akmon_core.events import PermissionAsked, QuestionAsked, ToolStarted
from akmon_core.messages import ToolCall
from akmon_core.tools import Effect
from tests.tui.fake import FakeClient, Step
from tests.tui.scenes import HELLO, QUESTION, asks, asks_for_tests, call, finished, said
from tests.tui.screenplay import QUIET, Play, act, opened

CHOICE: list[Step] = [
    said("", call(1, "ask")),
    QuestionAsked("call-1", "Which database?", ("SQLite", "Postgres")),
    *HELLO,
]


def test_keys_before_the_person_was_quiet_go_to_the_line_and_answer_nothing() -> None:
    client = FakeClient(QUESTION)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("asks for permission")
        await play.press(*"yes yes")
        await play.until("> yes yes", "asks for permission")
        assert client.commands == [Prompt("go")]
        await play.pass_time(2 * QUIET)
        assert "> yes" not in play.text
        await play.press("y")
        await play.until("3 passed", "> yes yes")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), Answer("call-1", "once")]


def test_a_line_that_is_entered_before_the_question_takes_keys_is_still_said() -> None:
    client = FakeClient(QUESTION)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.press("wait", "enter")
        await play.until("▸ wait", "asks for permission")
        await play.pass_time(2 * QUIET)
        await play.press("n")
        await play.until_gone("asks for permission")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), Steer("wait"), Answer("call-1", "deny")]


def test_each_of_two_questions_waits_for_quiet_anew() -> None:
    second = call(2, arguments='{"command": "make"}')
    client = FakeClient([said("", call(), second), asks("rm -rf a"), asks("make all", 2), *HELLO])

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("rm -rf a")
        await play.pass_time(2 * QUIET)
        play.send("y")
        play.send("y")
        await play.until("make all")
        assert client.commands == [Prompt("go"), Answer("call-1", "once")]
        await play.pass_time(2 * QUIET)
        await play.press("s")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(client))
    assert client.commands[1:] == [Answer("call-1", "once"), Answer("call-2", "session")]


def test_of_questions_that_are_asked_at_once_one_after_the_other_is_answered() -> None:
    def of(agent: str, command: str) -> PermissionAsked:
        return PermissionAsked(ToolCall("1", "shell", "{}"), (Effect("run", command),), "it is asked")

    client = FakeClient()

    async def person(play: Play) -> None:
        for agent in ("task-1", "task-2"):
            client.publish(of(agent, f"make {agent}"), agent=agent)
        await play.until("make task-1")
        assert "make task-2" not in play.text
        await play.leave()

    act(person, opened(client))


def test_a_question_of_a_sub_agent_is_answered_to_it() -> None:
    client = FakeClient([said("", call()), ("task-1", asks()), *HELLO])

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("task-1: shell asks for permission")
        await play.pass_time(2 * QUIET)
        await play.press("y")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(client))
    assert client.commands[1] == Answer("call-1", "once", agent="task-1")


def test_a_question_waits_behind_a_dialog_that_the_person_has_opened() -> None:
    client = FakeClient(QUESTION)

    async def person(play: Play) -> None:
        await play.press("?")
        await play.until("Keys")
        await client.send(Prompt("go"))
        await play.pass_time(2 * QUIET)
        assert "asks for permission" not in play.text
        await play.press("esc", "y")
        await play.until("asks for permission", "> y")
        assert client.commands == [Prompt("go")]
        await play.pass_time(2 * QUIET)
        await play.press("y")
        await play.until("3 passed")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), Answer("call-1", "once")]


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("y",), Answer("call-1", "once")),
        (("s",), Answer("call-1", "session")),
        (("n",), Answer("call-1", "deny")),
        (("m", "use make", "enter"), Answer("call-1", "deny", "use make")),
        (("r", "enter"), Answer("call-1", "always")),
        (("esc",), Interrupt()),
        (("c-c",), Interrupt()),
    ],
)
def test_keys_answer_a_question_for_permission(keys: tuple[str, ...], answer: object) -> None:
    client = FakeClient([said("", call()), asks_for_tests(), ToolStarted("call-1", "shell"), finished()])

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("asks for permission")
        await play.pass_time(2 * QUIET)
        await play.press(*keys)
        await play.until_gone("asks for permission")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), answer]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("down", "down", "enter"), "Postgres"),
        (("1", "enter"), "SQLite"),
        (("a file", "enter"), "a file"),
        (("enter",), ""),
    ],
)
def test_keys_answer_a_question_of_the_model(keys: tuple[str, ...], text: str) -> None:
    client = FakeClient(CHOICE)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("Which database?")
        await play.pass_time(2 * QUIET)
        await play.press(*keys)
        await play.until("Hello there.", f"→ {text or 'no answer'}")
        await play.leave()

    act(person, opened(client))
    assert client.commands == [Prompt("go"), Respond("call-1", text)]


def test_a_question_that_comes_to_a_small_terminal_is_answered_there() -> None:
    client = FakeClient(QUESTION)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("y s")
        await play.press("y")
        await play.pass_time(2 * QUIET)
        if len(client.commands) < 2:  # as not all has been on the screen
            await play.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "y", "y")
        await play.pass_time(1)
        assert "3 passed" in play.all
        await play.leave()

    act(person, opened(client), size=(12, 3))
    assert client.commands == [Prompt("go"), Answer("call-1", "once")]
