"""A text that is edited, in rows: only those that are seen are laid out, however long it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from akmon_tui.cells import Cell, cells
from akmon_tui.lines import Line, Piece, cut, line, merged, text_of, width_of

_CHUNK = 16
"""Rows after which a line that goes on is broken, so that no line is walked through as a whole."""


class Row(NamedTuple):
    """What stands on one row, as indices into the text."""

    start: int
    end: int


class Layout(NamedTuple):
    """How a text is broken into rows."""

    text: str
    room: int
    """Columns of a row, at least 1."""
    labels: Mapping[str, str] = {}
    """What is shown for characters that stand for more."""
    hidden: int = 0
    """Characters at the start that are not shown."""

    def rows_around(self, cursor: int, count: int) -> tuple[list[Row], int]:
        """The row of the cursor and up to ``count`` on each side, and which of them the cursor is on."""
        own = self._segment(max(cursor, self.hidden))
        rows = self._rows(own)
        at = max((at for at, row in enumerate(rows) if row.start <= cursor), default=0)
        if cursor == rows[at].end == own.end and self._is_line_end(cursor) and self._is_full(rows[at]):
            rows.append(Row(cursor, cursor))
            at += 1
        above, below = rows[:at], rows[at + 1 :]
        first, last = own, own
        while len(above) < count and first.start > self.hidden:
            first = self._segment(first.start - 1)
            above = [*self._rows(first), *above]
        while len(below) < count and last.end < len(self.text):
            last = self._segment(last.end + self._is_line_end(last.end))
            below = [*below, *self._rows(last)]
        above, below = above[max(0, len(above) - count) :], below[:count]
        return [*above, rows[at], *below], len(above)

    def column(self, row: Row, cursor: int) -> int:
        """Columns of what stands before the cursor on its row."""
        return sum(cell.columns for start, cell in self.cells(row) if start + cell.size <= cursor)

    def at_column(self, row: Row, column: int) -> int:
        """The place on ``row`` that is nearest to ``column``; on its end only where the line ends."""
        used, at = 0, row.start
        for start, cell in self.cells(row):
            at = start
            used += cell.columns
            if used > column:
                return at
        return row.end if self._is_line_end(row.end) else at

    def cells(self, row: Row) -> Iterator[tuple[int, Cell]]:
        """The characters of a row, with the index of each."""
        at = row.start
        for cell in self._fitting(self.text[row.start : row.end]):
            yield at, cell
            at += cell.size

    def shown(self, row: Row, selected: Sequence[tuple[int, int]] = ()) -> Line:
        """A row as pieces."""
        pieces = []
        for at, cell in self.cells(row):
            style = "accent" if self.text[at] in self.labels else ""
            if any(start <= at < end for start, end in selected):
                style = f"{style} selected".strip()
            pieces.append(Piece(cell.shown, style))
        return merged(pieces)

    def _segment(self, at: int) -> Row:
        """The part of the line around ``at`` that is laid out at once."""
        start = max(self.hidden, self.text.rfind("\n", 0, at) + 1)
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        size = self.room * _CHUNK
        chunk = max(0, min(at - start, end - start - 1)) // size
        return Row(start + chunk * size, min(end, start + (chunk + 1) * size))

    def _rows(self, part: Row) -> list[Row]:
        text = self.text[part.start : part.end]
        if text.isascii() and text.isprintable():
            starts = range(part.start, part.end, self.room)
            return [Row(start, min(start + self.room, part.end)) for start in starts] or [part]
        rows, begin, at, used = [], part.start, part.start, 0
        for cell in self._fitting(text):
            if used + cell.columns > self.room:
                rows.append(Row(begin, at))
                begin, used = at, 0
            at += cell.size
            used += cell.columns
        return [*rows, Row(begin, part.end)]

    def _fitting(self, text: str) -> Iterator[Cell]:
        for cell, char in _with_first_characters(text):
            shown = self.labels.get(char, cell.shown)
            if shown is cell.shown and cell.columns <= self.room:
                yield cell
            else:
                fits = cut(line(shown), self.room)
                yield Cell(cell.size, text_of(fits), width_of(fits))

    def _is_line_end(self, at: int) -> bool:
        return at == len(self.text) or self.text[at] == "\n"

    def _is_full(self, row: Row) -> bool:
        return self.column(row, row.end) >= self.room


def _with_first_characters(text: str) -> Iterator[tuple[Cell, str]]:
    at = 0
    for cell in cells(text):
        yield cell, text[at]
        at += cell.size


def first_shown(rows: Sequence[Row], cursor: int, top: int, height: int) -> int:
    """Which of ``rows`` is the first of at most ``height`` that are shown.

    It is the one at index ``top`` of the text, if the cursor's row and one on each side are seen then.
    """
    beside = int(height > 2)
    lowest = cursor - (height - 1) + beside * (cursor < len(rows) - 1)
    highest = cursor - beside * (cursor > 0)
    wanted = next((at for at, row in enumerate(rows) if row.start >= top), len(rows))
    return max(0, min(max(lowest, min(wanted, highest)), len(rows) - height))
