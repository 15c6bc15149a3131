"""Finds lines that say what the wanted ones say, though not in the same characters.

Two grades. Lines that agree token for token, but for spacing, quotes and empty lines between them, are used
if they occur once. Lines with a misspelt word in a comment, or another comma or semicolon at their end, may
only be the context of a change, and nothing else in the file may be nearly as similar. Anything else is
another text: numbers, names and operators are no matter of degree.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from akmon_core.limits import (
    LINE_CHARS,
    SIMILAR,
    SIMILAR_CHARS,
    SIMILAR_LINES,
    SIMILAR_MARGIN,
    SIMILAR_PLACES,
)
from akmon_tools.folding import fold_unicode

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"'
    r"|'(?:\\.|[^'\\])*'"
    r"|\w+|[-+*/%=<>!&|^~?:.@$#]+|[^\w\s]"
)
_COMMENT = re.compile(r"\s*(?:#|//|/?\*|--|<!--|;|%)")
_WORD_CHARS = 6
"""A shorter word that differs in a letter is another word."""
_SURE = 1 / 3
"""Share of the characters that must stand in equal lines."""
_RIVALS = 20
"""Places that are compared letter by letter; with more of them it is not clear which is meant."""
_SQUEEZE = {ord(" "): None, ord("\t"): None, ord("'"): '"'}

_Grade: TypeAlias = Literal["same", "worded", "other"]


class Window(msgspec.Struct, frozen=True):
    """The lines of a file, from ``first`` to before ``end``, that stand for the wanted ones."""

    first: int
    end: int
    there: tuple[tuple[str, ...], ...]
    """For each wanted line what the file has: the line, and empty lines that follow it only in the file."""
    context: frozenset[int] = frozenset()
    """The wanted lines that the file words otherwise."""


def similar_windows(lines: Sequence[str], folded: str, wanted: Sequence[str]) -> list[Window]:
    """Where ``lines`` say what ``wanted`` says; more than one where that is not clear.

    ``folded`` is what ``fold_unicode`` makes of the lines.
    """
    size = sum(map(len, _dense(_folded(wanted))[1])) if len(wanted) <= SIMILAR_LINES else 0
    if size < SIMILAR_CHARS:
        return []
    search = _Search(lines, folded, wanted)
    votes = search.votes()
    same = [start for start in votes if search.agrees(start)]
    if same:
        return [window for start in same if (window := search.window(start)) and not window.context]
    likely = [start for start, agreeing in votes.items() if agreeing >= size * _SURE]
    if len(likely) > _RIVALS:
        return []
    scores = sorted(((search.similarity(start), start) for start in likely), reverse=True)
    if (
        not scores
        or scores[0][0] < SIMILAR
        or any(score > scores[0][0] - SIMILAR_MARGIN for score, _ in scores[1:])
    ):
        return []
    window = search.window(scores[0][1])
    return [window] if window else []


class _Search:
    """The lines of a file and those wanted, compared where they are not empty."""

    def __init__(self, lines: Sequence[str], folded: str, wanted: Sequence[str]) -> None:
        self.lines, self.wanted = lines, wanted
        self.here, self.here_keys = _dense(folded)
        self.old, self.old_keys = _dense(_folded(wanted))

    def votes(self) -> Counter[int]:
        """Where the wanted lines might begin, with how many of their characters agree there for sure."""
        sought = set(self.old_keys)
        places: dict[str, list[int]] = defaultdict(list)
        for n, key in enumerate(self.here_keys):
            if key in sought:
                places[key].append(n)
        votes: Counter[int] = Counter()
        for n, key in enumerate(self.old_keys):
            if len(places[key]) <= SIMILAR_PLACES:
                votes.update({place - n: len(key) for place in places[key]})
        last = len(self.here) - len(self.old)
        return Counter({start: count for start, count in votes.items() if 0 <= start <= last})

    def agrees(self, start: int) -> bool:
        return self.here_keys[start : start + len(self.old)] == self.old_keys

    def similarity(self, start: int) -> float:
        """The share of characters that agree, indentation aside."""
        pairs = [(one.strip(), other.strip()) for one, other in self._pairs(start)]
        agreeing = sum(_agreeing(one, other) for one, other in pairs)
        return 2 * agreeing / sum(len(one) + len(other) for one, other in pairs)

    def window(self, start: int) -> Window | None:
        """None if a line says something else."""
        grades = [_grade(one, other) for one, other in self._pairs(start)]
        if "other" in grades:
            return None
        context = frozenset(i for i, grade in zip(self.old, grades, strict=True) if grade == "worded")
        here = self.here[start : start + len(self.old)]
        above = min(self.old[0], _empty(self.lines[: here[0]][::-1]))
        below = min(len(self.wanted) - self.old[-1] - 1, _empty(self.lines[here[-1] + 1 :]))
        first, end = here[0] - above, here[-1] + 1 + below
        there: list[tuple[str, ...]] = [()] * (self.old[0] - above)
        there += [(line,) for line in self.lines[first : here[0]]]
        ends = [*here[1:], end], [*self.old[1:], len(self.wanted)]
        for at, after, i, following in zip(here, ends[0], self.old, ends[1], strict=True):
            empty, wanted = list(self.lines[at + 1 : after]), following - i - 1
            there.append((self.lines[at], *empty[wanted:]))
            there += [(line,) for line in empty[:wanted]]
            there += [()] * (wanted - len(empty))
        return Window(first, end, tuple(there), context)

    def _pairs(self, start: int) -> list[tuple[str, str]]:
        """Each wanted line and what the file has for it."""
        here = self.here[start : start + len(self.old)]
        return [(self.wanted[i], self.lines[n]) for i, n in zip(self.old, here, strict=True)]


def _folded(lines: Sequence[str]) -> str:
    return fold_unicode("\n".join(lines)).text


def _dense(folded: str) -> tuple[list[int], list[str]]:
    """The lines that are not empty: which, and each without what may differ."""
    keys = folded.translate(_SQUEEZE).split("\n")
    at = [n for n, key in enumerate(keys) if key]
    return at, [keys[n] for n in at]


def _empty(lines: Sequence[str]) -> int:
    return next((n for n, line in enumerate(lines) if line.strip()), len(lines))


def _agreeing(one: str, other: str) -> int:
    if one == other:
        return len(one)
    if max(len(one), len(other)) > LINE_CHARS:
        return 0
    import difflib

    return sum(block.size for block in difflib.SequenceMatcher(None, one, other, False).get_matching_blocks())


def _grade(wanted: str, real: str) -> _Grade:
    one, other = _tokens(wanted), _tokens(real)
    if one == other:
        return "same"
    if _COMMENT.match(wanted) and _COMMENT.match(real) and len(one) == len(other):
        misspelt = all(a == b or _misspelt(a, b) for a, b in zip(one, other, strict=True))
        return "worded" if misspelt else "other"
    return "worded" if _open(one) == _open(other) else "other"


def _tokens(line: str) -> list[str]:
    found: list[str] = _TOKEN.findall(fold_unicode(line).text)
    return [_quoted(token) for token in found]


def _quoted(token: str) -> str:
    plain = token[0] == "'" and len(token) > 1 and not {'"', "\\"} & set(token)
    return f'"{token[1:-1]}"' if plain else token


def _open(tokens: list[str]) -> list[str]:
    return tokens[:-1] if tokens[-1:] in ([","], [";"]) else tokens


def _misspelt(one: str, other: str) -> bool:
    """Whether two words differ in nothing but two neighbouring letters changed over, or a doubled one."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < _WORD_CHARS or not (one + other).isalpha() or len(longer) - len(shorter) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(longer) > len(shorter):
        return 0 < at < len(shorter) and longer[at] == longer[at - 1] and shorter[at:] == longer[at + 1 :]
    swapped = shorter[:at] + shorter[at : at + 2][::-1] + shorter[at + 2 :]
    return 0 < at < len(shorter) - 2 and swapped == longer
