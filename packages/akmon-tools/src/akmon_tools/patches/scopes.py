"""Finds what the anchors of a hunk stand for: the head of a class or function, and what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_tools.patches.lines import RUNGS, Lines

_PLACES = 2_000
_SCOPES = 200
"""A line that occurs more often says nothing about where a hunk belongs."""


def scopes(text: Lines, anchors: Sequence[str]) -> list[range]:
    """For each place of the last anchor that is below one of all the others, the lines that belong to it."""
    found = [range(len(text.lines))]
    for anchor in anchors:
        places = _anchored(text, anchor)
        if len(places) > _PLACES:
            return []
        found = [_scope(text, at) for at in places if any(at in scope for scope in found)]
    return found if len(found) <= _SCOPES else []


def _anchored(text: Lines, anchor: str) -> list[int]:
    for rung in range(len(RUNGS)):
        if found := [at for at, key in enumerate(text.keys(rung)) if key == RUNGS[rung].key(anchor)]:
            return found
    return [at for at, line in enumerate(text.lines) if line.strip().startswith(anchor)]


def _scope(text: Lines, at: int) -> range:
    """A line with all that is indented deeper below it, or all that follows if nothing is."""
    level = _level(text.lines[at])
    deeper = False
    for here in range(at + 1, len(text.lines)):
        line = text.lines[here].strip()
        if not line:
            continue
        if _level(text.lines[here]) <= level:
            if not deeper:
                break
            return range(at, here + (line[0] in ")]}"))
        deeper = True
    return range(at, len(text.lines))


def _level(line: str) -> int:
    return len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
