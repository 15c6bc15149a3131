"""Tables in the columns of a terminal: as they are, with wrapped cells, or one value below the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from akmon_tui.lines import Line, Piece, line, width_of, wrap

Cell: TypeAlias = list[Line]
"""Its lines, broken only where the text says so."""

_BETWEEN = " │ "
_MIN_COLUMNS = 8
"""A column is not made narrower than this: then the values stand one below the other."""
_DELIMITER = re.compile(r":?-+:?\Z")
_BAR = re.compile(r"\\.|\|")


def is_delimiter(text: str) -> bool:
    """Whether ``text`` may be the line between the head of a table and its rows."""
    if "-" not in text or text.strip("|:- "):
        return False
    return ("|" in text or ":" in text) and all(_DELIMITER.match(cell) for cell in split_row(text))


def alignments(text: str) -> list[str]:
    """``left``, ``right`` or ``center`` for each column, from such a line."""
    found = []
    for cell in split_row(text):
        right = cell.endswith(":")
        found.append("center" if right and cell.startswith(":") else "right" if right else "left")
    return found


def split_row(text: str) -> list[str]:
    """The cells of a row. A bar with a backslash before it is part of a cell, also in code."""
    text = text.strip()
    text = text.removeprefix("|")
    cells, start = [], 0
    for found in _BAR.finditer(text):
        if found[0] == "|":
            cells.append(text[start : found.start()])
            start = found.end()
    if text[start:].strip():
        cells.append(text[start:])
    return [cell.strip().replace("\\|", "|") for cell in cells]


def natural(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """How wide each column would be."""
    return [
        max((width_of(row) for cell in column for row in cell), default=0)
        for column in zip(*rows, strict=True)
    ]


def fit(widths: Sequence[int], room: int) -> list[int] | None:
    """``widths`` made to fit into ``room`` columns, the widest ones narrower; None if that is too narrow."""
    room -= len(_BETWEEN) * (len(widths) - 1)
    fitted = [max(1, width) for width in widths]
    if sum(fitted) <= room:
        return fitted
    wide, share = set(range(len(fitted))), 0
    while True:
        share = (room - sum(size for number, size in enumerate(fitted) if number not in wide)) // len(wide)
        narrow = {number for number in wide if fitted[number] <= share}
        if not narrow:
            break
        wide -= narrow
    if share < _MIN_COLUMNS:
        return None
    return [share if number in wide else size for number, size in enumerate(fitted)]


def laid_out(cells: Sequence[Cell], widths: Sequence[int], aligned: Sequence[str]) -> Iterator[Line]:
    """The lines of one row."""
    wrapped = [
        [row for part in cell for row in wrap(part, width)] for cell, width in zip(cells, widths, strict=True)
    ]
    for number in range(max(map(len, wrapped), default=0)):
        pieces: list[Piece] = []
        for column, rows in enumerate(wrapped):
            row = rows[number] if number < len(rows) else ()
            if column:
                pieces.append(Piece(_BETWEEN, "dim"))
            before, after = _padding(widths[column] - width_of(row), aligned[column])
            last = column == len(wrapped) - 1
            pieces += [Piece(" " * before), *row, Piece("" if last else " " * after)]
        yield tuple(piece for piece in pieces if piece.text)


def _padding(room: int, aligned: str) -> tuple[int, int]:
    room = max(0, room)
    match aligned:
        case "right":
            return room, 0
        case "center":
            return room // 2, room - room // 2
        case _:
            return 0, room


def ruled(widths: Sequence[int]) -> Line:
    """The line below the head."""
    return line("─┼─".join("─" * width for width in widths), "dim")


def listed(head: Sequence[Cell], cells: Sequence[Cell], room: int) -> Iterator[Line]:
    """One row as ``name: value``, without the values that are empty."""
    for names, cell in zip(head, cells, strict=True):
        value = tuple(piece for part in cell for piece in (*part, Piece(" ")))[:-1]
        if value:
            name = tuple(piece for part in names for piece in part)
            yield from wrap((*name, Piece(": "), *value), room, indent=line("  ") if room > 8 else ())
