"""Draws a change to files: numbered lines, and in changed ones the words that differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from akmon_core.limits import DIFF_SHOWN_LINES, DIFF_WORDS
from akmon_core.text import reveal
from akmon_core.tools import DiffView
from akmon_tui.highlight import TAB, highlight_line, language_of
from akmon_tui.lines import Line, Piece, cut, line, merged, split_at, width_of

HINT = "ctrl+o shows all"
_INDENT = "  "
_TWO_NUMBERS = 60
"""Columns from which on there is room for the numbers before and after."""
_ALIKE = 0.3
"""Share of two lines that must be the same for their words to be compared."""
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,\d+)? \+(\d{1,9})(?:,\d+)? @@")
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_STYLES = {"+": "added", "-": "removed"}


class _Row(NamedTuple):
    sign: str
    """Of a line of a file ``+``, ``-`` or a blank; ``d`` begins a file, ``@`` a hunk, ``#`` is a remark."""
    text: str
    old: int = 0
    """Its number before; 0 is none, or not known."""
    new: int = 0
    language: str = ""


def diff_lines(
    diff: DiffView,
    width: int,
    most: int | None = DIFF_SHOWN_LINES,
    *,
    clean: Callable[[str], str] = reveal,
    named: bool = True,
) -> list[Line]:
    """A head line with path and counts if it is ``named``, and the diff in at most ``most`` lines and one
    that says how many more there are; None is all of it.

    ``clean`` makes text fit to be shown; ``akmon_core.text.exposed`` where a person is to allow the change.
    """
    rows = list(_rows(diff, clean))
    head = _head(diff, clean, width) if named else []
    if most is None:
        return [*head, *(each for shown in _drawn(rows, width) for each in shown)]
    lines: list[Line] = []
    for at, shown in enumerate(_drawn(rows[:most], width)):
        lines += shown
        if len(lines) > most or (len(lines) == most and at + 1 < len(rows)):
            whole = at + 1 if len(lines) == most else at
            return [*head, *lines[:most], *more_lines(len(rows) - whole, width, HINT)]
    return [*head, *lines, *more_lines(len(rows) - most, width, HINT)]


def more_lines(count: int, width: int, hint: str = "") -> list[Line]:
    """That ``count`` more lines are not shown, and where they are; nothing if there are none."""
    more = "; ".join(part for part in (f"{count:,} more line{'s' * (count != 1)}", hint) if part)
    return [cut(line(f"{_INDENT}(… {more})", "dim"), width)] if count > 0 else []


def fold(shown: Line, width: int, first: Line = (), then: Line = ()) -> list[Line]:
    """``shown`` behind ``first``, in lines of at most ``width`` columns that begin with ``then``.

    Nothing is left out where a line ends, blanks neither.
    """
    rows: list[list[Piece]] = [[*first]]
    used = begin = width_of(first)
    for piece in shown:
        rest = piece.text
        while rest:
            head, after = split_at(rest, width - used)
            if not head and used <= begin:  # not even one fits
                head, after = rest[:1], rest[1:]
            if head:
                rows[-1].append(piece._replace(text=head))
                used += width_of((piece._replace(text=head),))
            rest = after
            if rest:
                rows.append([*then])
                used = begin = width_of(then)
    return [merged(row) for row in rows]


# --- reading ----------------------------------------------------------------------------------------


def _rows(diff: DiffView, clean: Callable[[str], str]) -> Iterator[_Row]:
    """What the text of a unified diff says, line by line. Anything may stand in it."""
    language, between_hunks = language_of(diff.path), False
    old = new = 0
    for text in clean(diff.diff).split("\n") if diff.diff else ():
        sign, rest = text[:1], text[1:].expandtabs(TAB)
        if hunk := _HUNK.match(text):
            if between_hunks:
                yield _Row("@", "⋮")
            old, new, between_hunks = int(hunk[1]), int(hunk[2]), True
        elif text.startswith("diff "):
            name = text.removeprefix("diff ")
            language, between_hunks, old, new = language_of(name.split(": ", 1)[0]), False, 0, 0
            yield _Row("d", name.expandtabs(TAB))
        elif sign == "+":
            yield _Row(sign, rest, 0, new, language)
            new += bool(new)
        elif sign == "-":
            yield _Row(sign, rest, old, 0, language)
            old += bool(old)
        elif sign == " ":
            yield _Row(sign, rest, old, new, language)
            old, new = old + bool(old), new + bool(new)
        else:
            yield _Row("#", text.expandtabs(TAB))


