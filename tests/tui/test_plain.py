"""Lines that are typed where nothing can be moved: echoed as text, and sent as they are seen."""

from __future__ import annotations

import re
from pathlib import Path

from akmon_core.commands import Prompt
from tests.tui.fake import FakeClient
from tests.tui.scenes import HELLO
from tests.tui.terminal import Terminal, talk

CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def says(keys: str, *, shown: str, history: Path | None = None) -> list[object]:
    """Presses ``keys``, which send a prompt; all that is sent. ``shown`` must be on the screen then."""

    async def person(terminal: Terminal) -> None:
        await terminal.until_prompt()
        for burst in keys.split("|"):
            terminal.press(burst)
            await terminal.until_read()
        await terminal.until("Hello there.")
        assert shown in terminal.text
        await leave(terminal)

    client = FakeClient(HELLO)
    terminal = talk(client, person, history=history)
    assert not CONTROLS.search(terminal.raw)
    return [*client.commands]


async def leave(terminal: Terminal) -> None:
    await terminal.until_prompt()
    terminal.press("\x04")


def test_what_is_typed_is_echoed() -> None:
    assert says("hi| there|\r", shown="> hi there\n") == [Prompt("hi there")]


def test_a_line_that_was_changed_is_written_anew_before_it_is_sent() -> None:
    assert says("helo|\x7f|lo|\r", shown="> helo\n> hello\n") == [Prompt("hello")]
    assert says("world|\x01|hello |\r", shown="> world\n> hello world\n") == [Prompt("hello world")]


def test_several_lines_that_are_pasted_are_one_prompt() -> None:
    assert says("one\rtwo\rthree|\r", shown="> one\n  two\n  three\n") == [Prompt("one\ntwo\nthree")]
    assert says("\x1b[200~a\nb\x1b[201~|\r", shown="> a\n  b\n") == [Prompt("a\nb")]


def test_control_characters_that_are_pasted_are_named() -> None:
    (prompt,) = says("\x1b[200~a\x1b[2Jb\u202ec\x1b[201~|\r", shown="> a<U+001B>[2Jb<U+202E>c\n")
    assert prompt == Prompt("a\x1b[2Jb\u202ec")


def test_an_earlier_prompt_is_shown_when_it_comes_back(tmp_path: Path) -> None:
    history = tmp_path / "history"
    says("an earlier prompt|\r", shown="", history=history)
    assert says("\x1b[A|\r", shown="> an earlier prompt\n", history=history) == [Prompt("an earlier prompt")]
