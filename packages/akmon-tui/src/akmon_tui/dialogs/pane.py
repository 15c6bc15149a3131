"""What dialogs are put together from: a title, a body that scrolls, and a foot with the keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from akmon_core.text import exposed
from akmon_tui.dialogs.base import Press
from akmon_tui.lines import Frame, Line, Piece, columns, cut, line, width_of, wrap

T = TypeVar("T")
_ALIASES = {"c-m": "enter", "c-j": "enter", "c-i": "tab", "c-h": "backspace", "c-p": "up", "c-n": "down"}


def key_of(press: Press) -> str:
    """One name for keys that have several."""
    return _ALIASES.get(press.key, press.key)


class Scroll:
    """Which part of some lines is on the screen, and how far down they have been on it."""

    def __init__(self) -> None:
        self.top = 0
        self.seen = 0
        """Lines from the first one on that have been on the screen, at this width."""
        self._rows = 1
        self._count = 0
        self._width = 0

    def window(self, lines: Sequence[T], rows: int, width: int) -> list[T]:
        """The ``rows`` of ``lines`` that are to be seen."""
        if width != self._width:
            self._width, self.seen = width, 0
        self._rows, self._count = max(1, rows), len(lines)
        self.top = max(0, min(self.top, self._count - self._rows))
        if rows <= 0:
            return []
        if self.top <= self.seen:
            self.seen = max(self.seen, min(self._count, self.top + rows))
        return list(lines[self.top : self.top + rows])

    def press(self, key: str) -> bool:
        """Whether ``key`` moves it, or would where there is more."""
        page = max(1, self._rows - 1)
        match key:
            case "up":
                self.top -= 1
            case "down":
                self.top += 1
            case "pageup":
                self.top -= page
            case "pagedown":
                self.top += page
            case "home":
                self.top = 0
            case "end":
                self.top = self._count
            case _:
                return False
        self.top = max(0, min(self.top, self._count - self._rows))
        return True

    def show(self, first: int, end: int, rows: int) -> None:
        """Moves so that the lines from ``first`` up to ``end`` are in sight, or at least the first one."""
        if end > self.top + rows:
            self.top = end - rows
        self.top = min(self.top, first)

    @property
    def position(self) -> str:
        """Such as ``lines 1–12 of 80``; empty if all are seen at once."""
        if self._count <= self._rows:
            return ""
        last = min(self._count, self.top + self._rows)
        what = f"lines {self.top + 1:,}–{last:,}" if last > self.top + 1 else f"line {last:,}"
        return f"{what} of {self._count:,}"


class Key(NamedTuple):
    """A key and what it does, in a word or two; ``long`` says more where there is room."""

    key: str
    does: str
    long: str = ""


def key_lines(keys: Sequence[Key], width: int, rows: int) -> list[Line]:
    """``keys`` on at most ``rows`` lines: with all that they say, in short, or their names alone."""
    long = [(Piece(each.key, "accent"), Piece(f" {each.long or each.does}")) for each in keys]
    short = [(Piece(each.key, "accent"), Piece(f" {each.does}")) for each in keys]
    for items in (long, short):
        lines = _flowed(items, width)
        if len(lines) <= rows and all(width_of(each) <= width for each in lines):
            return lines
    names = " ".join(each.key for each in keys)
    return [cut(line(names, "accent"), width)]


def _flowed(items: Iterable[tuple[Piece, ...]], width: int) -> list[Line]:
    rows: list[Line] = []
    for item in items:
        joined = (*rows[-1], Piece(" · ", "dim"), *item) if rows else item
        if rows and width_of(joined) <= width:
            rows[-1] = joined
        else:
            rows.append(item)
    return rows


def key_rows(height: int) -> int:
    """How many lines the keys of a dialog may take."""
    return max(1, height // 4)


def remark(text: str, width: int, height: int) -> list[Line]:
    """What a dialog has to say about the last key; nothing if ``text`` is empty."""
    return block(exposed(text), width, "warning")[: max(1, height // 3)] if text else []


def block(text: str, width: int, style: str = "", indent: int = 0) -> list[Line]:
    """``text``, in which nothing steers a terminal, in lines of at most ``width`` columns."""
    blanks = " " * (indent if width > indent * 4 else 0)
    width = max(1, width)
    rows: list[Line] = []
    for row in text.expandtabs(4).split("\n"):
        if not row:
            rows.append(())
        elif row.isascii():
            rows += [line(blanks + part, style) for part in _broken(row, width - len(blanks))]
        else:  # in parts, as breaking a row takes the square of its length
            for at in range(0, len(row), _PART):
                rows += wrap(line(blanks + row[at : at + _PART], style), width, line(blanks))
    return rows


_PART = 2_000


def _broken(row: str, width: int) -> Iterator[str]:
    """``row`` of single columns, broken at blanks, or where a word is wider than all there is."""
    at = 0
    while len(row) - at > width:
        end = row.rfind(" ", at, at + width + 1)
        if end <= at or row[at:end].isspace():
            yield row[at : at + width]
            at += width
        else:
            yield row[at:end].rstrip()
            at = end
            while row[at : at + 1] == " ":
                at += 1
    if at < len(row):
        yield row[at:]


def stacked(
    title: str,
    body: Sequence[Line],
    foot: Sequence[Line],
    width: int,
    height: int,
    scroll: Scroll,
    cursor: tuple[int, int] | None = None,
    keep: tuple[int, int] | None = None,
) -> Frame:
    """A title, as much of ``body`` as there is room for, and all of ``foot``.

    ``cursor`` counts its row from the first one of the foot. ``keep`` is the first line of the body that has
    to be in sight, and the one behind the last. Where not even the foot has room, the end of it is shown.
    """
    rows = height - 1 - len(foot)
    told = len(body) > rows > 1  # with one row it is the body's
    rows -= told
    if keep:
        scroll.show(*keep, rows)
    lines = [line(title, "ask"), *scroll.window(body, rows, width)]
    if told:
        lines.append((Piece(scroll.position, "warning"), Piece(" · PgUp PgDn", "dim")))
    at = (len(lines) + cursor[0], cursor[1]) if cursor else None
    return framed([*lines, *foot], width, height, at)


def framed(lines: Sequence[Line], width: int, height: int, cursor: tuple[int, int] | None = None) -> Frame:
    """The end of ``lines``, as far as there is room for it, none wider than ``width``."""
    gone = max(0, len(lines) - max(0, height))
    shown = [cut(each, width) for each in lines[gone:]]
    if cursor is None or not shown:
        return Frame(shown)
    row, column = cursor
    return Frame(shown, (max(0, row - gone), min(column, max(0, width - 1))))


def labelled(label: str, shown: Line, column: int) -> tuple[Line, int]:
    """A field behind its label, and where its cursor is then."""
    return (*line(label, "accent"), *shown), columns(label) + column
