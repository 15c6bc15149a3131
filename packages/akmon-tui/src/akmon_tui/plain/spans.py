"""What is written on the screen: text in a style, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Style: TypeAlias = Literal["", "bold", "dim", "added", "removed", "error", "ask"]


class Span(NamedTuple):
    """Text in one style: a whole line, the start of a line that stays open, or more of it.

    A ``live`` line stays open, too, and the next one that is ``live`` takes its place.
    """

    text: str
    style: Style = ""
    kind: Literal["line", "start", "more", "live"] = "line"
