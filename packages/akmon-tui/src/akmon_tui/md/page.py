"""Where the lines of blocks go: behind the bars of quotes and the marks of list items, with gaps between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from akmon_tui.lines import Line, Piece, columns, cut, merged, width_of

BAR = Piece("│ ", "quote")


@dataclass(slots=True)
class Quote:
    """What ``>`` opens."""


@dataclass(slots=True)
class Item:
    """What a mark of a list opens."""

    indent: int
    """Blanks that lines of it begin with."""
    mark: Piece
    """What is shown before its first line, with the blank after it."""
    empty: bool = False
    """Whether nothing was in the line with the mark, and nothing came since."""
    marked: bool = False
    """Whether the mark has been written."""


Container: TypeAlias = Quote | Item


class Page:
    """Lines written so far, and what the next ones depend on."""

    def __init__(self, width: int, limit: int = 0) -> None:
        self.width = width
        self.limit = limit
        """Lines at the end that are looked at, where text is still being written; 0 is all."""
        self.lines: list[Line] = []
        self.begun = False
        """Whether a line has been written, be it taken away since."""
        self._within: tuple[Container, ...] = ()

    def ahead(self, width: int, limit: int) -> Page:
        """An empty page that goes on where this one ends, and leaves it alone."""
        page = Page(width, limit)
        page.begun, page._within = self.begun, self._within
        return page

    def moved(self, before: Sequence[Container], now: Sequence[Container]) -> None:
        """``now`` stands for the containers of ``before``."""
        known = {id(old): new for old, new in zip(before, now, strict=True)}
        self._within = tuple(known.get(id(container), container) for container in self._within)

    def room(self, within: Sequence[Container]) -> int:
        """Columns for text in there, at least half of all."""
        return self.width - min(sum(_size(container) for container in within), self.width // 2)

    def gap(self, within: Sequence[Container]) -> None:
        """An empty line before the next block, which is in there."""
        if not self.begun:
            return
        bars: list[Container] = []
        for before, now in zip(self._within, within, strict=False):
            if before is not now:
                break
            bars.append(now)
        while bars and isinstance(bars[-1], Item):
            bars.pop()
        self.lines.append(_trimmed(self._prefix(bars, {})))

    def write(self, within: Sequence[Container], rows: Iterable[Line]) -> None:
        """``rows``, each at most ``room(within)`` columns wide, behind what stands before text in there."""
        marks: dict[int, Item] = {
            number: item for number, item in enumerate(within) if isinstance(item, Item) and not item.marked
        }
        for row in rows:
            self.lines.append(_trimmed(merged((*self._prefix(within, marks), *row))))
            self._wrote(within, marks.values())
            marks = {}

    def code(self, within: Sequence[Container], row: Line) -> None:
        """A line with nothing before it, so that it can be copied as it is."""
        if any(isinstance(item, Item) and not item.marked for item in within):
            self.write(within, [()])
        self.lines.append(row)
        self._wrote(within, ())

    def _wrote(self, within: Sequence[Container], marked: Iterable[Item]) -> None:
        for item in marked:
            item.marked = True
        self.begun, self._within = True, tuple(within)

    def _prefix(self, within: Sequence[Container], marks: dict[int, Item]) -> Line:
        pieces = [
            BAR
            if isinstance(container, Quote)
            else container.mark
            if number in marks
            else Piece(" " * columns(container.mark.text))
            for number, container in enumerate(within)
        ]
        prefix = merged(pieces)
        return prefix if width_of(prefix) <= self.width // 2 else cut(prefix, self.width // 2, "")


def _size(container: Container) -> int:
    return columns(BAR.text if isinstance(container, Quote) else container.mark.text)


def _trimmed(row: Line) -> Line:
    """``row`` without blanks at its end."""
    while row and row[-1].text.endswith(" "):
        text = row[-1].text.rstrip(" ")
        row = (*row[:-1], row[-1]._replace(text=text)) if text else row[:-1]
    return row
