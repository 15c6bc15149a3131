"""The line of text that dialogs have people edit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_tui.dialogs.base import Press
from akmon_tui.dialogs.field import Field
from akmon_tui.lines import text_of, width_of


def _typed(*keys: str, text: str = "") -> Field:
    field = Field(text)
    for key in keys:
        assert field.press(Press(key))
    return field


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (("a", "b", "left", "c"), "acb", 2),
        (("c-a", "x"), "xone two", 1),
        (("c-w",), "one ", 4),
        (("c-left", "c-u"), "two", 0),
        (("home", "c-right", "c-k"), "one", 3),
        (("home", "delete"), "ne two", 0),
        (("backspace", "c-h"), "one t", 5),
        (("home", "left", "backspace", "end", "right", "delete"), "one two", 7),
    ],
)
def test_keys_edit_the_line(keys: tuple[str, ...], text: str, cursor: int) -> None:
    field = _typed(*keys, text="" if keys[0] == "a" else "one two")
    assert (field.text, field.cursor) == (text, cursor)


def test_a_key_that_edits_nothing_is_left_to_the_dialog() -> None:
    field = Field("x")
    assert not any(field.press(Press(key)) for key in ("up", "enter", "c-m", "c-c", "escape", "\x01"))
    assert field.text == "x"


def test_a_character_of_several_code_points_goes_as_one() -> None:
    assert _typed("backspace", text="a👨‍👩‍👧").text == "a"
    assert _typed("left", "left", "x", text="ae\u0301b").text == "axe\u0301b"


def test_a_paste_becomes_one_line() -> None:
    field = Field("ab")
    field.press(Press("left"))
    field.press(Press("<bracketed-paste>", "1\r\n2\r3\n\udcff"))
    assert (field.text, field.cursor) == ("a1 2 3 \ufffdb", 8)


def test_halves_of_characters_are_kept_out() -> None:
    assert _typed("\udcff", "\ud83d").text == "\ufffd?"


def test_a_long_line_scrolls_no_further_than_the_cursor_needs() -> None:
    field = Field("0123456789")
    assert [text_of(field.line(5)[0]), field.line(5)[1]] == ["6789", 4]
    field.press(Press("left"))
    assert [text_of(field.line(5)[0]), field.line(5)[1]] == ["6789", 3]
    field.press(Press("home"))
    assert [text_of(field.line(5)[0]), field.line(5)[1]] == ["01234", 0]


def test_control_characters_are_named() -> None:
    assert text_of(Field("a\x1b[2Jb\tc").line(40)[0]) == "a<U+001B>[2Jb    c"


_KEYS = st.one_of(
    st.sampled_from(
        ["left", "right", "home", "end", "backspace", "delete", "c-w", "c-left", "c-right", "c-k"]
    ),
    st.characters(),
)


@given(st.lists(_KEYS, max_size=30), st.text(max_size=30), st.integers(1, 20))
def test_whatever_is_typed_the_line_fits_and_the_cursor_is_inside(
    keys: list[str], text: str, width: int
) -> None:
    field = Field(text)
    for key in keys:
        field.press(Press(key))
        shown, column = field.line(width)
        assert width_of(shown) <= width
        assert 0 <= column < width
        assert 0 <= field.cursor <= len(field.text)
