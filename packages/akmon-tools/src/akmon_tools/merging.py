"""Joins what a model wants changed with what a file really says, where the two were matched only roughly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from akmon_tools.folding import Fold
from akmon_tools.indents import indent_of
from akmon_tools.replace import ends_in_common

Lines: TypeAlias = Sequence[str]
Fit: TypeAlias = Mapping[str, str]
Change: TypeAlias = tuple[bool, int, int, int, int]
"""Whether lines stay, and which: the first and the one after the last in the old text, and in the new."""


def merge(
    old: Lines,
    new: Lines,
    changes: Sequence[Change],
    there: Sequence[tuple[str, ...]],
    fold: Fold,
    fit: Fit | None = None,
    context: Collection[int] = (),
) -> list[str] | None:
    """The lines ``there`` with the change from ``old`` to ``new`` made to them.

    ``there[i]`` is what the file has for line i of ``old``: the line, and empty lines that follow it only in
    the file. Lines that stay are the file's own, and so is what stays at the start and end of a line that
    changes, as far as ``fold`` shows it to be equal; the others are indented as ``fit`` says, if it is given.
    None if a line of ``context``, which may not change, would.
    """
    merged: list[str] = []
    for same, i1, i2, j1, j2 in changes:
        if same:
            merged += (line for here in there[i1:i2] for line in here)
        elif any(i1 <= at < i2 for at in context):
            return None
        elif i2 - i1 == j2 - j1:
            for before, after, here in zip(old[i1:i2], new[j1:j2], there[i1:i2], strict=True):
                merged += (_blend(before, after, here, fold, fit), *here[1:])
        else:
            merged += (_indented(line, fit) for line in new[j1:j2])
            if i2 > i1 and merged and merged[-1].strip():
                merged += there[i2 - 1][1:]
    return merged


def changes_between(old: Lines, new: Lines) -> list[Change]:
    """What lines of ``old`` become what lines of ``new``."""
    import difflib

    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [(tag == "equal", i1, i2, j1, j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes()]


def _indented(line: str, fit: Fit | None) -> str:
    body = line.lstrip(" \t")
    return fit[indent_of(line)] + body if body and fit is not None else line


def _blend(old: str, new: str, there: tuple[str, ...], fold: Fold, fit: Fit | None) -> str:
    """The change from ``old`` to ``new``, two lines, made to the line that the file has, if it has one."""
    if not there or not old.strip() or not new.strip():
        return _indented(new, fit)
    here = there[0]
    indent = ""
    if fit is not None:
        indent = indent_of(here) if indent_of(old) == indent_of(new) else fit[indent_of(new)]
        old, new, here = (line.lstrip(" \t") for line in (old, new, here))
    tail = _tail(here if _tail(old) == _tail(new) else new)
    old, new, here = (line.rstrip(" \t") for line in (old, new, here))
    return indent + _change(old, new, here, fold) + tail


def _tail(line: str) -> str:
    return line[len(line.rstrip(" \t")) :]


def _change(old: str, new: str, here: str, fold: Fold) -> str:
    """The change from ``old`` to ``new``, by whole words, made to ``here``; ``new`` if it is not clear."""
    head, tail = ends_in_common(old, new)
    while head and _in_word(old, head) | _in_word(new, head):
        head -= 1
    while tail and _in_word(old, len(old) - tail) | _in_word(new, len(new) - tail):
        tail -= 1
    middle, last = new[head : len(new) - tail], len(old) - tail
    seen, real = fold(old), fold(here)
    if seen.text != real.text or (_quotes(old) != _quotes(here) and _quotes(middle)):
        return new
    places = seen.place_of(head), seen.place_of(last)
    if places[0] is None or places[1] is None:
        return new
    # Blanks may be left out of the folded text: they go with what they go with in ``old``.
    start = real.source_at(places[0], before=old[head : head + 1].isspace() and not old[:head][-1:].isspace())
    end = real.source_at(places[1], before=old[last : last + 1].isspace() or not old[:last][-1:].isspace())
    if start is None or end is None:
        return new
    return here[:start] + middle + here[max(start, end) :]


def _in_word(text: str, at: int) -> bool:
    return (text[at - 1 : at] + text[at : at + 1]).isalnum() and 0 < at < len(text)


def _quotes(text: str) -> str:
    return "".join(char for char in text if char in "'\"")
