"""A long text on the whole screen: to scroll, and to search."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_tui.asking import on_one_line
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.field import Field
from akmon_tui.dialogs.pane import Key, Scroll, framed, key_lines, key_of, key_rows, labelled
from akmon_tui.lines import Frame, Line, Piece, line, merged, text_of, wrap

_KEYS = (
    Key("q", "back"),
    Key("space", "page"),
    Key("/", "search"),
    Key("n N", "next, last match"),
    Key("g G", "ends"),
)
_MOVES = {" ": "pagedown", "b": "pageup", "g": "home", "G": "end", "j": "down", "k": "up", "enter": "down"}


class Pager:
    """Shows ``lines``, which may be wider than the screen. Its value is None."""

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        self._title = on_one_line(title)
        self._lines = lines
        self._scroll = Scroll()
        self._field: Field | None = None
        """What is searched for, while it is typed."""
        self._query = ""
        self._hits: list[int] = []
        """Rows with a match, at this width."""
        self._wrapped: list[Line] = []
        self._width = 0
        self._note = ""

    def frame(self, width: int, height: int) -> Frame:
        self._lay_out(width)
        foot, cursor = self._foot(width, height)
        rows = max(0, height - 1 - len(foot))
        shown = [self._marked(each) for each in self._scroll.window(self._wrapped, rows, width)]
        above = (Piece(self._title, "heading"), *line(f"  {self._scroll.position}".rstrip(), "dim"))
        at = (1 + rows, cursor) if cursor is not None else None
        blank: list[Line] = [()] * (rows - len(shown))
        return framed([above, *shown, *blank, *foot], width, height, at)

    def press(self, press: Press) -> Done | None:
        key = key_of(press)
        if key == "c-c":
            return Done(None)
        if self._field is not None:
            self._search(self._field, press, key)
            return None
        self._note = ""
        match key:
            case "q" | "escape" | "c-o":
                return Done(None)
            case "/":
                self._field = Field()
            case "n":
                self._go(1)
            case "N":
                self._go(-1)
            case _:
                self._scroll.press(_MOVES.get(key, key))
        return None

    def _foot(self, width: int, height: int) -> tuple[list[Line], int | None]:
        if self._field is None:
            return [line(self._note, "warning")] if self._note else key_lines(
                _KEYS, width, key_rows(height)
            ), None
        shown, column = self._field.line(max(1, width - 1))
        found, column = labelled("/", shown, column)
        return [found], column

    def _search(self, field: Field, press: Press, key: str) -> None:
        match key:
            case "escape":
                self._field = None
            case "enter":
                self._field = None
                self._query = field.text.casefold()
                self._find()
                self._go(1, here=True)
            case _:
                field.press(press)

    def _go(self, by: int, *, here: bool = False) -> None:
        """To the next match from the top line on, around the ends; ``here`` counts the top line, too."""
        if not self._hits:
            self._note = "There is no match." if self._query else "/ begins a search."
            return
        top = self._scroll.top
        if by > 0:
            to = next((hit for hit in self._hits if hit > top or (here and hit == top)), self._hits[0])
        else:
            to = next((hit for hit in reversed(self._hits) if hit < top), self._hits[-1])
        at = self._hits.index(to) + 1
        self._note = f"match {at:,} of {len(self._hits):,}: {on_one_line(self._query)}"
        self._scroll.top = to

    def _find(self) -> None:
        texts = (text_of(each).casefold() for each in self._wrapped)
        self._hits = [at for at, text in enumerate(texts) if self._query in text] if self._query else []

    def _lay_out(self, width: int) -> None:
        if width == self._width:
            return
        at = self._scroll.top / max(1, len(self._wrapped))
        self._wrapped = [row for each in self._lines for row in wrap(each, max(1, width))]
        self._scroll.top = int(at * len(self._wrapped))
        self._width = width
        self._find()

    def _marked(self, shown: Line) -> Line:
        """``shown`` with what was searched for made visible, if it stands in it."""
        text = text_of(shown)
        folded = text.casefold()
        if not self._query or self._query not in folded or len(folded) != len(text):
            return shown
        marked: list[Piece] = []
        start, left = 0, folded.find(self._query)
        hits: set[int] = set()
        while left >= 0:
            hits.update(range(left, left + len(self._query)))
            left = folded.find(self._query, left + len(self._query))
        for piece in shown:
            marked += (
                Piece(
                    char, f"{piece.style} selected".strip() if start + at in hits else piece.style, piece.link
                )
                for at, char in enumerate(piece.text)
            )
            start += len(piece.text)
        return merged(marked)
