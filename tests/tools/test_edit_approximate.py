"""What a model reads of an edit that was not exact, or was refused, and that large files stay workable."""

from __future__ import annotations

from typing import Any

import pytest

from akmon_core.tools import DiffView
from akmon_tools.nearest import nearest_lines


def test_an_approximate_match_says_so_and_shows_what_was_replaced(hands: Any) -> None:
    (hands.root / "a.py").write_text("def f():\n    a = 1  \n    b = 2\n    return a\n")
    output = hands("edit", path="a.py", old="a = 1\nb = 2", new="a = 1\nb = 3")
    assert "matched approximately: the indentation differs." in output.text
    assert "-    b = 2\n+    b = 3" in output.text
    assert "@@ -1,4 +1,4 @@" in output.text
    assert isinstance(output.view, DiffView)
    assert output.view.diff.count("\n+") == 1


def test_an_exact_match_does_not_say_so(hands: Any) -> None:
    (hands.root / "a.py").write_text("a = 1\n")
    assert "approximately" not in hands("edit", path="a.py", old="a = 1", new="a = 2").text


def test_all_occurrences_that_match_approximately_are_counted(hands: Any) -> None:
    (hands.root / "a").write_text("x \ny\nx\t\ny\n")
    output = hands("edit", path="a", old="x\ny", new="x\nz", replace_all=True)
    assert "in 2 places (lines 1, 3)" in output.text
    assert "matched approximately: blanks at the end of lines differ" in output.text
    assert (hands.root / "a").read_text() == "x \nz\nx\t\nz\n"


def test_several_approximate_places_are_refused_with_their_lines(hands: Any) -> None:
    (hands.root / "a").write_text("x \ny\nx\t\ny\n")
    message = hands.refused("edit", path="a", old="x\ny", new="z")
    assert "2 times in a, though not exactly" in message
    assert "at lines 1, 3" in message
    (hands.root / "a").write_text("x \ny\n" * 50)
    assert "11 or more times" in hands.refused("edit", path="a", old="x\ny", new="z")


def test_a_part_of_a_number_is_refused_with_the_whole_one(hands: Any) -> None:
    (hands.root / "a").write_text("\ntimeout = 300\n")
    assert "within 300 in line 2" in hands.refused("edit", path="a", old="timeout = 30", new="timeout = 60")


def test_an_edit_that_comes_out_as_what_there_is_is_refused(hands: Any) -> None:
    (hands.root / "a").write_text("one  \ntwo\n")
    assert "nothing would change" in hands.refused("edit", path="a", old="one\ntwo", new="one  \ntwo")


def test_a_part_left_out_of_old_is_named(hands: Any) -> None:
    (hands.root / "a.c").write_text("f();\ng();\nh();\n")
    message = hands.refused("edit", path="a.c", old="f();\n// ... existing code ...\nh();", new="x")
    assert "stands for text left out" in message


def test_the_nearest_text_is_shown_in_the_length_of_what_was_wanted(hands: Any) -> None:
    lines = [f"step_{n}(argument_{n % 7})" for n in range(200)]
    (hands.root / "a.py").write_text("\n".join(lines))
    wanted = "step_99(argument_1)\nstep_100(argument_3)\nstep_101(argument_3)\nstep_102(argument_4)"
    message = hands.refused("edit", path="a.py", old=wanted, new="x")
    for n in (99, 100, 101, 102):
        assert f"{n + 1:>6}\t{lines[n]}" in message


@pytest.mark.parametrize("wanted", ["", "  ", "qq", "something else altogether, in many words"])
def test_nothing_is_shown_where_nothing_is_near(wanted: str) -> None:
    assert nearest_lines("def f():\n    return 1\n", wanted) == ""


def test_in_a_file_of_100_000_lines_every_rung_finds_its_place(hands: Any) -> None:
    lines = [f"    value_{n} = compute({n}, 'text {n % 97}')" for n in range(100_000)]
    text = "\n".join(lines) + "\n"
    block = "\n".join(lines[50_000:50_003])
    ways = {
        "": block,
        "blanks at the end": block.replace("\n", "  \n"),
        "the indentation": block.replace("    value", "value"),
        "quotes, dashes": block.replace("'", "’"),
        "spacing": block.replace(", ", ","),
    }
    for how, old in ways.items():
        (hands.root / "big").write_text(text)
        hands.files.clear()
        output = hands("edit", path="big", old=old, new=old.replace("50001", "fifty"))
        assert how in output.text
        assert (hands.root / "big").read_text() == text.replace("50001", "fifty")
    (hands.root / "big").write_text(text)
    hands.files.clear()
    message = hands.refused("edit", path="big", old=block.replace("50001", "50001 + 1"), new="x")
    assert " 50002\t    value_50001 = compute(50001" in message


def test_many_lines_alike_are_refused_and_not_weighed_one_by_one(hands: Any) -> None:
    (hands.root / "same").write_text("call(a,b)\n" * 50_000)
    old = "\n".join(["    call(a, b)"] * 40)
    assert "not found" in hands.refused("edit", path="same", old=f"{old}\n    c", new="x")
    assert "or more times" in hands.refused(
        "edit", path="same", old=old.replace(", ", ","), new=f"{old}\n    x"
    )
