"""A line of text that is edited inside a dialog."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from akmon_core.limits import FIELD_CHARS
from akmon_tui.cells import Cell, boundary_after, boundary_before, cells, whole
from akmon_tui.dialogs.base import Press
from akmon_tui.lines import Line, line

_WORD = re.compile(r"\s*\S*")


class Field:
    """One line and the place in it where the next character goes."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.cursor = len(text)
        """An index into ``text``."""
        self._first = 0
        """Of the characters that are shown, in indices into ``text``."""

    def press(self, press: Press) -> bool:
        """Takes a key; False if it is none that edits a line."""
        if press.key == "<bracketed-paste>":
            self.insert(press.data)
            return True
        if edit := _EDITS.get(press.key):
            edit(self)
            return True
        if len(press.key) == 1 and unicodedata.category(press.key) != "Cc":
            self.insert(press.key)
            return True
        return False

    def insert(self, text: str) -> None:
        """Puts ``text`` where the cursor is, with its line ends as blanks, as far as there is room."""
        text = " ".join(whole(text).splitlines())
        text = text[: max(0, FIELD_CHARS - len(self.text))]
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def line(self, width: int) -> tuple[Line, int]:
        """As much as fits into ``width`` columns around the cursor, and the cursor's column."""
        before, after = list(cells(self.text[: self.cursor])), cells(self.text[self.cursor :])
        shown, used = self._scrolled(before, width)
        column = used
        for cell in after:
            used += cell.columns
            if used > width:
                break
            shown += cell.shown
        return line(shown), min(column, max(0, width - 1))

    def _scrolled(self, before: list[Cell], width: int) -> tuple[str, int]:
        """What is shown left of the cursor, and its columns: it moves no further than it must."""
        at, used, shown = self.cursor, 0, ""
        first = min(self._first, self.cursor)
        for cell in reversed(before):
            if at <= first or used + cell.columns > width - 1:
                break
            at, used, shown = at - cell.size, used + cell.columns, cell.shown + shown
        self._first = at
        return shown, used

    def remove(self, start: int, end: int) -> None:
        """Takes a part of the text out."""
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    def before(self) -> int:
        return boundary_before(self.text, self.cursor)

    def after(self) -> int:
        return boundary_after(self.text, self.cursor)

    def word_before(self) -> int:
        head = self.text[: self.cursor].rstrip()
        return len(head) - len(head.rsplit(None, 1)[-1]) if head else 0

    def word_after(self) -> int:
        found = _WORD.match(self.text, self.cursor)
        return found.end() if found else len(self.text)

    def go(self, to: int) -> None:
        self.cursor = to


_EDITS: Mapping[str, Callable[[Field], None]] = {
    "left": lambda field: field.go(field.before()),
    "c-b": lambda field: field.go(field.before()),
    "right": lambda field: field.go(field.after()),
    "c-f": lambda field: field.go(field.after()),
    "home": lambda field: field.go(0),
    "c-a": lambda field: field.go(0),
    "end": lambda field: field.go(len(field.text)),
    "c-e": lambda field: field.go(len(field.text)),
    "c-left": lambda field: field.go(field.word_before()),
    "c-right": lambda field: field.go(field.word_after()),
    "backspace": lambda field: field.remove(field.before(), field.cursor),
    "c-h": lambda field: field.remove(field.before(), field.cursor),
    "delete": lambda field: field.remove(field.cursor, field.after()),
    "c-w": lambda field: field.remove(field.word_before(), field.cursor),
    "c-u": lambda field: field.remove(0, field.cursor),
    "c-k": lambda field: field.remove(field.cursor, len(field.text)),
}
"""By prompt_toolkit's names of the keys, for which ``c-h`` is Backspace."""
