"""What a terminal shows, as cells: read from text with escape sequences, and written as text or as SVG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

import msgspec
from wcwidth import wcwidth

_TOKENS = re.compile(r"\x1b\[([0-9;]*)m|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)|(.)", re.DOTALL)
_BASIC = (
    *("#484f58", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76d9e6", "#b1bac4"),
    *("#6e7681", "#ffa198", "#a5f3af", "#f2cc60", "#a5d6ff", "#e2c5ff", "#a5ecf3", "#ffffff"),
)
"""The 16 colours that a program may name by number."""
_INK, _PAPER = "#e6edf3", "#0d1117"
_WIDTH, _HEIGHT, _MARGIN, _SIZE = 8.4, 19, 14, 14
"""Of a cell, around all cells, and of the letters, in pixels."""


class Look(msgspec.Struct, frozen=True):
    """How a cell looks. Colours are as in CSS; empty is the terminal's own."""

    ink: str = ""
    paper: str = ""
    marks: frozenset[int] = frozenset()
    """Numbers of SGR: 1 bold, 2 dim, 3 italic, 4 underlined, 7 reversed, 9 struck out."""


class Cell(msgspec.Struct, frozen=True):
    text: str
    look: Look = Look()


class Shot(msgspec.Struct, frozen=True):
    """What a terminal shows; rows end with their last cell that has something."""

    columns: int
    rows: list[list[Cell]]
    cursor: tuple[int, int] | None = None
    """Row and column."""

    @property
    def text(self) -> str:
        """The rows without colours."""
        return "".join(f"{_text(row)}\n" for row in self.rows)


def read(captured: str, columns: int, cursor: tuple[int, int] | None = None) -> Shot:
    """``captured`` is what ``tmux capture-pane -e`` prints: looks go on from one line to the next."""
    look, rows = Look(), list[list[Cell]]()
    for text in captured.rstrip("\n").split("\n"):
        row: list[Cell] = []
        for codes, character in _TOKENS.findall(text):
            if character and not wcwidth(character) and row:
                row[-1] = Cell(row[-1].text + character, row[-1].look)
            elif character:
                row.append(Cell(character, look))
            elif codes or not row:
                look = _changed(look, codes)
        rows.append(row)
    return Shot(columns, rows, cursor)


def replaced(shot: Shot, pairs: list[tuple[str, str]]) -> Shot:
    """With the text that matches each pattern replaced; the new text looks as the first cell of the old."""
    rows = shot.rows
    for pattern, text in pairs:
        rows = [_replaced(row, re.compile(pattern), text) for row in rows]
    return Shot(shot.columns, rows, shot.cursor)


def _replaced(row: list[Cell], pattern: re.Pattern[str], text: str) -> list[Cell]:
    written = "".join(cell.text[0] for cell in row)
    for found in reversed(list(pattern.finditer(written))):
        look = row[found.start()].look
        row = [*row[: found.start()], *(Cell(each, look) for each in found.expand(text)), *row[found.end() :]]
    return row


def svg(shot: Shot, title: str) -> str:
    """A picture whose text can be selected. It takes no font of its own, so each run of cells is given its
    width."""
    width = round(shot.columns * _WIDTH + 2 * _MARGIN)
    height = len(shot.rows) * _HEIGHT + 2 * _MARGIN
    fonts = "ui-monospace, Menlo, Consolas, monospace"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    letters = f'font-family="{fonts}" font-size="{_SIZE}" fill="{_INK}" xml:space="preserve"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {letters}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{_PAPER}"/>',
    ]
    for number, row in enumerate(shot.rows):
        parts += _drawn(row, _MARGIN + number * _HEIGHT)
    if shot.cursor:
        x, y = _MARGIN + shot.cursor[1] * _WIDTH, _MARGIN + shot.cursor[0] * _HEIGHT
        parts.append(f'<rect x="{x:g}" y="{y}" width="{_WIDTH:g}" height="{_HEIGHT}" fill-opacity="0.6"/>')
    return "\n".join([*parts, "</svg>", ""])


def _drawn(row: list[Cell], top: int) -> Iterator[str]:
    column = 0
    for look, cells in groupby(row, lambda cell: cell.look):
        text = "".join(cell.text for cell in cells)
        start, width = column, _columns(text)
        column += width
        ink, paper = (look.paper or _PAPER, look.ink or _INK) if 7 in look.marks else (look.ink, look.paper)
        if paper:
            yield (
                f'<rect x="{_MARGIN + start * _WIDTH:.5g}" y="{top}" width="{width * _WIDTH:.5g}" '
                f'height="{_HEIGHT}" fill="{paper}"/>'
            )
        if text.strip():
            bare = text.lstrip()
            start += width - _columns(bare)
            bare = bare.rstrip()
            yield (
                f'<text x="{_MARGIN + start * _WIDTH:.5g}" y="{top + 14}" '
                f'textLength="{_columns(bare) * _WIDTH:.5g}"{_attributes(look, ink)}>{escape(bare)}</text>'
            )


def _attributes(look: Look, ink: str) -> str:
    lines = {4: "underline", 9: "line-through"}
    drawn = " ".join(lines[mark] for mark in sorted(look.marks) if mark in lines)
    return "".join(
        [
            f' fill="{ink}"' if ink else "",
            ' font-weight="bold"' if 1 in look.marks else "",
            ' fill-opacity="0.6"' if 2 in look.marks else "",
            ' font-style="italic"' if 3 in look.marks else "",
            f' text-decoration="{drawn}"' if drawn else "",
        ]
    )


def _text(row: list[Cell]) -> str:
    return "".join(cell.text for cell in row).rstrip()


def _columns(text: str) -> int:
    return sum(max(0, wcwidth(character)) for character in text)


def _changed(look: Look, codes: str) -> Look:
    """``look`` after a sequence with these numbers."""
    numbers = iter([int(code or 0) for code in codes.split(";")])
    ink, paper, marks = look.ink, look.paper, set(look.marks)
    for number in numbers:
        match number:
            case 0:
                ink, paper, marks = "", "", set()
            case 1 | 2 | 3 | 4 | 7 | 9:
                marks.add(number)
            case 22:
                marks -= {1, 2}
            case 23 | 24 | 27 | 29:
                marks.discard(number - 20)
            case 38:
                ink = _colour(numbers)
            case 48:
                paper = _colour(numbers)
            case 39:
                ink = ""
            case 49:
                paper = ""
            case _ if 30 <= number <= 37 or 90 <= number <= 97:
                ink = _BASIC[number - 30 if number < 40 else number - 82]
            case _:
                raise ValueError(f"what is SGR {number}?")
    return Look(ink, paper, frozenset(marks))


def _colour(numbers: Iterator[int]) -> str:
    if next(numbers) != 2:
        raise ValueError("pictures are taken with all colours, not with 256")
    return "#" + bytes(next(numbers) for _ in range(3)).hex()
