"""Globs over whole paths, as rules have them: ``*`` stays inside one folder, ``**`` does not."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TypeAlias

Parts: TypeAlias = tuple[str, ...]


def matches_path(pattern: str, relative: str) -> bool:
    """Whether ``pattern`` matches all of a path with forward slashes; ``.`` is the root itself."""
    return _match(PurePosixPath(pattern).parts, PurePosixPath(relative).parts)


def parts_of(pattern: str) -> Parts:
    """A pattern as ``within`` takes it, for names in which case does not count."""
    return PurePosixPath(pattern.casefold()).parts


def within(patterns: frozenset[Parts], name: str) -> frozenset[Parts]:
    """What is left of ``patterns`` for the paths in the folder ``name``; see also ``is_met``."""
    left: set[Parts] = set()
    name = name.casefold()
    for pattern in patterns:
        while pattern and pattern[0] == "**":
            left.add(pattern)
            pattern = pattern[1:]
        if pattern and fnmatchcase(name, pattern[0]):
            left.add(pattern[1:])
    return frozenset(left)


def is_met(left: frozenset[Parts]) -> bool:
    """Whether what ``within`` has left matches the path that has led there."""
    return any(all(part == "**" for part in pattern) for pattern in left)


def is_met_below(left: frozenset[Parts]) -> bool:
    """Whether it matches that path and all below it."""
    return any(pattern and all(part == "**" for part in pattern) for pattern in left)


def _match(pattern: Parts, parts: Parts) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_match(pattern[1:], parts[at:]) for at in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _match(pattern[1:], parts[1:])
