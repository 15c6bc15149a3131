"""What a patch says, whatever its format: which files it is about and what becomes of their lines."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

Action: TypeAlias = Literal["add", "delete", "update", "move", "copy"]

_NUMBERED = re.compile(r"@@ *-(\d{1,9})(?:,(\d{1,9}))? +\+(\d{1,9})(?:,(\d{1,9}))? *@@")


class Hunk(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring lines of a file, as they are and as they shall be."""

    number: int
    """In its file, from 1."""
    lines: tuple[tuple[str, str], ...]
    r"""Each a sign, one of `` -+``, and a text without its ``\\n``."""
    start: int | None = None
    """The line that the first old one is said to be, from 1; of a hunk without any, the line before it."""
    inserts: bool = False
    """Whether the patch says that the hunk has no old lines."""
    anchors: tuple[str, ...] = ()
    """Lines above the hunk, such as the heads of a class and of a method in it."""
    at_end: bool = False
    """Whether it is said to reach the end of the file."""
    old_unended: bool = False
    """Whether the last old line is said to have no line end."""
    new_unended: bool = False

    @property
    def old(self) -> list[str]:
        return [text for sign, text in self.lines if sign != "+"]

    @property
    def new(self) -> list[str]:
        return [text for sign, text in self.lines if sign != "-"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one file."""

    action: Action
    path: str
    """The file; of a move or a copy, where it comes from."""
    target: str = ""
    """Where a move or a copy leads."""
    hunks: tuple[Hunk, ...] = ()
    executable: bool | None = None
    """Whether it shall be executable; None leaves that as it is."""


class HunkHead(msgspec.Struct, frozen=True):
    """A line that begins a hunk. ``start``, ``old`` and ``new`` are the stated numbers, None without them."""

    start: int | None = None
    old: int | None = None
    new: int | None = None
    anchor: str = ""


def hunk_head(line: str) -> HunkHead:
    """What a line that begins with ``@@`` says. What follows numbers is only a remark."""
    if found := _NUMBERED.match(line):
        start, old, _, new = (int(number or 1) for number in found.groups())
        return HunkHead(start, old, new)
    anchor = line[2:].strip().removesuffix("@@").strip()
    return HunkHead(anchor="" if anchor in ("...", "…") else anchor)
