"""Patches: both formats, several files, and nothing or all of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ToolError
from akmon_core.tools import DiffView, Effect, ToolContext
from akmon_tools.patch import PatchArguments, PatchTool
from akmon_tools.textfile import hash_of

TWO_CLASSES = """\
import os


class A:
    def run(self):
        return 1


class B:
    def run(self):
        return 1
"""


@pytest.fixture
def patching(hands: Any) -> Any:
    hands.tools["patch"] = PatchTool(hands.workspace)
    return hands


def anchored(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


def tree(root: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every file and folder with its mode and content."""
    return {
        path.relative_to(root).as_posix(): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(root.rglob("*"))
    }


# --- the context-anchored format --------------------------------------------------------------------


def test_files_are_added_changed_moved_and_deleted_in_one_patch(patching: Any) -> None:
    root = patching.root
    (root / "a.py").write_text("one\ntwo\nthree\n")
    (root / "b.py").write_text("x\ny\n")
    (root / "c.py").write_text("old\n")
    (root / "d.py").write_text("as it is\n")
    output = patching(
        "patch",
        patch=anchored(
            "*** Add File: sub/new.py",
            "+first",
            "+",
            "+last",
            "*** Update File: a.py",
            "@@",
            " one",
            "-two",
            "+2",
            " three",
            "*** Update File: b.py",
            "*** Move to: sub/b2.py",
            "@@",
            "-y",
            "+z",
            "*** Delete File: c.py",
            "*** Update File: d.py",
            "*** Move to: e.py",
        ),
    )
    assert {name: content for name, (_, content) in tree(root).items() if content is not None} == {
        "a.py": b"one\n2\nthree\n",
        "e.py": b"as it is\n",
        "sub/b2.py": b"x\nz\n",
        "sub/new.py": b"first\n\nlast\n",
    }
    assert output.text.splitlines() == [
        "sub/new.py: added (+3 -0).",
        "a.py: changed (+1 -1).",
        "     1\tone",
        "     2\t2",
        "     3\tthree",
        "sub/b2.py: moved here from b.py (+1 -1).",
        "     1\tx",
        "     2\tz",
        "c.py: deleted (+0 -1).",
        "e.py: moved here from d.py.",
    ]
    assert output.summary == "5 files, +5 -3 lines"
    assert [Path(seen.path).name for seen in output.files] == ["new.py", "a.py", "b2.py", "e.py"]
    assert all(seen.written for seen in output.files)
    assert output.files[1].sha256 == hash_of(b"one\n2\nthree\n")


def test_anchors_choose_between_places_that_look_alike(patching: Any) -> None:
    (patching.root / "a.py").write_text(TWO_CLASSES)
    change = ("-        return 1", "+        return 2")
    message = patching.refused("patch", patch=anchored("*** Update File: a.py", "@@", *change))
    assert "a.py, hunk 1: it fits at 2 places, lines 6, 11" in message
    patching("patch", patch=anchored("*** Update File: a.py", "@@ class B:", "@@ def run(self):", *change))
    assert (patching.root / "a.py").read_text() == TWO_CLASSES[:-2] + "2\n"
    patching("patch", patch=anchored("*** Update File: a.py", "@@ class A", *change))
    assert (patching.root / "a.py").read_text().count("return 2") == 2


def test_an_anchor_that_is_ambiguous_itself_decides_nothing(patching: Any) -> None:
    (patching.root / "a.py").write_text(TWO_CLASSES)
    patch = anchored("*** Update File: a.py", "@@ def run(self):", "-        return 1", "+        return 2")
    assert "lines 6, 11" in patching.refused("patch", patch=patch)
    assert (patching.root / "a.py").read_text() == TWO_CLASSES


def test_a_change_never_lands_in_another_block_than_its_anchor_names(patching: Any) -> None:
    text = "class A:\n    x = 1\n\n\nclass B:\n    y = 1\n\n\nclass C:\n    x = 1\n"
    (patching.root / "a.py").write_text(text)
    patch = anchored("*** Update File: a.py", "@@ class B:", "-    x = 1", "+    x = 2")
    assert "lines 2, 10" in patching.refused("patch", patch=patch)
    assert (patching.root / "a.py").read_text() == text


