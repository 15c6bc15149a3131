"""akmon in a real terminal multiplexer: keys go in, and what a person would see comes out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.e2e.program import PATIENCE, PROGRAM, Place, wait_for

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Pane:
    """One program in a terminal of its own server, so that nothing is shared with the developer's."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = {**env, "LC_ALL": "C.UTF-8"}

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", "tmux.sock", "-f", "/dev/null", *arguments],  # a whole path might be too long
            check=True,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=self._env,
        )
        return done.stdout

    def types(self, text: str) -> None:
        """Presses the keys of ``text`` as they are."""
        self.tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names for them, such as ``Enter``, ``Escape``, ``C-c``."""
        self.tmux("send-keys", *keys)

    def enters(self, text: str) -> None:
        """Types a line and sends it."""
        self.types(text)
        self.press("Enter")

    def paste(self, text: str) -> None:
        """As from the clipboard, in brackets if the program asks for these."""
        file = self._folder / "paste"
        file.write_text(text)
        self.tmux("load-buffer", str(file))
        self.tmux("paste-buffer", "-p", "-r")

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
    def coloured(self) -> str:
        """What is visible, with its escape sequences for colours."""
        return self.tmux("capture-pane", "-p", "-e").rstrip()

    def asks(self, name: str) -> str:
        """A variable of tmux's for the pane, such as ``cursor_flag``."""
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()

    @property
    def pid(self) -> int:
        """Of the program that was started."""
        return int(wait_for((self._folder / "pid").read_text))

    @property
    def is_over(self) -> bool:
        return self.asks("pane_dead") == "1"

    def sees(self, pattern: str, *, everywhere: bool = False) -> str:
        """Waits until what is visible matches; gives it."""
        return self.until(
            lambda shown: re.search(pattern, shown) is not None, f"waited for {pattern!r}", everywhere
        )

    def is_asked(self, pattern: str) -> str:
        """Waits until a question takes the keys: below it is the status line, and not the composer."""
        return self.sees(rf"(?s){pattern}.*esc interrupts?\n[^\n]* · [^\n]*\Z")

    def sees_no_more(self, pattern: str) -> str:
        return self.until(lambda shown: re.search(pattern, shown) is None, f"{pattern!r} stays")

    def until(self, holds: Callable[[str], bool], why: str, everywhere: bool = False) -> str:
        """Waits until ``holds`` of what is visible, and not only of a part of it; gives that."""
        end = time.monotonic() + PATIENCE
        held, shown = 0, ""
        while held < 2:
            held = held + 1 if holds(shown := self.everything if everywhere else self.screen) else 0
            assert time.monotonic() < end, f"{why}; the screen shows:\n{self.screen}"
            time.sleep(0.02)
        return shown

    def kill(self) -> None:
        """Ends the program at once, whatever it is doing."""
        os.kill(self.pid, signal.SIGKILL)

    def ends(self) -> int:
        """Waits until the program is over; gives its exit code as a shell does."""
        self.until(lambda _: self.is_over, "it goes on")
        return int((self._folder / "code").read_text())

    def quits(self) -> int:
        """Ends the program the way a person would."""
        self.press("C-d")
        return self.ends()


@contextmanager
def pane(
    place: Place,
    arguments: Sequence[str],
    *,
    program: Sequence[str] = (str(PROGRAM),),
    columns: int = 80,
    rows: int = 24,
    env: Mapping[str, str] | None = None,
) -> Iterator[Pane]:
    """Starts ``akmon ARGUMENTS``, or another program, in the project of ``place``."""
    folder = Path(mkdtemp(dir=place.folder))  # of its own, as the server of the one before may be ending
    shown = Pane(folder, {**place.env, **(env or {})})
    here = ("-c", str(place.project))
    variables = [f"{name}={value}" for name, value in (env or {}).items()]  # tmux has a TERM of its own
    began = f"echo $$ > {folder}/pid; exec {shlex.join(['env', *variables, *program, *arguments])}"
    # tmux itself does not always learn how a program has ended.
    line = f"sh -c {shlex.quote(began)}; echo $? > {folder}/code"
    shown.tmux(
        *("new-session", "-d", "-x", str(columns), "-y", str(rows), *here, "cat"),
        *(";", "set-option", "-g", "remain-on-exit", "on"),
        *(";", "set-option", "-g", "remain-on-exit-format", ""),
        *(";", "set-option", "-g", "history-limit", "50000"),
        *(";", "set-option", "-g", "status", "off"),
        *(";", "set-option", "-g", "default-terminal", "tmux-256color"),
        *(";", "set-option", "-g", "escape-time", "0"),
        *(";", "new-window", "-k", "-t", ":0", *here, line),
    )
    try:
        yield shown
    finally:
        shown.tmux("kill-server")


@contextmanager
def walk(place: Place, script: str, *arguments: str, columns: int = 80, rows: int = 24) -> Iterator[Pane]:
    """Starts akmon with a model that plays ``script``, and waits until its session is open."""
    with pane(place, ("-m", place.script(script), *arguments), columns=columns, rows=rows) as shown:
        shown.sees("/help", everywhere=True)
        yield shown
