"""A conversation with the real program in a pseudo-terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from akmon_core.messages import Assistant
from tests.e2e.program import PATIENCE, PROGRAM, Place, kinds, sound, wait_for

pexpect: Any = pytest.importorskip("pexpect")


class Terminal:
    """akmon as a child in a terminal of 80 by 24."""

    def __init__(self, place: Place, arguments: tuple[str, ...]) -> None:
        env = {**place.env, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.child: Any = pexpect.spawn(
            str(PROGRAM),
            list(arguments),
            cwd=place.project,
            env=env,
            dimensions=(24, 80),
            timeout=PATIENCE,
            encoding="utf-8",
        )

    def sees(self, text: str) -> None:
        self.child.expect(re.escape(text))

    def types(self, keys: str) -> None:
        self.child.send(keys)

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)


@contextmanager
def conversation(place: Place, script: str, *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(place, ("-m", place.script(script), *arguments))
    try:
        yield terminal
    finally:
        terminal.child.close(force=True)


@pytest.fixture(autouse=True)
def _no_colours(place: Place) -> None:
    place.env["NO_COLOR"] = "1"


def finished(place: Place, turns: int = 1) -> Path:
    """The journal once so many turns have ended."""
    return wait_for(
        lambda: next((j for j in place.journals() if kinds(j).count("turn_ended") == turns), None)
    )


def ended(place: Place, sessions: int) -> None:
    """Waits until the turns of so many sessions have ended."""
    wait_for(lambda: sum(kinds(journal)[-1:] == ["turn_ended"] for journal in place.journals()) == sessions)


def test_a_conversation_greets_answers_and_ends(place: Place) -> None:
    with conversation(place, "say Hello yourself.\n---\nsay And goodbye.") as terminal:
        terminal.sees("akmon 0.1.0")
        terminal.sees("default mode")
        terminal.types("hello\r")
        terminal.sees("Hello yourself.")
        finished(place)
        terminal.types("bye\r")
        terminal.sees("And goodbye.")
        journal = finished(place, 2)
        terminal.types("\x04")
        terminal.sees(f"akmon: go on with: akmon -r {journal.stem}")
        assert terminal.ends() == 0
    assert sound(place.journal()).turn == 2


def test_words_on_the_command_line_are_the_first_prompt(place: Place) -> None:
    with conversation(place, "say Here is the answer.", "a question") as terminal:
        terminal.sees("a question")
        terminal.sees("Here is the answer.")
        finished(place)
        terminal.types("/exit\r")
        assert terminal.ends() == 0


ASKS = 'call write {"path": "new.txt", "content": "some content\\n"}\n---\nsay All done.'


@pytest.mark.parametrize(("key", "made", "decision"), [("y", True, "allow"), ("n", False, "deny")])
def test_a_permission_question_is_answered_by_a_key(
    place: Place, key: str, made: bool, decision: str
) -> None:
    with conversation(place, ASKS, "write it") as terminal:
        terminal.sees("write asks for permission")
        terminal.sees("+some content")
        terminal.sees("n no")
        assert not (place.project / "new.txt").exists()
        terminal.types(key)
        if key == "n":
            terminal.sees("Why not?")
            terminal.types("because\r")
        terminal.sees("All done.")
        journal = finished(place)
        terminal.types("\x04")
        assert terminal.ends() == 0
    assert (place.project / "new.txt").exists() == made
    assert f'"decision":"{decision}","by":"person"' in journal.read_text()
    assert ("because" in str(sound(journal).history)) == (key == "n")


def test_ctrl_c_stops_the_turn_and_not_the_conversation(place: Place) -> None:
    script = "say Half of it.\ndelay 600\nsay The rest.\n---\nsay Still here."
    with conversation(place, script, "talk") as terminal:
        terminal.sees("Half of it.")
        terminal.types("\x03")
        terminal.sees("nterrupted")
        finished(place)
        terminal.types("again\r")
        terminal.sees("Still here.")
        journal = finished(place, 2)
        terminal.types("\x04")
        assert terminal.ends() == 0
    reply = sound(journal).history[1]
    assert isinstance(reply, Assistant)
    assert (reply.text, reply.stop) == ("Half of it.", "interrupted")


def test_ctrl_c_at_a_question_runs_nothing(place: Place) -> None:
    with conversation(place, ASKS, "write it") as terminal:
        terminal.sees("n no")
        terminal.types("\x03")
        journal = finished(place)
        terminal.types("\x04")
        assert terminal.ends() == 0
    assert not (place.project / "new.txt").exists()
    assert sound(journal).outcome == "interrupted"


def test_closing_the_terminal_leaves_a_session_that_can_be_resumed(place: Place) -> None:
    with conversation(place, "say Half.\ndelay 600\nsay no", "talk") as terminal:
        terminal.sees("Half.")
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
        terminal.types("/cost\r")
        terminal.sees("1,000 in")
        terminal.types("/mode\r")
        terminal.sees("The mode is accept-edits.")
        terminal.types("\x04")
        assert terminal.ends() == 0


def test_prompts_of_earlier_conversations_are_remembered(place: Place) -> None:
    script = "repeat forever\nsay ok"
    for sessions, keys in enumerate(("a memorable prompt\r", "\x1b[A\r"), start=1):
        with conversation(place, script) as terminal:
            terminal.sees("default mode")
            terminal.types(keys)
            terminal.sees("ok")
            ended(place, sessions)
            terminal.types("\x04")
            assert terminal.ends() == 0
    assert all(b"a memorable prompt" in journal.read_bytes() for journal in place.journals())


@pytest.mark.parametrize(("answer", "kept"), [("y\r", False), ("n\r", True), ("\r", True), ("\x04", True)])
def test_deleting_asks_and_everything_but_yes_keeps_the_session(
    place: Place, answer: str, kept: bool
) -> None:
    place.play("say ok", "a question")
    name = place.journal().stem
    terminal = Terminal(place, ("sessions", "delete", name))
    terminal.sees(f"Delete session {name} (a question) for good? [y/N]")
    terminal.types(answer)
    terminal.sees(f"{name} is kept" if kept else f"deleted {name}")
    assert terminal.ends() == (3 if kept else 0)
    assert bool(place.journals()) == kept


def test_what_is_wrong_is_said_before_the_conversation_begins(place: Place) -> None:
    terminal = Terminal(place, ())
    terminal.sees("akmon: no model is configured")
    assert terminal.ends() == 2
