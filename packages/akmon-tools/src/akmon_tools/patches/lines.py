"""Compares a file's lines with those of a hunk, from exactly to without regard to blanks and typography."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.folding import fold_unicode
from akmon_tools.indents import indent_of, observe
from akmon_tools.patches.hunks import Hunk

_COMPARED = 5_000_000
"""Lines in all places that a hunk may fit at whose indentation is compared."""


class Rung(msgspec.Struct, frozen=True):
    """A way to compare lines, and what it disregards."""

    key: Callable[[str], str]
    without: str = ""
    indented: bool = False


def _unmarked(line: str) -> str:
    """Without the byte-order mark that the first line of a file may begin with."""
    return line.removeprefix("\ufeff")


def _plain(line: str) -> str:
    return (line if line.isascii() else fold_unicode(_unmarked(line)).text).strip()


RUNGS = (
    Rung(lambda line: line),
    Rung(lambda line: _unmarked(line).removesuffix("\r")),
    Rung(lambda line: _unmarked(line).rstrip(), "trailing blanks"),
    Rung(lambda line: _unmarked(line).strip(), "indentation", indented=True),
    Rung(_plain, "typographic characters", indented=True),
)
"""From strict to lenient. No line is ever taken for one that says something else."""


class Lines:
    """A file's lines, as each rung sees them."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._keys: dict[int, list[str]] = {}
        self._known: dict[int, set[str]] = {}

    def keys(self, rung: int) -> list[str]:
        if rung not in self._keys:
            self._keys[rung] = [RUNGS[rung].key(line) for line in self.lines]
            self._known[rung] = set(self._keys[rung])
        return self._keys[rung]

    def find(self, hunk: Hunk, rung: int, *, new: bool = False) -> list[int]:
        """Every index at which the old lines of ``hunk`` begin, or the new ones, on a rung."""
        here, keys = self.keys(rung), [RUNGS[rung].key(line) for line in (hunk.new if new else hunk.old)]
        if not keys or not self._known[rung].issuperset(keys):
            return []
        found = occurrences(here, keys)
        if RUNGS[rung].indented and len(found) * len(keys) > _COMPARED:
            raise ToolError(f"it fits at more than {_COMPARED // len(keys):,} places.")
        return [at for at in found if self.indents(hunk, at) is not None] if RUNGS[rung].indented else found

    def fits(self, hunk: Hunk, rung: int, at: int) -> bool:
        """Whether the old lines begin at an index, on a rung."""
        keys = [RUNGS[rung].key(line) for line in hunk.old]
        if self.keys(rung)[at : at + len(keys)] != keys:
            return False
        return not RUNGS[rung].indented or self.indents(hunk, at) is not None

    def indents(self, hunk: Hunk, at: int) -> dict[str, str] | None:
        """What the indentation of the hunk's lines is at an index; None if no rule tells that of all."""
        there = self.lines[at : at + len(hunk.old)]
        pairs = [(indent_of(a), indent_of(b)) for a, b in zip(hunk.old, there, strict=True) if a.strip()]
        added = [indent_of(line) for sign, line in hunk.lines if sign == "+" and line.strip()]
        return observe(pairs, added)


def occurrences(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Every index at which ``wanted``, which is not empty, begins in ``lines``; in linear time.

    The algorithm is that of Knuth, Morris and Pratt.
    """
    back = [0] * len(wanted)
    same = 0
    for at in range(1, len(wanted)):
        while same and wanted[at] != wanted[same]:
            same = back[same - 1]
        same += wanted[at] == wanted[same]
        back[at] = same
    found = []
    same = 0
    for at, line in enumerate(lines):
        while same and (same == len(wanted) or line != wanted[same]):
            same = back[same - 1]
        same += line == wanted[same]
        if same == len(wanted):
            found.append(at - same + 1)
    return found
