"""Text within a paragraph, a heading or a cell: emphasis, code, links, images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from akmon_core.limits import MARKDOWN_MARKS
from akmon_core.text import neutralise
from akmon_tui.lines import Line, Piece, line, merged

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_PLAIN = re.compile(r"[^\\`*_~\[\]<&\n]*\Z")
_STYLES = {"em": "italic", "strong": "bold", "s": "strike", "link": "link"}
_LINKABLE = re.compile(r"(?:https?://|mailto:)[\x21-\x7e]+\Z", re.IGNORECASE)
_MARKS = re.compile(
    r"\\."
    r"|`+|\*+|_+|~~+"
    r"|\[|\](?:\([^()\s]*\))?"
    r"|<[a-z][^<>\s]*>"
    r"|\s+",
    re.DOTALL | re.IGNORECASE,
)
_OPEN = 32
"""Marks that are open at the same time, after which no place to cut is looked for."""


def inline(text: str, references: Mapping[str, Any], style: str = "") -> list[Line]:
    """``text`` in its styles, each of them after ``style``. There is one line up to each hard line break."""
    if _PLAIN.match(text):
        return [line(text, style)]
    if sum(map(text.count, "[*_~")) > MARKDOWN_MARKS:
        return [line(shown(part), style) for part in text.split("\n")]
    found = _parser().parseInline(text, {"references": references})
    return _Writer(style).write(found[0].children or [])


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


def label_of(text: str) -> str:
    """The key of a reference in ``references``."""
    from markdown_it.common.utils import normalizeReference

    return normalizeReference(text)


def address_of(text: str) -> str:
    """An address as links have it; empty if it is one that a link must not have."""
    address = _parser().normalizeLink(text)
    return address if _parser().validateLink(address) else ""


class _Writer:
    """Tokens of markdown-it made pieces."""

    def __init__(self, style: str) -> None:
        self._rows: list[list[Piece]] = [[]]
        self._styles = [style] if style else []
        self._links: list[tuple[str, int]] = []

    def write(self, tokens: list[Token]) -> list[Line]:
        for token in tokens:
            self._token(token)
        return [merged(row) for row in self._rows]

    def _token(self, token: Token) -> None:
        match token.type:
            case "softbreak":
                self._put(" ")
            case "hardbreak":
                self._rows.append([])
            case "code_inline":
                self._put(token.content, "code")
            case "image":
                self._put(f"[image: {token.content}] ({token.attrGet('src') or ''})", "dim")
            case "link_open":
                self._links.append((str(token.attrGet("href") or ""), self._length()))
                self._styles.append("link")
            case "link_close":
                self._close_link()
            case _ if token.nesting > 0:
                self._styles.append(_STYLES.get(token.tag, ""))
            case _ if token.nesting < 0:
                self._styles.pop()
            case _:
                self._put(token.content)

    def _put(self, text: str, style: str = "") -> None:
        address = self._links[-1][0] if self._links else ""
        styles = " ".join(dict.fromkeys(name for name in (*self._styles, style) if name))
        link = address if _LINKABLE.match(address) else ""
        self._rows[-1].append(Piece(shown(text), styles, link))

    def _length(self) -> int:
        return sum(len(piece.text) for row in self._rows for piece in row)

    def _close_link(self) -> None:
        address, start = self._links[-1]
        text = "".join(piece.text for row in self._rows for piece in row)[start:]
        self._styles.pop()
        if text not in (address, address.removeprefix("mailto:")):
            self._put(f" ({address})" if text else address, "dim")
        self._links.pop()


def shown(text: str) -> str:
    """``text`` without what has a meaning to a terminal: entities name any character."""
    return neutralise(text).replace("\n", " ").replace("\t", " ")


def scan(text: str) -> tuple[int, list[str]]:
    """Where the last blanks are before which nothing is open, 0 if nowhere; and the marks open at the end.

    What is open at the end may be closed by what comes after ``text``.
    """
    opened: list[str] = []
    safe = at = 0
    while len(opened) < _OPEN and (found := _MARKS.search(text, at)):
        at, mark = found.end(), found[0]
        match mark[0]:
            case "`":
                close = re.compile(rf"(?<!`){mark}(?!`)").search(text, at)
                if close is None:
                    opened.append(mark)
                    break
                at = close.end()
            case "*" | "_" | "~":
                _emphasis(text, found, opened)
            case "[":
                opened.append(mark)
            case "]":
                _close(opened, "[")
            case blank if blank.isspace() and not opened:
                safe = found.start()
    return safe, opened


def _emphasis(text: str, found: re.Match[str], opened: list[str]) -> None:
    mark = found[0]
    before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
    if mark[0] == "_" and before.isalnum() and after.isalnum():
        return
    if mark in opened and before.strip():
        _close(opened, mark)
    elif after.strip():
        opened.append(mark)


def _close(opened: list[str], mark: str) -> None:
    while mark in opened:
        if opened.pop() == mark:
            return


_HANGING = re.compile(r"(?:(?<=\s)|\A)(?:\*+|_+|~+|`+)\Z")


def closed(text: str) -> str:
    """``text`` that is still being written, with what it leaves open closed: it looks as it will later."""
    text = _HANGING.sub("", text)
    _, opened = scan(text)
    marks = [mark for mark in reversed(opened) if mark != "["]
    if marks and len(marks[0]) > 1:
        text = text.rstrip(marks[0][0])
    return text + "".join(marks)
