"""Finds and replaces exact text whatever the line ends are, and leaves every other byte alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import chain, repeat

import msgspec


class Edited(msgspec.Struct, frozen=True):
    text: str
    lines: tuple[int, ...]
    """The first line of each replacement, counted from 1 in the new text."""


class LineText:
    r"""A text seen with ``\n`` at every line end, that knows where each of its places is in the original."""

    def __init__(self, original: str) -> None:
        self._original = original
        self.text = original.replace("\r\n", "\n")
        """What is searched."""
        self._crlf = [at.start() - n for n, at in enumerate(re.finditer("\r\n", original))]

    def find(self, wanted: str, limit: int) -> list[int]:
        """The first ``limit`` places where ``wanted`` begins in ``text``, also where occurrences overlap."""
        found: list[int] = []
        at = self.text.find(wanted)
        while at >= 0 and len(found) < limit:
            found.append(at)
            at = self.text.find(wanted, at + 1)
        return found

    def line_at(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def replace(self, places: list[int], old: str, new: str, newline: str) -> Edited:
        """``new`` for ``old`` at each of ``places``, which must not overlap.

        The line ends of ``new`` follow those of the text they replace, one by one, and then ``newline``.
        """
        pieces: list[str] = []
        lines: list[int] = []
        done = line = 0
        for place in places:
            kept = self._original[done : self._at(place)]
            done = self._at(place + len(old))
            replaced = self._original[self._at(place) : done]
            piece = _with_line_ends(new, _line_ends(replaced), newline)
            lines.append(line + kept.count("\n") + 1)
            line += kept.count("\n") + piece.count("\n")
            pieces += (kept, piece)
        return Edited("".join((*pieces, self._original[done:])), tuple(lines))

    def _at(self, place: int) -> int:
        return place + bisect_left(self._crlf, place)


def apart(places: list[int], length: int) -> list[int]:
    """Those of ``places`` that do not overlap one before."""
    kept: list[int] = []
    for place in places:
        if not kept or place >= kept[-1] + length:
            kept.append(place)
    return kept


def _line_ends(text: str) -> list[str]:
    return re.findall("\r?\n", text)


def _with_line_ends(text: str, ends: list[str], newline: str) -> str:
    first, *others = text.split("\n")
    return first + "".join(
        f"{end}{line}" for end, line in zip(chain(ends, repeat(newline)), others, strict=False)
    )