def test_the_only_place_is_refused_if_it_is_not_in_the_block_that_the_anchor_names(patching: Any) -> None:
    text = "class A:\n    x = 1\n\n\n@final\nclass B:\n    y = 1\n"
    (patching.root / "a.py").write_text(text)
    patch = anchored("*** Update File: a.py", "@@ class B:", "-    x = 1", "+    x = 2")
    message = patching.refused("patch", patch=patch)
    assert "its old lines are at line 2, which does not belong to @@ class B:" in message
    patch = anchored("*** Update File: a.py", "@@ class B:", " @final", "-class B:", "+class C:")
    patching("patch", patch=patch)
    assert (patching.root / "a.py").read_text() == text.replace("class B", "class C")
    patch = anchored("*** Update File: a.py", "@@ class Gone:", "-    x = 1", "+    x = 2")
    patching("patch", patch=patch)
    assert "x = 2" in (patching.root / "a.py").read_text()


def test_hunks_follow_each_other_and_the_search_starts_after_the_one_before(patching: Any) -> None:
    (patching.root / "a").write_text("x\n1\nx\n2\n")
    hunks = ("@@", "-x", "-1", "+y", "+1", "@@", "-x", "+z")
    patching("patch", patch=anchored("*** Update File: a", *hunks))
    assert (patching.root / "a").read_text() == "y\n1\nz\n2\n"


def test_hunks_out_of_order_are_refused_with_where_they_belong(patching: Any) -> None:
    (patching.root / "a").write_text("one\ntwo\nthree\n")
    patch = anchored("*** Update File: a", "@@", "-three", "+3", "@@", "-one", "+1")
    message = patching.refused("patch", patch=patch)
    assert "a, hunk 2" in message
    assert "They are at line 1: put hunks in the order of the file" in message
    assert (patching.root / "a").read_text() == "one\ntwo\nthree\n"


def test_the_end_of_the_file_decides_between_places(patching: Any) -> None:
    (patching.root / "a").write_text("x\ny\nx\ny\n")
    patching("patch", patch=anchored("*** Update File: a", "@@", " x", "-y", "+z", "*** End of File"))
    assert (patching.root / "a").read_text() == "x\ny\nx\nz\n"
    patching("patch", patch=anchored("*** Update File: a", "@@", "+last", "*** End of File"))
    assert (patching.root / "a").read_text() == "x\ny\nx\nz\nlast\n"


def test_lines_without_neighbours_go_below_their_anchor_or_nowhere(patching: Any) -> None:
    (patching.root / "a.py").write_text(TWO_CLASSES)
    patching("patch", patch=anchored("*** Update File: a.py", "@@ class B:", "+    x = 1"))
    assert "class B:\n    x = 1\n    def run" in (patching.root / "a.py").read_text()
    message = patching.refused("patch", patch=anchored("*** Update File: a.py", "@@", "+x = 1"))
    assert "its place cannot be told" in message
    message = patching.refused("patch", patch=anchored("*** Update File: a.py", "@@ class C:", "+x"))
    assert "the line after its @@ was not found: class C:" in message


@pytest.mark.parametrize(
    "wrapped",
    [
        "```\n{}\n```",
        "```diff\n{}\n```\n",
        "apply_patch <<'EOF'\n{}\nEOF",
        "```bash\napply_patch <<EOF\n{}\nEOF\n```",
        "\n\n{}\n\n",
        "{}",
    ],
)
def test_wrappings_around_a_patch_are_taken_off(patching: Any, wrapped: str) -> None:
    (patching.root / "a").write_text("x\n")
    patching("patch", patch=wrapped.format(anchored("*** Update File: a", "@@", "-x", "+y")))
    assert (patching.root / "a").read_text() == "y\n"


def test_markers_at_the_ends_and_the_first_hunk_s_head_may_be_missing(patching: Any) -> None:
    (patching.root / "a").write_text("x\n")
    patching("patch", patch="*** Update File: a\n-x\n+y\n")
    assert (patching.root / "a").read_text() == "y\n"


