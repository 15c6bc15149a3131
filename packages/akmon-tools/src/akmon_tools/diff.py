"""A change to a text as a unified diff with its counts, small enough to show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from akmon_core.limits import DIFF_LINES, LINE_CHARS
from akmon_core.text import reveal
from akmon_core.tools import DiffView

_CONTEXT = 3
_COMPARED = 5_000
"""Lines between the first and the last difference above which the parts are not matched with each other."""


def diff_view(path: str, before: str, after: str) -> DiffView:
    """The diff from ``before`` to ``after``: counts of the whole, lines up to ``DIFF_LINES``."""
    old, new = _lines(before), _lines(after)
    lines = list(_unified(old, new))
    changes = [line for line in lines if not line.startswith("@@")]
    shown = [_show(line) for line in lines[:DIFF_LINES]]
    if len(lines) > DIFF_LINES:
        shown.append(f"[... {len(lines) - DIFF_LINES:,} more lines ...]")
    return DiffView(
        path=reveal(path),
        diff="\n".join(shown),
        added=sum(line.startswith("+") for line in changes),
        removed=sum(line.startswith("-") for line in changes),
    )


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
        return lines
    return lines[:-1]


def _show(line: str) -> str:
    shown = reveal(line.replace("\r\n", "\n").removesuffix("\r"))
    return shown if len(shown) <= LINE_CHARS else f"{shown[:LINE_CHARS]}…"


def _unified(old: list[str], new: list[str]) -> Iterator[str]:
    """Compares only what lies between the first and the last difference, which keeps large files quick."""
    same = _same(old, new)
    limit = min(len(old), len(new)) - same
    same_end = min(_same(old[::-1], new[::-1]), limit)
    if max(len(old), len(new)) - same - same_end > _COMPARED:
        yield from _replaced(old[same : len(old) - same_end], new[same : len(new) - same_end], same)
        return
    import difflib

    first = max(same - _CONTEXT, 0)
    last = max(same_end - _CONTEXT, 0)
    hunks = difflib.unified_diff(
        old[first : len(old) - last], new[first : len(new) - last], n=_CONTEXT, lineterm=""
    )
    for line in list(hunks)[2:]:
        yield _shift(line, first) if line.startswith("@@") else line


def _same(old: list[str], new: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _replaced(old: list[str], new: list[str], first: int) -> Iterator[str]:
    yield f"@@ -{first + 1},{len(old)} +{first + 1},{len(new)} @@"
    yield from (f"-{line}" for line in old)
    yield from (f"+{line}" for line in new)


def _shift(header: str, lines: int) -> str:
    return re.sub(r"(?<=[-+])\d+", lambda match: str(int(match[0]) + lines), header)
