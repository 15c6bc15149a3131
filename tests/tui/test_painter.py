from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_tui.lines import Frame, Line, Piece, columns, cut, line, split_at, text_of, width_of
from akmon_tui.painter import Painter
from akmon_tui.theme import STYLES
from tests.tui.emulator import Easel

SYNCHRONISED = "\x1b[?2026h"

_TEXTS = st.text(st.sampled_from("ab c.-XYZ01äß日本語하·─│⠋👍é"), max_size=24)
_PIECES = st.builds(Piece, _TEXTS, st.sampled_from(("", "bold", "added added-word", "dim", *STYLES[:4])))
_LINES = st.lists(_PIECES.filter(lambda piece: bool(piece.text)), max_size=4).map(tuple)


def lines_of(*texts: str) -> list[Line]:
    return [line(text) for text in texts]


@st.composite
def changed(draw: st.DrawFn, old: list[Line]) -> list[Line]:
    """``old`` with a few lines changed, put in and taken out, or something else altogether."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.lists(_LINES, max_size=9))
    new = list(old)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(new)))
        match draw(st.sampled_from("change insert remove grow".split())):
            case "change" if at < len(new):
                new[at] = draw(_LINES)
            case "remove" if at < len(new):
                del new[at : at + draw(st.integers(1, 3))]
            case "grow" if at < len(new):
                new[at] = (*new[at], draw(_PIECES))
            case "insert":
                new[at:at] = draw(st.lists(_LINES, max_size=3))
    return new


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_whatever_is_painted_the_terminal_shows_it_and_the_cursor(data: st.DataObject) -> None:
    width, rows = data.draw(st.integers(2, 30)), data.draw(st.integers(2, 12))
    easel = Easel(width, rows, above=data.draw(st.integers(0, rows + 2)))
    live: list[Line] = []
    for _ in range(data.draw(st.integers(1, 8))):
        old = live
        live = [cut(each, width) for each in data.draw(changed(old))][: rows - 1]
        finish = data.draw(st.integers(0, len(old)))
        finished = [*old[:finish], *(cut(each, width) for each in data.draw(st.lists(_LINES, max_size=2)))]
        if data.draw(st.booleans()):
            live = live[finish:]
        cursor = None
        if live and data.draw(st.booleans()):
            cursor = (data.draw(st.integers(0, len(live) - 1)), data.draw(st.integers(0, width - 1)))
        easel.paint(finished, live, cursor)
        assert easel.screen.rows == easel.expected
        if cursor:
            assert easel.screen.place == (len(easel.finished) + cursor[0], cursor[1])
        assert easel.screen.cursor.hidden == (cursor is None)
        assert easel.painter.height == len(live) or live == [()]
        assert easel.paint([], live, cursor) == ""
