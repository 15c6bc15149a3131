"""Gathers what a paint writes, and knows where the cursor will be then. Rows and columns count from 0."""

from __future__ import annotations

_LINE_FEEDS = 4
"""Rows further down than this take fewer characters as one sequence."""

ERASE_BELOW = "\x1b[J"


class Pen:
    def __init__(self, row: int, column: int | None) -> None:
        self.row = row
        """Counted from any row that stays the same while the pen is used."""
        self.column = column
        """None is not known."""
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def to(self, row: int, column: int = 0) -> None:
        """Moves to a row that is there already."""
        down = row - self.row
        if column == 0 and 0 < down <= _LINE_FEEDS:
            self._parts.append("\r" + "\n" * down)
        else:
            self._parts.append(_sequence(abs(down), "B" if down > 0 else "A") if down else "")
            self._parts.append(_to_column(column) if column != self.column else "")
        self.row, self.column = row, column

    def put(self, text: str, column: int | None) -> None:
        """Writes ``text`` of one row, after which the cursor is in ``column``."""
        if text:
            self._parts.append(text)
            self.column = column

    def feed(self, rows: int) -> None:
        """Goes that many rows down from the last one that there is; the screen scrolls where need be."""
        self._parts.append("\n" * rows)
        self.row += rows
        self.column = None

    def insert_rows(self, rows: int) -> None:
        """Empty ones, from where it stands in the first column; those below move down."""
        self._parts.append(_sequence(rows, "L"))

    def delete_rows(self, rows: int) -> None:
        self._parts.append(_sequence(rows, "M"))

    def erase_below(self) -> None:
        """From where it stands on."""
        self._parts.append(ERASE_BELOW)


def _to_column(column: int) -> str:
    return f"\x1b[{column + 1}G" if column else "\r"


def _sequence(count: int, final: str) -> str:
    return f"\x1b[{count}{final}" if count > 1 else f"\x1b[{final}"
