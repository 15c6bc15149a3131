"""The interactive akmon in a real pseudo-terminal, with an emulator that shows what a person would see."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyte

from tests.adversarial.arena import Arena
from tests.e2e.program import PATIENCE, PROGRAM
from tests.tui.terminal import Screen

COLUMNS, ROWS = 100, 60


class Window:
    """The near end of a pseudo-terminal, and what its screen shows."""

    def __init__(self, near: int) -> None:
        self.screen = Screen(COLUMNS, ROWS, self.press)
        self.raw = b""
        self._near = near
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def text(self) -> str:
        return self.screen.text

    def press(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def refuse(self) -> None:
        """Answers no to the question on the screen."""
        self.until(r"n no")
        self.press("n")
        self.until("Why not")
        self.press("\r")

    def until(self, pattern: str) -> None:
        """Waits until what the screen shows matches."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            assert self._read(end), f"waited in vain for {pattern!r}; the screen shows:\n{self.text}"

    def to_the_end(self) -> None:
        """Reads until the program closes its end."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass

    def _read(self, end: float) -> bool:
        if not select.select([self._near], [], [], max(0, end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._near, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.raw += data
        self._stream.feed(self._decoder.decode(data))
        return bool(data)


@contextmanager
def at_a_terminal(arena: Arena, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Window]:
    """Starts ``akmon ARGUMENTS`` in a terminal of its own; it is killed at the end if it still runs."""
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (ROWS, COLUMNS))
    process = subprocess.Popen(
        [str(PROGRAM), *arguments],
        stdin=far,
        stdout=far,
        stderr=far,
        cwd=arena.project,
        env={**arena.env, "TERM": "xterm-256color", **(env or {})},
        start_new_session=True,
    )
    os.close(far)
    try:
        yield Window(near)
    finally:
        process.kill()
        process.wait()
        os.close(near)
