"""A terminal in memory that keeps what scrolls away, and a painter that paints on it."""

from __future__ import annotations

import pyte

from akmon_tui.lines import Frame, Line, text_of
from akmon_tui.painter import Painter
from akmon_tui.theme import pick_theme


class Emulator(pyte.Screen):
    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.gone: list[str] = []
        """Rows that have scrolled away."""
        self.raw = ""
        self.writes = 0
        self._stream = pyte.Stream(self)

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.gone.append(self.display[0])
        super().index()

    def delete_lines(self, count: int | None = None) -> None:
        self._have_rows()
        super().delete_lines(count)

    def insert_lines(self, count: int | None = None) -> None:
        self._have_rows()
        super().insert_lines(count)

    def _have_rows(self) -> None:
        """pyte leaves a row as it was where one comes into its place that nothing was ever written to."""
        for row in range(self.lines):
            self.buffer[row]  # comes to be by that

    def write(self, text: str) -> None:
        self.raw += text
        self.writes += 1
        self._stream.feed(text)

    def resize_to(self, columns: int, rows: int) -> None:
        """As xterm does it: nothing wraps anew; rows go below the cursor, and else scroll away."""
        below = self.lines - 1 - self.cursor.y
        scrolled = max(0, self.lines - rows - below)
        self.gone += self.display[:scrolled]
        row, column = self.cursor.y - scrolled, self.cursor.x
        if scrolled:
            self.cursor.y = 0
            self.delete_lines(scrolled)
        self.cursor.y = 0
        kept = {at: dict(line) for at, line in self.buffer.items() if at < rows}
        pyte.Screen.resize(self, rows, columns)
        self.buffer.clear()
        for at, line in kept.items():
            self.buffer[at].update({column: char for column, char in line.items() if column < columns})
        self.cursor.y, self.cursor.x = min(row, rows - 1), min(column, columns - 1)

    @property
    def rows(self) -> list[str]:
        """All rows from the first one ever written, without blanks and empty rows at their ends."""
        rows = [row.rstrip() for row in (*self.gone, *self.display)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def place(self) -> tuple[int, int]:
        """Row and column of the cursor, counted from the first row ever written."""
        return len(self.gone) + self.cursor.y, self.cursor.x


class Easel:
    """A painter on an emulator, and all that it was told to paint."""

    def __init__(self, columns: int, rows: int, above: int = 0) -> None:
        """``above`` rows have text of others already."""
        self.screen = Emulator(columns, rows)
        self.finished: list[str] = [f"o{at % 10}" for at in range(above)]
        self.live: list[str] = []
        for text in self.finished:
            self.screen.write(f"{text}\r\n")
        theme = pick_theme("dark", {"TERM": "xterm-256color"})
        self.painter = Painter(self.screen.write, self.size, theme.encode)

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.lines

    def paint(self, finished: list[Line], lines: list[Line], cursor: tuple[int, int] | None = None) -> str:
        """Gives what was written."""
        before = len(self.screen.raw)
        self.painter.paint(finished, Frame(lines, cursor))
        self.finished += map(text_of, finished)
        self.live = [text_of(each) for each in lines]
        return self.screen.raw[before:]

    @property
    def expected(self) -> list[str]:
        rows = [row.rstrip() for row in (*self.finished, *self.live)]
        while rows and not rows[-1]:
            rows.pop()
        return rows
