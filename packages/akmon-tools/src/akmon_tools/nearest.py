"""What somebody probably meant: the names and lines closest to one that was not found."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate, islice
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.text import one_line, reveal
from akmon_tools.replace import find_all
from akmon_tools.workspace import Workspace

_NAMES = 2_000
_SIMILAR = 0.6
"""Share of the characters that a line must have in common with one wanted to be worth showing."""
_LOOKED_FOR = 2
_PIECE = 3
"""Characters."""
_PIECES = 25
_HITS = 1_000
"""Places of one piece; more frequent ones count only if there are no others."""
_CANDIDATES = 30
_COMPARED_CHARS = 200
_SHOWN_LINES = 15


def not_found(workspace: Workspace, path: Path) -> ToolError:
    """That ``path`` does not exist, with similar names from its folder."""
    import difflib

    folder = path.parent
    if not folder.is_dir():
        return ToolError(f"{workspace.show(path)} does not exist, nor does its folder.")
    names: dict[str, str] = {}
    with suppress(PermissionError), os.scandir(folder) as entries:
        names = {
            entry.name.lower(): entry.name
            for entry in islice(entries, _NAMES)
            if not workspace.withholds("read", entry.path, folder)
        }
    close = difflib.get_close_matches(path.name.lower(), names, n=3, cutoff=0.5)
    near = ", ".join(reveal(workspace.show(folder / names[name])) for name in close)
    meant = f" Similar names: {near}." if near else " Use list or search to find it."
    return ToolError(f"{reveal(workspace.show(path))} does not exist.{meant}")


def nearest_lines(text: str, wanted: str, context: int = 3) -> str:
    """The lines of ``text`` most like those of ``wanted``, numbered; empty if none is similar.

    The longest lines of ``wanted`` are looked for, and those around the best are shown, as many as it has.
    """
    lines, wanted_lines = text.split("\n"), wanted.rstrip("\n").split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    longest = sorted(range(len(wanted_lines)), key=lambda n: -len(wanted_lines[n].strip()))[:_LOOKED_FOR]
    best, at, which = 0.0, 0, 0
    for n in longest:
        for line, similar in _candidates(text, starts, lines, wanted_lines[n].strip()):
            score = similar + _equal_around(lines, line, wanted_lines, n)
            if score > best:
                best, at, which = score, line, n
    if not best:
        return ""
    above, below = min(which, _SHOWN_LINES), min(len(wanted_lines) - which - 1, _SHOWN_LINES)
    first, last = max(at - above - context, 0), at + below + context + 1
    return number_lines(text.removesuffix("\n").split("\n")[first:last], first + 1)


def _candidates(text: str, starts: list[int], lines: list[str], wanted: str) -> Iterator[tuple[int, float]]:
    """The lines that are similar to ``wanted``, and how much.

    Only lines that share rare pieces with it are compared, which keeps large files quick.
    """
    import difflib

    wanted = wanted[:_COMPARED_CHARS]
    step = max(len(wanted) // _PIECES, 1)
    pieces = {wanted[n : n + _PIECE] for n in range(0, max(len(wanted) - _PIECE + 1, 1), step)} - {""}
    found = [find_all(text, piece, _HITS) for piece in pieces]
    rare = [places for places in found if len(places) < _HITS] or found
    shared = Counter(bisect_right(starts, place) - 1 for places in rare for place in places)
    matcher = difflib.SequenceMatcher(None, "", wanted, autojunk=False)
    for line, _ in sorted(shared.most_common(_CANDIDATES)):
        matcher.set_seq1(lines[line].strip()[: 2 * len(wanted) + 20])
        if (similar := matcher.ratio()) >= _SIMILAR:
            yield line, similar


def _equal_around(lines: list[str], at: int, wanted: list[str], which: int) -> int:
    """How many other lines of ``wanted`` are where they should be if its line ``which`` is line ``at``."""
    near = range(max(which - _SHOWN_LINES, 0), min(which + _SHOWN_LINES, len(wanted)))
    places = ((at + n - which, n) for n in near if n != which and wanted[n].strip())
    return sum(0 <= place < len(lines) and lines[place].strip() == wanted[n].strip() for place, n in places)


def number_lines(lines: list[str], first: int, width: int = 300) -> str:
    """Lines with their numbers, like ``cat -n``, each cut to ``width`` characters."""
    return "\n".join(
        f"{number:>6}\t{one_line(line, width) if len(line) > width else reveal(line.removesuffix(chr(13)))}"
        for number, line in enumerate(lines, first)
    )
