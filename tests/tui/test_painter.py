from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_tui.lines import Frame, Line, Piece, cut, line, text_of, wrap
from akmon_tui.painter import Painter
from akmon_tui.theme import STYLES
from tests.tui.emulator import Easel

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
        match draw(st.sampled_from(["change", "insert", "remove", "grow"])):
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
        cursor = None
        placed: bool = data.draw(st.sampled_from([True, True, True, False]))
        if live and placed:
            cursor = (data.draw(st.integers(0, len(live) - 1)), data.draw(st.integers(0, width - 1)))
        easel.paint(finished, live, cursor)
        assert easel.screen.rows == easel.expected
        if cursor:
            assert easel.screen.place == (len(easel.finished) + cursor[0], cursor[1])
        assert easel.screen.cursor.hidden == (cursor is None)
        assert easel.painter.height == len(live) or live == [()]
        assert easel.paint([], live, cursor) == ""


def test_a_live_area_that_becomes_finished_is_not_written_again() -> None:
    easel = Easel(40, 10)
    rows = lines_of("one", "two", "three", "> ")
    easel.paint([], rows, (3, 2))
    assert easel.paint(rows[:3], rows[3:], (0, 2)) == ""
    assert easel.painter.height == 1
    assert "four" in easel.paint(lines_of("four"), rows[3:], (0, 2))
    assert easel.screen.rows == ["one", "two", "three", "four", ">"]


def test_what_stands_below_an_inserted_line_is_not_written_again() -> None:
    easel = Easel(60, 12)
    below = lines_of("─" * 60, "> composer", "status")
    easel.paint([], [*lines_of("tail"), *below], (2, 4))
    written = easel.paint(lines_of("tail is done", "and more"), [*lines_of("next"), *below], (2, 4))
    assert "composer" not in written
    assert "status" not in written
    assert easel.screen.rows == ["tail is done", "and more", "next", "─" * 60, "> composer", "status"]


def test_the_cursor_is_in_its_line_when_one_above_is_finished_and_another_comes() -> None:
    easel = Easel(60, 12)
    easel.paint([], lines_of("done", "> ", "status", ""), (1, 2))
    easel.paint(lines_of("done"), lines_of("a new tail", "> ", "status"), (1, 2))
    assert easel.screen.rows == ["done", "a new tail", ">", "status"]
    assert easel.screen.place == (2, 2)


def test_of_a_changed_line_only_what_differs_is_written() -> None:
    easel = Easel(60, 10)
    easel.paint([], lines_of("⠋ Working 12 s · esc interrupts", "> abc"), (1, 5))
    assert easel.paint([], lines_of("⠙ Working 12 s · esc interrupts", "> abc"), (1, 5)).count("Working") == 0
    assert "Work" not in easel.paint([], lines_of("⠙ Working 13 s · esc interrupts", "> abc"), (1, 5))
    assert easel.paint([], lines_of("⠙ Working 13 s · esc interrupts", "> abcd"), (1, 6)) == "d"


def test_an_emoji_is_never_written_in_part() -> None:
    easel = Easel(60, 10)
    easel.paint([], lines_of("see 👩\u200d👩\u200d👧 there"), (0, 0))
    written = easel.paint([], lines_of("see 👩\u200d👩\u200d👦 there"), (0, 0))
    assert "👩\u200d👩\u200d👦 there" in written
    assert "\x1b[?7l" in written
    assert written.rindex("\x1b[?7h") > written.index("there")


def test_streaming_writes_little_more_than_the_text() -> None:
    words = [f"{word}{at % 10}" for at in range(500) for word in ("lorem", "ipsum", "do", "consectetur")]
    width = 80
    easel = Easel(width, 24)
    below = lines_of("⠋ Working · esc interrupts", "─" * width, "> ", "model · default · 12 %")
    visible = sum(len(word) + 1 for word in words)
    tail: list[Line] = []
    shown = 0
    for upto in range(3, len(words) + 3, 3):  # what comes within a fifteenth of a second at 45 words a second
        rows = wrap(line(" ".join(words[:upto])), width)
        done = max(shown, len(rows) - 2)
        tail = rows[done:]
        easel.paint(rows[shown:done], [*tail, *below], (len(tail) + 2, 2))
        shown = done
    assert easel.screen.rows == easel.expected
    assert len(easel.screen.raw.encode()) <= 2.5 * visible


