"""What is written on the terminal, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Span(NamedTuple):
    """Text: whole lines, the start of a line that stays open, or more of it."""

    text: str
    kind: Literal["line", "start", "more"] = "line"
