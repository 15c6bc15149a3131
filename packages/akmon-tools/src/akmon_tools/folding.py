"""Texts with what rarely matters taken out of them, that still know where each of their places came from."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

Span: TypeAlias = tuple[int, int, str]
"""Start and end of a piece, and what stands in its place."""

_SINGLE = "\u2018\u2019\u201a\u201b\u2032"
_DOUBLE = "\u201c\u201d\u201e\u201f\u2033"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_NOTHING = "\u200b\u2060\ufeff\u00ad"
_LIGATURES = "\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"
_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F)))

_INSTEAD = {
    **dict.fromkeys(_SINGLE, "'"),
    **dict.fromkeys(_DOUBLE, '"'),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_NOTHING, ""),
    **{char: unicodedata.normalize("NFKC", char) for char in _LIGATURES + _WIDE},
    "\u2026": "...",
}
"""Characters that are easily mistaken for one another; not those that say something else, such as ² and 2."""

_BLANK = f" \t{_SPACES}"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u3099\u309a"
_COMPOSED = re.compile(f"[^\\s{_MARKS}][{_MARKS}]+|[\u1100-\u11ff]+|[\u212a\u212b\u2126]")
"""A letter with its accents apart, and others that have another way of writing."""
_COMPOSING = re.compile(f"[{_MARKS}\u1100-\u11ff\u212a\u212b\u2126]")


class Folded:
    """``source`` with each of ``spans``, in order and apart, replaced."""

    def __init__(self, source: str, spans: Iterable[Span]) -> None:
        self.source = source
        self.spans = tuple(spans)
        self._first: list[int] = []
        self._last: list[int] = []
        pieces: list[str] = []
        done = size = 0
        for start, end, instead in self.spans:
            pieces += (source[done:start], instead)
            size += start - done
            self._first.append(size)
            size += len(instead)
            self._last.append(size)
            done = end
        self._ends = [end for _, end, _ in self.spans]
        self.text = "".join((*pieces, source[done:]))

    def source_at(self, place: int, *, before: bool = False) -> int | None:
        """Where a place of ``text`` is in ``source``; None within something that stands for another.

        Where something was left out there are two such places: ``before`` it and after it.
        """
        passed = bisect_right(self._last, place)
        while before and passed and self._first[passed - 1] == place:
            passed -= 1
        if passed < len(self._first) and self._first[passed] < place:
            return None
        if not passed:
            return place
        return self._ends[passed - 1] + place - self._last[passed - 1]

    def place_of(self, at: int) -> int | None:
        """Where a place of ``source`` is in ``text``; None within something that was replaced."""
        passed = bisect_right(self._ends, at)
        if passed < len(self.spans) and self.spans[passed][0] < at:
            return None
        return self._last[passed - 1] + at - self._ends[passed - 1] if passed else at


Fold: TypeAlias = Callable[[str], Folded]


def fold_blanks(text: str) -> Folded:
    """Without the blanks at the ends of lines."""
    return Folded(text, _line_spans(text, " \t"))


def fold_unicode(text: str) -> Folded:
    """The same, with plain quotes, dashes and spaces for typographic ones, and letters composed."""
    if text.isascii():
        return fold_blanks(text)
    return Folded(text, _line_spans(text, _BLANK + _NOTHING, _odd_in(text)))


def fold_spacing(text: str) -> Folded:
    """The same without any blanks, and with one kind of quotes."""
    return Folded(text, _spans(re.compile(f"(?P<drop>[{_BLANK}]+)|'|{_odd_in(text).pattern}"), text))


def close(folded: Folded) -> Folded:
    """The same with a line end behind the last line, if that has none."""
    source = folded.source
    if not source or source.endswith("\n"):
        return folded
    return Folded(source, (*folded.spans, (len(source), len(source), "\n")))


def as_plain_as(text: str, old: str, changed: str) -> str:
    """``changed`` without the typographic characters that ``old`` has but the whole ``text`` does not."""
    foreign = {ord(char): _INSTEAD[char] for char in set(old) & set(_INSTEAD) if char not in text}
    return changed.translate(foreign) if foreign else changed


def _odd_in(text: str) -> re.Pattern[str]:
    """Finds the characters of ``text`` that others are put for; not all there are, which would be slow."""
    present = "".join(char for char in _INSTEAD if char in text) or "\0"
    return re.compile(f"[{re.escape(present)}]" + f"|{_COMPOSED.pattern}" * bool(_COMPOSING.search(text)))


def _line_spans(text: str, blanks: str, odd: re.Pattern[str] | None = None) -> Iterator[Span]:
    """What is left out and replaced line by line: most lines have nothing of it, which is quick to see."""
    start = 0
    for line in text.split("\n"):
        kept = line.rstrip(blanks)
        if odd is not None and not kept.isascii():
            yield from ((start + at, start + end, instead) for at, end, instead in _spans(odd, kept))
        if len(kept) < len(line):
            yield start + len(kept), start + len(line), ""
        start += len(line) + 1


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for at in pattern.finditer(text):
        instead = "" if pattern.groups and at["drop"] else _plain(at[0])
        if instead != at[0]:
            yield at.start(), at.end(), instead


def _plain(piece: str) -> str:
    if piece == "'":
        return '"'
    return _INSTEAD[piece] if piece in _INSTEAD else unicodedata.normalize("NFC", piece)
