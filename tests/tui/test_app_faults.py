"""What goes wrong is said or raised, on a terminal that is left as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akmon_core.commands import Command, Prompt
from akmon_core.errors import AkmonError
from akmon_core.events import Noticed
from akmon_core.stream import TextDelta
from akmon_tui.dialogs.base import Dialog, Done, Press
from akmon_tui.dialogs.confirm import trust_dialog
from akmon_tui.lines import Frame
from akmon_tui.services import Leave
from akmon_tui.talking import Ask
from tests.tui.fake import FakeClient
from tests.tui.office import Office
from tests.tui.scenes import ENDLESS, HELLO
from tests.tui.screenplay import Play, act, opened


async def nothing(play: Play) -> None:
    """Waits until the screen is over."""


def is_restored(play: Play) -> bool:
    """Whether the terminal is as it was: the cursor is shown, pastes are not marked, lines wrap."""
    raw = play.screen.raw
    return all(
        raw.rfind(on) >= raw.rfind(off)
        for on, off in (("\x1b[?25h", "\x1b[?25l"), ("\x1b[?2004l", "\x1b[?2004h"), ("\x1b[?7h", "\x1b[?7l"))
    )


def test_a_session_that_fails_to_open_is_raised_and_the_terminal_is_as_before() -> None:
    async def opening(_: Ask) -> None:
        raise AkmonError("There is no key for this model.")

    play = act(nothing, opening=opening, fails=True)
    assert isinstance(play.error, AkmonError)
    assert is_restored(play)
    assert play.all == ""


def test_a_session_that_fails_to_open_after_a_while_leaves_nothing_on_the_terminal() -> None:
    async def opening(_: Ask) -> None:
        await asyncio.sleep(5)
        raise AkmonError("The server does not answer.")

    async def person(play: Play) -> None:
        await play.press("fix it")
        await play.until("> fix it")

    play = act(person, opening=opening, fails=True)
    assert isinstance(play.error, AkmonError)
    assert is_restored(play)
    assert "fix it" not in play.all


def test_an_error_of_a_service_is_said_and_nothing_ends() -> None:
    office = Office()
    office.troubles = {
        name: AkmonError(f"{name} is not to be had.") for name in ("models", "sessions", "settings", "diff")
    }

    async def person(play: Play) -> None:
        for line in ("/model", "/resume", "/config", "/diff"):
            await play.enter(line)
        await play.until(*(f"{name} is not to be had." for name in office.troubles))
        await play.enter("hello")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(FakeClient(HELLO), office))


def test_files_that_cannot_be_listed_are_said_once_and_asked_for_again_after_a_turn() -> None:
    office = Office()
    office.troubles["files"] = AkmonError("git cannot be run.")

    async def person(play: Play) -> None:
        await play.press("@", "a", "p")
        assert play.text.count("git cannot be run.") == 1
        del office.troubles["files"]
        await play.press("c-u")
        await play.enter("hello")
        await play.until("Hello there.")
        await play.press("@app")
        await play.until("src/app.py")
        await play.leave()

    act(person, opened(FakeClient(HELLO), office))


def test_a_mistake_in_a_service_does_not_vanish() -> None:
    office = Office()
    office.troubles["models"] = RuntimeError("nobody thought of that")

    async def person(play: Play) -> None:
        await play.enter("/model")
        await play.until("RuntimeError: nobody thought of that")
        await play.enter("hello")
        await play.until("Hello there.")
        await play.leave()

    act(person, opened(FakeClient(HELLO), office))


class Broken:
    """A dialog that has a mistake in its picture, or in a key."""

    def __init__(self, where: str) -> None:
        self._where = where

    def frame(self, width: int, height: int) -> Frame:
        if self._where == "frame":
            raise ZeroDivisionError("in the picture")
        return Frame([])

    def press(self, press: Press) -> Done | None:
        raise ZeroDivisionError("in a key")


@pytest.mark.parametrize("where", ["frame", "key"])
def test_a_mistake_in_a_picture_or_a_key_ends_the_screen_and_is_raised(where: str) -> None:
    async def opening(ask: Ask) -> None:
        dialog: Dialog = Broken(where)
        await ask(dialog)

    async def person(play: Play) -> None:
        await play.press("x")

    play = act(person, opening=opening, fails=True)
    assert isinstance(play.error, ZeroDivisionError)
    assert is_restored(play)


class Refusing(FakeClient):
    """A session that takes no command, as one does that has ended."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def send(self, command: Command) -> str:
        raise self._error


def test_a_session_that_takes_no_command_says_so() -> None:
    async def person(play: Play) -> None:
        await play.enter("hello")
        await play.until("The session has ended already.")
        await play.enter("!ls")
        await play.until_gone("! ls")
        await play.press("esc")
        await play.leave()

    act(person, opened(Refusing(AkmonError("The session has ended already."))))


def test_a_session_that_ends_by_itself_ends_the_screen_and_its_last_words_stay() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("only the beg")
        client.publish(Noticed("The disk is full."))
        client.end()

    play = act(person, opened(client))
    assert play.result == Leave()
    assert [
        play.all.count(text) for text in ("only the beg", "The disk is full.", "The session has ended.")
    ] == [
        1,
        1,
        1,
    ]
    assert is_restored(play)


def test_a_terminal_that_goes_away_ends_the_session() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("only the beg")
        play.hang_up()

    play = act(person, opened(client))
    assert play.result == Leave()
    assert play.closed == ["fake"]


def test_leaving_while_a_turn_runs_closes_the_session_and_takes_no_more_events() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("only the beg")
        await play.press("c-d")
        client.publish(TextDelta("too late"))

    play = act(person, opened(client))
    assert play.closed == ["fake"]
    assert "only the beg" in play.all
    assert "too late" not in play.all


def test_trust_is_asked_before_the_session_is_there_and_keys_answer_at_once() -> None:
    given: list[Any] = []

    async def opening(ask: Ask) -> None:
        given.append(await ask(trust_dialog("/p", "Its files would run:\n  hook: make format")))

    async def person(play: Play) -> None:
        await play.until("hook: make format")
        await play.press("y")
        await play.until("akmon 0")
        await play.leave()

    act(person, opened(FakeClient()), opening=opening)
    assert given == [True]


def test_ending_while_a_dialog_is_open_leaves_nothing_behind() -> None:
    client = FakeClient()

    async def person(play: Play) -> None:
        await play.enter("/model")
        await play.until("claude-sonnet-5-5")
        client.end()

    play = act(person, opened(client))
    assert "claude" not in play.all
    assert is_restored(play)


def test_ending_while_a_question_waits_leaves_nothing_behind() -> None:
    from tests.tui.scenes import QUESTION

    client = FakeClient(QUESTION)

    async def person(play: Play) -> None:
        await play.enter("go")
        await play.until("rm -rf build")
        client.end()

    play = act(person, opened(client))
    assert "asks for permission" not in play.all


def test_prompts_that_are_entered_while_the_session_is_opened_are_said_to_it() -> None:
    gate = asyncio.Event()
    client = FakeClient(HELLO, HELLO)

    async def opening(_: Ask) -> None:
        await gate.wait()

    async def person(play: Play) -> None:
        await play.enter("first")
        await play.enter("second")
        await play.press("third")
        await play.until("waits: first", "waits: second", "> third")
        gate.set()
        await play.until("Hello there.", times=2)
        assert play.text.splitlines()[-2] == "> third"
        await play.leave()

    act(person, opened(client), opening=opening)
    assert client.commands == [Prompt("first"), Prompt("second")]
