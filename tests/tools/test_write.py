"""Writing: new files, replacing, and not losing what somebody else wrote."""

from __future__ import annotations

from typing import Any

from akmon_core.limits import WRITE_BYTES
from akmon_core.tools import DiffView


def test_a_new_file_is_made_with_its_folders(hands: Any) -> None:
    output = hands("write", path="a/b/c.py", content="x\n" * 47)
    assert (hands.root / "a" / "b" / "c.py").read_text() == "x\n" * 47
    assert output.text == "a/b/c.py: 47 lines written."
    assert output.summary == "47 lines written"
    assert isinstance(output.view, DiffView)
    assert (output.view.path, output.view.added, output.view.removed) == ("a/b/c.py", 47, 0)
    (seen,) = output.files
    assert (seen.path, seen.written) == (str(hands.root / "a/b/c.py"), True)


def test_what_was_written_can_be_replaced_and_edited_without_reading_it(hands: Any) -> None:
    hands("write", path="a.txt", content="one\n")
    hands("write", path="a.txt", content="two\n")
    hands("edit", path="a.txt", old="two", new="three")
    hands("write", path="a.txt", content="four\n")
    assert (hands.root / "a.txt").read_text() == "four\n"


def test_a_file_that_was_not_read_is_not_replaced(hands: Any) -> None:
    (hands.root / "a.txt").write_text("precious\n")
    assert "read it first" in hands.refused("write", path="a.txt", content="x")
    assert (hands.root / "a.txt").read_text() == "precious\n"
    hands("read", path="a.txt")
    hands("write", path="a.txt", content="new\n")
    assert (hands.root / "a.txt").read_text() == "new\n"


def test_a_file_that_changed_since_it_was_read_is_not_replaced(hands: Any) -> None:
    (hands.root / "a.txt").write_text("one\n")
    hands("read", path="a.txt")
    (hands.root / "a.txt").write_text("theirs\n")
    assert "changed since it was read" in hands.refused("write", path="a.txt", content="x")
    assert (hands.root / "a.txt").read_text() == "theirs\n"


def test_an_empty_file_has_nothing_to_lose(hands: Any) -> None:
    (hands.root / "a.txt").touch()
    hands("write", path="a.txt", content="x")
    assert (hands.root / "a.txt").read_text() == "x"


def test_a_binary_file_or_a_folder_is_not_replaced(hands: Any) -> None:
    (hands.root / "a.bin").write_bytes(b"\0\1")
    (hands.root / "sub").mkdir()
    assert "binary" in hands.refused("write", path="a.bin", content="x")
    assert "folder" in hands.refused("write", path="sub", content="x")


def test_the_line_ends_of_a_file_are_kept_and_those_of_a_new_one_are_as_written(hands: Any) -> None:
    (hands.root / "dos.txt").write_bytes(b"a\r\nb\r\n")
    hands("read", path="dos.txt")
    hands("write", path="dos.txt", content="one\ntwo\r\nthree\n")
    assert (hands.root / "dos.txt").read_bytes() == b"one\r\ntwo\r\nthree\r\n"
    hands("write", path="new.bat", content="a\r\nb\r\n")
    assert (hands.root / "new.bat").read_bytes() == b"a\r\nb\r\n"


def test_the_mode_is_kept(hands: Any) -> None:
    (hands.root / "run.sh").write_text("old\n")
    (hands.root / "run.sh").chmod(0o755)
    hands("read", path="run.sh")
    hands("write", path="run.sh", content="new\n")
    assert (hands.root / "run.sh").stat().st_mode & 0o777 == 0o755


def test_too_much_content_is_refused(hands: Any) -> None:
    assert "exceed" in hands.refused("write", path="big", content="x" * (WRITE_BYTES + 1))
    assert hands.names() == []


def test_a_preview_shows_the_change_and_makes_none(hands: Any) -> None:
    view = hands.preview("write", path="new/a.txt", content="one\n")
    assert view is not None
    assert view.diff.endswith("+one")
    assert hands.names() == []
    (hands.root / "b.txt").write_text("x\n")
    assert hands.preview("write", path="b.txt", content="one\n") is None  # would be refused
    assert hands.preview("write", path="../out/secret.txt", content="one\n") is None


def test_nothing_but_the_file_is_left_in_the_folder(hands: Any) -> None:
    for number in range(5):
        hands("write", path="a.txt", content=f"{number}\n")
    assert hands.names() == ["a.txt"]
