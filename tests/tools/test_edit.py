"""Editing: exact, unique, and every other byte as it was."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from akmon_core.tools import DiffView
from akmon_tools.replace import LineText, Replacement, apart, find_all
from akmon_tools.textfile import newline_of


def test_a_unique_text_is_replaced_and_the_place_is_shown(hands: Any) -> None:
    (hands.root / "a.py").write_text("".join(f"line {number}\n" for number in range(1, 21)))
    output = hands("edit", path="a.py", old="line 10\nline 11", new="ten\neleven\nmore")
    assert "line 9\nten\neleven\nmore\nline 12\n" in (hands.root / "a.py").read_text()
    assert "    10\tten\n    11\televen\n    12\tmore\n    13\tline 12" in output.text
    assert output.summary == "+3 -2 lines"
    assert isinstance(output.view, DiffView)
    assert output.files[0].written


def test_text_that_occurs_several_times_is_refused_with_its_lines(hands: Any) -> None:
    (hands.root / "a.py").write_text("x\ny\nx\nx\n")
    assert "3 times in a.py, at lines 1, 3, 4" in hands.refused("edit", path="a.py", old="x", new="z")
    output = hands("edit", path="a.py", old="x", new="z\nz", replace_all=True)
    assert (hands.root / "a.py").read_text() == "z\nz\ny\nz\nz\nz\nz\n"
    assert "in 3 places (lines 1, 4, 6)" in output.text


def test_overlapping_occurrences_are_not_unique(hands: Any) -> None:
    (hands.root / "a").write_text("aaa")
    assert "2 times" in hands.refused("edit", path="a", old="aa", new="b")
    hands("edit", path="a", old="aa", new="b", replace_all=True)
    assert (hands.root / "a").read_text() == "ba"


def test_text_that_is_not_there_is_answered_with_the_nearest_lines(hands: Any) -> None:
    (hands.root / "a.py").write_text("import os\n\n\ndef main():\n        return 1\n")
    message = hands.refused("edit", path="a.py", old="    return 1\n    pass", new="x")
    assert "     5\t        return 1" in message
    message = hands.refused("edit", path="a.py", old="def mian():", new="x")
    assert "     4\tdef main():" in message
    assert "nearest" not in hands.refused("edit", path="a.py", old="zzzzzz", new="x")


@pytest.mark.parametrize(
    ("old", "new", "said"), [("", "x", "old is empty"), ("x", "x", "the same"), ("x\r\n", "x\n", "the same")]
)
def test_an_edit_that_says_nothing_is_refused(hands: Any, old: str, new: str, said: str) -> None:
    (hands.root / "a").write_text("x\n")
    assert said in hands.refused("edit", path="a", old=old, new=new)


def test_a_missing_file_a_folder_and_a_binary_file_are_refused(hands: Any) -> None:
    (hands.root / "main.py").write_text("x")
    (hands.root / "sub").mkdir()
    (hands.root / "a.bin").write_bytes(b"x\0")
    assert "main.py" in hands.refused("edit", path="mian.py", old="x", new="y")
    assert "folder" in hands.refused("edit", path="sub", old="x", new="y")
    assert "binary" in hands.refused("edit", path="a.bin", old="x", new="y")


def test_a_file_that_changed_since_it_was_read_is_left_alone(hands: Any) -> None:
    (hands.root / "a").write_text("x\n")
    hands("read", path="a")
    (hands.root / "a").write_text("x\ntheirs\n")
    assert "changed since it was read" in hands.refused("edit", path="a", old="x", new="y")
    assert (hands.root / "a").read_text() == "x\ntheirs\n"
    hands("read", path="a")
    hands("edit", path="a", old="x", new="y")
    assert (hands.root / "a").read_text() == "y\ntheirs\n"


def test_text_with_lf_matches_crlf_and_is_written_back_as_crlf(hands: Any) -> None:
    (hands.root / "a").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\nthree\r\n")
    hands("edit", path="a", old="one\ntwo", new="1\n2\n2b")
    assert (hands.root / "a").read_bytes() == b"\xef\xbb\xbf1\r\n2\r\n2b\r\nthree\r\n"


def test_text_may_be_removed_and_dollars_and_backslashes_are_plain(hands: Any) -> None:
    (hands.root / "a").write_text(r"keep \1 $x drop")
    hands("edit", path="a", old=" drop", new="")
    hands("edit", path="a", old=r"\1 $x", new=r"\g<0> $0")
    assert (hands.root / "a").read_text() == r"keep \g<0> $0"


def test_a_preview_shows_the_change_and_makes_none(hands: Any) -> None:
    (hands.root / "a").write_text("x\n")
    view = hands.preview("edit", path="a", old="x", new="y")
    assert view is not None
    assert view.diff.splitlines()[1:] == ["-x", "+y"]
    assert (hands.root / "a").read_text() == "x\n"
    assert hands.preview("edit", path="a", old="gone", new="y") is None


# --- laws -------------------------------------------------------------------------------------------


def replaced(text: str, old: str, new: str) -> str | None:
    seen = LineText(text)
    places = everywhere(seen.text, old, new)
    return seen.replace(places, newline_of(text)).text if len(places) == 1 else None


def everywhere(text: str, old: str, new: str) -> list[Replacement]:
    return [Replacement(place, place + len(old), new) for place in find_all(text, old, 1_000)]


LINE = st.sampled_from(["a", "b", "c", "ab", ""])
MIXED = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"])), max_size=8).map(
    lambda lines: "".join(line + end for line, end in lines)
)
ALIKE = st.tuples(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n"])).map(lambda x: x[1].join(x[0]))


@st.composite
def edits(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, str, str]:
    """A text, a piece of it, and another piece."""
    text = draw(texts)
    flat = text.replace("\r\n", "\n")
    assume(flat)
    start = draw(st.integers(0, len(flat) - 1))
    end = draw(st.integers(start + 1, len(flat)))
    return (
        text,
        flat[start:end],
        draw(st.lists(st.sampled_from(["x", "y", "xa"]), min_size=1, max_size=5).map("\n".join)),
    )


@given(edits(MIXED))
def test_an_edit_that_drops_no_line_and_its_reverse_restore_every_byte(edit: tuple[str, str, str]) -> None:
    text, old, new = edit
    assume(new.count("\n") >= old.count("\n"))
    there = replaced(text, old, new)
    assume(there is not None)
    assert replaced(there or "", new, old) in (text, None)


@given(edits(ALIKE))
def test_in_a_file_with_one_kind_of_line_end_any_edit_and_its_reverse_restore_every_byte(
    edit: tuple[str, str, str],
) -> None:
    text, old, new = edit
    kept = text.replace("\r\n", "\n").replace(old, "", 1)
    assume("\n" in kept or "\n" not in text)  # some line end is left to tell the kind
    there = replaced(text, old, new)
    assume(there is not None)
    assert replaced(there or "", new, old) in (text, None)


@given(edits(MIXED))
def test_an_edit_leaves_everything_around_it_as_it_was(edit: tuple[str, str, str]) -> None:
    text, old, new = edit
    there = replaced(text, old, new)
    assume(there is not None)
    pattern = re.escape(old).replace("\\\n", "\r?\n")
    found = re.search(pattern, text)
    assert found
    assert (there or "").startswith(text[: found.start()])
    assert (there or "").endswith(text[found.end() :])
    assert (there or "").replace("\r\n", "\n") == text.replace("\r\n", "\n").replace(old, new)


@given(
    text=st.text("ab\n", max_size=30),
    old=st.text("ab\n", min_size=1, max_size=3),
    new=st.text("ab\n", max_size=3),
)
def test_replacing_all_equals_str_replace(text: str, old: str, new: str) -> None:
    seen = LineText(text)
    edited = seen.replace(apart(everywhere(text, old, new)), "\n")
    assert edited.text == text.replace(old, new)
    assert len(edited.spans) == text.count(old)