def test_ten_thousand_lines_are_written_once_in_one_piece() -> None:
    easel = Easel(40, 10)
    easel.paint([], lines_of("> "), (0, 2))
    written: list[str] = []
    painter = Painter(written.append, lambda: (40, 10), text_of)
    painter.paint(lines_of(*(f"line {at}" for at in range(10_000))), Frame(lines_of("> "), (0, 2)))
    assert len(written) == 1
    assert written[0].count("\r\n") == 10_000


def test_finished_lines_wider_than_the_terminal_are_left_to_it_to_wrap() -> None:
    easel = Easel(10, 12)
    easel.paint([], lines_of("0123456789", "> "), (1, 2))
    written = easel.paint(lines_of("0123456789abcdefghijKLM"), lines_of("> "), (0, 2))
    assert "0123456789abcdefghijKLM\r\n" in written
    assert easel.screen.rows == ["0123456789", "abcdefghij", "KLM", ">"]
    assert easel.screen.place == (3, 2)


def test_a_live_area_that_is_too_high_loses_its_top_but_not_the_cursor() -> None:
    easel = Easel(20, 5)
    rows = lines_of(*(f"row {at}" for at in range(9)))
    easel.painter.paint([], Frame(rows, (8, 3)))
    assert easel.screen.rows == ["row 5", "row 6", "row 7", "row 8"]
    easel.painter.paint([], Frame(rows, (2, 1)))
    assert easel.screen.rows == ["row 2", "row 3", "row 4", "row 5"]
    assert easel.screen.place == (0, 1)
    easel.painter.paint([], Frame(lines_of("x" * 30)))
    assert easel.screen.rows == ["x" * 19 + "…"]


def test_large_paints_appear_at_once_and_small_ones_need_no_more_bytes() -> None:
    easel = Easel(80, 24)
    first = easel.paint([], lines_of(*["x" * 70] * 5), (0, 0))
    assert first.startswith("\x1b[?2026h\x1b[?25l")
    assert first.endswith("\x1b[?25h\x1b[?2026l")
    assert "\x1b[?" not in easel.paint([], lines_of(*["x" * 70] * 4, "y"), (0, 0))


def test_the_live_area_can_be_taken_away_and_comes_back() -> None:
    easel = Easel(20, 6, above=2)
    easel.paint([], lines_of("a", "b", "c"))
    easel.painter.erase()
    assert easel.screen.rows == ["o0", "o1"]
    assert easel.screen.place == (2, 0)
    assert not easel.screen.cursor.hidden
    assert easel.painter.height == 0
    easel.screen.write("an editor was here\r\n")
    easel.paint([], lines_of("a", "b", "c"), (1, 0))
    assert easel.screen.rows == ["o0", "o1", "an editor was here", "a", "b", "c"]


def test_leaving_puts_the_cursor_below_what_stays() -> None:
    easel = Easel(20, 3)
    easel.paint(lines_of("done"), lines_of("a", "b"), (0, 1))
    easel.painter.leave()
    assert easel.screen.rows == ["done", "a", "b"]
    assert easel.screen.place == (3, 0)
    easel.painter.leave()
    assert easel.screen.place == (3, 0)


@pytest.mark.parametrize("taller", [8, 20])
def test_where_the_terminal_does_not_wrap_anew_nothing_finished_is_erased(taller: int) -> None:
    easel = Easel(40, 8, above=3)
    painter = Painter(easel.screen.write, easel.size, text_of, reflows=False)
    painter.paint([], Frame(lines_of("x" * 40, "> ", "y" * 40), (1, 2)))
    easel.screen.resize(taller, 20)
    painter.paint([], Frame(lines_of("x" * 20, "> ", "y" * 20), (1, 2)))
    assert easel.screen.rows == ["o0", "o1", "o2", "x" * 20, ">", "y" * 20]
