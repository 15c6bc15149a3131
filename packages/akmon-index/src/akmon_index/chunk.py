"""Cuts a file into passages that can be ranked and shown one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

PASSAGE_LINES = 40
OVERLAP_LINES = 8
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Passage(msgspec.Struct, frozen=True):
    first: int
    """Number of its first line, from 1."""
    last: int
    text: str


def passages(text: str) -> Iterator[Passage]:
    """Pieces of at most ``PASSAGE_LINES`` lines, each sharing ``OVERLAP_LINES`` with the one before."""
    lines = text.splitlines()
    for start in range(0, max(len(lines) - OVERLAP_LINES, 1), PASSAGE_LINES - OVERLAP_LINES):
        piece = lines[start : start + PASSAGE_LINES]
        if any(line.strip() for line in piece):
            yield Passage(start + 1, start + len(piece), "\n".join(piece))


def words(text: str) -> list[str]:
    """The words of ``text`` in lower case, and the parts of names such as ``parseHTTPHeader``.

    >>> words("parseHTTPHeader, read_line")
    ['parsehttpheader', 'parse', 'http', 'header', 'read', 'line']
    """
    found: list[str] = []
    for word in _WORD.findall(text):
        parts = _HUMP.split(word)
        found.append(word.lower())
        if len(parts) > 1:
            found.extend(part.lower() for part in parts)
    return found
