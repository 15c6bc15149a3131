"""What text is in: paragraphs, headings, code, tables. Each writes its lines as soon as they are final."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, Self

from akmon_core.limits import (
    MARKDOWN_LINE_CHARS,
    MARKDOWN_PARAGRAPH_CHARS,
    MARKDOWN_REFERENCES,
    MARKDOWN_TABLE_ROWS,
)
from akmon_tui.highlight import Highlighter
from akmon_tui.lines import Line, Piece, cut, line, wrap
from akmon_tui.md import tables
from akmon_tui.md.inline import address_of, closed, inline, label_of, scan
from akmon_tui.md.page import Container, Page, Quote

_DEFINITION = re.compile(r"\[([^\[\]^][^\[\]]*)\]: *(<[^<>]*>|\S+)( +(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))? *\Z")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)


class Leaf:
    """A block that has text in it and no other blocks."""

    gap = False
    """Whether there is an empty line before it."""

    def __init__(self, page: Page, within: Sequence[Container]) -> None:
        self.page = page
        self.within = tuple(within)
        self.begun = False

    def add(self, text: str, whole: bool = True) -> None:
        """A line, of which more follows if it is not ``whole``."""

    def more(self, text: str) -> None:
        """More of that line."""

    def close(self) -> None:
        """No line follows."""

    def copy(self, page: Page, within: Sequence[Container]) -> Self:
        """The same on another page."""
        leaf = copy.copy(self)
        leaf.page, leaf.within = page, tuple(within)
        return leaf

    @property
    def room(self) -> int:
        return self.page.room(self.within)

    @property
    def style(self) -> str:
        return "quote" if any(isinstance(container, Quote) for container in self.within) else ""

    def _begin(self) -> None:
        if self.gap and not self.begun:
            self.page.gap(self.within)
        self.begun = True

    def _write(self, rows: Sequence[Line]) -> None:
        self._begin()
        self.page.write(self.within, rows)

    def _prose(self, rows: Sequence[Line]) -> None:
        self._write([row for text in rows for row in wrap(text, self.room)])


class Rule(Leaf):
    """A line from side to side."""

    def close(self) -> None:
        self._write([line("─" * min(self.room, 40), "dim")])


class Heading(Leaf):
    """A heading of ``level`` 1 to 6."""

    def __init__(
        self,
        page: Page,
        within: Sequence[Container],
        text: str,
        level: int,
        references: dict[str, Any],
        gap: bool = False,
    ) -> None:
        super().__init__(page, within)
        self._text, self._references, self.gap = text, references, gap
        self._style = "heading underline" if level == 1 else "heading"

    def close(self) -> None:
        text = closed(self._text) if self.page.limit else self._text
        self._prose(inline(text, self._references, self._style))


class Paragraph(Leaf):
    """Text, of which a long one is written in parts: all but the last line of each part."""

    def __init__(self, page: Page, within: Sequence[Container], references: dict[str, Any]) -> None:
        super().__init__(page, within)
        self._references = references
        self._carry: Line = ()
        self.text = ""

    def add(self, text: str, whole: bool = True) -> None:
        self.text += "\n" * bool(self.text) + text.lstrip(" ")
        self._write_parts()

    def more(self, text: str) -> None:
        self.text += text
        self._write_parts()

    def close(self) -> None:
        while not self.begun and (found := _DEFINITION.match(self.text.partition("\n")[0])):
            self._define(found)
            self.text = self.text.partition("\n")[2]
            if not self.text:
                return
        text = self.text.rstrip(" ")
        rows = self._inline(closed(text) if self.page.limit else text)
        self._prose([row for row in rows if row] or ([()] if not self.begun else []))

    def head_for(self, delimiter: str) -> list[str] | None:
        """The last line as the head of a table, if it has as many cells as ``delimiter``."""
        before, _, last = self.text.rpartition("\n")
        if (self.begun and not before) or len(last) > MARKDOWN_LINE_CHARS or "|" not in last + delimiter:
            return None
        head = tables.split_row(last)
        return head if len(head) == len(tables.alignments(delimiter)) else None

    def without_last(self) -> bool:
        """Takes the last line away; whether something is left."""
        self.text = self.text.rpartition("\n")[0]
        return bool(self.text or self._carry)

    def _inline(self, text: str) -> list[Line]:
        first, *rest = inline(text, self._references, self.style)
        return [(*self._carry, *first), *rest]

    def _write_parts(self) -> None:
        while len(self.text) > MARKDOWN_PARAGRAPH_CHARS:
            part = self.text[:MARKDOWN_PARAGRAPH_CHARS]
            at = scan(part)[0] or max(part.rfind(" "), part.rfind("\n"))
            part = part[:at] if at > 0 else part
            self.text = self.text[len(part) :]
            blank = " " if self.text[:1].isspace() else ""
            self.text = self.text.lstrip(" \n")
            *done, last = [row for text in self._inline(part.rstrip(" ")) for row in wrap(text, self.room)]
            self._carry = (*last, Piece(blank)) if blank else last
            if done:
                self._write(done)

    def _define(self, found: re.Match[str]) -> None:
        label, target, title = found.groups()
        address = address_of(target.removeprefix("<").removesuffix(">"))
        if address and len(self._references) < MARKDOWN_REFERENCES:
            value = {"href": address, "title": (title or "").strip()[1:-1]}
            self._references.setdefault(label_of(label), value)
        gap = self.gap and not self.begun
        if gap:
            self.page.gap(self.within)
        self.gap = False
        self.page.write(self.within, wrap(line(found[0], "dim"), self.room))

    def copy(self, page: Page, within: Sequence[Container]) -> Self:
        leaf = super().copy(page, within)
        leaf._references = dict(self._references)
        return leaf


class Code(Leaf):
    """Lines of code as they are; final one by one. ``fence`` is what ends them, empty for indented ones."""

    def __init__(
        self, page: Page, within: Sequence[Container], info: str, indent: int, fence: str = ""
    ) -> None:
        super().__init__(page, within)
        self._info, self._indent, self._fence = info, indent, fence
        self._highlighter = Highlighter(info.partition(" ")[0].partition("{")[0].partition(",")[0])
        self._blanks = 0
        self._parts: list[str] = []
        self.closed = False

    def take(self, text: str, whole: bool = True) -> bool:
        """Whether the line is the code's."""
        self._end_line()
        stripped = text.strip(" ")
        if not self._fence:
            if not stripped:
                self._blanks += 1
                return True
            if not text.startswith("    "):
                return False
        elif whole and self._ends(text, stripped):
            self.closed = True
            return True
        self.add(text, whole)
        return True

    def add(self, text: str, whole: bool = True) -> None:
        indent = min(self._indent, len(text) - len(text.lstrip(" ")))
        self._parts = [text[indent:]]
        if whole:
            self._end_line()

    def more(self, text: str) -> None:
        self._parts.append(text)

    def close(self) -> None:
        self._end_line()
        self._open()

    def copy(self, page: Page, within: Sequence[Container]) -> Self:
        leaf = super().copy(page, within)
        leaf._highlighter = self._highlighter.copy()
        kept = page.limit * page.width // MARKDOWN_LINE_CHARS + 2
        leaf._parts = self._parts[-kept:]
        return leaf

    def open(self) -> None:
        """Writes what is said about the code before it: the language."""
        self._open()

    def _open(self) -> None:
        if self.begun:
            return
        self._begin()
        if self._info:
            self._write([cut(line(self._info, "dim"), self.room)])

    def _ends(self, text: str, stripped: str) -> bool:
        return (
            len(stripped) >= len(self._fence)
            and not stripped.strip(self._fence[0])
            and not text.startswith("    ")
        )

    def _end_line(self) -> None:
        if not self._parts:
            return
        text, self._parts = "".join(self._parts), []
        self._open()
        for _ in range(self._blanks):
            self.page.code(self.within, ())
        self._blanks = 0
        known = self._highlighter.known
        self.page.code(self.within, self._highlighter.line(text) if known else line(text, "code"))


