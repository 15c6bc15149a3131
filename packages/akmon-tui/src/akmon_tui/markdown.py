"""Markdown for the screen: a whole text at once, or a reply while it is being written."""

from __future__ import annotations

import re

from akmon_core.limits import MARKDOWN_LINE_CHARS
from akmon_core.text import neutralise
from akmon_tui.highlight import TAB
from akmon_tui.lines import Line, split_at, text_of, width_of
from akmon_tui.md.blocks import Blocks
from akmon_tui.md.page import Page

_BEGUN_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*|[ -/]*)\Z")
"""The start of a sequence for a terminal whose end is not there yet."""
_ONLY_MARKS = re.compile(r"[ >]*(?:[-=*+_~#|: ]*|`{1,2}|\d{1,9}[.)]?|\[[^\]]{0,3})\Z")
"""A line that may become anything yet: it is shown when more of it is there."""


def prose(text: str, width: int) -> list[Line]:
    """``text`` in Markdown as lines of at most ``width`` columns; lines of code are as long as they are."""
    stream = Stream()
    stream.feed(text)
    return stream.end(width)


def preload() -> None:
    """Loads what the first reply would wait for, about 0.1 s; for a thread beside the start."""
    prose("*a*\n```python\na\n```", 80)


class Stream:
    """A reply in Markdown while it is being written.

    ``finished`` and ``end`` together give each line once, and the same ones for the same text however it came
    in: they are what ``prose`` gives. ``tail`` is how the rest looks at the moment. The work for a frame
    depends on what is new and on a tail of limited length, not on the length of the reply.
    """

    def __init__(self) -> None:
        self._fed: list[str] = []
        self._read = 0
        self._pending = ""
        """The start of a line whose end is not there yet; without what was read of a long one."""
        self._long = False
        self._page = Page(80)
        self._blocks = Blocks(self._page)

    @property
    def text(self) -> str:
        """All that was fed."""
        if len(self._fed) > 1:
            self._advance()
            self._fed[:] = ["".join(self._fed)]
            self._read = 1
        return "".join(self._fed)

    def feed(self, text: str) -> None:
        """More of the reply: any part of it, of any length."""
        self._fed.append(text)

    def finished(self, width: int) -> list[Line]:
        """The lines that have become final since the last call."""
        self._page.width = width
        self._advance()
        return self._taken()

    def tail(self, width: int, height: int) -> list[Line]:
        """The end of what is not final yet: at most ``height`` lines of at most ``width`` columns."""
        self._advance()
        if height < 1:
            return []
        page = self._page.ahead(width, height)
        blocks = self._blocks.copy(page)
        pending = _BEGUN_ESCAPE.sub("", self._pending)
        if pending and (self._long or blocks.code or not _ONLY_MARKS.match(pending)):
            self._put(blocks, pending)
        blocks.end()
        rows = [row for shown in page.lines[-height:] for row in _chopped(shown, width)]
        return rows[-height:]

    def end(self, width: int) -> list[Line]:
        """The rest, which is final now."""
        self._page.width = width
        self._advance()
        if self._pending:
            self._put(self._blocks, self._pending)
        self._pending = ""
        self._blocks.end()
        return self._taken()

    def _taken(self) -> list[Line]:
        lines, self._page.lines = self._page.lines, []
        return lines

    def _advance(self) -> None:
        """Reads what was fed since."""
        if self._read == len(self._fed):
            return
        first, *rest = "".join(self._fed[self._read :]).split("\n")
        self._read = len(self._fed)
        self._grow(first)
        for text in rest:
            self._put(self._blocks, self._pending)
            self._pending, self._long = "", False
            self._grow(text)

    def _grow(self, text: str) -> None:
        """More of the line; a long one is read in parts."""
        text = self._pending + text
        at = 0
        while len(text) - at > MARKDOWN_LINE_CHARS:
            self._put(self._blocks, text[at : at + MARKDOWN_LINE_CHARS], whole=False)
            self._long = True
            at += MARKDOWN_LINE_CHARS
        self._pending = text[at:]

    def _put(self, blocks: Blocks, text: str, whole: bool = True) -> None:
        text = neutralise(text).replace("\n", " ").expandtabs(TAB)
        if self._long:
            blocks.more(text)
        else:
            blocks.line(text, whole)


def _chopped(shown: Line, width: int) -> list[Line]:
    """``shown`` in parts of at most ``width`` columns, as a terminal would break it."""
    if width_of(shown) <= width:
        return [shown]
    rows: list[Line] = []
    rest, text = list(shown), text_of(shown)
    while text:
        head = split_at(text, width)[0] or text[0]
        text = text[len(head) :]
        row, missing = [], len(head)
        while missing:
            piece = rest.pop(0)
            row.append(piece._replace(text=piece.text[:missing]))
            if len(piece.text) > missing:
                rest.insert(0, piece._replace(text=piece.text[missing:]))
            missing -= len(row[-1].text)
        rows.append(tuple(row))
    return rows
