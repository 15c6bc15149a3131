"""What the keys do, in as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.pane import Key, Scroll, key_lines, key_of, key_rows, stacked
from akmon_tui.lines import Frame, Line, Piece, columns, width_of, wrap

_GAP = 3


class KeysHelp:
    """``rows`` are names of keys, and what they do. Its value is None."""

    def __init__(self, rows: Sequence[tuple[str, str]], title: str = "Keys") -> None:
        self._title = title
        self._rows = rows
        self._scroll = Scroll()

    def frame(self, width: int, height: int) -> Frame:
        foot = key_lines([Key("esc", "back")], width, key_rows(height))
        return stacked(self._title, self._body(width), foot, width, height, self._scroll)

    def press(self, press: Press) -> Done | None:
        key = key_of(press)
        if key in ("escape", "c-c", "q", "?", "enter"):
            return Done(None)
        self._scroll.press(key)
        return None

    def _body(self, width: int) -> list[Line]:
        names = max((columns(name) for name, _ in self._rows), default=0)
        lines = [
            (Piece(name.ljust(names + len(name) - columns(name)), "accent"), Piece(f"  {does}"))
            for name, does in self._rows
        ]
        widest = max((width_of(each) for each in lines), default=0)
        count = max(1, (width + _GAP) // (widest + _GAP))
        if count == 1:
            indent = (Piece(" " * (names + 2)),) if names + 2 < width // 2 else ()
            return [row for each in lines for row in wrap(each, max(1, width), indent)]
        deep = -(-len(lines) // count)
        return [_across(lines[at::deep], widest) for at in range(deep)]


def _across(cells: Sequence[Line], widest: int) -> Line:
    row: list[Piece] = []
    for cell in cells[:-1]:
        row += (*cell, Piece(" " * (widest - width_of(cell) + _GAP)))
    return (*row, *cells[-1])
