"""Writes spans as text and newlines, and nothing else: no colour, no cursor that moves."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prompt_toolkit.application import AppSession, create_app_session, get_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output import Output
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.output.vt100 import Vt100_Output

from akmon_tui.plain.spans import Span


class Screen:
    """Knows whether the line is open, so that every block begins on a line of its own."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._open = False

    @property
    def width(self) -> int:
        return max(20, self._output.get_size().columns)

    def write(self, spans: Iterable[Span]) -> None:
        for span in spans:
            if span.kind != "more" and self._open:
                self._text("\n")
            self._text(span.text)
            if span.kind == "line":
                self._text("\n")
        self._output.flush()

    def _text(self, text: str) -> None:
        if not text:
            return
        self._output.write(text.replace("\n", "\r\n"))
        self._open = not text.endswith("\n")


@contextmanager
def text_only() -> Iterator[AppSession]:
    """The terminal of the app session. Nothing but text is written to it."""
    terminal = get_app_session()
    with create_app_session(terminal.input, _TextOutput(terminal.output)) as plain:
        yield plain


class _TextOutput(PlainTextOutput):
    """Text on the terminal of another output, which knows how large it is."""

    def __init__(self, terminal: Output) -> None:
        super().__init__(terminal.stdout if isinstance(terminal, Vt100_Output) else sys.stdout)
        self._terminal = terminal

    def get_size(self) -> Size:
        return self._terminal.get_size()
