"""What to write so that a row that shows one line shows another: only what differs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from akmon_tui.lines import Line, Piece, columns, text_of, width_of

ERASE_REST = "\x1b[K"

_STEADY = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0373\u0376-\u0377\u037b-\u037d\u0386-\u03ff\u0410-\u044f"
    "\u2010-\u2027\u2030-\u203b\u2070-\u209c\u20a0-\u20bf\u2190-\u2193\u2200-\u22ff\u2500-\u25b5\u25b8-\u25bf"
    "\u25c2-\u25fa\u2713\u2717\u276f\u2800-\u28ff\u3001-\u3003\u3008-\u3011\u3041-\u3096\u30a1-\u30fa\u30fc"
    "\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*"
)
"""Characters that are one grapheme each, and on whose width all terminals agree."""


class Patch(NamedTuple):
    column: int
    """Where to begin, from 0."""
    text: str
    end: int | None
    """The column in which the cursor stands afterwards; None is not known."""
    unsteady: bool
    """Whether terminals may differ in how wide the text is."""


def is_steady(shown: Line) -> bool:
    for piece in shown:
        text = piece.text
        if not text.isascii() and _steady(text) < len(text):
            return False
    return True


def patch(old: Line, new: Line, encode: Callable[[Line], str]) -> Patch:
    """Makes a row that shows ``old``, from its first column on, show ``new``."""
    steady = is_steady(new)
    if not old:
        return Patch(0, encode(new), width_of(new) if steady else None, not steady)
    pieces, offset, column = _same_start(old, new)
    rest = _after(new, pieces, offset)
    if not (steady and is_steady(old)):
        return Patch(column, f"{ERASE_REST}{encode(rest)}", None, not steady)
    width, before = width_of(new), width_of(old)
    if width == before:
        rest = _without_same_end(_after(old, pieces, offset), rest)
        return Patch(column, encode(rest), column + width_of(rest), unsteady=False)
    tail = ERASE_REST if width < before else ""
    return Patch(column, f"{encode(rest)}{tail}", width, unsteady=False)


def cost(old: Line, new: Line) -> int:
    """About how many columns ``patch`` would write."""
    if old is new or old == new:
        return 0
    before, after = text_of(old), text_of(new)
    if before == after:
        return len(after)
    same = _shared(before, after)
    return 8 + max(len(before), len(after)) - same  # 8 to move there


def best_seam(old: list[Line], new: list[Line]) -> int:
    """Where in the shorter of two lists lines are best put in, so that it becomes the longer one: the lines
    before that keep their distance from the start, those after it from the end."""
    short, off = min(len(old), len(new)), len(new) - len(old)
    if not short:
        return 0
    down, up = max(0, -off), max(0, off)
    heads = [cost(old[at], new[at]) for at in range(short)]
    tails = [cost(old[at + down], new[at + up]) for at in range(short)]
    before = accumulate(heads, initial=0)
    after = list(accumulate(reversed(tails), initial=0))[::-1]
    sums = [head + tail for head, tail in zip(before, after, strict=True)]
    # Of equals the last: what stays where it is need not be moved.
    return max(range(short + 1), key=lambda at: (-sums[at], at))


def _shared(a: str, b: str) -> int:
    """How many characters are the same from the start on."""
    if b.startswith(a):
        return len(a)
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(b))


def _steady(text: str) -> int:
    """How many characters from the start on are steady."""
    found = _STEADY.match(text)
    return found.end() if found else 0


def _same_start(old: Line, new: Line) -> tuple[int, int, int]:
    """How much is the same, and steady: whole pieces, characters of the next one, columns of both.

    What follows is steady, too, or the end: else it might join with what stands before it.
    """
    at = column = 0
    for a, b in zip(old, new, strict=False):
        if a != b or not is_steady((b,)):
            break
        at += 1
        column += columns(b.text)
    offset = 0
    if at < len(old) and at < len(new) and old[at][1:] == new[at][1:]:
        offset = min(_shared(old[at].text, new[at].text), _steady(new[at].text))
    while not (_goes_on(old, at, offset) and _goes_on(new, at, offset)):
        if not offset:
            return 0, 0, 0
        offset -= 1
    return at, offset, column + columns(new[at].text[:offset]) if offset else column


def _goes_on(shown: Line, at: int, offset: int) -> bool:
    """Whether the next character stands for itself."""
    for piece in shown[at:]:
        if offset < len(piece.text):
            return _steady(piece.text[offset]) == 1
        offset = 0
    return True


def _after(shown: Line, pieces: int, offset: int) -> Line:
    rest = shown[pieces:]
    if not offset:
        return rest
    first = rest[0].text[offset:]
    return (rest[0]._replace(text=first), *rest[1:]) if first else rest[1:]


def _without_same_end(old: Line, new: Line) -> Line:
    """``new`` up to where it ends like ``old``, which is as wide and as steady."""
    left = len(new)
    for a, b in zip(reversed(old), reversed(new), strict=False):
        if a != b:
            break
        left -= 1
    else:
        return new[:left]
    mine, other = new[left - 1], old[len(old) - (len(new) - left) - 1]
    if mine[1:] != other[1:]:
        return new[:left]
    same = _shared(mine.text[::-1], other.text[::-1])
    text = mine.text[: len(mine.text) - same]
    return (*new[: left - 1], *_some(mine, text))


def _some(piece: Piece, text: str) -> Iterator[Piece]:
    if text:
        yield piece._replace(text=text)