def test_empty_lines_between_sections_are_no_lines_of_the_file(patching: Any) -> None:
    (patching.root / "a").write_text("x\n\ny\n")
    patching(
        "patch",
        patch=anchored("*** Update File: a", "@@", "-x", "+1", "", " y", "", "*** Add File: b", "+b", ""),
    )
    assert (patching.root / "a").read_text() == "1\n\ny\n"
    assert (patching.root / "b").read_text() == "b\n"


def test_a_deleted_file_may_be_made_anew_in_the_same_patch(patching: Any) -> None:
    (patching.root / "a").write_text("x\n")
    (patching.root / "a").chmod(0o750)
    patching("patch", patch=anchored("*** Delete File: a", "*** Add File: a", "+y"))
    assert tree(patching.root) == {"a": (0o750, b"y\n")}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["*** Update File: a", "@@", "-x", "y"], "a, hunk 1: each line begins with a space, - or +"),
        (["*** Add File: b", "x"], "b: each line of an added file begins with +"),
        (["*** Delete File: a", "-x"], "a: lines follow"),
        (["*** Update File: a"], "a: the patch says no change"),
        (["*** Update File: a", "@@", " x"], "a, hunk 1: it changes nothing"),
        (["*** Update File:", "@@", "-x"], "names no file"),
        (["*** Update File: a", "*** Move to:"], "names no file"),
        (
            ["*** Update File: a", "@@", "-x", "+y", "*** Rename to: b"],
            "cannot read the line *** Rename to: b",
        ),
        (["@@", "-x", "+y"], "begins with the file it is about"),
        (["*** Begin Patch", "*** Update File: a", "@@", "-x", "+y"], "one *** Begin Patch"),
        ([], "the patch is empty"),
        (["*** Update File: a", "@@", "-x", "+x"], "a, hunk 1: it changes nothing"),
        (["*** Update File: a", "@@", "-x ", "+x"], "nothing would change"),
        (["*** Update File: a", "*** Move to: a", "@@", "-x", "+y"], "moved to itself"),
    ],
)
def test_a_patch_that_cannot_be_read_is_refused_and_has_no_effects(
    patching: Any, lines: list[str], said: str
) -> None:
    (patching.root / "a").write_text("x\n")
    assert said in patching.refused("patch", patch=anchored(*lines))
    assert tree(patching.root) == {"a": (0o644, b"x\n")}


def test_text_around_a_patch_is_refused(patching: Any) -> None:
    patch = "Here it is:\n" + anchored("*** Add File: a", "+x") + "\nDone."
    assert "text outside of the patch: Here it is:" in patching.refused("patch", patch=patch)
    assert patching.names() == []


# --- how lines are compared -------------------------------------------------------------------------


def test_lines_with_other_blanks_at_their_ends_are_found_and_stay_as_they_are(patching: Any) -> None:
    (patching.root / "a").write_text("one  \ntwo\t\nthree\n")
    output = patching("patch", patch=anchored("*** Update File: a", "@@", " one", "-two", "+2"))
    assert (patching.root / "a").read_text() == "one  \n2\nthree\n"
    assert "Hunk 1: it fitted only without regard to trailing blanks." in output.text


def test_lines_that_stand_deeper_are_found_and_new_ones_indented_alike(patching: Any) -> None:
    text = "class A:\n    def f(self):\n        if x:\n            y()\n"
    (patching.root / "a.py").write_text(text)
    output = patching(
        "patch",
        patch=anchored("*** Update File: a.py", "@@", " if x:", "-    y()", "+    z()", "+", "+w()"),
    )
    assert (patching.root / "a.py").read_text() == (
        "class A:\n    def f(self):\n        if x:\n            z()\n\n        w()\n"
    )
    assert "its new lines were indented like those in the file" in output.text


def test_lines_whose_indentation_differs_without_a_rule_are_not_found(patching: Any) -> None:
    text = "if a:\n    b()\n    c()\n"
    (patching.root / "a.py").write_text(text)
    patch = anchored("*** Update File: a.py", "@@", " if a:", "     b()", "-        c()", "+        d()")
    assert "its old lines were not found" in patching.refused("patch", patch=patch)
    assert (patching.root / "a.py").read_text() == text


