"""Unified diffs: all that git says in them, and line numbers that are wrong."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ToolError
from akmon_tools.patch import PatchTool, read_patch
from akmon_tools.patches.hunks import Entry

BLOCK = "def one():\n    x = 1\n    return x\n\n\n"


@pytest.fixture
def patching(hands: Any) -> Any:
    hands.tools["patch"] = PatchTool(hands.workspace)
    return hands


def diff(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def update(name: str, *hunks: str) -> str:
    return diff(f"--- a/{name}", f"+++ b/{name}", *hunks)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read(*lines: str) -> list[tuple[str, str, str]]:
    """What a diff does to which files."""
    return [(entry.action, entry.path, entry.target) for entry in read_patch(diff(*lines))]


def only(*lines: str) -> Entry:
    (entry,) = read_patch(diff(*lines))
    return entry


# --- headers ----------------------------------------------------------------------------------------


def test_files_are_changed_made_and_removed_in_one_diff(patching: Any) -> None:
    root = patching.root
    (root / "a").write_text("one\ntwo\nthree\n")
    (root / "gone").write_text("x\ny\n")
    (root / "empty").write_text("")
    patching(
        "patch",
        patch=diff(
            *("diff --git a/a b/a", "index 1111111..2222222 100644", "--- a/a", "+++ b/a"),
            *("@@ -1,3 +1,3 @@", " one", "-two", "+2", " three"),
            *("diff --git a/gone b/gone", "deleted file mode 100644", "index 1..0"),
            *("--- a/gone", "+++ /dev/null", "@@ -1,2 +0,0 @@", "-x", "-y"),
            *("diff --git a/empty b/empty", "deleted file mode 100644", "index e69de29..0000000"),
            *("diff --git a/n/new b/n/new", "new file mode 100755", "index 0..1"),
            *("--- /dev/null", "+++ b/n/new", "@@ -0,0 +1,2 @@", "+#!/bin/sh", "+x"),
            *("diff --git a/none b/none", "new file mode 100644", "index 0000000..e69de29"),
        ),
    )
    assert {path.name: path.read_text() for path in root.rglob("*") if path.is_file()} == {
        "a": "one\n2\nthree\n",
        "new": "#!/bin/sh\nx\n",
        "none": "",
    }
    assert mode(root / "n/new") & 0o100
    assert not mode(root / "none") & 0o111


def test_files_are_moved_and_copied_with_and_without_changes(patching: Any) -> None:
    root = patching.root
    (root / "a b").write_text("one\ntwo\n")
    (root / "b").write_text("x\n")
    (root / "b").chmod(0o755)
    patching(
        "patch",
        patch=diff(
            *("diff --git a/a b b/c d", "similarity index 50%", "rename from a b", "rename to c d"),
            *("index 1..2 100644", "--- a/a b\t", "+++ b/c d\t", "@@ -1,2 +1,2 @@", " one", "-two", "+2"),
            *("diff --git a/b b/copy", "similarity index 100%", "copy from b", "copy to copy"),
            *("diff --git a/b b/sub/b", "similarity index 100%", "rename from b", "rename to sub/b"),
        ),
    )
    assert {path.name: path.read_text() for path in root.rglob("*") if path.is_file()} == {
        "c d": "one\n2\n",
        "copy": "x\n",
        "b": "x\n",
    }
    assert mode(root / "sub/b") == mode(root / "copy") == 0o755


def test_files_may_change_places(patching: Any) -> None:
    (patching.root / "a").write_text("1\n")
    (patching.root / "b").write_text("2\n")
    patching(
        "patch",
        patch=diff(
            *("diff --git a/a b/b", "similarity index 100%", "rename from a", "rename to b"),
            *("diff --git a/b b/a", "similarity index 100%", "rename from b", "rename to a"),
        ),
    )
    assert (patching.root / "a").read_text() == "2\n"
    assert (patching.root / "b").read_text() == "1\n"


def test_modes_change_by_who_may_read(patching: Any) -> None:
    for name, before in (("a", 0o640), ("b", 0o755)):
        (patching.root / name).write_text("x\n")
        (patching.root / name).chmod(before)
    output = patching(
        "patch",
        patch=diff(
            *("diff --git a/a b/a", "old mode 100644", "new mode 100755"),
            *("diff --git a/b b/b", "old mode 100755", "new mode 100644", "index 1..2"),
            *("--- a/b", "+++ b/b", "@@ -1 +1 @@", "-x", "+y"),
        ),
    )
    assert mode(patching.root / "a") == 0o750
    assert mode(patching.root / "b") == 0o644
    assert "a: changed, executable." in output.text


def test_names_in_quotes_are_read_as_c_writes_them() -> None:
    assert read(
        r'diff --git "a/t\303\244b\there" "b/t\303\244b\there"', "old mode 100644", "new mode 100755"
    ) == [("update", "t\u00e4b\there", "")]
    assert read(r'--- "a/\"q\" \\"', r'+++ "b/\"q\" \\"', "@@ -1 +1 @@", "-x", "+y") == [
        ("update", '"q" \\', "")
    ]
    assert read(r'diff --git a/p "b/\303\244"', "rename from p", r'rename to "\303\244"') == [
        ("move", "p", "\u00e4")
    ]
    with pytest.raises(ToolError, match="does not end"):
        read('--- "a/x', '+++ "b/x', "@@ -1 +1 @@", "-x", "+y")
    with pytest.raises(ToolError, match="not UTF-8"):
        read(r'--- "a/\377"', r'+++ "b/\377"', "@@ -1 +1 @@", "-x", "+y")


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("a/f", "b/f", "f"),
        ("f", "f", "f"),
        ("a/f", "f", "f"),
        ("f", "b/f", "f"),
        ("a/a/f", "b/a/f", "a/f"),
        ("a/f", "a/f", "a/f"),
        ("i/f", "w/f", "f"),
        ("a/x y\t2026-01-01 10:00:00", "b/x y\t2026-01-02 10:00:00", "x y"),
        ("/dev/null", "b/f", "f"),
        ("a/f", "/dev/null", "f"),
        ("/dev/null", "f", "f"),
    ],
)
def test_names_come_with_and_without_prefixes(old: str, new: str, name: str) -> None:
    sign = "+" if old == "/dev/null" else "-"
    assert only(f"--- {old}", f"+++ {new}", "@@ -1 +1 @@", f"{sign}x").path == name


def test_a_folder_that_is_called_like_a_prefix_keeps_its_name_where_git_writes_none() -> None:
    head = ("diff --git b/f b/f", "new file mode 100644", "--- /dev/null", "+++ b/f")
    assert only(*head, "@@ -0,0 +1 @@", "+x").path == "b/f"


SIDES = ("--- a/f", "+++ b/f", "@@ -1 +1 @@", "-x", "+y")
GIT = "diff --git a/f b/f"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["--- a/f", "+++ b/g", "@@ -1 +1 @@", "-x", "+y"], "different files, f and g"),
        ([GIT, "--- a/g", "+++ b/g", "@@ -1 +1 @@", "-x", "+y"], "do not agree on its name: f, g"),
        (["diff --git a/f b/g", "rename from f"], "do not agree"),
        (["diff --git a/f b/g", "rename from f", "rename to h", "--- a/f", "+++ b/g"], "do not agree"),
        (["diff --git a/f b/long", "new file mode 100644"], "does not name it"),
        (["--- /dev/null", "+++ /dev/null", "@@ -1 +1 @@", "-x", "+y"], "on both sides"),
        ([GIT, "Binary files a/f and b/f differ"], "f: the patch of a binary file"),
        ([GIT, "index 1..2 100644", "GIT binary patch", "literal 2"], "f: the patch of a binary"),
        ([GIT, "new file mode 120000", "--- /dev/null", "+++ b/f", "@@ -0,0 +1 @@", "+x"], "a symbolic link"),
        ([GIT, "index 1..2 120000", *SIDES], "a symbolic link"),
        ([GIT, "index 1..2 160000", *SIDES], "a submodule"),
        ([GIT, "index 1..2 100644"], "f: the patch says no change"),
        (["diff --cc f", *SIDES[:2], "@@@ -1,1 -1,1 +1,1 @@@", "--x", "++y"], "combined diff of a merge"),
        (["@@ -1 +1 @@", "-x", "+y"], "names no file"),
        (["no patch at all"], "names no file"),
        (["*** a/f", "--- b/f", "***************"], "names no file"),
        (["--- a/f", "+++ b/f", "@@ -1,2 +1,2 @@", " x", "stray", "-y", "+z"], "after hunk 1 stands: stray"),
        (["--- a/f", "+++ b/f", "@@ -1 +1 @@", "-x", "+y", "Well, that is it."], "stands: Well"),
    ],
)  # fmt: skip
def test_a_diff_that_cannot_be_read_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(ToolError) as caught:
        read(*lines)
    assert said in str(caught.value)


def test_what_stands_around_diffs_says_nothing() -> None:
    mail = (
        *("From 1234567890 Mon Sep 17 00:00:00 2001", "Subject: [PATCH] x", "", "---", " f | 2 +-", ""),
        *("diff --git a/f b/f", "index 1..2 100644", "--- a/f", "+++ b/f", "@@ -1 +1 @@", "-x", "+y"),
        *("-- ", "2.39.5", ""),
    )
    svn = ("Index: h", "=" * 67, "--- h\t(revision 1)", "+++ h\t(working copy)", "@@ -1 +1 @@", "-x", "+y")
    plain = ("diff -ru old/i new/i", "--- i", "+++ i", "@@ -1 +1 @@", "-x", "+y", "Only in new: j")
    entries = read_patch(
        diff(*mail, *[line.replace("f b/f", "g b/g").replace("/f", "/g") for line in mail], "")
    )
    assert [entry.path for entry in entries] == ["f", "g"]
    assert [len(hunk.lines) for entry in entries for hunk in entry.hunks] == [2, 2]
    assert [entry.path for entry in read_patch(diff(*svn, "", *plain))] == ["h", "i"]


# --- hunks ------------------------------------------------------------------------------------------


def test_lines_that_look_like_headers_are_lines_where_the_counts_say_so() -> None:
    (hunk,) = only("--- a/f", "+++ b/f", "@@ -1,2 +1,2 @@", "--- old", "+++ new", " @@ -1 +1 @@").hunks
    assert hunk.old == ["-- old", "@@ -1 +1 @@"]
    assert hunk.new == ["++ new", "@@ -1 +1 @@"]


@pytest.mark.parametrize("counts", ["-1,3 +1,3", "-1,9 +1,9", "-1 +1", "-1,0 +1,0", "-1,4 +1,2"])
def test_wrong_counts_do_not_matter(patching: Any, counts: str) -> None:
    (patching.root / "f").write_text("one\ntwo\nthree\n")
    (patching.root / "g").write_text("x\n")
    hunk = (f"@@ {counts} @@", " one", "-two", "+2", " three")
    patching("patch", patch=update("f", *hunk) + update("g", "@@ -1 +1 @@", "-x", "+y"))
    assert (patching.root / "f").read_text() == "one\n2\nthree\n"
    assert (patching.root / "g").read_text() == "y\n"


@pytest.mark.parametrize(
    "head", ["@@ -1,3 +1,3 @@", "@@", "@@ @@", "@@ ... @@", "@@ -40,3 +40,3 @@ def x():"]
)
def test_empty_lines_of_a_hunk_may_have_lost_their_blank(patching: Any, head: str) -> None:
    (patching.root / "f").write_text("one\n\nthree\n")
    patching("patch", patch=update("f", head, " one", "", "-three", "+3", ""))
    assert (patching.root / "f").read_text() == "one\n\n3\n"


def test_a_hunk_is_found_wherever_its_lines_are_if_that_is_one_place(patching: Any) -> None:
    (patching.root / "f").write_text("".join(f"{number}\n" for number in range(300)))
    output = patching("patch", patch=update("f", "@@ -10,3 +10,3 @@", " 249", "-250", "+x", " 251"))
    assert (patching.root / "f").read_text().splitlines()[250] == "x"
    assert "Hunk 1: its lines are at 250, not 10." in output.text


def test_the_line_number_decides_between_places_if_it_is_right(patching: Any) -> None:
    (patching.root / "f.py").write_text(BLOCK * 3)
    patching("patch", patch=update("f.py", "@@ -6,3 +6,3 @@", " def one():", "-    x = 1", "+    x = 2"))
    assert (patching.root / "f.py").read_text() == BLOCK + BLOCK.replace("1", "2") + BLOCK


def test_a_line_number_that_is_nearly_right_decides_and_a_wrong_one_does_not(patching: Any) -> None:
    text = BLOCK + "#\n" * 20 + BLOCK
    (patching.root / "f.py").write_text(text)
    change = (" def one():", "-    x = 1", "+    x = 2")
    for stated in (10, 14, 20, 500):
        message = patching.refused("patch", patch=update("f.py", f"@@ -{stated},2 +{stated},2 @@", *change))
        assert "f.py, hunk 1: it fits at 2 places, lines 1, 26" in message
    assert (patching.root / "f.py").read_text() == text
    patching("patch", patch=update("f.py", "@@ -28,2 +28,2 @@", *change))
    assert (patching.root / "f.py").read_text() == BLOCK + "#\n" * 20 + BLOCK.replace("1", "2")


def test_a_hunk_is_expected_as_far_off_as_the_one_before(patching: Any) -> None:
    text = "#\n" * 7 + "first\n" + BLOCK * 4
    (patching.root / "f.py").write_text(text)
    hunks = ("@@ -1 +1 @@", "-first", "+1st", "@@ -7,2 +7,2 @@", " def one():", "-    x = 1", "+    x = 2")
    patching("patch", patch=update("f.py", *hunks))
    changed = BLOCK.replace("x = 1", "x = 2")
    assert (patching.root / "f.py").read_text() == "#\n" * 7 + "1st\n" + BLOCK + changed + BLOCK * 2


def test_lines_without_neighbours_need_a_number_that_can_be_right(patching: Any) -> None:
    (patching.root / "f").write_text("1\n2\n")
    for head in ("@@ -3,0 +4 @@", "@@ -1,2 +1,3 @@", "@@"):
        message = patching.refused("patch", patch=update("f", head, "+x"))
        assert "its place cannot be told" in message
    patching("patch", patch=update("f", "@@ -1,0 +2 @@", "+x"))
    assert (patching.root / "f").read_text() == "1\nx\n2\n"


def test_a_file_that_goes_must_go_with_all_its_lines(patching: Any) -> None:
    (patching.root / "f").write_text("x\ny\n")
    patch = diff("--- a/f", "+++ /dev/null", "@@ -1 +0,0 @@", "-x")
    assert "f: the patch removes the file, but not all of its lines" in patching.refused("patch", patch=patch)
    patch = diff("--- a/f", "+++ /dev/null", "@@ -1,2 +0,0 @@", "-x", " y")
    assert "all lines of a file that goes begin with -" in patching.refused("patch", patch=patch)
    patch = diff("--- /dev/null", "+++ b/g", "@@ -0,0 +1,2 @@", "+x", " y")
    assert "all lines of an added file begin with +" in patching.refused("patch", patch=patch)
    assert (patching.root / "f").read_text() == "x\ny\n"


# --- line ends --------------------------------------------------------------------------------------

NO_END = "\\ No newline at end of file"


@pytest.mark.parametrize(
    ("before", "hunk", "after"),
    [
        ("a\nb", ("@@ -1,2 +1,2 @@", " a", "-b", NO_END, "+c", NO_END), "a\nc"),
        ("a\nb", ("@@ -1,2 +1,2 @@", " a", "-b", NO_END, "+b"), "a\nb\n"),
        ("a\nb\n", ("@@ -1,2 +1,2 @@", " a", "-b", "+b", NO_END), "a\nb"),
        ("a\nb", ("@@ -1,2 +1,2 @@", "-a", "+c", " b", NO_END), "c\nb"),
        ("a\nb", ("@@ -1,2 +1 @@", " a", "-b", NO_END), "a\n"),
        ("a\nb", ("@@ -1,2 +1 @@", "-a", "-b", NO_END, "+c", NO_END), "c"),
        ("a\nb", ("@@ -1,2 +1,2 @@", " a", "-b", "+c"), "a\nc"),
        ("a\nb\n", ("@@ -1,2 +1,2 @@", " a", "-b", NO_END, "+c", NO_END), "a\nc\n"),
        ("a", ("@@ -1 +1,2 @@", "-a", NO_END, "+a", "+b", NO_END), "a\nb"),
        ("", ("@@ -0,0 +1 @@", "+a", NO_END), "a"),
        ("a", ("@@ -1 +0,0 @@", "-a", NO_END), ""),
        ("a\r\nb\r\n", ("@@ -1,2 +1,2 @@", " a\r", "-b\r", "+c\r"), "a\r\nc\r\n"),
        ("a\r\nb\r\n", ("@@ -1,2 +1,2 @@", " a\r", "-b\r", "+b"), "a\r\nb\n"),
        ("a\nb\n", ("@@ -1,2 +1,2 @@", " a", "-b", "+b\r"), "a\nb\r\n"),
        ("a\r\nb\r\n", ("@@ -1,2 +1,3 @@", " a", "-b", "+c", "+d"), "a\r\nc\r\nd\r\n"),
        ("a\r\nb", ("@@ -1,2 +1,3 @@", " b", "+c"), "a\r\nb\r\nc"),
        ("a\r\nb\nc\r\n", ("@@ -2 +2,2 @@", "-b", "+x", "+y"), "a\r\nx\ny\nc\r\n"),
        ("\ufeffa\nb\n", ("@@ -1,2 +1,2 @@", "-\ufeffa", "+a", " b"), "a\nb\n"),
        ("\ufeffa\nb\n", ("@@ -1,2 +1,2 @@", "-a", "+c", " b"), "\ufeffc\nb\n"),
        ("a\x0cb\u2028c\n", ("@@ -1 +1 @@", "-a\x0cb\u2028c", "+a\x0cb\x0bc"), "a\x0cb\x0bc\n"),
    ],
)  # fmt: skip
def test_line_ends_are_those_of_the_patch_or_of_the_file(
    patching: Any, before: str, hunk: tuple[str, ...], after: str
) -> None:
    (patching.root / "f").write_bytes(before.encode())
    patching("patch", patch=update("f", *hunk))
    assert (patching.root / "f").read_bytes() == after.encode()


def test_a_diff_whose_every_line_ends_in_a_carriage_return_has_lost_nothing(patching: Any) -> None:
    (patching.root / "f").write_bytes(b"a\nb\n")
    patching("patch", patch=update("f", "@@ -1,2 +1,2 @@", " a", "-b", "+c").replace("\n", "\r\n"))
    assert (patching.root / "f").read_bytes() == b"a\nc\n"
