"""Text that is edited, as a terminal shows it: character by character, each with its columns. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import wcwidth

from akmon_core.text import reveal
from akmon_tui.lines import columns

_TAB = "    "


class Cell(NamedTuple):
    """What a person takes for one character, which may be several of Python's."""

    size: int
    """Of Python's characters."""
    shown: str
    columns: int


def cells(text: str) -> Iterator[Cell]:
    """The characters of ``text``. Those that control something or cannot be seen are named."""
    if text.isascii() and text.isprintable():
        for char in text:
            yield Cell(1, char, 1)
        return
    for cluster in wcwidth.iter_graphemes(text):
        shown = _shown(cluster)
        yield Cell(len(cluster), shown, columns(shown))


def boundary_before(text: str, at: int) -> int:
    """Where the character before ``at`` begins; 0 at the start."""
    found = _boundaries(text)
    return found[max(0, bisect_left(found, at) - 1)]


def boundary_after(text: str, at: int) -> int:
    """Where the character at ``at`` ends; the length of ``text`` at the end."""
    found = _boundaries(text)
    return found[min(len(found) - 1, bisect_right(found, at))]


def whole(text: str) -> str:
    """Bytes that are no UTF-8 arrive as halves of characters, which nothing could store or send."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves that no byte stands behind
        raw = text.encode("utf-8", "replace")
    return raw.decode("utf-8", "replace")


def _boundaries(text: str) -> list[int]:
    return [0, *accumulate(cell.size for cell in cells(text))]


def _shown(cluster: str) -> str:
    if cluster == "\t":
        return _TAB
    return reveal(cluster).replace("\n", "↵").replace("\t", _TAB)
