"""Lines that replace each other, on terminals that can do that and on those that cannot."""

from __future__ import annotations

import io

from prompt_toolkit.data_structures import Size
from prompt_toolkit.output import Output
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.output.vt100 import Vt100_Output

from akmon_tui.plain.output import Screen
from akmon_tui.plain.spans import Span

COUNTDOWN = [Span(f"in {left} s", "dim", "live") for left in (3, 2, 1)]


def written(output: Output, stream: io.StringIO, *spans: Span) -> str:
    screen = Screen(output)
    for span in spans:
        screen.write([span])
    return stream.getvalue()


def test_a_live_line_is_replaced_by_the_next_one_and_by_nothing_else() -> None:
    stream = io.StringIO()
    vt100 = Vt100_Output(stream, lambda: Size(24, 80), term="xterm")
    text = written(vt100, stream, Span("a", "", "start"), *COUNTDOWN, Span("b", "", "start"), COUNTDOWN[0])
    plain = text.replace("\x1b[0;2m", "").replace("\x1b[0m", "")
    assert plain == "a\r\nin 3 s\r\x1b[Kin 2 s\r\x1b[Kin 1 s\r\nb\r\nin 3 s"


def test_a_terminal_that_cannot_replace_a_line_gets_the_first_one_only() -> None:
    stream = io.StringIO()
    text = written(PlainTextOutput(stream), stream, *COUNTDOWN, Span("b"))
    assert text.replace("\r", "") == "in 3 s\nb\n"
