"""Finds what a few typed characters mean among many paths, at once. Pure.

The characters must occur in their order; upper case in a query has to agree, lower case finds both. Each key
leaves fewer paths for the next one, and no more than ``FUZZY_SCORED`` of them are looked at closely: first
those that match in a better way. Each step is a pass of string methods over plain tuples, as 50,000 calls of
a function would take too long for a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from akmon_core.limits import FUZZY_CHARS, FUZZY_SCORED

_ENDS = "/_-. "
"""After these a word begins."""
_IN_NAME = 4
_AT_START = 12
_AT_WORD = 8
_TOGETHER = 6
_GAP = 1
_GAP_MOST = 6


class Match(NamedTuple):
    """A candidate, and where in it the characters of the query are."""

    text: str
    positions: tuple[int, ...]
    score: int
    """Higher is better."""


def best(query: str, candidates: Sequence[str], count: int) -> list[Match]:
    """The ``count`` candidates that ``query`` means most likely, best first."""
    return Finder(candidates).best(query, count)


def match_of(query: str, text: str) -> Match | None:
    """Where ``query`` is in ``text``; None if its characters do not occur there in this order."""
    return _match(query, text, text if _exact(query) else _folded(text))


def _match(query: str, text: str, folded: str) -> Match | None:
    positions = _aligned(query, folded)
    return None if positions is None else Match(text, positions, _score(positions, folded))


_Row: TypeAlias = tuple[str, str, str]
"""A candidate in small letters, what stands behind its last slash, and the candidate itself."""


class _Narrowed(NamedTuple):
    """What is left by the beginning of a query."""

    query: str
    rows: list[_Row]
    """Those that have all of its characters, if it is known in their order, in those of the query first."""
    heads: list[_Row]
    """Those of them whose name begins with the first of these."""


class Finder:
    """The same candidates for one query after the other, such as those of each key that is typed."""

    def __init__(self, candidates: Sequence[str]) -> None:
        self._first = [text for text in candidates if "\n" not in text]
        self._rows: dict[bool, list[_Row]] = {False: _rows(self._first, exact=False)}
        self._narrowed: dict[bool, list[_Narrowed]] = {False: [], True: []}
        """For the beginnings of the last query, the shortest first."""

    def best(self, query: str, count: int) -> list[Match]:
        """The ``count`` best matches, best first. An empty query finds the candidates in their own order."""
        query = query[:FUZZY_CHARS]
        if not query:
            return [Match(text, (), 0) for text in self._first[:count]]
        found: dict[str, _Row] = {}
        narrowed = self._narrow(query)
        for row in _tiers(query, narrowed):
            found[row[2]] = row
            if len(found) >= FUZZY_SCORED:
                break
        else:
            self._narrowed[_exact(query)][-1] = narrowed._replace(rows=list(found.values()))
        matches = [match for low, _, text in found.values() if (match := _match(query, text, low))]
        matches.sort(key=lambda each: (-each.score, len(each.text), each.text))
        return matches[:count]

    def _narrow(self, query: str) -> _Narrowed:
        exact = _exact(query)
        if exact not in self._rows:
            self._rows[exact] = _rows(self._first, exact=exact)
        narrowed = self._narrowed[exact]
        while narrowed and not query.startswith(narrowed[-1].query):
            narrowed.pop()
        if not narrowed:
            first = query[0]
            rows = [row for row in self._rows[exact] if first in row[0]]
            narrowed.append(_Narrowed(first, rows, [row for row in rows if row[1].startswith(first)]))
        for size in range(len(narrowed[-1].query) + 1, len(query) + 1):
            char, (before, rows, heads) = query[size - 1], narrowed[-1]
            if char not in before:
                rows = [row for row in rows if char in row[0]]
                heads = [row for row in heads if char in row[0]]
            narrowed.append(_Narrowed(query[:size], rows, heads))
        return narrowed[-1]


def _rows(candidates: Sequence[str], *, exact: bool) -> list[_Row]:
    """The short ones first, so that these are looked at if there are too many."""
    texts = sorted(candidates, key=len)
    folded = texts if exact else _all_folded(texts)
    return [(low, low[low.rfind("/", 0, -1) + 1 :], text) for low, text in zip(folded, texts, strict=True)]


def _tiers(query: str, narrowed: _Narrowed) -> Iterator[_Row]:
    """Rows that match, and a few that may: those come first that are likely to match well."""
    _, rows, heads = narrowed
    yield from (row for row in heads if row[1].startswith(query))
    if len(query) > 1:
        initials = _initials(query).match
        yield from (row for row in heads if initials(row[1]))
    yield from (row for row in rows if query in row[1])
    yield from (row for row in rows if query in row[0])
    if len(query) > 1:
        scattered = _scattered(query).match
        yield from (row for row in heads if scattered(row[1]))
        yield from (row for row in rows if scattered(row[0]))


def _initials(query: str) -> re.Pattern[str]:
    """Names whose first words begin with the characters of ``query``."""
    first, *rest = map(re.escape, query)
    # Atomic groups: the first place of a character is as good as any later one, so none is tried twice.
    return re.compile(first + "".join(rf"(?>.*?[{re.escape(_ENDS)}]{char})" for char in rest), re.DOTALL)


def _scattered(query: str) -> re.Pattern[str]:
    """Texts with the characters of ``query`` in their order, without ever going back in one."""
    return re.compile("".join(rf"[^{re.escape(char)}]*+{re.escape(char)}" for char in query))


def _aligned(query: str, text: str) -> tuple[int, ...] | None:
    """Where the characters of ``query`` are best seen in ``text``; None if they are not there."""
    name = text.rfind("/", 0, -1) + 1
    at = _substring(query, text, name)
    if at >= 0:
        return tuple(range(at, at + len(query)))
    for start in (name, 0) if name else (0,):
        latest = _latest(query, text, start)
        if latest:
            return _spread(query, text, start, latest)
    return None


def _substring(query: str, text: str, name: int) -> int:
    """Where all of ``query`` stands in one piece: in the name and at a word if it can be; -1 is nowhere."""
    found = -1
    for start, end in ((name, len(text)), (0, name + len(query) - 1)) if name else ((0, len(text)),):
        at = text.find(query, start, end)
        if at >= 0 and found < 0:
            found = at
        while at >= 0:
            if _begins_word(text, at):
                return at
            at = text.find(query, at + 1, end)
        if found >= 0:
            return found
    return found


def _latest(query: str, text: str, start: int) -> list[int]:
    """The last place of each character that leaves places for those after it; empty if there are none."""
    places: list[int] = []
    end = len(text)
    for char in reversed(query):
        end = text.rfind(char, start, end)
        if end < 0:
            return []
        places.append(end)
    return places[::-1]


def _spread(query: str, text: str, start: int, latest: Sequence[int]) -> tuple[int, ...]:
    """One place for each character: next to the one before, else where a word begins, else the first."""
    positions: list[int] = []
    at = start
    for char, last in zip(query, latest, strict=True):
        first = text.find(char, at, last + 1)
        place = first
        if not (positions and first == at):
            while place >= 0 and not _begins_word(text, place):
                place = text.find(char, place + 1, last + 1)
        positions.append(place if place >= 0 else first)
        at = positions[-1] + 1
    return tuple(positions)


def _score(positions: Sequence[int], text: str) -> int:
    name = text.rfind("/", 0, -1) + 1
    score = -len(text) // 8
    before = -2
    for at in positions:
        if at >= name:
            score += _IN_NAME
        if at == before + 1:
            score += _TOGETHER
        elif before >= 0:
            score -= min(_GAP_MOST, _GAP * (at - before - 1))
        if at == name:
            score += _AT_START
        elif _begins_word(text, at):
            score += _AT_WORD
        before = at
    return score + (_AT_START if len(positions) >= len(text) - name and positions[0] == name else 0)


def _begins_word(text: str, at: int) -> bool:
    return at == 0 or text[at - 1] in _ENDS


def _exact(query: str) -> bool:
    return query != query.lower()


def _all_folded(candidates: Sequence[str]) -> list[str]:
    """In small letters; at once where none of them changes the length of the text."""
    whole = "\n".join(candidates)
    folded = whole.lower()
    same = len(folded) == len(whole) and folded.count("\n") == max(0, len(candidates) - 1)
    if same and whole.isascii():
        return folded.split("\n") if candidates else []
    return [_folded(text) for text in candidates]


def _folded(text: str) -> str:
    """In small letters, each in its old place: some, such as U+0130, become two, and stay as they are."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