def test_typographic_characters_are_found_by_plain_ones(patching: Any) -> None:
    (patching.root / "a").write_text("He said \u201cyes\u201d \u2013 twice.\nnext\n")
    patching("patch", patch=anchored("*** Update File: a", "@@", ' He said "yes" - twice.', "-next", "+n"))
    assert (patching.root / "a").read_text() == "He said \u201cyes\u201d \u2013 twice.\nn\n"


def test_similar_lines_are_not_the_same_lines(patching: Any) -> None:
    (patching.root / "a.py").write_text("def total(values):\n    return sum(values)\n")
    patch = anchored(
        "*** Update File: a.py", "@@", " def total(values):", "-    return sum(value)", "+    pass"
    )
    message = patching.refused("patch", patch=patch)
    assert "a.py, hunk 1: its old lines were not found. Looked for:\n      \tdef total(values):" in message
    assert "The nearest text is:\n     1\tdef total(values):\n     2\t    return sum(values)" in message


def test_a_patch_that_was_applied_already_is_told_so(patching: Any) -> None:
    (patching.root / "a").write_text("one\n2\nthree\n")
    patch = anchored("*** Update File: a", "@@", " one", "-two", "+2", " three")
    assert "Its new lines are there already, at line 1" in patching.refused("patch", patch=patch)


# --- bytes that stay --------------------------------------------------------------------------------


def test_line_ends_marks_encodings_and_modes_are_kept(patching: Any) -> None:
    root = patching.root
    (root / "crlf").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\nthree")
    (root / "latin").write_bytes("gr\u00fcn\nx\n".encode("latin-1"))
    (root / "wide").write_bytes(b"\xff\xfe" + "one\r\ntwo\r\n".encode("utf-16-le"))
    (root / "run").write_bytes(b"#!/bin/sh\nx\n")
    (root / "run").chmod(0o755)
    patching(
        "patch",
        patch=anchored(
            *("*** Update File: crlf", "@@", "-one", "+1", " two", "-three", "+3", "+4"),
            *("*** Update File: latin", "@@", " gr\u00fcn", "-x", "+\u00e4"),
            *("*** Update File: wide", "@@", " one", "-two", "+2"),
            *("*** Update File: run", "*** Move to: bin/run", "@@", "-x", "+y"),
        ),
    )
    assert tree(root) == {
        "bin": (0o755, None),
        "bin/run": (0o755, b"#!/bin/sh\ny\n"),
        "crlf": (0o644, b"\xef\xbb\xbf1\r\ntwo\r\n3\r\n4"),
        "latin": (0o644, "gr\u00fcn\n\u00e4\n".encode("latin-1")),
        "wide": (0o644, b"\xff\xfe" + "one\r\n2\r\n".encode("utf-16-le")),
    }


def test_a_character_that_the_file_cannot_hold_is_refused(patching: Any) -> None:
    (patching.root / "latin").write_bytes(b"gr\xfcn\n")
    patch = anchored("*** Update File: latin", "@@", "-gr\u00fcn", "+\u20ac")
    assert "latin: the file is encoded in latin-1, which has no U+20AC" in patching.refused(
        "patch", patch=patch
    )


def test_binary_files_can_be_moved_and_deleted_and_nothing_else(patching: Any) -> None:
    (patching.root / "a.bin").write_bytes(b"\0\xff")
    (patching.root / "b.bin").write_bytes(b"\0\xfe")
    patching(
        "patch", patch=anchored("*** Update File: a.bin", "*** Move to: c.bin", "*** Delete File: b.bin")
    )
    assert tree(patching.root) == {"c.bin": (0o644, b"\0\xff")}
    patch = anchored("*** Update File: c.bin", "@@", "-x", "+y")
    assert "c.bin is a binary file" in patching.refused("patch", patch=patch)


# --- all or nothing ---------------------------------------------------------------------------------


def context(patching: Any, changing: Any) -> ToolContext:
    return ToolContext(call_id="c1", files=patching.files, progress=print, changing=changing)


