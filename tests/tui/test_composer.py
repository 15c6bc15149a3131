"""The composer: how what is typed looks, and what becomes of pastes and images."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.document import Document
from prompt_toolkit.selection import SelectionState

from akmon_core.limits import HISTORY_CHARS, PASTE_CHARS
from akmon_core.messages import Image
from akmon_tui.composer.pastes import pasted_path
from akmon_tui.composer.prompt import Composer
from akmon_tui.lines import Frame, text_of, width_of

PICTURE = Image("image/png", "QUJD")
OTHER = Image("image/png", "REVG")


def _composer(text: str, at: int | None = None) -> Composer:
    composer = Composer()
    composer.buffer.document = Document(text, len(text) if at is None else at)
    return composer


def _rows(frame: Frame) -> list[str]:
    """The rows, with the cursor as ``▏``."""
    assert frame.cursor
    rows = [text_of(each) for each in frame.lines]
    row, column = frame.cursor
    if rows[row].isascii():
        rows[row] = rows[row].ljust(column)[:column] + "▏" + rows[row][column:]
    return rows


def test_lines_follow_each_other_below_the_sign() -> None:
    assert _rows(_composer("one\ntwo\n").frame(20, 5)) == ["> one", "  two", "  ▏"]


def test_a_line_goes_on_below_where_it_is_too_long() -> None:
    assert _rows(_composer("abcdefghij", at=4).frame(6, 5)) == ["> abcd", "  ▏efgh", "  ij"]


def test_the_cursor_behind_a_full_row_stands_on_the_next_one() -> None:
    assert _rows(_composer("abcd").frame(6, 5)) == ["> abcd", "  ▏"]
    assert _rows(_composer("abcd\nx", at=4).frame(6, 5)) == ["> abcd", "  ▏", "  x"]
    assert _rows(_composer("abcd\nx", at=3).frame(6, 5)) == ["> abc▏d", "  x"]


@pytest.mark.parametrize(
    ("text", "cursor"),
    [("日本", (0, 6)), ("e\u0301x", (0, 4)), ("👨‍👩‍👧", (0, 4)), ("a\tb", (0, 8)), ("\x1b", (0, 10))],
)
def test_the_cursor_stands_by_columns_and_not_by_characters(text: str, cursor: tuple[int, int]) -> None:
    assert _composer(text).frame(20, 5).cursor == cursor


def test_a_wide_character_that_does_not_fit_goes_to_the_next_row() -> None:
    frame = _composer("abc日本").frame(6, 5)
    assert [text_of(each) for each in frame.lines] == ["> abc", "  日本", "  "]
    assert frame.cursor == (2, 2)


def test_of_many_rows_those_around_the_cursor_are_shown_and_the_rest_counted() -> None:
    composer = _composer("\n".join(f"line {number}" for number in range(20)))
    assert _rows(composer.frame(30, 4)) == ["  ↑ 17 more", "  line 17", "  line 18", "  line 19▏"]
    composer.buffer.cursor_position = 0
    assert _rows(composer.frame(30, 4)) == ["> ▏line 0", "  line 1", "  line 2", "  ↓ 17 more"]


def test_the_rows_stay_while_the_cursor_moves_among_them() -> None:
    composer = _composer("\n".join(f"line {number}" for number in range(20)))
    composer.frame(30, 6)
    for _ in range(3):
        composer.up()
    assert _rows(composer.frame(30, 6))[-1] == "  line 19"
    composer.up()
    composer.up()
    assert _rows(composer.frame(30, 6)) == [
        "  ↑ 14 more",
        "  line 14▏",
        "  line 15",
        "  line 16",
        "  line 17",
        "  ↓ 2 more",
    ]


def test_a_shell_command_has_its_own_sign_and_says_if_the_model_does_not_see_it() -> None:
    assert _rows(_composer("!ls").frame(40, 3)) == ["! ls▏"]
    assert _rows(_composer("!").frame(40, 3)) == ["! ▏a shell command"]
    assert _rows(_composer("!!ls\n-l").frame(40, 3)) == ["!! ls", "   -l▏   the model does not see it"]
    assert _rows(_composer("!ls", at=0).frame(40, 3)) == ["▏! ls"]


def test_the_placeholder_is_shown_while_nothing_is_typed() -> None:
    composer = Composer(placeholder="Ask for something")
    frame = composer.frame(40, 3)
    assert _rows(frame) == ["> ▏Ask for something"]
    assert frame.lines[0][-1].style == "dim"
    composer.buffer.insert_text("x")
    assert _rows(composer.frame(40, 3)) == ["> x▏"]


def test_what_is_selected_is_shown_so() -> None:
    composer = _composer("one two three", at=7)
    composer.buffer.selection_state = SelectionState(4)
    styles = {piece.text: piece.style for piece in composer.frame(40, 3).lines[0]}
    assert styles == {"> ": "accent", "one ": "", "two": "selected", " three": ""}


def test_a_long_paste_is_folded_and_sent_in_full() -> None:
    composer = _composer("see ")
    long = "\n".join(f"row {number}" for number in range(10_000))
    assert composer.paste(long.replace("\n", "\r\n")) == ""
    composer.buffer.insert_text(" please")
    assert _rows(composer.frame(60, 5)) == ["> see [pasted #1: 10,000 lines] please▏"]
    assert composer.text == f"see {long} please"
    assert composer.take().text == f"see {long} please"
    assert composer.is_empty


def test_a_long_line_is_folded_and_a_short_paste_is_not() -> None:
    composer = Composer()
    composer.paste("x" * 900)
    composer.paste("a\rb")
    assert _rows(composer.frame(60, 5)) == ["> [pasted #1: 900 characters]a", "  b▏"]


def test_a_folded_paste_goes_as_one_character_and_undo_brings_it_back() -> None:
    composer = Composer()
    composer.paste("y\n" * 50)
    composer.buffer.save_to_undo_stack()
    composer.buffer.delete_before_cursor()
    assert composer.is_empty
    composer.buffer.undo()
    assert composer.text == "y\n" * 50


def test_the_same_paste_again_behind_itself_unfolds_it() -> None:
    composer = Composer()
    text = "\n".join("abcdefghijk")
    composer.paste(text)
    composer.paste(text)
    assert composer.buffer.text == text


def test_two_pastes_keep_apart() -> None:
    composer = Composer()
    composer.paste("a\n" * 10)
    composer.paste("b\n" * 10)
    assert composer.text == "a\n" * 10 + "b\n" * 10
    assert "[pasted #1: 10 lines][pasted #2: 10 lines]" in _rows(composer.frame(60, 5))[0]


def test_a_paste_keeps_control_characters_but_no_escape_sequences() -> None:
    composer = Composer()
    composer.paste("a\x1b[31mb\x07c\0d\x1be")
    assert composer.text == "ab\x07cd"
    assert _rows(composer.frame(60, 5)) == ["> ab<U+0007>cd▏"]


def test_a_paste_that_is_too_long_is_refused_in_words_and_nothing_is_lost() -> None:
    composer = _composer("mine")
    assert "too long" in composer.paste("x" * (PASTE_CHARS + 1))
    assert composer.text == "mine"


def test_an_image_is_one_character_and_goes_with_it() -> None:
    composer = _composer("look at ")
    composer.add_image(PICTURE, "a.png")
    composer.add_image(OTHER, "b.png")
    assert _rows(composer.frame(60, 5)) == ["> look at [image #1: a.png] [image #2: b.png] ▏"]
    assert list(composer.images) == [PICTURE, OTHER]
    composer.buffer.delete_before_cursor(2)
    assert list(composer.images) == [PICTURE]
    sent = composer.take()
    assert (sent.text, sent.images) == ("look at [image #1: a.png] ", (PICTURE,))


def test_what_was_sent_with_images_can_be_staged_again() -> None:
    composer = Composer()
    composer.add_image(PICTURE, "a.png")
    composer.add_image(OTHER, "b.png")
    sent = composer.take()
    composer.stage(sent.text, sent.images)
    assert composer.take() == sent


def test_the_text_from_an_editor_keeps_the_images_whose_labels_it_kept() -> None:
    composer = _composer("x ")
    composer.add_image(PICTURE, "a.png")
    composer.add_image(OTHER, "b.png")
    composer.stage("now [image #2: b.png] only")
    assert composer.images == (OTHER,)
    assert composer.text == "now [image #2: b.png] only"


def test_clearing_can_be_undone() -> None:
    composer = _composer("precious")
    composer.clear()
    assert composer.is_empty
    composer.buffer.undo()
    assert composer.text == "precious"


def test_up_and_down_go_by_rows_before_they_go_through_the_history() -> None:
    composer = Composer()
    for text in ("first", "second"):
        composer.stage(text)
        composer.take()
    composer.stage("abcdefgh")
    composer.frame(6, 5)
    composer.up()
    composer.up()
    assert composer.buffer.cursor_position == 0
    composer.up()
    assert composer.text == "second"
    composer.up()
    composer.up()
    assert composer.text == "first"
    composer.down()
    composer.buffer.insert_text("!")
    composer.down()
    assert composer.text == "abcdefgh"
    composer.down()
    assert composer.text == "abcdefgh"
    composer.buffer.cursor_position = 0
    composer.up()
    assert composer.text == "second!"


def test_a_move_down_keeps_the_column_over_short_lines() -> None:
    composer = _composer("abcdef\nx\nabcdef", at=5)
    composer.frame(40, 5)
    composer.down()
    composer.down()
    assert composer.buffer.document.cursor_position_col == 5


def test_the_history_keeps_long_pastes_by_their_size_only(tmp_path: Path) -> None:
    composer = Composer(tmp_path / "history")
    composer.stage("about ")
    composer.paste("z" * (HISTORY_CHARS + 1))
    composer.take()
    assert list(composer.history.entries()) == ["about [pasted #1: 20,001 characters]"]


@pytest.mark.parametrize(
    ("pasted", "path"),
    [
        ("/a/b.png", "/a/b.png"),
        ("/a/b.PNG ", "/a/b.PNG"),
        ("'/a/my file.jpg' ", "/a/my file.jpg"),
        ('"/a/my file.jpeg"', "/a/my file.jpeg"),
        (r"/a/my\ file\(1\).webp", "/a/my file(1).webp"),
        ("/a/my file.gif", "/a/my file.gif"),
        ("~/x.png", "~/x.png"),
        ("file:///a/my%20file.png", "/a/my file.png"),
        (r"C:\Users\me\x.png", r"C:\Users\me\x.png"),
        (r'"C:\Users\me\x y.png"', r"C:\Users\me\x y.png"),
        ("/a/b.txt", None),
        ("see /a/b.png", None),
        ("b.png", None),
        ("/a/b.png\n/a/c.png", None),
        ("it's a.png", None),
        ("https://example.com/a.png", None),
    ],
)
def test_the_path_of_an_image_is_known_as_terminals_paste_it(pasted: str, path: str | None) -> None:
    assert pasted_path(pasted) == path


def test_a_huge_text_is_laid_out_around_the_cursor_only() -> None:
    composer = _composer("é" * 300_000 + "\n" + "line\n" * 300_000, at=150_000)
    frame = composer.frame(80, 10)
    assert len(frame.lines) == 10
    assert frame.cursor is not None


_TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab \n\n\t日本👨‍👩‍👧e\u0301\x1b\x07\u202eש\U0010f000!"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(_TEXTS, st.data(), st.integers(1, 30), st.integers(1, 8))
def test_whatever_is_typed_the_frame_fits_and_the_cursor_is_inside(
    text: str, data: st.DataObject, width: int, height: int
) -> None:
    composer = _composer("")
    composer.paste("long\n" * 20)
    composer.stage(composer.buffer.text + text)
    composer.buffer.insert_text(text)
    for at in data.draw(st.lists(st.integers(0, len(composer.buffer.text)), max_size=4)):
        composer.buffer.cursor_position = at
        frame = composer.frame(width, height)
        assert 1 <= len(frame.lines) <= height
        assert all(width_of(each) <= width for each in frame.lines)
        assert frame.cursor
        row, column = frame.cursor
        assert 0 <= row < len(frame.lines)
        assert 0 <= column < width
        data.draw(st.sampled_from([composer.up, composer.down]))()
