"""What a screen shows, as data: lines of pieces of text, each in a style. Measured in terminal columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

import wcwidth


class Piece(NamedTuple):
    """Text in one style. It has no control characters: not even a tab or a newline."""

    text: str
    style: str = ""
    """Names of ``akmon_tui.theme.STYLES``, separated by blanks."""
    link: str = ""
    """The address that a click on it opens."""


Line: TypeAlias = tuple[Piece, ...]


class Frame(NamedTuple):
    """Lines to show together, none wider than it may be, and where the cursor stands among them."""

    lines: list[Line]
    cursor: tuple[int, int] | None = None
    """Row and column, counted from 0; None is nowhere."""


def line(text: str, style: str = "", link: str = "") -> Line:
    """One piece, or none where there is no text."""
    return (Piece(text, style, link),) if text else ()


def text_of(shown: Line) -> str:
    return "".join(piece.text for piece in shown)


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    return len(text) if text.isascii() else max(0, wcwidth.width(text, control_codes="ignore"))


def width_of(shown: Line) -> int:
    """How many columns ``shown`` takes."""
    return sum(columns(piece.text) for piece in shown)


def cut(shown: Line, width: int, mark: str = "…") -> Line:
    """``shown`` in at most ``width`` columns; ``mark`` stands where something is left out."""
    if width_of(shown) <= width:
        return shown
    room = max(0, width - columns(mark))
    pieces: list[Piece] = []
    for piece in shown:
        head, rest = split_at(piece.text, room)
        if head:
            pieces.append(piece._replace(text=head))
            room -= columns(head)
        if rest:
            break
    return (*pieces, Piece(mark, pieces[-1].style if pieces else "")) if width > 0 else ()


def split_at(text: str, width: int) -> tuple[str, str]:
    """``text`` in two: what fits into ``width`` columns, and the rest. No character is torn apart."""
    if text.isascii():
        return text[: max(0, width)], text[max(0, width) :]
    taken = used = 0
    for cluster in wcwidth.iter_graphemes(text):
        used += columns(cluster)
        if used > width:
            break
        taken += len(cluster)
    return text[:taken], text[taken:]


def wrap(shown: Line, width: int, indent: Line = ()) -> list[Line]:
    """``shown`` in lines of at most ``width`` columns, broken at blanks where there are some.

    All lines but the first begin with ``indent``. Blanks at a break go, those at the start stay. At least
    one line.
    """
    if width_of(shown) <= width:
        return [shown]
    width = max(width, width_of(indent) + 2)
    rows: list[list[Piece]] = [[]]
    used = 0
    for word in _words(shown):
        size = sum(columns(piece.text) for piece in word)
        blank = word[0].text.isspace()
        if used + size <= width:
            rows[-1] += word
            used += size
        elif blank:
            rest = width - used
            rows[-1] += [piece._replace(text=piece.text[:rest]) for piece in word[:1]]
            used = width
        else:
            if used > (width_of(indent) if len(rows) > 1 else 0) and used > 0:
                rows.append([*indent])
                used = width_of(indent)
            for piece in word:
                rest_of_it = piece.text
                while rest_of_it:
                    head, rest_of_it = split_at(rest_of_it, width - used)
                    if not head and used <= width_of(indent):
                        head, rest_of_it = rest_of_it[:1], rest_of_it[1:]
                    if head:
                        rows[-1].append(piece._replace(text=head))
                        used += columns(head)
                    if rest_of_it:
                        rows.append([*indent])
                        used = width_of(indent)
    return [_trimmed(row) for row in rows]


def merged(pieces: Iterable[Piece]) -> Line:
    """``pieces`` with neighbours of one style made one."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1][1:] == piece[1:]:
            found[-1] = found[-1]._replace(text=found[-1].text + piece.text)
        elif piece.text:
            found.append(piece)
    return tuple(found)


def _trimmed(row: list[Piece]) -> Line:
    """``row`` without blanks at its end."""
    while row and not row[-1].text.strip() and len(row) > 1:
        row = row[:-1]
    if row:
        row = [*row[:-1], row[-1]._replace(text=row[-1].text.rstrip(" "))]
    return merged(row)


_WORD = re.compile(r" +|[^ ]+")


def _words(shown: Line) -> Iterator[list[Piece]]:
    """Runs of blanks, and words, which may be in several styles."""
    word: list[Piece] = []
    for piece in shown:
        for text in _WORD.findall(piece.text):
            blank = text.isspace()
            if word and word[0].text.isspace() != blank:
                yield word
                word = []
            word.append(piece._replace(text=text))
    if word:
        yield word
