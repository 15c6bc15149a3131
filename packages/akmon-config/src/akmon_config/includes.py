"""Finds what a Markdown text includes by ``@path``, as far as it is no code and no comment."""

from __future__ import annotations

import re

from akmon_core.limits import INCLUDES

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_INCLUDE = re.compile(r"(?:^|(?<=[\s(]))@([^\s@`<>\"'()\[\]{}|*?]{1,250})", re.MULTILINE)
_AT_THE_END = ".,;:!"


def included(text: str) -> list[str]:
    """The paths in the order in which they stand in ``text``, each once: at most ``INCLUDES``.

    Not every word that begins with ``@`` is meant as one: ``@types/node`` names a package.
    """
    prose = _COMMENT.sub("", "\n".join(_without_spans(line) for line in _unfenced(text)))
    paths: dict[str, None] = {}
    for found in _INCLUDE.finditer(prose):
        if path := found[1].rstrip(_AT_THE_END):
            paths[path] = None
        if len(paths) == INCLUDES:
            break
    return list(paths)


def _unfenced(text: str) -> list[str]:
    """The lines outside of code fences; a fence that is never closed reaches to the end."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = ""
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            fence = found[1]
        else:
            lines.append(line)
    return lines


def _without_spans(line: str) -> str:
    """``line`` without its code spans: what stands between two equally long rows of backticks."""
    if "`" not in line:
        return line
    rows = list(re.finditer("`+", line))
    kept: list[str] = []
    unmatched: set[int] = set()  # lengths of rows that do not come again
    at, start = 0, 0
    while at < len(rows):
        length = len(rows[at][0])
        end = None
        if length not in unmatched:
            end = next((n for n in range(at + 1, len(rows)) if len(rows[n][0]) == length), None)
        if end is None:
            unmatched.add(length)
            at += 1
            continue
        kept.append(line[start : rows[at].start()])
        start, at = rows[end].end(), end + 1
    return "`".join([*kept, line[start:]])