class Table(Leaf):
    """Rows of cells. The first rows decide how wide the columns are; later ones are final one by one."""

    def __init__(
        self,
        page: Page,
        within: Sequence[Container],
        head: Sequence[str],
        delimiter: str,
        references: dict[str, Any],
        gap: bool,
    ) -> None:
        super().__init__(page, within)
        self.gap = gap
        self._references = references
        self._head = [self._cell(text, "bold") for text in head]
        self._aligned = tables.alignments(delimiter)
        self._widths = tables.natural([self._head])
        self._rows: list[list[tables.Cell]] = []

    def add(self, text: str, whole: bool = True) -> None:
        texts = tables.split_row(text)[: len(self._head)]
        row = [self._cell(cell, self.style) for cell in texts]
        row += [[()]] * (len(self._head) - len(row))
        if self.begun:
            self._write_rows([row])
            return
        self._rows.append(row)
        self._widths = list(map(max, self._widths, tables.natural([row])))
        if len(self._rows) >= MARKDOWN_TABLE_ROWS:
            self._widths = [width + width // 3 + 2 for width in self._widths]  # rows to come may be wider
            self._write_table()

    def close(self) -> None:
        if not self.begun:
            self._write_table()

    def copy(self, page: Page, within: Sequence[Container]) -> Self:
        leaf = super().copy(page, within)
        leaf._rows = self._rows[:]
        return leaf

    def _cell(self, text: str, style: str) -> tables.Cell:
        if self.page.limit:
            text = closed(text)
        if "<" not in text:
            return inline(text, self._references, style)
        return [row for part in _BREAK.split(text) for row in inline(part, self._references, style)]

    def _write_table(self) -> None:
        if fitted := tables.fit(self._widths, self.room):
            self._write([*tables.laid_out(self._head, fitted, self._aligned), tables.ruled(fitted)])
        rows, self._rows = self._rows, []
        self._write_rows(rows[-self.page.limit :] if self.page.limit else rows)

    def _write_rows(self, rows: Sequence[Sequence[tables.Cell]]) -> None:
        fitted = tables.fit(self._widths, self.room)
        for row in rows:
            if fitted:
                self._write(list(tables.laid_out(row, fitted, self._aligned)))
                continue
            if self.begun:
                self.page.gap(self.within)
            self._write(list(tables.listed(self._head, row, self.room)))
        if not self.begun:
            self._write(list(tables.listed(self._head, self._head, self.room)))
