"""Keys pressed while a turn runs: which of them answer, interrupt or say something, and which wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from akmon_core.commands import Answered
from akmon_core.events import PermissionAsked
from akmon_tui.asking import may_allow_writes

Burst: TypeAlias = tuple[KeyPress, ...]
"""Keys that arrived together; none means that the terminal is gone."""

_NOT_FOR_LATER = (Keys.ControlC, Keys.ControlD, Keys.ControlZ, Keys.CPRResponse, Keys.Vt100MouseEvent)

_ANSWERS: dict[str, Answered] = {"y": "once", "s": "session", "a": "writes", "r": "always", "n": "deny"}


class Watch:
    """What is typed while it is open."""

    def __init__(self, terminal: Input) -> None:
        self._terminal = terminal
        self._bursts: list[Burst] = []
        self._later: list[KeyPress] = []
        self._waits = False
        """A whole line that was typed can only be the next prompt, and so can all behind it."""
        self.pressed = asyncio.Event()
        """There is something to take."""

    def read(self) -> None:
        """Reads what was typed up to now, without waiting."""
        burst = tuple(self._terminal.read_keys())
        if burst or self._terminal.closed:
            self._bursts.append(burst)
            self.pressed.set()

    def take(self) -> list[Burst]:
        """Everything pressed since the last time."""
        bursts, self._bursts = self._bursts, []
        self.pressed.clear()
        return bursts

    def keep(self, burst: Burst) -> None:
        """Saves keys for the next prompt."""
        self._later += [press for press in burst if press.key not in _NOT_FOR_LATER]

    @property
    def begun(self) -> bool:
        """Whether a line has been begun and not entered."""
        last = tuple(self._later[_after_last_enter(self._later) :])
        return is_text(last) and typed_text(last) != ""

    def said(self, may_say: Callable[[str], bool]) -> tuple[list[str], bool]:
        """The lines typed and entered up to one that may not be said; they are kept no longer.

        And whether there is now, for the first time, such a line, which waits for the next prompt.
        """
        lines: list[str] = []
        while not self._waits and (line := _first_line(self._later)) is not None:
            text = typed_text(line)
            if text is None or not may_say(text):
                self._waits = True
                return lines, True
            del self._later[: len(line) + 1]
            lines.append(text)
        return lines, False

    def forget(self) -> None:
        """Drops what was typed for a next prompt: after an interrupt it should not run by itself."""
        self._later.clear()
        self._waits = False

    def later(self) -> list[KeyPress]:
        for burst in self.take():
            self.keep(burst)
        return self._later


@contextmanager
def watch(terminal: Input) -> Iterator[Watch]:
    """Reads keys until it is left; then hands those that nothing used to the next prompt."""
    watching = Watch(terminal)
    with terminal.attach(watching.read):
        yield watching
    store_typeahead(terminal, watching.later())


def interrupts(burst: Burst) -> bool:
    return not burst or any(press.key == Keys.ControlC for press in burst)


def answer_of(asked: PermissionAsked, burst: Burst) -> Answered | None:
    """The answer that a single key gives. Several at once were pasted or typed blindly: no answer."""
    if len(burst) != 1:
        return None
    match _ANSWERS.get(burst[0].key.lower()):
        case "writes" if not may_allow_writes(asked):
            return None
        case "always" if not asked.rule:
            return None
        case answer:
            return answer


def is_text(burst: Burst) -> bool:
    """Whether ``burst`` says something, rather than only move, delete or enter."""
    return any(len(press.key) == 1 or press.key == Keys.BracketedPaste for press in burst)


def typed_text(presses: Sequence[KeyPress]) -> str | None:
    """What was typed; None if it holds keys that only the prompt line understands, such as arrows."""
    text = ""
    before: KeyPress | None = None
    for press in presses:
        match press.key:
            case Keys.BracketedPaste:
                text += press.data.replace("\r\n", "\n").replace("\r", "\n")
            case Keys.ControlH:
                text = text[:-1]
            case Keys.ControlJ | Keys.ControlM:
                text += "\n"
            case Keys.Escape:
                pass
            case key if len(key) == 1:
                text += key
            case _:
                return None
        if before is not None and before.key == Keys.Escape and press.key != Keys.ControlM:
            return None
        before = press
    return text


def _first_line(presses: Sequence[KeyPress]) -> Sequence[KeyPress] | None:
    """The keys before the first Enter."""
    return next((presses[:at] for at in _enters(presses)), None)


def _after_last_enter(presses: Sequence[KeyPress]) -> int:
    return max(_enters(presses), default=-1) + 1


def _enters(presses: Sequence[KeyPress]) -> Iterator[int]:
    """Where Enter was pressed; Alt+Enter, which begins a new line, comes as Escape and Enter."""
    for at, press in enumerate(presses):
        if press.key == Keys.ControlM and not (at and presses[at - 1].key == Keys.Escape):
            yield at
