"""What the indentation of lines becomes when a text stands deeper, or is indented by other characters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

_UNITS = (2, 3, 4, 8)
"""Spaces that one step of indentation may have."""


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def observe(pairs: Sequence[tuple[str, str]], wanted: Iterable[str]) -> dict[str, str] | None:
    """What each of the ``wanted`` indentations becomes, by ``pairs`` of what some are and become.

    None if no one rule explains all pairs, or it does not say what one of the wanted becomes.
    """
    wanted = {*wanted, *(before for before, _ in pairs)}
    if not pairs:
        return {indent: indent for indent in wanted}
    return _shifted(pairs, wanted) or _scaled(pairs, wanted)


def _shifted(pairs: Sequence[tuple[str, str]], wanted: set[str]) -> dict[str, str] | None:
    """One piece is put in front of each line instead of another."""
    before, after = pairs[0]
    common = _common_end(before, after)
    off, on = before[: len(before) - common], after[: len(after) - common]
    if any(not a.startswith(off) or on + a[len(off) :] != b for a, b in pairs):
        return None
    if any(not indent.startswith(off) for indent in wanted):
        return None
    fit = {indent: on + indent[len(off) :] for indent in wanted}
    if any(map(_mixed, fit.values())) and not any(_mixed(b) for _, b in pairs):
        return None
    return fit


def _scaled(pairs: Sequence[tuple[str, str]], wanted: set[str]) -> dict[str, str] | None:
    """Each step of indentation is written otherwise: by a tab or another number of spaces."""
    old = {char for indent in wanted for char in indent}
    new = {char for _, b in pairs for char in b}
    if len(old) > 1 or len(new) > 1:
        return None
    depths = [(len(a), len(b)) for a, b in pairs]
    first, base = depths[0]
    others = {len(indent) - first for indent in wanted} - {0}
    char = next(iter(new), next(iter(old), " "))
    ratio = _ratio(depths, others, char if old and {char} != old else None)
    if ratio is None or any(base + (a - first) * ratio != b for a, b in depths):
        return None
    widths = {indent: base + (len(indent) - first) * ratio for indent in wanted}
    if any(width < 0 or width.denominator != 1 for width in widths.values()):
        return None
    return {indent: char * int(width) for indent, width in widths.items()}


def _ratio(depths: list[tuple[int, int]], others: set[int], other_char: str | None) -> Fraction | None:
    """Characters of indentation after for each one before; ``other_char`` is written instead, if any."""
    first, base = depths[0]
    for a, b in depths:
        if a != first:
            ratio = Fraction(b - base, a - first)
            return ratio if ratio > 0 else None
    if not others:
        return Fraction(1)
    if other_char is None:
        return None
    if first and base and {Fraction(first, base), Fraction(base, first)} & set(_UNITS):
        return Fraction(base, first)
    step = math.gcd(*others)
    return Fraction(1, step) if other_char == "\t" and step in _UNITS else None


def _common_end(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[-1 - n] != other[-1 - n]), shorter)


def _mixed(indent: str) -> bool:
    return " " in indent and "\t" in indent
