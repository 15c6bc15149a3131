"""A change to a file as a person sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.text import exposed, reveal
from akmon_core.tools import DiffView
from akmon_tui.diffs import changed_words, diff_lines, fold
from akmon_tui.lines import Line, Piece, line, text_of, width_of
from tests.tui.test_blocks import is_safe
from tests.tui.test_view import texts

lines_of_text = st.lists(st.text(st.sampled_from("abc  \t(字)é.=\u202e\x1b"), max_size=30), max_size=12)


def diff_of(old: list[str], new: list[str]) -> DiffView:
    """As ``akmon_tools.diff`` writes it, which this package does not know."""
    import difflib

    rows = list(difflib.unified_diff(old, new, n=3, lineterm=""))[2:]
    added = sum(row.startswith("+") for row in rows)
    removed = sum(row.startswith("-") for row in rows)
    return DiffView("src/a.txt", "\n".join(map(reveal, rows)), added, removed)


def shown(diff: DiffView, width: int = 80, most: int | None = None) -> list[str]:
    return [text_of(each) for each in diff_lines(diff, width, most)]


OLD = [f"line {number}" for number in range(1, 41)]
NEW = [*OLD[:4], "line five", *OLD[5:30], "one more", *OLD[30:]]


def test_lines_have_their_numbers_before_and_after_and_hunks_stand_apart() -> None:
    assert shown(diff_of(OLD, NEW)) == [
        "  src/a.txt +2 -1",
        "   2  2   line 2",
        "   3  3   line 3",
        "   4  4   line 4",
        "   5    - line 5",
        "      5 + line five",
        "   6  6   line 6",
        "   7  7   line 7",
        "   8  8   line 8",
        "  ⋮",
        "  28 28   line 28",
        "  29 29   line 29",
        "  30 30   line 30",
        "     31 + one more",
        "  31 32   line 31",
        "  32 33   line 32",
        "  33 34   line 33",
    ]


def test_where_there_is_little_room_a_line_has_one_number() -> None:
    assert shown(diff_of(OLD, NEW), 40)[4:7] == ["   5 - line 5", "   5 + line five", "   6   line 6"]


def test_the_words_that_differ_are_marked_and_the_signs_are_in_colour() -> None:
    diff = DiffView("a", "@@ -1,1 +1,1 @@\n-    return old(x)\n+    return new(x, 1)", 1, 1)
    _, removed, added = diff_lines(diff, 80)
    assert [(piece.text, piece.style) for piece in removed] == [
        ("  1   ", "number"),
        ("-     return ", "removed"),
        ("old", "removed removed-word"),
        ("(x)", "removed"),
    ]
    assert [piece.text for piece in added if "added-word" in piece.style] == ["new", ", 1"]


def test_lines_that_have_nothing_in_common_are_marked_as_a_whole() -> None:
    assert changed_words("import os", "x = 5 + y") == [("import os", False)]


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_marked_words_are_the_text(text: str, other: str) -> None:
    assert "".join(part for part, _ in changed_words(text, other)) == text


@pytest.mark.parametrize("words", [10, 79, 81, 10_000])
def test_only_lines_of_a_bearable_length_are_compared_word_by_word(words: int) -> None:
    text = "a " * (words // 2)
    compared = changed_words(text + "b", text + "c")
    assert (("b", True) in compared) == (words < 80)


def test_lines_of_code_that_stay_are_in_the_colours_of_their_language() -> None:
    diff = DiffView("src/a.py", "@@ -1,2 +1,2 @@\n def f():\n-    1\n+    2", 1, 1)
    assert "keyword" in {piece.style for piece in diff_lines(diff, 80)[1]}
    assert "keyword" not in {piece.style for piece in diff_lines(DiffView("a", diff.diff, 1, 1), 80)[1]}


def test_the_diffs_of_several_files_are_told_apart() -> None:
    text = "diff a.py: changed (+1 -1)\n@@ -1,1 +1,1 @@\n-a\n+b\n"
    text += "diff b.py: created (+1 -0)\n@@ -0,0 +1,1 @@\n+c\n"
    assert shown(DiffView("a.py, b.py", text + "[... 9 more lines ...]", 2, 1)) == [
        "  a.py, b.py +2 -1",
        "  a.py: changed (+1 -1)",
        "  1   - a",
        "    1 + b",
        "  b.py: created (+1 -0)",
        "    1 + c",
        "  [... 9 more lines ...]",
    ]


def test_a_long_diff_is_folded_and_says_how_much_is_hidden() -> None:
    diff = diff_of([], [str(number) for number in range(100)])
    lines = shown(diff, 80, 40)
    assert len(lines) == 42
    assert lines[-1] == "  (… 60 more lines; ctrl+o shows all)"
    assert len(shown(diff, 80, 100)) == 101
    assert len(shown(diff, 80, 99)) == 101
    assert len(shown(diff)) == 101


def test_one_endless_line_is_folded_too() -> None:
    lines = shown(DiffView("a", "+" + "x" * 2_000 + "\n+y", 2, 0), 40, 10)
    assert len(lines) == 12
    assert lines[-1] == "  (… 2 more lines; ctrl+o shows all)"


@given(lines_of_text, lines_of_text, st.integers(20, 200))
def test_nothing_of_a_whole_diff_is_left_out_at_any_width(old: list[str], new: list[str], width: int) -> None:
    diff = diff_of(old, new)
    lines = diff_lines(diff, width, None)
    assert all(width_of(each) <= width and is_safe(each) for each in lines)
    body = "".join(piece.text for each in lines[1:] for piece in each if piece.style != "number")
    wanted = "".join(row[1:].expandtabs(4) for row in diff.diff.split("\n") if row[:1] in ("+", "-", " "))
    assert _letters(body.replace("⋮", "")) == _letters(wanted)


def _letters(text: str) -> str:
    """Without what also may be a sign or the indent of a line."""
    return "".join(char for char in text if char not in " +-")


@given(texts, texts, st.integers(20, 120), st.none() | st.integers(0, 30))
def test_anything_that_calls_itself_a_diff_can_be_shown(
    path: str, text: str, width: int, most: int | None
) -> None:
    for clean in (reveal, exposed):
        lines = diff_lines(DiffView(path, text, 1, 2), width, most, clean=clean)
        assert all(width_of(each) <= width and is_safe(each) for each in lines)


def test_who_is_to_allow_a_change_sees_what_hides_in_it() -> None:
    diff = DiffView("\u0430pp.py", "@@ -1,1 +1,1 @@\n-x\n+if \u0430ccess\u202e" + " " * 100 + "evil()", 1, 1)
    text = "".join(text_of(each) for each in diff_lines(diff, 200, None, clean=exposed))
    assert "<U+0430>pp.py" in text
    assert "<U+0430>ccess<U+202E><100 spaces>evil()" in text


@given(st.lists(st.builds(Piece, texts.map(lambda text: reveal(text).replace("\n", " ").expandtabs(4)))))
def test_folding_leaves_nothing_out(pieces: list[Piece]) -> None:
    rows: list[Line] = fold(tuple(pieces), 20, line("> "), line("  "))
    assert "".join(text_of(row)[2:] for row in rows) == "".join(piece.text for piece in pieces)
