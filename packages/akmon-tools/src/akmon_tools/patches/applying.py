"""Applies the hunks of a patch to a file's text and keeps every other byte of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.patches.hunks import Hunk
from akmon_tools.patches.lines import RUNGS, Lines
from akmon_tools.patches.places import Place, find_place
from akmon_tools.textfile import newline_of


class Applied(msgspec.Struct, frozen=True):
    text: str
    spans: tuple[tuple[int, int], ...] = ()
    """The first and last line of each hunk's change, from 1 in the new text; of none the last is lower."""
    notes: tuple[str, ...] = ()
    """What was not quite as the patch said."""


class _Line(msgspec.Struct, frozen=True):
    text: str
    end: str
    r"""``\n``, ``\r\n``, or nothing at the end of a file."""

    @property
    def compared(self) -> str:
        return self.text + "\r" * (self.end == "\r\n")


def apply_hunks(name: str, text: str, hunks: Sequence[Hunk]) -> Applied:
    """``text`` of the file ``name`` with all ``hunks``, which are in its order. Raises ``ToolError``."""
    before = _split(text)
    lines = Lines([line.compared for line in before])
    newline = newline_of(text)
    after: list[_Line] = []
    spans, notes = [], []
    done = drift = 0
    unended = bool(before) and not before[-1].end
    for hunk in hunks:
        if hunk.old == hunk.new and hunk.old_unended == hunk.new_unended:
            raise ToolError(f"{name}, hunk {hunk.number}: it changes nothing: mark lines with - and +.")
        try:
            place = find_place(lines, hunk, done, drift)
        except ToolError as error:
            raise ToolError(f"{name}, hunk {hunk.number}: {error}") from None
        end = place.at + len(hunk.old)
        after += before[done : place.at]
        there = before[place.at : end]
        exact = not before or _is_exact(hunk, place, there)
        changed = _changed(hunk, place, there, newline, exact=exact)
        spans.append(_span(hunk, len(after)))
        after += changed
        if note := _note(hunk, place, drift):
            notes.append(note)
        if hunk.start is not None:
            drift = place.at - (hunk.start - bool(hunk.old))
        if end == len(before) and hunk.old_unended != hunk.new_unended:
            unended = hunk.new_unended
        done = end
    after += before[done:]
    return Applied(_joined(after, newline, unended), tuple(spans), tuple(notes))


def _split(text: str) -> list[_Line]:
    pieces = re.findall(r"[^\n]*\n|[^\n]+", text)
    return [_line(piece) for piece in pieces]


def _line(piece: str) -> _Line:
    end = "\r\n" if piece.endswith("\r\n") else "\n" if piece.endswith("\n") else ""
    return _Line(piece[: len(piece) - len(end)], end)


def _is_exact(hunk: Hunk, place: Place, there: Sequence[_Line]) -> bool:
    """Whether the line ends of the hunk are those of the file."""
    if not there:
        return any(text.endswith("\r") for _, text in hunk.lines)
    return place.rung == 0 and (hunk.old_unended or any(line.end for line in there))


def _changed(hunk: Hunk, place: Place, there: Sequence[_Line], newline: str, *, exact: bool) -> list[_Line]:
    """The hunk's lines as they shall be: what stays is the file's, what is new is the patch's.

    If the patch is not ``exact``, what is new gets indentation and line ends like what it replaces.
    """
    lines: list[_Line] = []
    ends: list[str] = []
    rest = iter(there)
    for sign, text in hunk.lines:
        if sign == " ":
            lines.append(next(rest))
            ends = []
        elif sign == "-":
            ends.append(next(rest).end or newline)
        elif exact:
            lines.append(_line(text + "\n"))
        else:
            lines.append(_Line(_indented(text.removesuffix("\r"), place), ends.pop(0) if ends else newline))
    if exact and hunk.new_unended and lines:
        lines[-1] = _Line(hunk.new[-1], "")
    return lines if exact else _marked(lines, there)


def _indented(text: str, place: Place) -> str:
    if place.indents is None:
        return text
    stripped = text.lstrip(" \t")
    return place.indents[text[: len(text) - len(stripped)]] + stripped if stripped else ""


def _marked(lines: list[_Line], there: Sequence[_Line]) -> list[_Line]:
    """With the byte-order mark that the file begins with."""
    if not (lines and there and there[0].text.startswith("\ufeff")) or lines[0].text.startswith("\ufeff"):
        return lines
    return [msgspec.structs.replace(lines[0], text=f"\ufeff{lines[0].text}"), *lines[1:]]


def _joined(lines: Sequence[_Line], newline: str, unended: bool) -> str:
    if not lines:
        return ""
    *most, last = lines
    start = "".join(line.text + (line.end or newline) for line in most)
    return start + last.text + ("" if unended else last.end or newline)


def _span(hunk: Hunk, above: int) -> tuple[int, int]:
    """The lines from the first change to the last, where ``above`` lines stand above the hunk."""
    signs = [sign for sign, _ in hunk.lines]
    first = next((at for at, sign in enumerate(signs) if sign != " "), 0)
    last = len(signs) - next((at for at, sign in enumerate(reversed(signs)) if sign != " "), 0)
    shown = sum(sign != "-" for sign in signs[:last])
    return above + first + 1, above + shown


def _note(hunk: Hunk, place: Place, drift: int) -> str:
    rung = RUNGS[place.rung]
    moved = hunk.start is not None and hunk.old and place.at != hunk.start - 1 + drift
    parts = [f"its lines are at {place.at + 1}, not {hunk.start}"] if moved else []
    if rung.without:
        parts.append(f"it fitted only without regard to {rung.without}")
    if place.indents is not None and any(a != b for a, b in place.indents.items()):
        parts.append("its new lines were indented like those in the file")
    return f"Hunk {hunk.number}: {'; '.join(parts)}." if parts else ""
