"""akmon in a real terminal multiplexer: keys go in, and what a person would see comes out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.program import PATIENCE, PROGRAM, Place

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Pane:
    """One program in a terminal of its own server, so that nothing is shared with the developer's."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
        )
        return done.stdout

    def types(self, text: str) -> None:
        """Presses the keys of ``text`` as they are."""
        self.tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names for them, such as ``Enter``, ``Escape``, ``C-c``."""
        self.tmux("send-keys", *keys)

    def paste(self, text: str, folder: Path) -> None:
        """As from the clipboard, in brackets if the program asks for these."""
        file = folder / "paste"
        file.write_text(text)
        self.tmux("load-buffer", str(file))
        self.tmux("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def screen(self) -> str:
        """What is visible."""
        return self.tmux("capture-pane", "-p").rstrip()

    @property
    def everything(self) -> str:
        """What is visible, and what has scrolled away. Lines that the terminal has wrapped are joined."""
        return self.tmux("capture-pane", "-p", "-J", "-S", "-").rstrip()

    @property
    def pid(self) -> int:
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    @property
    def is_over(self) -> bool:
        return self.tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def sees(self, pattern: str, *, everywhere: bool = False) -> str:
        """Waits until what is visible matches; gives it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            shown = self.everything if everywhere else self.screen
            if re.search(pattern, shown):
                return shown
            time.sleep(0.02)
        raise AssertionError(f"waited in vain for {pattern!r}; the screen shows:\n{self.screen}")

    def sees_no_more(self, pattern: str) -> None:
        end = time.monotonic() + PATIENCE
        while re.search(pattern, self.screen):
            assert time.monotonic() < end, f"{pattern!r} stays; the screen shows:\n{self.screen}"
            time.sleep(0.02)

    def ends(self) -> None:
        """Waits until the program is over."""
        end = time.monotonic() + PATIENCE
        while not self.is_over:
            assert time.monotonic() < end, f"it goes on; the screen shows:\n{self.screen}"
            time.sleep(0.02)


@contextmanager
def pane(
    place: Place,
    arguments: Sequence[str],
    *,
    columns: int = 80,
    rows: int = 24,
    env: Mapping[str, str] | None = None,
) -> Iterator[Pane]:
    """Starts ``akmon ARGUMENTS`` in the project of ``place``."""
    shown = Pane(place.folder / "tmux.sock")
    environ = {**place.env, "LC_ALL": "C.UTF-8", **(env or {})}
    line = shlex.join(
        ["env", "-u", "TMUX", *(f"{name}={value}" for name, value in environ.items()), str(PROGRAM), *arguments]
    )
    shown.tmux(
        *("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(place.project), "cat"),
        *(";", "set-option", "-g", "remain-on-exit", "on"),
        *(";", "set-option", "-g", "history-limit", "50000"),
        *(";", "set-option", "-g", "status", "off"),
        *(";", "set-option", "-g", "default-terminal", "tmux-256color"),
        *(";", "set-option", "-g", "escape-time", "0"),
        *(";", "new-window", "-k", "-t", ":0", "-c", str(place.project), f"exec {line}"),
    )
    try:
        yield shown
    finally:
        shown.tmux("kill-server")
