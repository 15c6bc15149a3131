"""Paints lines below each other: finished ones for good, live ones so that they can change.

What is finished becomes the terminal's own scrollback. The live area stands below it, and leaves at least one
row of the terminal free. Where on the screen that is, is not known: all moves are relative to its first row.
Each paint is one write, of what differs only.

After a change of size most terminals wrap anew what they show. The live area may then take more rows, which
is worked out from what was shown, and all of it is painted again. In terminals that do not wrap anew (xterm,
GNU screen: ``reflows=False``) each line stays one row, and what was beyond the new edge is gone, of finished
lines on the screen too. A live area that is higher than a screen that became smaller has scrolled away in
part, and that part stays in the scrollback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import wcwidth

from akmon_tui.lines import Frame, Line, columns, cut, text_of, width_of
from akmon_tui.patching import best_seam, is_steady, patch
from akmon_tui.pen import Pen

SYNCHRONISED_CHARS = 200
"""A paint that writes more is to appear at once, without its steps; others are too short to flicker."""

_SYNCHRONISE, _SHOW_ALL = "\x1b[?2026h", "\x1b[?2026l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_KEEP, _BACK = "\x1b7", "\x1b8"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"

_EMPTY: list[Line] = [()]
"""A live area without lines is the empty row that the cursor stands in."""

_Place: TypeAlias = tuple[int, int]


class Painter:
    """Between ``erase`` or ``leave`` and the next ``paint`` others may write, if they end in the first column
    of an empty row."""

    def __init__(
        self,
        write: Callable[[str], object],
        size: Callable[[], tuple[int, int]],
        encode: Callable[[Line], str],
        *,
        reflows: bool = True,
    ) -> None:
        """``size`` gives columns and rows; ``reflows`` is whether the terminal wraps anew on a new size."""
        self._write = write
        self._ask_size = size
        self._encode = encode
        self._reflows = reflows
        self._size = size()
        self._shown = _EMPTY
        self._row = 0
        """Of the cursor, in the live area."""
        self._column: int | None = 0
        """None is not known."""
        self._hidden = False

    @property
    def height(self) -> int:
        """Rows that the live area takes."""
        return 0 if self._shown == _EMPTY else len(self._shown)

    def paint(self, finished: Sequence[Line], live: Frame) -> None:
        """Shows ``finished`` for good, right below what was finished before, and ``live`` below it.

        Live lines for which there is no room are left out, from the top as long as the cursor is not there.
        """
        pen = self._begin()
        lines, cursor = self._fitted(live)
        new = [*finished, *lines]
        in_place = False
        if new == self._shown or (self._shown != _EMPTY and self._fits(finished, len(new))):
            in_place = new == self._shown or self._change(pen, new)
            pen.row -= len(finished)
            self._row -= len(finished)
        else:
            self._write_anew(pen, finished, lines)
        self._shown = lines
        self._finish(pen, cursor, in_place)

    def erase(self) -> None:
        """Takes the live area away; the cursor then stands where it began."""
        pen = self._begin()
        pen.to(0, 0)
        if self._shown != _EMPTY:
            pen.erase_below()
        self._shown = _EMPTY
        self._finish(pen, (0, 0), in_place=False)

    def leave(self) -> None:
        """Puts the cursor below the live area, which stays for good."""
        if self._is_resized():
            self.paint((), Frame(self._shown))
        pen = Pen(self._row, self._column)
        if self._shown != _EMPTY:
            pen.to(len(self._shown) - 1, 0)
            pen.feed(1)
            pen.row = 0
        self._shown = _EMPTY
        self._finish(pen, (0, 0), in_place=False)

    def _is_resized(self) -> bool:
        return self._ask_size() != self._size

    def _begin(self) -> Pen:
        """A pen at the cursor; after a change of size at the live area's begin, and that is erased."""
        if not self._is_resized():
            return Pen(self._row, self._column)
        self._size = self._ask_size()
        if self._shown == _EMPTY:
            return Pen(self._row, self._column)
        pen = Pen(self._rows_above(), None)
        pen.to(0, 0)
        pen.erase_below()
        self._shown = _EMPTY
        return pen

    def _rows_above(self) -> int:
        """Between the live area's first row and the cursor, as the terminal shows the old lines now.

        Where the cursor stands past the end of a full row, terminals differ; the smaller number may leave
        an old row on the screen, but the larger would erase a finished one.
        """
        if not self._reflows:
            return self._row
        width = max(1, self._size[0])
        here = self._shown[self._row]
        end = max(0, width_of(here) - 1)
        within = end if self._column is None else min(self._column, end)
        return sum(_rows_of(each, width) for each in self._shown[: self._row]) + within // width

    def _fitted(self, live: Frame) -> tuple[list[Line], _Place | None]:
        """Lines of the live area, and the cursor in it."""
        width, height = max(1, self._size[0]), max(1, self._size[1] - 1)
        lines, cursor = live.lines, live.cursor
        top = max(0, len(lines) - height)
        if cursor and top:
            top = min(top, max(0, cursor[0]))
        fitted = [cut(each, width) for each in lines[top : top + height]] or _EMPTY
        if not cursor:
            return fitted, None
        row = min(max(0, cursor[0] - top), len(fitted) - 1)
        return fitted, (row, min(max(0, cursor[1]), width - 1))

    def _fits(self, finished: Iterable[Line], count: int) -> bool:
        """Whether so many lines are on the screen together, in a row each."""
        width, height = self._size
        return count <= height and all(width_of(each) <= width for each in finished)

    def _write_anew(self, pen: Pen, finished: Sequence[Line], lines: list[Line]) -> None:
        """Writes all from the first line that differs on; the terminal wraps and scrolls."""
        new, old = [*finished, *lines], self._shown
        same = _same(old, new)
        if same == len(old):
            pen.to(len(old) - 1, 0)
            if same < len(new):
                pen.feed(1)
                pen.to(pen.row, 0)
        else:
            pen.to(same, 0)
            if old != _EMPTY:
                pen.erase_below()
        pen.put("".join(f"{self._encode(each)}\r\n" for each in new[same : len(finished)]), None)
        live = "\r\n".join(map(self._encode, new[max(same, len(finished)) :]))
        steady = all(map(is_steady, lines))
        pen.put(live if steady else f"{_NO_WRAP}{live}{_WRAP}", None)
        pen.row = len(lines) - 1

    def _change(self, pen: Pen, new: list[Line]) -> bool:
        """Makes the rows of the live area show ``new``; gives whether there are as many of them as before."""
        old = self._shown
        head = _same(old, new)
        tail = min(_same(old[::-1], new[::-1]), len(old) - head, len(new) - head)
        end = len(new) - tail
        extra = len(new) - len(old)
        if extra:
            seam = head + best_seam(old[head : len(old) - tail], new[head:end])
            old = _with_room(pen, old, seam, extra)
        self._patch_rows(pen, old, new, range(head, end))
        return not extra

    def _patch_rows(self, pen: Pen, old: list[Line], new: list[Line], rows: Iterable[int]) -> None:
        wraps = True
        for row in rows:
            if old[row] is new[row] or old[row] == new[row]:
                continue
            done = patch(old[row], new[row], self._encode)
            pen.to(row, done.column)
            if done.unsteady and wraps:
                pen.put(_NO_WRAP, pen.column)
                wraps = False
            pen.put(done.text, done.end)
        if not wraps:
            pen.put(_WRAP, pen.column)

    def _finish(self, pen: Pen, cursor: _Place | None, in_place: bool) -> None:
        """Places the cursor, and writes. ``in_place`` is whether no row has moved on the screen."""
        text = pen.text
        if cursor:
            before = (self._row, self._column)
            back = Pen(pen.row, pen.column)
            back.to(*cursor)
            if in_place and text and before == cursor and len(back.text) > len(_KEEP + _BACK):
                text = f"{_KEEP}{text}{_BACK}"
            else:
                text += back.text
            self._row, self._column = cursor
        else:
            if not 0 <= pen.row < len(self._shown):
                pen.to(min(max(0, pen.row), len(self._shown) - 1), 0)
                text = pen.text
            self._row, self._column = pen.row, pen.column
        self._out(text, hidden=cursor is None)

    def _out(self, text: str, *, hidden: bool) -> None:
        big = len(text) > SYNCHRONISED_CHARS
        if (big or hidden) and not self._hidden:
            text = _HIDE + text
        if not hidden and (big or self._hidden):
            text += _SHOW
        self._hidden = hidden
        if text:
            self._write(f"{_SYNCHRONISE}{text}{_SHOW_ALL}" if big else text)


