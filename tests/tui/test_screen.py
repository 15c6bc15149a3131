"""Lines and pieces of lines in plain text: each block begins on a line of its own."""

from __future__ import annotations

import io

from prompt_toolkit.output.plain_text import PlainTextOutput

from akmon_tui.plain.output import Screen
from akmon_tui.plain.spans import Span


def test_a_line_that_is_open_goes_on_or_is_ended_by_the_next_block() -> None:
    stream = io.StringIO()
    screen = Screen(PlainTextOutput(stream))
    for span in (Span("a", "start"), Span("b", "more"), Span("c"), Span("d", "start"), Span("e", "start")):
        screen.write([span])
    assert stream.getvalue() == "ab\r\nc\r\nd\r\ne"
