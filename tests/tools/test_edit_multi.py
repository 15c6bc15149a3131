"""Several edits of one file: one after the other, all or none, one write."""

from __future__ import annotations

from typing import Any

import pytest

from akmon_core.errors import ArgumentsError
from akmon_core.limits import EDITS


def edit(old: str, new: str, **more: bool) -> dict[str, Any]:
    return {"old": old, "new": new, **more}


def test_each_edit_works_on_the_result_of_the_one_before(hands: Any) -> None:
    (hands.root / "a.py").write_text("one\ntwo\nthree\n")
    edits = [edit("one", "two"), edit("two", "2", replace_all=True), edit("2\n2\n", "zwei\n")]
    output = hands("multi_edit", path="a.py", edits=edits)
    assert (hands.root / "a.py").read_text() == "zwei\nthree\n"
    assert output.text.startswith("a.py: 3 edits made.")
    assert "-one\n-two\n+zwei" in output.text
    assert output.summary == "+1 -2 lines"


def test_if_one_fails_none_is_made_and_it_is_named(hands: Any) -> None:
    (hands.root / "a.py").write_text("one\ntwo\n")
    message = hands.refused(
        "multi_edit", path="a.py", edits=[edit("one", "1"), edit("one", "x"), edit("two", "2")]
    )
    assert message.startswith("edit 2 of 3: old was not found in a.py")
    assert message.endswith("No edit was made.")
    assert (hands.root / "a.py").read_text() == "one\ntwo\n"


def test_an_approximate_edit_is_named(hands: Any) -> None:
    (hands.root / "a.py").write_text("def f():\n    a()\n    b()\n")
    edits = [edit("def f", "def g"), edit("a()\nb()", "a()\nc()")]
    text = hands("multi_edit", path="a.py", edits=edits).text
    assert "edit 2 of 2: old was matched approximately: the indentation differs." in text
    assert (hands.root / "a.py").read_text() == "def g():\n    a()\n    c()\n"


def test_line_ends_and_mark_are_kept_through_all_edits(hands: Any) -> None:
    (hands.root / "a").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\nthree\r\n")
    hands("multi_edit", path="a", edits=[edit("one\ntwo", "1\n2\n2b"), edit("2b\nthree", "2c\n3")])
    assert (hands.root / "a").read_bytes() == b"\xef\xbb\xbf1\r\n2\r\n2c\r\n3\r\n"


def test_edits_that_take_each_other_back_are_refused(hands: Any) -> None:
    (hands.root / "a").write_text("x\n")
    assert "nothing would change" in hands.refused(
        "multi_edit", path="a", edits=[edit("x", "y"), edit("y", "x")]
    )


def test_text_left_out_is_refused(hands: Any) -> None:
    (hands.root / "a.js").write_text("f();\ng();\n")
    edits = [edit("f();", "f(1);"), edit("g();", "// ... rest of the code ...")]
    assert "edit 2 of 2" in hands.refused("multi_edit", path="a.js", edits=edits)


@pytest.mark.parametrize("count", [0, EDITS + 1])
def test_no_edit_and_too_many_are_refused(hands: Any, count: int) -> None:
    with pytest.raises(ArgumentsError):
        hands.parsed("multi_edit", {"path": "a", "edits": [edit("x", "y")] * count})


def test_a_file_that_changed_since_it_was_read_is_left_alone(hands: Any) -> None:
    (hands.root / "a").write_text("x\n")
    hands("read", path="a")
    (hands.root / "a").write_text("x\ntheirs\n")
    assert "changed since it was read" in hands.refused("multi_edit", path="a", edits=[edit("x", "y")])


def test_a_preview_shows_all_edits_and_makes_none(hands: Any) -> None:
    (hands.root / "a").write_text("x\ny\n")
    view = hands.preview("multi_edit", path="a", edits=[edit("x", "1"), edit("y", "2")])
    assert view is not None
    assert (view.added, view.removed) == (2, 2)
    assert (hands.root / "a").read_text() == "x\ny\n"
    assert hands.preview("multi_edit", path="a", edits=[edit("gone", "1")]) is None
