from __future__ import annotations

import unicodedata

import wcwidth
from hypothesis import assume, example, given
from hypothesis import strategies as st

from akmon_tui.lines import Line, Piece, columns, cut, line, merged, split_at, text_of, width_of, wrap

_BITS = st.sampled_from(
    (
        *("a", "b", "-", ".", " ", "  ", "word", "longer-word", "x" * 30, "ß", "─", "│", "…", "·"),
        *("日", "本語", "カ\u3099", "。", "「", "」", "\u3000", "한글", "각", "ﾊﾞ", "ｆｕｌｌ"),
        *(
            "👍",
            "👩\u200d👩\u200d👧",
            "👍🏽",
            "❤\ufe0f",
            "1\ufe0f\u20e3",
            "🇩🇪",
            "🇩",
            "👨\u200d",
            "\ufe0f",
            "\u200d",
        ),
        *(
            "e\u0301",
            "\u0301",
            "a\u0300\u0323",
            "שלום",
            "مرحبا",
            "क्षि",
            "กำ",
            "\u200b",
            "\xa0",
            "\u0600",
            "ﷺ",
        ),
    )
)
_TEXTS = st.lists(_BITS, max_size=14).map("".join) | st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30
)
_LINES = st.lists(
    st.builds(Piece, _TEXTS.filter(bool), st.sampled_from(("", "bold", "dim"))), max_size=5
).map(tuple)
_WIDTHS = st.integers(1, 200) | st.integers(1, 12)


def unblank(text: str) -> str:
    return text.replace(" ", "")


@given(_TEXTS, st.integers(-2, 200) | st.integers(-2, 12))
def test_what_is_split_off_fits_and_nothing_is_lost_or_torn(text: str, width: int) -> None:
    head, rest = split_at(text, width)
    assert head + rest == text
    assert columns(head) <= max(0, width)
    clusters = list(wcwidth.iter_graphemes(text))
    assert list(wcwidth.iter_graphemes(head)) == clusters[: len(list(wcwidth.iter_graphemes(head)))]
    if rest:
        assert columns(head) + columns(next(wcwidth.iter_graphemes(rest))) > width


@given(_LINES, st.integers(-2, 200) | st.integers(-2, 12), st.sampled_from(("…", "", "...", "日本")))
def test_what_is_cut_fits(shown: Line, width: int, mark: str) -> None:
    done = cut(shown, width, mark)
    assert width_of(done) <= max(0, width)
    if width_of(shown) <= width:
        assert done == shown
    elif columns(mark) <= width:
        assert text_of(done).endswith(mark)
        assert text_of(shown).startswith(text_of(done).removesuffix(mark))


@given(_LINES, _WIDTHS, st.sampled_from(("", "  ", "│ ", "日本  ")))
@example((Piece("ab", ""), Piece("\u3000" * 30, "bold")), 7, "")
@example((Piece("❤"), Piece("\ufe0f", "bold"), Piece("b")), 2, "")
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(shown: Line, width: int, indent: str) -> None:
    rows = wrap(shown, width, line(indent))
    assert rows
    assert all(width_of(row) <= width for row in rows)
    texts = [text_of(row) for row in rows]
    used = indent if columns(indent) + 2 <= width else ""
    assert all(text.startswith(used) for text in texts[1:])
    if width > 1:
        said = [texts[0], *(text[len(used) :] for text in texts[1:])]
        assert unblank("".join(said)) == unblank(text_of(shown))


@given(_LINES, _WIDTHS)
def test_letters_keep_their_style_when_wrapped(shown: Line, width: int) -> None:
    def letters(lines: list[Line]) -> list[tuple[str, str]]:
        every = ((char, piece.style) for row in lines for piece in row for char in piece.text)
        return [each for each in every if each[0] in "abdegLnorwx"]

    # Marks that stand before a letter, such as U+0600, take it along into their own piece.
    assume(width > 1 and all(unicodedata.category(char) != "Cf" for char in text_of(shown)))
    assert letters(wrap(shown, width)) == letters([shown])


def texts_of(text: str, width: int, indent: str = "") -> list[str]:
    return [text_of(row) for row in wrap(line(text), width, line(indent))]


def test_words_stay_whole_where_they_can() -> None:
    assert texts_of("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert texts_of("the quick brown fox", 10, "  ") == ["the quick", "  brown", "  fox"]
    assert texts_of("a " + "x" * 12, 10) == ["a", "x" * 10, "xx"]


def test_text_that_is_indented_begins_in_its_first_row() -> None:
    assert texts_of("    " + "x" * 12, 10) == ["    xxxxxx", "xxxxxx"]


def test_blanks_at_a_break_go_and_others_stay() -> None:
    assert texts_of("aaaa     bbbb  ", 6) == ["aaaa", "bbbb  "]
    assert texts_of("  aaaa bbbb", 7) == ["  aaaa", "bbbb"]


def test_ideographs_fill_the_row_and_their_punctuation_does_not_begin_one() -> None:
    assert texts_of("see 日本語日本語", 8) == ["see 日本", "語日本語"]
    assert texts_of("日本語日。本", 8) == ["日本語", "日。本"]


def test_a_character_that_is_wider_than_the_line_is_marked() -> None:
    assert texts_of("a日b", 1) == ["a", "…", "b"]


def test_an_indent_that_leaves_no_room_is_left_out() -> None:
    assert texts_of("abc def", 3, "    ") == ["abc", "def"]


def test_a_mark_that_does_not_fit_is_cut_itself() -> None:
    assert text_of(cut(line("abcdef"), 2, "...")) == ".."
    assert cut(line("abcdef"), 0) == ()


def test_a_character_in_two_pieces_counts_as_what_it_looks_like() -> None:
    heart = (Piece("a"), Piece("❤"), Piece("\ufe0f", "bold"), Piece("b"))
    assert width_of(heart) == 4
    assert text_of(cut(heart, 3)) == "a…"


def test_neighbours_of_one_style_are_merged() -> None:
    assert merged([Piece("a", "dim"), Piece("b", "dim"), Piece(""), Piece("c")]) == (
        Piece("ab", "dim"),
        Piece("c"),
    )