def _head(diff: DiffView, clean: Callable[[str], str], width: int) -> list[Line]:
    path = clean(diff.path).replace("\n", "<U+000A>").replace("\t", "<U+0009>")
    counts = (Piece(f" +{diff.added:,}", "added"), Piece(f" -{diff.removed:,}", "removed"))
    return fold((Piece(path, "bold"), *counts), width, line(_INDENT), line(_INDENT))


# --- drawing ----------------------------------------------------------------------------------------


def _drawn(rows: Sequence[_Row], width: int) -> Iterator[list[Line]]:
    """The lines of each row."""
    digits = len(str(max((max(row.old, row.new) for row in rows), default=0)))
    two = width >= _TWO_NUMBERS
    pairs = _pairs(rows)
    for at, row in enumerate(rows):
        match row.sign:
            case "d":
                yield fold(line(row.text, "bold"), width, line(_INDENT), line(_INDENT))
            case "@" | "#":
                yield fold(line(row.text, "dim"), width, line(_INDENT), line(_INDENT))
            case _:
                gutter = _gutter(row, digits, two=two)
                blank = line(" " * width_of(gutter))
                yield fold(_text(row, rows[pairs[at]] if at in pairs else None), width, gutter, blank)


def _gutter(row: _Row, digits: int, *, two: bool) -> Line:
    numbers = (row.old, row.new) if two else (row.new or row.old,)
    shown = " ".join(f"{number or '':>{digits}}" for number in numbers)
    return (Piece(f"{_INDENT}{shown} ", "number"), Piece(f"{row.sign} ", _STYLES.get(row.sign, "")))


def _text(row: _Row, other: _Row | None) -> Line:
    """The text of a line; of a changed one in two styles, if the line ``other`` stands for it now or did."""
    if row.sign == " ":
        return merged(highlight_line(row.text, row.language))
    style = _STYLES[row.sign]
    if other is None:
        return line(row.text, style)
    return merged(
        Piece(word, f"{style} {style}-word" if changed else style)
        for word, changed in changed_words(row.text, other.text)
    )


def _pairs(rows: Sequence[_Row]) -> dict[int, int]:
    """Of lines that were removed and those that were added right below, which stand for each other."""
    pairs: dict[int, int] = {}
    at = 0
    while at < len(rows):
        first = at
        while at < len(rows) and rows[at].sign == "-":
            at += 1
        middle = at
        while at < len(rows) and rows[at].sign == "+":
            at += 1
        for one, other in zip(range(first, middle), range(middle, at), strict=False):
            pairs |= {one: other, other: one}
        at += at == first
    return pairs


def changed_words(text: str, other: str) -> list[tuple[str, bool]]:
    """The parts of ``text``, and whether each is missing in ``other``. No part is, if too little is alike."""
    mine, others = _WORD.findall(text), _WORD.findall(other)
    if len(mine) + len(others) > DIFF_WORDS:
        return [(text, False)]
    from difflib import SequenceMatcher

    blocks = SequenceMatcher(None, mine, others, autojunk=False).get_matching_blocks()
    parts: list[tuple[str, bool]] = []
    done = same = 0
    for start, _, size in blocks:
        parts += [("".join(mine[done:start]), True), ("".join(mine[start : start + size]), False)]
        done = start + size
        same += len(parts[-1][0].strip())
    if same < _ALIKE * max(len(text.strip()), len(other.strip())):
        return [(text, False)]
    return [part for part in parts if part[0]]
