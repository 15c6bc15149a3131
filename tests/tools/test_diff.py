"""Diffs say what changed, with counts of the whole, and stay small."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.limits import DIFF_LINES
from akmon_tools.diff import diff_view


def test_a_change_is_shown_with_its_neighbours_and_its_place() -> None:
    before = "".join(f"{number}\n" for number in range(1, 101))
    view = diff_view("f", before, before.replace("50\n", "fifty\n"))
    assert view.diff.splitlines() == [
        "@@ -47,7 +47,7 @@",
        " 47",
        " 48",
        " 49",
        "-50",
        "+fifty",
        " 51",
        " 52",
        " 53",
    ]
    assert (view.added, view.removed) == (1, 1)


def test_equal_texts_have_an_empty_diff() -> None:
    view = diff_view("f", "a\nb\n", "a\nb\n")
    assert (view.diff, view.added, view.removed) == ("", 0, 0)


def test_a_new_file_is_all_added_and_an_emptied_one_all_removed() -> None:
    assert diff_view("f", "", "a\nb\n").diff == "@@ -0,0 +1,2 @@\n+a\n+b"
    assert diff_view("f", "a\n", "").diff == "@@ -1 +0,0 @@\n-a"


def test_lines_above_the_cap_are_counted_but_not_shown() -> None:
    after = "".join(f"{number}\n" for number in range(10_000))
    view = diff_view("f", "x\n", after)
    assert (view.added, view.removed) == (10_000, 1)
    assert len(view.diff.splitlines()) == DIFF_LINES + 1
    assert "more lines" in view.diff.splitlines()[-1]


def test_a_change_to_a_huge_file_is_compared_only_where_it_differs() -> None:
    before = "same\n" * 400_000
    view = diff_view("f", before, before[: 5 * 200_000] + "new\n" + before[5 * 200_000 :])
    assert (view.added, view.removed) == (1, 0)


def test_what_could_steer_a_terminal_or_hide_is_made_visible() -> None:
    view = diff_view("f\x1b[2J", "", "a\x1b[31mred\u202e\n")
    assert view.diff.endswith("+a<U+001B>[31mred<U+202E>")
    assert "\x1b" not in view.path


def test_long_lines_are_cut() -> None:
    assert len(diff_view("f", "", "x" * 100_000).diff) < 3_000


LINES = st.lists(st.sampled_from(["a", "b", "", "@@", "-x", "+y"]), max_size=14)


@pytest.mark.skipif(not shutil.which("patch"), reason="needs the patch program")
@settings(max_examples=60, deadline=None)
@given(before=LINES, after=LINES, ends=st.tuples(st.booleans(), st.booleans()))
def test_the_patch_program_turns_one_text_into_the_other(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str], ends: tuple[bool, bool]
) -> None:
    old, new = (
        "\n".join(lines) + "\n" * (end and bool(lines))
        for lines, end in zip((before, after), ends, strict=True)
    )
    view = diff_view("f", old, new)
    if not view.diff:
        assert old == new
        return
    folder = tmp_path_factory.mktemp("patch")
    (folder / "f").write_text(old)
    patch = f"--- f\n+++ f\n{view.diff}\n"
    subprocess.run(["patch", "-s", "f"], cwd=folder, input=patch.encode(), check=True)
    path = Path(folder, "f")
    assert (path.read_text() if path.exists() else "") == new
