"""What the terminal is told beside text: its title, that something goes on, that the person is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from akmon_core.events import Envelope, PermissionAsked, Prompted, QuestionAsked, TurnEnded
from akmon_tui import terminal as controls
from akmon_tui.terminal import Terminal
from akmon_tui.view import View

_LONG_SECONDS = 10.0
"""A turn that took longer has given the person time to look elsewhere."""


class Signals:
    """Writes control sequences that the terminal is known to understand."""

    def __init__(self, terminal: Terminal, write: Callable[[str], None]) -> None:
        self._terminal = terminal
        self._write = write
        self._busy = False
        self._titled = False

    def begin(self, view: View) -> None:
        """A session is on the screen."""
        if not self._titled:
            self._write(controls.keep_title(self._terminal))
            self._titled = True
        self._write(controls.title(self._terminal, f"akmon · {view.name or PurePath(view.folder).name}"))

    def happened(self, envelope: Envelope, before: View, notify: str) -> None:
        """``before`` is the view before it."""
        took = envelope.at - before.since if before.since is not None else 0.0
        match envelope.event:
            case Prompted() if not envelope.agent:
                self._show_busy(busy=True)
            case TurnEnded(outcome) if not envelope.agent:
                self._show_busy(busy=False)
                if took >= _LONG_SECONDS and outcome != "interrupted":
                    self._call(notify, "akmon is done")
            case PermissionAsked() | QuestionAsked() if took >= _LONG_SECONDS:
                self._call(notify, "akmon has a question")
            case _:
                pass

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._show_busy(busy=False)
        if self._titled:
            self._write(controls.put_title_back(self._terminal))

    def _show_busy(self, *, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self._write(controls.progress(self._terminal, "busy" if busy else "none"))

    def _call(self, how: str, text: str) -> None:
        match how:
            case "off":
                pass
            case "bell":
                self._write(controls.bell(self._terminal))
            case _:
                self._write(controls.notify(self._terminal, text))