def _same(old: Sequence[Line], new: Sequence[Line]) -> int:
    """How many lines are the same from the start on."""
    for at, (before, after) in enumerate(zip(old, new, strict=False)):
        if before is not after and before != after:
            return at
    return min(len(old), len(new))


def _with_room(pen: Pen, old: list[Line], seam: int, extra: int) -> list[Line]:
    """Puts ``extra`` rows in at ``seam``, or takes so many away if negative; gives what then is shown."""
    if extra > 0:
        pen.to(len(old) - 1, 0)
        pen.feed(extra)
        if seam < len(old):
            pen.to(seam, 0)
            pen.insert_rows(extra)
        return [*old[:seam], *_EMPTY * extra, *old[seam:]]
    pen.to(seam, 0)
    if seam - extra < len(old):
        pen.delete_rows(-extra)
    else:
        pen.erase_below()
    return [*old[:seam], *old[seam - extra :]]


def _rows_of(shown: Line, width: int) -> int:
    """How many rows of a terminal of that width a line takes."""
    if width_of(shown) <= width:
        return 1
    text = text_of(shown)
    if text.isascii():
        return -(-len(text) // width)
    rows, used = 1, 0
    for cluster in wcwidth.iter_graphemes(text):
        size = columns(cluster)
        if used + size > width:
            rows, used = rows + 1, 0
        used += size
    return rows
