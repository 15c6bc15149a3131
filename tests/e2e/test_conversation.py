"""A conversation with the real program in a pseudo-terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from akmon_core.messages import Assistant
from tests.e2e.program import Place, kinds, sound, wait_for
from tests.e2e.terminal import ASKED, Window, opened


def conversation(
    place: Place, script: str, *arguments: str, plain: bool = False
) -> AbstractContextManager[Window]:
    return opened(("-m", place.script(script), *arguments), place.project, place.env, plain=plain)


@pytest.fixture(autouse=True)
def _no_colours(place: Place) -> None:
    place.env["NO_COLOR"] = "1"


both = pytest.mark.parametrize("plain", [False, True], ids=["screen", "plain"])


def finished(place: Place, turns: int = 1) -> Path:
    """The journal once so many turns have ended."""
    return wait_for(
        lambda: next((j for j in place.journals() if kinds(j).count("turn_ended") == turns), None)
    )


def ended(place: Place, sessions: int) -> None:
    """Waits until the turns of so many sessions have ended."""
    wait_for(lambda: sum(kinds(journal)[-1:] == ["turn_ended"] for journal in place.journals()) == sessions)


@both
def test_a_conversation_greets_answers_and_ends(place: Place, plain: bool) -> None:
    with conversation(place, "say Hello yourself.\n---\nsay And goodbye.", plain=plain) as terminal:
        terminal.sees("akmon 0.1.0")
        terminal.sees("default mode")
        terminal.press("hello\r")
        terminal.sees("Hello yourself.")
        finished(place)
        terminal.press("bye\r")
        terminal.sees("And goodbye.")
        journal = finished(place, 2)
        assert terminal.leaves() == 0
        terminal.sees(f"akmon: go on with: akmon -r {journal.stem}")
    assert sound(place.journal()).turn == 2


@both
def test_words_on_the_command_line_are_the_first_prompt(place: Place, plain: bool) -> None:
    with conversation(place, "say Here is the answer.", "a question", plain=plain) as terminal:
        terminal.sees("a question")
        terminal.sees("Here is the answer.")
        finished(place)
        terminal.press("/exit\r")
        assert terminal.ends() == 0


ASKS = 'call write {"path": "new.txt", "content": "some content\\n"}\n---\nsay All done.'


@both
@pytest.mark.parametrize(("key", "made", "decision"), [("y", True, "allow"), ("n", False, "deny")])
def test_a_permission_question_is_answered_by_a_key(
    place: Place, key: str, made: bool, decision: str, plain: bool
) -> None:
    with conversation(place, ASKS, "write it", plain=plain) as terminal:
        terminal.sees("write asks for permission")
        terminal.sees("+some content" if plain else "+ some content")
        terminal.until(ASKED)
        assert not (place.project / "new.txt").exists()
        if key == "n":
            terminal.refuses("because")
        else:
            terminal.press(key)
        terminal.sees("All done.")
        journal = finished(place)
        assert terminal.leaves() == 0
    assert (place.project / "new.txt").exists() == made
    assert f'"decision":"{decision}","by":"person"' in journal.read_text()
    assert ("because" in str(sound(journal).history)) == (key == "n")


@both
def test_ctrl_c_stops_the_turn_and_not_the_conversation(place: Place, plain: bool) -> None:
    script = "say Half of it.\ndelay 600\nsay The rest.\n---\nsay Still here."
    with conversation(place, script, "talk", plain=plain) as terminal:
        terminal.sees("Half of it.")
        terminal.press("\x03")
        terminal.sees("nterrupted")
        finished(place)
        terminal.press("again\r")
        terminal.sees("Still here.")
        journal = finished(place, 2)
        assert terminal.leaves() == 0
    reply = sound(journal).history[1]
    assert isinstance(reply, Assistant)
    assert (reply.text, reply.stop) == ("Half of it.", "interrupted")


@both
def test_ctrl_c_at_a_question_runs_nothing(place: Place, plain: bool) -> None:
    with conversation(place, ASKS, "write it", plain=plain) as terminal:
        terminal.answers("\x03")
        journal = finished(place)
        assert terminal.leaves() == 0
    assert not (place.project / "new.txt").exists()
    assert sound(journal).outcome == "interrupted"


def test_closing_the_terminal_leaves_a_session_that_can_be_resumed(place: Place) -> None:
    with conversation(place, "say Half.\ndelay 600\nsay no", "talk") as terminal:
        terminal.sees("Half.")
        terminal.hang_up()
    assert place.play("repeat forever\nsay Resumed.", "go on", "-c").out == "Resumed.\n"
    sound(place.journal())


def test_a_resumed_conversation_knows_its_mode_and_cost(place: Place) -> None:
    script = (
        "price input=3 output=15 cache_read=0.3 cache_write=3.75\nrepeat forever\nsay ok\nusage input=1000"
    )
    place.play(script, "one", "--permission-mode=accept-edits")
    with conversation(place, script, "-c") as terminal:
        terminal.sees("accept-edits mode")
        terminal.sees(f"session {place.journal().stem} goes on: one")
        terminal.press("/cost\r")
        terminal.sees("1,000 in")
        terminal.until("accept-edits")
        assert terminal.leaves() == 0


@both
def test_prompts_of_earlier_conversations_are_remembered(place: Place, plain: bool) -> None:
    script = "repeat forever\nsay ok"
    for sessions, keys in enumerate(("a memorable prompt\r", "\x1b[A\r"), start=1):
        with conversation(place, script, plain=plain) as terminal:
            terminal.sees("default mode")
            terminal.press(keys)
            terminal.sees("ok")
            ended(place, sessions)
            assert terminal.leaves() == 0
    assert all(b"a memorable prompt" in journal.read_bytes() for journal in place.journals())


@pytest.mark.parametrize(("answer", "kept"), [("y\r", False), ("n\r", True), ("\r", True), ("\x04", True)])
def test_deleting_asks_and_everything_but_yes_keeps_the_session(
    place: Place, answer: str, kept: bool
) -> None:
    place.play("say ok", "a question")
    name = place.journal().stem
    with opened(("sessions", "delete", name), place.project, place.env) as terminal:
        terminal.sees(f"Delete session {name} (a question) for good? [y/N]")
        terminal.press(answer)
        terminal.sees(f"{name} is kept" if kept else f"deleted {name}")
        assert terminal.ends() == (3 if kept else 0)
    assert bool(place.journals()) == kept


def test_what_is_wrong_is_said_before_the_conversation_begins(place: Place) -> None:
    with opened((), place.project, place.env) as terminal:
        terminal.sees("akmon: no model is configured")
        assert terminal.ends() == 2
