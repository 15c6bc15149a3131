"""Markdown by the line: what each line opens, continues and closes, and what is final after it."""

from __future__ import annotations

import copy
import re
from typing import Any, TypeAlias

from akmon_core.limits import MARKDOWN_NESTING
from akmon_tui.lines import Piece
from akmon_tui.md.leaves import Code, Heading, Leaf, Paragraph, Rule, Table
from akmon_tui.md.page import Container, Item, Page, Quote
from akmon_tui.md.tables import is_delimiter

References: TypeAlias = dict[str, Any]

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})\s*(.*)\Z")
_HEADING = re.compile(r" {0,3}(#{1,6})(?= |\Z)")
_RULE = re.compile(r" {0,3}([-*_])[ ]*(?:\1[ ]*){2,}\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*\Z")
_MARK = re.compile(r"( {0,3})(?:([-+*])|(\d{1,9})([.)]))( *)(.*)\Z")
_TASK = re.compile(r"\[([ xX])\] (?=.)")


class Blocks:
    """A text of Markdown as far as it has been read. Lines are written to ``page`` as soon as they are final.

    Where this differs from CommonMark, it is so that what is final never changes: there is an empty line
    between items of a list where there is one in the text, links know the addresses that were defined before
    them, and HTML is text.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self._within: list[Container] = []
        self._leaf: Leaf | None = None
        self._numbers: dict[int, tuple[str, int]] = {}
        self._references: References = {}
        self._blank = False
        self._titled = False
        """Whether the last block was a heading."""

    def copy(self, page: Page) -> Blocks:
        """The same, to be read on with apart from this one."""
        blocks = copy.copy(self)
        blocks.page = page
        blocks._within = [copy.copy(container) for container in self._within]
        page.moved(self._within, blocks._within)
        blocks._leaf = self._leaf and self._leaf.copy(page, blocks._within)
        blocks._numbers, blocks._references = dict(self._numbers), dict(self._references)
        return blocks

    @property
    def code(self) -> Code | None:
        """The code that lines go on with."""
        return self._leaf if isinstance(self._leaf, Code) else None

    def line(self, text: str, whole: bool = True) -> None:
        """The next line, without its end and tabs; or the start of one that is too long to be looked at."""
        text, matched = self._matched(text)
        if matched == len(self._within) and isinstance(self._leaf, Code) and self._leaf.take(text, whole):
            self._blank = not text.strip(" ") and not self._leaf.closed
            if self._leaf.closed:
                self._close_leaf()
            return
        self._start(text, matched, whole)

    def more(self, text: str) -> None:
        """More of the line that ``line`` got the start of."""
        if self._leaf:
            self._leaf.more(text)
        else:
            self.line(text, whole=False)

    def end(self) -> None:
        """No line follows."""
        self._close(0)

    def _matched(self, text: str) -> tuple[str, int]:
        """What is left of a line behind the marks of the containers it goes on with, and their number."""
        for number, container in enumerate(self._within):
            stripped = text.lstrip(" ")
            indent = len(text) - len(stripped)
            match container:
                case Quote():
                    if indent > 3 or not stripped.startswith(">"):
                        return text, number
                    text = stripped[1:].removeprefix(" ")
                case Item() if not stripped:
                    if container.empty:
                        return text, number
                case Item():
                    if indent < container.indent:
                        return text, number
                    text = text[container.indent :]
        return text, len(self._within)

    def _start(self, text: str, matched: int, whole: bool) -> None:
        """What a line begins behind the marks of ``matched`` containers."""
        opened = False
        while text and not text.isspace():
            goes_on = matched == len(self._within) and isinstance(self._leaf, Paragraph)
            if text.startswith("    "):
                if isinstance(self._leaf, Paragraph):
                    break
                self._close(matched)
                return self._open(Code(self.page, self._within, "", 4), text)
            if (rest := self._container(text, matched, goes_on)) is not None:
                text, matched, opened = rest, len(self._within), True
                continue
            if whole and self._block(text, matched, goes_on):
                return None
            break
        if opened and not text.strip(" "):
            return None
        return self._text(text, matched, whole)

    def _container(self, text: str, matched: int, goes_on: bool) -> str | None:
        """Opens the container that ``text`` begins with; the text behind its mark, None if there is none."""
        stripped = text.lstrip(" ")
        if stripped[0] not in ">-+*0123456789":
            return None
        if matched >= MARKDOWN_NESTING:
            return None
        if stripped[0] == ">":
            self._close(matched)
            self._push(Quote())
            return stripped[1:].removeprefix(" ")
        found = _MARK.match(text)
        if found is None or (not found[5] and found[6]) or _RULE.match(text):
            return None
        if goes_on and (_UNDERLINE.match(text) or not found[6] or found[3] not in (None, "1")):
            return None
        self._close(matched)
        return self._item(found)

    def _item(self, found: re.Match[str]) -> str:
        before, bullet, number, sign, blanks, rest = found.groups()
        depth = len(self._within)
        kind = bullet or sign
        known = self._numbers.get(depth)
        value = known[1] + 1 if known and known[0] == kind else int(number or 0)
        after = len(blanks) if rest and len(blanks) <= 4 else 1
        indent = len(before) + len(bullet or number + sign) + after
        text = " " * (len(blanks) - after) + rest
        mark = Piece("• " if bullet else f"{value}{sign} ", "dim")
        if task := _TASK.match(text):
            text = text[task.end() :]
            mark = Piece("[ ] ", "") if task[1] == " " else Piece("[x] ", "ok")
        self._push(Item(indent, mark, empty=not rest))
        self._numbers[depth] = kind, value
        return text

    def _push(self, container: Container) -> None:
        depth = len(self._within)
        forget = depth + 1 if isinstance(container, Item) else depth
        self._numbers = {key: value for key, value in self._numbers.items() if key < forget}
        for outer in self._within:
            if isinstance(outer, Item):
                outer.empty = False
        self._within.append(container)

    def _block(self, text: str, matched: int, goes_on: bool) -> bool:
        """Opens the block that ``text`` begins, if it does so by a mark."""
        if goes_on and isinstance(self._leaf, Paragraph) and self._underlined(self._leaf, text):
            return True
        if found := _FENCE.match(text):
            if found[2][0] == "`" and "`" in found[3]:
                return False
            self._close(matched)
            code = Code(self.page, self._within, found[3].strip(), len(found[1]), found[2])
            self._open(code)
            code.open()
        elif found := _HEADING.match(text):
            self._close(matched)
            title = _title(text[found.end() :])
            self._open(Heading(self.page, self._within, title, len(found[1]), self._references))
            self._close_leaf()
        elif _RULE.match(text):
            self._close(matched)
            self._open(Rule(self.page, self._within))
            self._close_leaf()
        else:
            return False
        return True

    def _underlined(self, leaf: Paragraph, text: str) -> bool:
        """Whether ``text`` makes the paragraph before it a heading, or its last line the head of a table."""
        if not leaf.begun and (found := _UNDERLINE.match(text)) and leaf.text:
            level = 1 if found[1][0] == "=" else 2
            self._leaf = Heading(self.page, self._within, leaf.text, level, self._references, leaf.gap)
            self._titled = True
            self._close_leaf()
            return True
        if not is_delimiter(text) or (head := leaf.head_for(text)) is None:
            return False
        gap = leaf.gap
        if leaf.without_last():
            self._close_leaf()
            gap = True
        self._leaf = Table(self.page, self._within, head, text, self._references, gap)
        return True

    def _text(self, text: str, matched: int, whole: bool) -> None:
        blank = not text or text.isspace()
        if not blank and matched < len(self._within) and isinstance(self._leaf, Paragraph):
            self._leaf.add(text, whole)
            return
        if matched < len(self._within):
            self._close(matched)
        if blank:
            self._blank = True
            self._close_leaf()
        elif isinstance(self._leaf, Paragraph | Table) and (whole or isinstance(self._leaf, Paragraph)):
            self._leaf.add(text, whole)
        else:
            self._close_leaf()
            self._open(Paragraph(self.page, self._within, self._references), text, whole)

    def _open(self, leaf: Leaf, text: str = "", whole: bool = True) -> None:
        depth = len(self._within)
        self._numbers = {key: value for key, value in self._numbers.items() if key < depth}
        items = [container for container in self._within if isinstance(container, Item)]
        leaf.gap = self._blank or not items or self._titled
        self._titled = isinstance(leaf, Heading)
        for item in items:
            item.empty = False
        self._blank = False
        self._leaf = leaf
        if text:
            leaf.add(text, whole)

    def _close(self, depth: int) -> None:
        """Closes the block that lines went on with, and the containers beyond ``depth``."""
        self._close_leaf()
        while len(self._within) > depth:
            item = self._within[-1]
            if isinstance(item, Item) and not item.marked:
                self.page.write(self._within, [()])
            self._within.pop()

    def _close_leaf(self) -> None:
        if self._leaf:
            self._leaf.close()
            self._leaf = None


def _title(text: str) -> str:
    """A heading without the marks that may follow it."""
    text = text.strip(" ")
    bare = text.rstrip("#")
    return bare.rstrip(" ") if not bare or bare.endswith(" ") else text