def run(patching: Any, patch: str, changing: Any) -> None:
    import asyncio

    asyncio.run(patching.tools["patch"].run(PatchArguments(patch), context(patching, changing)))


THREE = anchored(
    *("*** Update File: a", "@@", "-x", "+y"),
    *("*** Delete File: b",),
    *("*** Update File: c", "*** Move to: deep/er/c2"),
    *("*** Add File: other/d", "+new"),
)


@pytest.fixture
def three(patching: Any) -> Any:
    for name, mode in (("a", 0o755), ("b", 0o600), ("c", 0o640)):
        (patching.root / name).write_text("x\n")
        (patching.root / name).chmod(mode)
    return patching


def test_what_is_going_to_change_is_told_once_before_anything_does(three: Any) -> None:
    told: list[tuple[Mapping[str, str | None], Any]] = []
    before = tree(three.root)
    run(three, THREE, lambda planned: told.append((planned, tree(three.root))))
    (planned, then) = told[0]
    assert len(told) == 1
    assert then == before
    assert planned == {
        str(three.root / "a"): hash_of(b"y\n"),
        str(three.root / "b"): None,
        str(three.root / "c"): None,
        str(three.root / "deep/er/c2"): hash_of(b"x\n"),
        str(three.root / "other/d"): hash_of(b"new\n"),
    }
    assert set(tree(three.root)) == {"a", "deep", "deep/er", "deep/er/c2", "other", "other/d"}
    assert tree(three.root)["deep/er/c2"] == (0o640, b"x\n")


def test_if_nothing_can_be_kept_nothing_is_changed(three: Any) -> None:
    def changing(_planned: Mapping[str, str | None]) -> None:
        raise ToolError("cannot keep it")

    before = tree(three.root)
    with pytest.raises(ToolError, match="cannot keep it"):
        run(three, THREE, changing)
    assert tree(three.root) == before


@pytest.mark.parametrize(
    ("obstacle", "made"),
    [("other/d/x", "other/d"), ("other/d", None), ("deep/er/c2", None), ("deep", None)],
)
def test_a_write_that_fails_leaves_every_file_as_it_was(three: Any, obstacle: str, made: str | None) -> None:
    """Somebody makes a file or a folder in the way after everything was checked."""
    after: dict[str, Any] = {}

    def changing(_planned: Mapping[str, str | None]) -> None:
        path = three.root / obstacle
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("theirs\n")
        after.update(tree(three.root))

    with pytest.raises(ToolError, match="Nothing was changed"):
        run(three, THREE, changing)
    assert tree(three.root) == after
    assert made is None or (three.root / made).is_dir()


def test_a_file_that_goes_meanwhile_stops_the_patch_and_the_others_are_put_back(three: Any) -> None:
    with pytest.raises(ToolError, match=r"cannot change b: it does not exist\. Nothing was changed\."):
        run(three, THREE, lambda _planned: (three.root / "b").unlink())
    assert tree(three.root) == {"a": (0o755, b"x\n"), "c": (0o640, b"x\n")}


