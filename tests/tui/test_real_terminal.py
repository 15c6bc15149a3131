"""The conversation as a process in a real pseudo-terminal, at 80 by 24."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from tests.tui.terminal import PATIENCE, Screen

ROOT = Path(__file__).parents[2]


class RealTerminal:
    """The near end of a pseudo-terminal, and what its screen shows."""

    def __init__(self, near: int) -> None:
        self.screen = Screen(80, 24, self.press)
        self.raw = ""
        self._near = near
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def press(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def until(self, pattern: str) -> None:
        """Waits until what the screen shows matches."""
        while not re.search(pattern, self.screen.text):
            if not select.select([self._near], [], [], PATIENCE)[0]:
                pytest.fail(f"waited in vain for {pattern!r}; the screen shows:\n{self.screen.text}")
            text = self._decoder.decode(os.read(self._near, 4096))
            self.raw += text
            self._stream.feed(text)


@contextmanager
def playing(**environ: str) -> Iterator[RealTerminal]:
    """Starts the play in a terminal of its own; at the end it must be over and the terminal as before."""
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (24, 80))
    before = termios.tcgetattr(far)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tui.play"],
        stdin=far,
        stdout=far,
        stderr=far,
        cwd=ROOT,
        env={**inherited, "LANG": "C.UTF-8", "TERM": "xterm-256color", **environ},
        start_new_session=True,
    )
    try:
        yield RealTerminal(near)
        assert process.wait(PATIENCE) == 0
        assert termios.tcgetattr(far) == before
    finally:
        process.kill()
        process.wait()
        os.close(near)
        os.close(far)


def have_a_conversation(terminal: RealTerminal) -> None:
    terminal.until(r"\n>\Z")
    terminal.press("fix it\r")
    terminal.until("n no")
    terminal.press("y")
    terminal.until(r"\n>\Z")
    terminal.press("go on\r")
    terminal.until("only the beg")
    terminal.press("\x03")
    terminal.until(r"Interrupted\.")
    terminal.until(r"\n>\Z")
    terminal.press("\x04")
    terminal.until("commands: Prompt Answer Prompt Interrupt")


@pytest.mark.parametrize("terminal_type", ["xterm-256color", "dumb"])
def test_a_conversation_works_at_80_by_24_with_text_and_newlines_only(terminal_type: str) -> None:
    with playing(TERM=terminal_type) as terminal:
        have_a_conversation(terminal)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", terminal.raw)
    assert not re.search(r"\r(?![\r\n])", terminal.raw)
    assert "+new line" in terminal.raw
