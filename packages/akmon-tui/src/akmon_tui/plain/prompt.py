"""The prompt line: several lines of input, history, and what ends the conversation."""

from __future__ import annotations

from pathlib import Path

from prompt_toolkit.application import get_app_session
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead

from akmon_tui.cells import whole
from akmon_tui.composer.history import History
from akmon_tui.plain.output import Screen
from akmon_tui.plain.reading import LineReader
from akmon_tui.plain.spans import Span


class Composer:
    """Reads what the person wants to say."""

    def __init__(self, screen: Screen, history: Path | None) -> None:
        self._screen = screen
        self._history = History(history)
        self._told = ""
        self._staged = ""
        self._input = get_app_session().input
        self._reader = LineReader("> ", multiline=True, history=self._history)

    def stage(self, text: str) -> None:
        """Has the next prompt begin as ``text``, unless something was typed for it already."""
        self._staged = text

    async def read(self) -> str | None:
        """The next prompt; None to end. Ctrl+C clears the line, and pressed twice on an empty one ends."""
        warned = False
        while True:
            self._say_what_is_lost()
            try:
                return whole(await self._reader.read(self._begun()))
            except EOFError:
                return None
            except KeyboardInterrupt:
                if self._reader.buffer.text:
                    warned = False
                elif warned:
                    return None
                else:
                    warned = True
                    self._screen.write([Span("Press Ctrl+C again to end.")])

    def _begun(self) -> str:
        """What was staged. Keys that were typed before that was seen must not be added to it, let alone an
        Enter among them send it."""
        staged, self._staged = self._staged, ""
        typed = get_typeahead(self._input)
        store_typeahead(self._input, typed)
        return "" if typed else staged

    def _say_what_is_lost(self) -> None:
        lost = self._history.lost
        if lost and lost != self._told:
            self._told = lost
            self._screen.write([Span(f"The history is not kept: {lost}.")])


async def ask_line(message: str) -> str | None:
    """One line, empty if the person has nothing to say; None if Ctrl+C was pressed."""
    try:
        return whole(await LineReader(message).read())
    except EOFError:
        return ""
    except KeyboardInterrupt:
        return None


async def edit_line(message: str, text: str) -> str | None:
    """The line that the person makes of ``text``; None if Escape, Ctrl+C or Ctrl+D was pressed."""
    try:
        return whole(await LineReader(message, escape_ends=True).read(text))
    except (EOFError, KeyboardInterrupt):
        return None
