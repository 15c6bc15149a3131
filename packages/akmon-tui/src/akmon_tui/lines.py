"""What a screen shows, as data: lines of pieces of text, each in a style. Measured in terminal columns."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
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


def text_of(shown: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in shown)


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    if "\u200d" in text:  # wcwidth takes whatever follows a joiner for a part of what is joined
        return sum(max(0, wcwidth.wcswidth(cluster)) for cluster in wcwidth.iter_graphemes(text))
    return max(0, wcwidth.width(text, control_codes="ignore"))


def width_of(shown: Line) -> int:
    """How many columns ``shown`` takes."""
    return columns("".join([piece.text for piece in shown]))


def cut(shown: Line, width: int, mark: str = "…") -> Line:
    """``shown`` in at most ``width`` columns; ``mark`` stands where something is left out."""
    if width_of(shown) <= width:
        return shown
    width = max(0, width)
    mark = split_at(mark, width)[0]
    room = width - columns(mark)
    pieces: list[Piece] = []
    for piece in _whole(shown):
        head, rest = split_at(piece.text, room)
        if head:
            pieces.append(piece._replace(text=head))
            room -= columns(head)
        if rest:
            break
    return (*pieces, Piece(mark, pieces[-1].style if pieces else "")) if mark else tuple(pieces)


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
    """``shown`` in lines of at most ``width`` columns, broken at blanks and between ideographs, where there
    are some.

    All lines but the first begin with ``indent``, if it leaves room for text. Blanks at a break go, those at
    the start stay. At least one line. In one column a character that takes two is shown as ``…``.
    """
    if width_of(shown) <= width:
        return [shown]
    width = max(1, width)
    rows = _Rows(width, indent if width_of(indent) + 2 <= width else ())
    for word in _words(_whole(shown)):
        size = columns(text_of(word))
        if word[0].text[0] == " ":
            rows.put_blanks(word, size)
            continue
        if size > rows.room and rows.filled:
            rows.begin()
        for piece in word:
            rows.put(piece)
    return [merged(row) for row in rows.rows]


class _Rows:
    """Lines in the making."""

    def __init__(self, width: int, indent: Line) -> None:
        self.rows: list[list[Piece]] = [[]]
        self.room = width
        """Columns that are left in the last row."""
        self.filled = False
        """Whether there is more in it than blanks and the indent."""
        self._width = width
        self._indent = indent

    def begin(self) -> None:
        """Begins a row, and takes the blanks from the end of the one before."""
        row = self.rows[-1]
        least = len(self._indent) if len(self.rows) > 1 else 0
        while len(row) > least:
            text = row[-1].text.rstrip(" ")
            if text:
                row[-1] = row[-1]._replace(text=text)
                break
            row.pop()
        self.rows.append([*self._indent])
        self.room = self._width - width_of(self._indent)
        self.filled = False

    def put_blanks(self, word: Sequence[Piece], size: int) -> None:
        """As many as there is room for: the others are at a break."""
        self.rows[-1] += word if size <= self.room else [Piece(" " * self.room, *word[0][1:])]
        self.room = max(0, self.room - size)

    def put(self, piece: Piece) -> None:
        """Breaks ``piece`` wherever a row ends."""
        rest = piece.text
        while rest:
            head, tail = split_at(rest, self.room)
            if not head and self.room == self._width - (width_of(self._indent) if self.rows[1:] else 0):
                head, tail = (rest[0] if columns(rest[0]) <= self.room else "…"), rest[1:]
            if head:
                self.rows[-1].append(piece._replace(text=head))
                self.room -= columns(head)
                self.filled = True
            rest = tail
            if rest:
                self.begin()


def merged(pieces: Iterable[Piece]) -> Line:
    """``pieces`` with neighbours of one style made one."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1][1:] == piece[1:]:
            found[-1] = found[-1]._replace(text=found[-1].text + piece.text)
        elif piece.text:
            found.append(piece)
    return tuple(found)


_IDEOGRAPH = "\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_FOLLOWING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u30fc\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
    "\u3099\u309a\ufe00-\ufe0f"
)
"""Punctuation that begins no line, and marks of the character before."""
_IDEOGRAPHS = re.compile(f"[{_IDEOGRAPH}]")
_WORD = re.compile(f" +|[{_IDEOGRAPH}][{_FOLLOWING}]*|[^ {_IDEOGRAPH}]+")


def _words(shown: Line) -> Iterator[list[Piece]]:
    """Runs of blanks; ideographs; other words, which may be in several styles."""
    word: list[Piece] = []
    for piece in shown:
        for text in _WORD.findall(piece.text):
            if word and not _goes_on(word[-1].text, text):
                yield word
                word = []
            word.append(piece._replace(text=text))
    if word:
        yield word


def _goes_on(word: str, text: str) -> bool:
    """Whether ``text`` of the next piece belongs to the same word."""
    if word[0] == " " or text[0] == " ":
        return word[0] == text[0]
    return not (_IDEOGRAPHS.match(word) or _IDEOGRAPHS.match(text))


def _whole(shown: Line) -> Line:
    """``shown`` with no character in two pieces: marks come to the piece with what they mark."""
    if all(piece.text[:1].isascii() for piece in shown[1:]):
        return shown
    text = text_of(shown)
    starts = list(accumulate(map(len, wcwidth.iter_graphemes(text)), initial=0))
    found: list[Piece] = []
    begin = 0
    for piece, end in zip(shown, accumulate(len(piece.text) for piece in shown), strict=True):
        stop = starts[bisect_left(starts, end)]
        if stop > begin:
            found.append(piece._replace(text=text[begin:stop]))
        begin = stop
    return tuple(found)
