"""Finds and replaces text whatever the line ends are, and leaves every other byte alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

import msgspec


class Replacement(msgspec.Struct, frozen=True):
    r"""A piece of a text that has ``\n`` at every line end, and what takes its place."""

    start: int
    end: int
    new: str


class Edited(msgspec.Struct, frozen=True):
    text: str
    spans: tuple[tuple[int, int], ...]
    """The first and last line of each replacement, counted from 1 in the new text."""


class LineText:
    r"""A text seen with ``\n`` at every line end, that knows where each of its places is in the original."""

    def __init__(self, original: str) -> None:
        self._original = original
        self.text = original.replace("\r\n", "\n")
        """What is searched."""
        crlf = re.finditer("\r\n", original) if len(self.text) < len(original) else ()
        self._crlf = [at.start() - n for n, at in enumerate(crlf)]

    def replace(self, replacements: Iterable[Replacement], newline: str) -> Edited:
        """All ``replacements``, which must be in order and not overlap.

        Lines that a replacement keeps at its start and end keep their line ends; the others get those of the
        lines that they replace, one by one, and then ``newline``.
        """
        pieces: list[str] = []
        spans: list[tuple[int, int]] = []
        done = line = 0
        for one in replacements:
            kept = self._original[done : self._at(one.start)]
            done = self._at(one.end)
            piece = self._with_line_ends(one.new, self._original[self._at(one.start) : done], newline)
            first = line + kept.count("\n") + 1
            line = first - 1 + piece.count("\n")
            spans.append((first, line + (not piece.endswith("\n") or first > line)))
            pieces += (kept, piece)
        return Edited("".join((*pieces, self._original[done:])), tuple(spans))

    def _with_line_ends(self, new: str, replaced: str, newline: str) -> str:
        if not self._crlf:
            return new
        lines, before = new.split("\n"), replaced.replace("\r\n", "\n").split("\n")
        ends = re.findall("\r?\n", replaced)
        most = min(len(lines), len(before)) - 1
        head = min(_same(lines, before), most)
        tail = min(max(_same(lines[::-1], before[::-1]) - 1, 0), most - head)
        between = chain(ends[head : len(ends) - tail], repeat(newline))
        middle = [end for end, _ in zip(between, range(len(lines) - 1 - head - tail), strict=False)]
        ends = [*ends[:head], *middle, *ends[len(ends) - tail :], ""]
        return "".join(chain.from_iterable(zip(lines, ends, strict=True)))

    def _at(self, place: int) -> int:
        return place + bisect_left(self._crlf, place)


def find_all(text: str, wanted: str, limit: int) -> list[int]:
    """The first ``limit`` places where ``wanted`` begins in ``text``, also where occurrences overlap."""
    found: list[int] = []
    at = text.find(wanted)
    while at >= 0 and len(found) < limit:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found


def line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def apart(replacements: Iterable[Replacement]) -> list[Replacement]:
    """Those that do not overlap one before."""
    kept: list[Replacement] = []
    for one in replacements:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def ends_in_common(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many items, or characters, two sequences have in common at the start, and then at the end."""
    head = _same(one, other)
    return head, _same(one[head:][::-1], other[head:][::-1])


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
