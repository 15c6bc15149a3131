"""Writes spans to the terminal's own scrollback, with colours where the terminal and the person want them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prompt_toolkit import styles
from prompt_toolkit.application import AppSession, create_app_session, get_app_session
from prompt_toolkit.output import Output
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.utils import is_dumb_terminal

from akmon_tui.plain.spans import Span, Style

_STYLES = styles.Style.from_dict(
    {
        "bold": "bold",
        "dim": "dim",
        "added": "ansigreen",
        "removed": "ansired",
        "error": "ansired",
        "ask": "ansiyellow bold",
    }
)


class Screen:
    """Knows whether the line is open, so that every block begins on a line of its own."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._depth = output.get_default_color_depth()
        self._plain = isinstance(output, PlainTextOutput)
        self._open = False
        self._live = False
        """Whether the open line may be replaced."""

    @property
    def width(self) -> int:
        return max(20, self._output.get_size().columns)

    def write(self, spans: Iterable[Span]) -> None:
        for span in spans:
            if span.kind == "live" and self._live:
                if self._plain:
                    continue
                self._output.write_raw("\r")
                self._output.erase_end_of_line()
            elif span.kind != "more" and self._open:
                self._text("\n", "")
            self._text(span.text, span.style)
            if span.kind == "line":
                self._text("\n", "")
            self._live = span.kind == "live"
        self._output.flush()

    def expect_pastes(self, expect: bool) -> None:
        """Has the terminal mark what is pasted, so that it is not taken for keys."""
        if expect:
            self._output.enable_bracketed_paste()
        else:
            self._output.disable_bracketed_paste()
        self._output.flush()

    def _text(self, text: str, style: Style) -> None:
        if not text:
            return
        if style:
            self._output.set_attributes(_STYLES.get_attrs_for_style_str(f"class:{style}"), self._depth)
        self._output.write(text.replace("\n", "\r\n"))
        if style:
            self._output.reset_attributes()
        self._open = not text.endswith("\n")


@contextmanager
def plain_where_dumb() -> Iterator[AppSession]:
    """The terminal to use. One that knows no escape sequences gets none, not even those around a prompt."""
    terminal = get_app_session()
    if not is_dumb_terminal() or not isinstance(terminal.output, Vt100_Output):
        yield terminal
        return
    with create_app_session(terminal.input, PlainTextOutput(terminal.output.stdout)) as plain:
        yield plain