@pytest.mark.skipif(os.name != "posix", reason="limits of processes are POSIX")
def test_a_full_disk_spoils_nothing(three: Any) -> None:
    """No file may grow beyond a size, which fails like a full disk: in the middle of writing."""
    import resource
    import signal

    patch = anchored("*** Update File: a", "@@", "-x", "+y", "*** Add File: e/big", *["+" + "x" * 99] * 1_000)
    before = tree(three.root)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        message = three.refused("patch", patch=patch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "cannot change e/big" in message
    assert tree(three.root) == before


def test_one_hunk_that_fails_keeps_the_whole_patch_away(three: Any) -> None:
    before = tree(three.root)
    patch = anchored("*** Add File: n", "+n", "*** Update File: a", "@@", "-x", "+y", "@@", "-z", "+w")
    assert "a, hunk 2: its old lines were not found below line 1" in three.refused("patch", patch=patch)
    assert tree(three.root) == before


def test_a_file_that_changed_since_it_was_read_is_left_alone(three: Any) -> None:
    for name in "abc":
        three("read", path=name)
    (three.root / "b").write_text("theirs\n")
    before = tree(three.root)
    assert "b was changed since it was read" in three.refused("patch", patch=THREE)
    assert tree(three.root) == before
    three("read", path="b")
    three("patch", patch=THREE)
    assert not (three.root / "b").exists()


# --- paths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["*** Add File: a", "+x"], "a exists already"),
        (["*** Update File: b", "*** Move to: a"], "a exists already"),
        (["*** Delete File: main.pi"], "Similar names: main.py"),
        (["*** Update File: main.pi", "@@", "-x", "+y"], "Similar names: main.py"),
        (["*** Update File: a", "@@", "-x", "+y", "*** Update File: a", "@@", "-x", "+y"], "a occurs twice"),
        (
            ["*** Update File: a", "@@", "-x", "+y", "*** Update File: ./a", "@@", "-x", "+y"],
            "a occurs twice",
        ),
        (
            ["*** Update File: a", "@@", "-x", "+y", "*** Update File: link", "@@", "-x", "+y"],
            "a occurs twice",
        ),
        (["*** Update File: a", "@@", "-x", "+y", "*** Delete File: a"], "a occurs twice"),
        (["*** Delete File: a", "*** Delete File: a"], "a occurs twice"),
        (["*** Add File: n", "+x", "*** Add File: n", "+x"], "n occurs twice"),
        (["*** Add File: n", "+x", "*** Update File: a", "*** Move to: n"], "n occurs twice"),
        (["*** Add File: n", "+x", "*** Delete File: n"], "n occurs twice"),
        (["*** Delete File: link"], "link is a link to a"),
        (["*** Update File: link", "*** Move to: n"], "link is a link to a"),
        (["*** Add File: a/n", "+x"], "a is a file, not a folder"),
        (["*** Add File: n", "+x", "*** Add File: n/m", "+x"], "n is a file, not a folder"),
        (["*** Add File: sub", "+x"], "sub is a folder"),
        (["*** Delete File: sub"], "sub is a folder"),
        (["*** Update File: a", "*** Move to: sub"], "sub is a folder"),
        (["*** Add File: ../out/n", "+x"], "outside the project"),
        (["*** Add File: {out}/n", "+x"], "outside the project"),
        (["*** Update File: a", "*** Move to: ../out/f"], "outside the project"),
        (["*** Update File: ../out/secret.txt", "*** Move to: n"], "outside the project"),
        (["*** Delete File: ../out/secret.txt"], "outside the project"),
        (["*** Update File: leak", "@@", "-CANARY", "+x"], "outside the project"),
        (["*** Add File: way/n", "+x"], "outside the project"),
        (["*** Add File: ~/n", "+x"], "outside the project"),
        (["*** Update File: pipe", "@@", "-x", "+y"], "pipe, socket or device"),
        (["*** Update File: fixed", "@@", "-x", "+y"], "fixed is marked read-only"),
        (["*** Delete File: fixed"], "fixed is marked read-only"),
    ],
)
def test_a_path_that_may_not_be_used_keeps_the_whole_patch_away(
    patching: Any, lines: list[str], said: str
) -> None:
    root = patching.root
    for name in ("a", "b", "main.py", "fixed"):
        (root / name).write_text("x\n")
    (root / "fixed").chmod(0o444)
    (root / "sub").mkdir()
    (root / "link").symlink_to("a")
    (root / "leak").symlink_to(patching.out / "secret.txt")
    (root / "way").symlink_to(patching.out)
    os.mkfifo(root / "pipe")
    before, outside = tree(root), tree(patching.out)
    lines = [line.format(out=patching.out) for line in lines]
    assert said in patching.refused("patch", patch=anchored("*** Add File: first", "+x", *lines))
    assert tree(root) == before
    assert tree(patching.out) == outside


def test_the_target_of_a_link_inside_the_project_is_changed_through_it(patching: Any) -> None:
    (patching.root / "a").write_text("x\n")
    (patching.root / "link").symlink_to("a")
    patching("patch", patch=anchored("*** Update File: link", "@@", "-x", "+y"))
    assert (patching.root / "a").read_text() == "y\n"
    assert (patching.root / "link").is_symlink()


