"""Text as numbered lines: a range of it within the caps, long lines folded, and where to go on."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeAlias

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import LINE_CHARS, LINE_ROWS, READ_BYTES, READ_LINES
from akmon_core.text import reveal

_CHUNK = 1_000_000
_SHOWN = LINE_CHARS * LINE_ROWS


class Range(msgspec.Struct, frozen=True):
    """What is asked for: the first line, from 1, and how many at most."""

    offset: int = 1
    limit: int = READ_LINES


class Page(msgspec.Struct, frozen=True):
    """Numbered lines, and what the reader should know of the rest."""

    text: str
    lines: int
    note: str = ""
    full: bool = False
    """No more fits."""


Line: TypeAlias = tuple[str, int]
"""As much of a line as can be shown, and how many characters it has."""


def page_of(text: str, name: str, wanted: Range) -> Page:
    """A page of ``text``. Raises ``ToolError`` if it ends before."""
    lines = text.removesuffix("\n").split("\n") if text else []
    if not lines:
        return Page("", 0, f"[{name} is empty]")
    if wanted.offset > len(lines):
        raise past_end(name, len(lines), "lines", wanted.offset)
    page = _page(map(_line, islice(lines, wanted.offset - 1, None)), wanted)
    if wanted.offset + page.lines > len(lines):
        return page
    return msgspec.structs.replace(page, note=go_on("lines", wanted.offset, page.lines, len(lines)))


def page_of_stream(stream: io.TextIOWrapper, name: str, wanted: Range) -> Page:
    """The same of a stream, of which neither all lines nor a whole long one are held in memory."""
    lines = _lines(stream)
    for skipped in range(wanted.offset - 1):
        if next(lines, None) is None:
            raise past_end(name, skipped, "lines", wanted.offset)
    page = _page(lines, wanted)
    if not page.lines:
        raise past_end(name, wanted.offset - 1, "lines", wanted.offset)
    if not page.full and next(lines, None) is None:
        return page
    return msgspec.structs.replace(page, note=go_on("lines", wanted.offset, page.lines))


def go_on(what: str, first: int, shown: int, total: int = 0) -> str:
    """Says which were shown, of how many if that is known, and where to go on."""
    last = first + shown - 1
    return f"\n[{what} {first}-{last}{f' of {total}' if total else ''}; go on with offset={last + 1}]"


def past_end(name: str, total: int, what: str, offset: int) -> ToolError:
    return ToolError(f"{name} has {total} {what}; offset {offset} is past its end.")


def _page(lines: Iterable[Line], wanted: Range) -> Page:
    """As many lines as the caps allow, at least one if there is one."""
    rows: list[str] = []
    size = 0
    for number, line in enumerate(islice(lines, min(wanted.limit, READ_LINES)), wanted.offset):
        row = _row(number, *line)
        size += len(row.encode(errors="replace")) + 1
        if rows and size > READ_BYTES:
            return Page("\n".join(rows), len(rows), full=True)
        rows.append(row)
    return Page("\n".join(rows), len(rows))


def _row(number: int, start: str, length: int) -> str:
    """A line with its number. A long one goes on in rows without a number, but not for ever."""
    if length <= LINE_CHARS:
        return f"{number:>6}\t{reveal(start)}"
    cuts = range(0, min(length, _SHOWN), LINE_CHARS)
    rows = [f"{'' if cut else number:>6}\t{reveal(start[cut : cut + LINE_CHARS])}" for cut in cuts]
    if length > _SHOWN:
        rows.append(
            f"[line {number} has {length - _SHOWN:,} more characters; "
            f"see some with: sed -n {number}p FILE | cut -c {_SHOWN + 1}-{2 * _SHOWN}]"
        )
    return "\n".join(rows)


def _lines(stream: io.TextIOWrapper) -> Iterator[Line]:
    while start := stream.readline(_SHOWN + 2):
        length = len(start)
        rest = start
        while not rest.endswith("\n") and (rest := stream.readline(_CHUNK)):
            length += len(rest)
        if length == len(start):
            yield _line(start.removesuffix("\n"))
        else:
            yield start, length - rest.endswith("\n")


def _line(text: str) -> Line:
    text = text.removesuffix("\r")
    return text, len(text)
