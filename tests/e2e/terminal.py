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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.program import PATIENCE, PROGRAM
from tests.tui.emulator import Emulator

ASKED = r"n no(?![\s\S]*\n>)"
"""A question that takes keys: nothing can be typed below it."""


class Window:
    """The near end of a pseudo-terminal, and what its screen shows."""

    def __init__(
        self, near: int, process: subprocess.Popen[bytes], size: tuple[int, int], *, plain: bool
    ) -> None:
        self.process = process
        self.screen = Emulator(*size)
        self.raw = b""
        self.plain = plain
        self._near = near
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def text(self) -> str:
        """What is visible."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def everything(self) -> str:
        """What is visible and what has scrolled away, with single blanks for all that parts words."""
        return " ".join(" ".join(self.screen.rows).split())

    def press(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def says(self, prompt: str) -> None:
        """Sends it as soon as there is a session."""
        self.sees("/help")
        self.until(r"(^|\n)>")
        self.press(f"{prompt}\r")

    def answers(self, key: str) -> None:
        """Answers the question on the screen as soon as it takes keys."""
        self.until(ASKED)
        self.press(key)

    def refuses(self, why: str = "") -> None:
        """Answers no, and tells the model ``why``."""
        self.answers("m" if why and not self.plain else "n")
        if self.plain or why:
            self.until("Why not")
            self.press(f"{why}\r")

    def until(self, pattern: str) -> None:
        """Waits until what is visible matches."""
        end = time.monotonic() + PATIENCE
        while self._is_painting or not re.search(pattern, self.text):
            assert self._read(end), f"waited in vain for {pattern!r}; the screen shows:\n{self.text}"

    def sees(self, text: str) -> None:
        """Waits until ``text`` is visible or has been, wherever its lines were broken."""
        end = time.monotonic() + PATIENCE
        words = " ".join(text.split())
        while self._is_painting or words not in self.everything:
            assert self._read(end), f"waited in vain for {text!r}; the screen shows:\n{self.text}"

    def leaves(self) -> int:
        """Ends the conversation with Ctrl+D, which means nothing while a turn runs; gives the exit code."""
        self.until(r"(^|\n)>\Z" if self.plain else r"(^|\n)>")
        self.press("\x04")
        return self.ends()

    def ends(self) -> int:
        """Reads until the program is over; gives its exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        return self.process.wait(PATIENCE)

    def hang_up(self) -> None:
        """Closes the terminal, and waits until the program has noticed."""
        os.close(self._near)
        self._near = -1
        self.process.wait(PATIENCE)

    def close(self) -> None:
        if self._near >= 0:
            os.close(self._near)
        self.process.kill()
        self.process.wait()

    @property
    def _is_painting(self) -> bool:
        """Whether a part of what is to appear at once has come, and the rest has not."""
        return self.raw.rfind(b"\x1b[?2026h") > self.raw.rfind(b"\x1b[?2026l")

    def _read(self, end: float) -> bool:
        if not select.select([self._near], [], [], max(0, end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._near, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.raw += data
        self.screen.write(self._decoder.decode(data))
        return bool(data)


@contextmanager
def opened(
    arguments: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    plain: bool = False,
    size: tuple[int, int] = (80, 24),
) -> Iterator[Window]:
    """Starts ``akmon ARGUMENTS`` in a terminal of its own, which is closed in the end.

    ``size`` is columns and rows. A program that still runs then is killed.
    """
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (size[1], size[0]))
    process = subprocess.Popen(
        [str(PROGRAM), *arguments, *(("--plain",) if plain else ())],
        stdin=far,
        stdout=far,
        stderr=far,
        cwd=folder,
        env={**env, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(far)
    window = Window(near, process, size, plain=plain)
    try:
        yield window
    finally:
        window.close()