def test_names_that_differ_in_case_are_files_of_their_own_where_they_are(patching: Any) -> None:
    (patching.root / "readme").write_text("x\n")
    patching("patch", patch=anchored("*** Update File: readme", "*** Move to: README", "@@", "-x", "+y"))
    assert tree(patching.root) == {"README": (0o644, b"y\n")}


def test_names_of_one_file_with_two_hard_links_are_changed_apart(patching: Any) -> None:
    (patching.root / "a").write_text("x\n")
    os.link(patching.root / "a", patching.root / "b")
    patching(
        "patch",
        patch=anchored("*** Update File: a", "@@", "-x", "+1", "*** Update File: b", "@@", "-x", "+2"),
    )
    assert (patching.root / "a").read_text() == "1\n"
    assert (patching.root / "b").read_text() == "2\n"


# --- what others see --------------------------------------------------------------------------------


def test_the_effects_are_all_that_is_touched(patching: Any) -> None:
    def effects(patch: str) -> tuple[Effect, ...]:
        found: tuple[Effect, ...] = patching.tools["patch"].effects(PatchArguments(patch))
        return found

    assert effects(THREE) == (
        Effect("write", "a"),
        Effect("write", "b"),
        Effect("read", "c"),
        Effect("write", "c"),
        Effect("write", "deep/er/c2"),
        Effect("write", "other/d"),
    )
    renamed = "diff --git a/f b/../out/f\nsimilarity index 100%\nrename from f\nrename to ../out/f\n"
    assert effects(renamed) == (Effect("read", "f"), Effect("write", "f"), Effect("write", "../out/f"))
    assert effects("diff --git a/f b/g\nsimilarity index 100%\ncopy from f\ncopy to g\n") == (
        Effect("read", "f"),
        Effect("write", "g"),
    )
    inside_git = "--- a/.git/config\n+++ b/.git/config\n@@ -1 +1,2 @@\n [core]\n+fsmonitor=touch /x\n"
    assert effects(inside_git) == (Effect("write", ".git/config"),)
    assert effects("*** Begin Patch\n*** Rename File: a\n*** End Patch") == ()


def test_a_move_out_of_the_project_is_refused_whole(patching: Any) -> None:
    (patching.root / "f").write_text("x\n")
    patch = "diff --git a/f b/../out/f\nsimilarity index 100%\nrename from f\nrename to ../out/f\n"
    assert "outside the project" in patching.refused("patch", patch=patch)
    assert tree(patching.root) == {"f": (0o644, b"x\n")}
    assert not (patching.out / "f").exists()


def test_a_preview_shows_every_file_and_changes_none(three: Any) -> None:
    before = tree(three.root)
    view = three.preview("patch", patch=THREE)
    assert tree(three.root) == before
    assert isinstance(view, DiffView)
    assert view.path == "a, b, deep/er/c2 (+1 more)"
    assert (view.added, view.removed) == (2, 2)
    assert view.diff.splitlines() == [
        "diff a: changed (+1 -1)",
        "@@ -1 +1 @@",
        "-x",
        "+y",
        "diff b: deleted (+0 -1)",
        "@@ -1 +0,0 @@",
        "-x",
        "diff deep/er/c2: moved here from c",
        "diff other/d: added (+1 -0)",
        "@@ -0,0 +1 @@",
        "+new",
    ]
    assert three.preview("patch", patch="nonsense") is None


def test_a_preview_of_one_changed_file_is_its_diff(three: Any) -> None:
    view = three.preview("patch", patch=anchored("*** Update File: a", "@@", "-x", "+y"))
    assert view == DiffView("a", "@@ -1 +1 @@\n-x\n+y", 1, 1)


def test_patches_beyond_the_caps_are_refused(patching: Any) -> None:
    many = anchored(*(line for number in range(201) for line in (f"*** Add File: f{number}", "+x")))
    assert "201 files, more than 200" in patching.refused("patch", patch=many)
    large = anchored("*** Add File: f", "+" + "x" * 2_000_000)
    assert "exceeds 2,000,000 bytes" in patching.refused("patch", patch=large)
    assert patching.names() == []
