"""A list to choose from, which shrinks as one types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from akmon_tui.asking import on_one_line
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.field import Field
from akmon_tui.dialogs.pane import Key, Scroll, block, framed, key_lines, key_of, key_rows, labelled, remark
from akmon_tui.lines import Frame, Line, Piece, columns, cut, line, merged, width_of

_SIDE = 100
"""Columns from which a preview stands beside the list."""
_UNDER = 14
"""Lines from which a preview stands below it."""
_BELOW = 6
"""Lines from which there is room for what the chosen row has no room for."""


class Row(NamedTuple):
    """Something to choose."""

    label: str
    value: object
    detail: str = ""
    disabled: str = ""
    """Why it cannot be chosen; empty if it can."""
    group: str = ""
    """A heading over it and its neighbours."""
    words: str = ""
    """What else it is found by."""
    state: str = ""
    """A word before the detail, in a style of its own."""
    tone: str = ""
    """That style."""


class Picker:
    """Its value is that of the row chosen, with an extra key the pair of key and value, or None."""

    def __init__(
        self,
        title: str,
        rows: Sequence[Row],
        *,
        current: object = None,
        empty: str = "There is nothing to choose from.",
        extra: Sequence[Key] = (),
        chooses: str = "chooses",
        preview: Callable[[Row, int], list[Line]] | None = None,
    ) -> None:
        self._title = title
        self._rows = rows
        self._current = current
        self._empty = empty
        self._extra = extra
        self._chooses = chooses
        self._preview = preview
        self._field = Field()
        self._scroll = Scroll()
        self._note = ""
        self._matches: Sequence[Row] = rows
        self._at = next((at for at, row in enumerate(rows) if row.value == current), 0)
        self._page = 1
        self._labels = max((columns(on_one_line(row.label)) for row in rows), default=0)

    def renew(self, rows: Sequence[Row]) -> None:
        """Has these rows in place of those it had; what was typed and chosen stays as far as it can."""
        chosen = self.selected
        self._rows = rows
        self._labels = max((columns(on_one_line(row.label)) for row in rows), default=0)
        query = self._field.text.strip()
        self._matches = _matching(query, rows) if query else rows
        same = (at for at, row in enumerate(self._matches) if chosen and row.value == chosen.value)
        self._at = next(same, max(0, min(self._at, len(self._matches) - 1)))

    @property
    def selected(self) -> Row | None:
        """The row that Enter would choose."""
        return self._matches[self._at] if self._matches else None

    def press(self, press: Press) -> Done | None:
        key = key_of(press)
        chosen = self.selected
        if key in ("escape", "c-c"):
            return Done(None)
        if chosen and any(key == each.key for each in self._extra):
            return Done((key, chosen.value))
        if key == "enter":
            return self._enter(chosen)
        self._note = ""
        moves = {"up": -1, "down": 1, "pageup": -self._page, "pagedown": self._page}
        ends = {"home": -len(self._matches), "end": len(self._matches)}
        if by := (moves | ends).get(key, 0):
            self._at = max(0, min(self._at + by, len(self._matches) - 1))
        else:
            self._type(press)
        return None

    def _enter(self, chosen: Row | None) -> Done | None:
        if chosen is None:
            return None
        if chosen.disabled:
            self._note = f"{chosen.label}: {chosen.disabled}"
            return None
        return Done(chosen.value)

    def _type(self, press: Press) -> None:
        before, chosen = self._field.text, self.selected
        self._field.press(press)
        if self._field.text == before:
            return
        query = self._field.text.strip()
        self._matches = _matching(query, self._rows) if query else self._rows
        same = (at for at, row in enumerate(self._matches) if row is chosen)
        self._at = 0 if query else next(same, 0)

    def frame(self, width: int, height: int) -> Frame:
        shown, column = self._field.line(max(1, width - 2))
        query, column = labelled("> ", shown, column)
        keys = [Key("enter", self._chooses), Key("↑ ↓", "move"), *self._extra, Key("esc", "back")]
        foot = remark(self._note, width, height)
        foot += key_lines(keys, width, key_rows(height))
        body = self._body(width, height - 2 - len(foot))
        lines = [self._head(), query, *body, *foot]
        return framed(lines, width, height, (1, column))

    def _head(self) -> Line:
        counted = f"  {self._at + 1:,} of {len(self._matches):,}" if self._matches else ""
        return (Piece(on_one_line(self._title), "ask"), *line(counted, "dim"))

    def _body(self, width: int, rows: int) -> list[Line]:
        """The list, with the preview beside or below it where there is room."""
        chosen = self.selected
        if chosen is None:
            said = f"Nothing matches {on_one_line(self._field.text)}." if self._rows else self._empty
            return block(said, width, "dim")[: max(0, rows)]
        if self._preview is None or width < _SIDE:
            below = self._below(chosen, width, rows)
            return [*self._list(width, rows - len(below)), *below]
        left = width * 5 // 9
        beside = self._preview(chosen, width - left - 2)
        listed = self._list(left - 1, rows)
        some = max(len(listed), min(rows, len(beside)))
        return [_side_by_side(_nth(listed, at), _nth(beside, at), left) for at in range(some)]

    def _below(self, chosen: Row, width: int, rows: int) -> list[Line]:
        """The preview, or what else the chosen row says that has no room in the list."""
        if self._preview and rows >= _UNDER:
            return [line("─" * width, "dim"), *self._preview(chosen, width)[: rows // 3]]
        said = chosen.disabled or chosen.detail
        if rows < _BELOW or columns(on_one_line(said)) <= width - 5 - min(self._labels, width // 2):
            return []
        return block(on_one_line(said), width, "dim")[: rows // 3]

    def _list(self, width: int, rows: int) -> list[Line]:
        """The rows that are in sight, with headings over groups."""
        entries: list[str | int] = []
        heading = ""
        for at, row in enumerate(self._matches):
            if row.group != heading:
                heading = row.group
                entries.append(heading)
            entries.append(at)
        at = entries.index(self._at)
        first = at - 1 if at and isinstance(entries[at - 1], str) and rows > 1 else at
        self._scroll.show(first, at + 1, rows)
        self._page = max(1, rows - 1)
        labels = min(self._labels, width // 2)
        shown = self._scroll.window(entries, rows, width)
        return [
            line(on_one_line(each), "heading") if isinstance(each, str) else self._row(each, width, labels)
            for each in shown
        ]

    def _row(self, at: int, width: int, labels: int) -> Line:
        row, chosen = self._matches[at], at == self._at
        now = self._current is not None and row.value == self._current
        mark = f"{'▸' if chosen else ' '}{'•' if now else ' '} "
        label = cut(line(mark + on_one_line(row.label)), labels + 3)
        gap = " " * max(0, labels + 3 - width_of(label))
        detail = f"  {on_one_line(row.disabled or row.detail)}" if row.disabled or row.detail else ""
        state = f"  {on_one_line(row.state)}" if row.state else ""
        styles = ("selected",) * 3 if chosen else ("dim" if row.disabled else "", row.tone, "dim")
        text = "".join(piece.text for piece in label) + (gap if state or detail else "")
        whole = merged((Piece(text, styles[0]), Piece(state, styles[1]), Piece(detail, styles[2])))
        return cut(whole, width)


def _matching(query: str, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows that have every word of ``query``, or else its letters in that order; as they were ordered."""
    words = query.casefold().split()
    searched = [f"{row.label} {row.group} {row.state} {row.detail} {row.words}".casefold() for row in rows]
    found = [row for row, text in zip(rows, searched, strict=True) if all(word in text for word in words)]
    return found or [row for row in rows if _has_in_order("".join(words), row.label.casefold())]


def _has_in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)


def _nth(lines: Sequence[Line], at: int) -> Line:
    return lines[at] if at < len(lines) else ()


def _side_by_side(one: Line, other: Line, left: int) -> Line:
    gap = " " * max(0, left - 1 - width_of(one))
    return merged((*one, Piece(gap), Piece("│ ", "dim"), *other))
