"""Reading: numbers, ranges, caps, and what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ArgumentsError
from akmon_core.limits import EDITABLE_BYTES, LINE_CHARS, LINE_ROWS, READ_BYTES, READ_LINES


def test_lines_come_with_their_numbers_and_the_hash_of_the_file(hands: Any) -> None:
    path: Path = hands.root / "a.txt"
    path.write_bytes(b"one\r\ntwo\n\nfour")
    output = hands("read", path="a.txt")
    assert output.text == "     1\tone\n     2\ttwo\n     3\t\n     4\tfour"
    assert output.summary == "4 lines read"
    (seen,) = output.files
    assert (seen.path, seen.written) == (str(path), False)
    assert seen.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_range_says_where_to_go_on(hands: Any) -> None:
    (hands.root / "a.txt").write_text("".join(f"l{number}\n" for number in range(1, 101)))
    output = hands("read", path="a.txt", offset=10, limit=2)
    assert output.text == "    10\tl10\n    11\tl11\n[lines 10-11 of 100; go on with offset=12]"
    assert hands("read", path="a.txt", offset=100).text == "   100\tl100"


def test_many_lines_and_many_bytes_are_capped(hands: Any) -> None:
    (hands.root / "long.txt").write_text("x\n" * (READ_LINES + 5))
    assert hands("read", path="long.txt", limit=10_000).text.endswith(
        f"[lines 1-{READ_LINES} of {READ_LINES + 5}; go on with offset={READ_LINES + 1}]"
    )
    (hands.root / "wide.txt").write_text(("é" * 1_000 + "\n") * 100)
    output = hands("read", path="wide.txt")
    assert len(output.text.encode()) < READ_BYTES + 200
    assert "of 100; go on with offset=" in output.text


def test_a_long_line_is_folded_into_rows(hands: Any) -> None:
    (hands.root / "min.js").write_text("a" * LINE_CHARS + "b" * LINE_CHARS + "c\nend\n")
    rows = hands("read", path="min.js").text.split("\n")
    gap = " " * 6 + "\t"
    assert rows == [f"     1\t{'a' * LINE_CHARS}", f"{gap}{'b' * LINE_CHARS}", f"{gap}c", "     2\tend"]


@pytest.mark.parametrize("length", [3_000_000, EDITABLE_BYTES * 5])
def test_an_endless_line_stays_small_and_what_is_left_out_can_be_got(hands: Any, length: int) -> None:
    (hands.root / "min.js").write_bytes(b"x" * length + b"\nend\n")
    text = hands("read", path="min.js").text
    shown = LINE_CHARS * LINE_ROWS
    assert text.count("x") == shown
    assert len(text) < shown + 200
    assert f"[line 1 has {length - shown:,} more characters; see some with: sed -n 1p FILE | cut -c" in text
    assert text.endswith("     2\tend")


@pytest.mark.parametrize("length", [LINE_CHARS, LINE_CHARS * LINE_ROWS])
def test_a_line_that_just_fits_is_shown_whole(hands: Any, length: int) -> None:
    (hands.root / "a.txt").write_text("x" * length + "\r\n")
    text = hands("read", path="a.txt").text
    assert text.count("x") == length
    assert "more characters" not in text


def test_an_empty_file_is_said_to_be_empty(hands: Any) -> None:
    (hands.root / "empty").write_text("")
    output = hands("read", path="empty")
    assert output.text == "[empty is empty]"
    assert len(output.files) == 1


def test_a_line_past_the_end_is_an_error_with_the_number_of_lines(hands: Any) -> None:
    (hands.root / "a.txt").write_text("one\ntwo\n")
    assert "has 2 lines; offset 3" in hands.refused("read", path="a.txt", offset=3)


def test_a_folder_is_listed(hands: Any) -> None:
    (hands.root / "sub").mkdir()
    (hands.root / "sub" / "a.txt").write_text("x")
    assert hands("read", path="sub").text == hands("list", path="sub").text == "a.txt  1 B"
    assert hands("read", path="").text == "sub/"


def test_a_missing_file_is_answered_with_similar_names(hands: Any) -> None:
    (hands.root / "src").mkdir()
    (hands.root / "src" / "settings.py").write_text("")
    (hands.root / "src" / "other.txt").write_text("")
    message = hands.refused("read", path="src/Setting.py")
    assert "src/settings.py" in message
    assert "other" not in message
    assert "nor does its folder" in hands.refused("read", path="nowhere/a.py")


def test_a_binary_file_is_refused(hands: Any) -> None:
    (hands.root / "a.bin").write_bytes(b"\x7fELF\0\0\1")
    assert "binary" in hands.refused("read", path="a.bin")


def test_text_that_is_not_utf_8_is_shown_and_said_to_be_so(hands: Any) -> None:
    (hands.root / "old.txt").write_bytes("naïve\n".encode("latin-1"))
    text = hands("read", path="old.txt").text
    assert "naïve" in text
    assert "Latin-1" in text


def test_control_and_invisible_characters_are_shown_and_nothing_is_hidden(hands: Any) -> None:
    (hands.root / "trap.txt").write_bytes("evil\rgood\x1b[2J\u200b\U000e0041\n".encode())
    assert hands("read", path="trap.txt").text == "     1\tevil<U+000D>good<U+001B>[2J<U+200B><U+E0041>"


@pytest.mark.parametrize("arguments", [{"offset": 0}, {"limit": 0}, {"lines": 3}, {"offset": "two"}])
def test_arguments_that_do_not_fit_are_explained(hands: Any, arguments: dict[str, object]) -> None:
    with pytest.raises(ArgumentsError, match="path, offset, limit"):
        hands("read", path="a", **arguments)


class TestALargeFile:
    @pytest.fixture
    def large(self, hands: Any) -> Any:
        lines = (b"line %-70d\n" % number for number in range(1, 300_001))
        (hands.root / "large.log").write_bytes(b"".join(lines))
        assert (hands.root / "large.log").stat().st_size > 2 * EDITABLE_BYTES
        return hands

    def test_is_read_in_ranges_without_being_loaded(self, large: Any) -> None:
        tracemalloc.start()
        output = large("read", path="large.log", offset=150_000, limit=2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        first, second, note = output.text.split("\n")
        assert (first.rstrip(), second.rstrip()) == ("150000\tline 150000", "150001\tline 150001")
        assert note == "[lines 150000-150001; go on with offset=150002]"
        assert output.files == ()
        assert peak < 3_000_000

    def test_ends_without_a_note(self, large: Any) -> None:
        assert large("read", path="large.log", offset=300_000).text.rstrip() == "300000\tline 300000"
        assert "has 300000 lines" in large.refused("read", path="large.log", offset=300_001)

    def test_that_is_binary_is_refused(self, hands: Any) -> None:
        (hands.root / "big.bin").write_bytes(b"\0" * (EDITABLE_BYTES + 1))
        assert "binary" in hands.refused("read", path="big.bin")

    def test_is_not_edited_nor_replaced(self, large: Any) -> None:
        assert "larger than" in large.refused("edit", path="large.log", old="line 5 ", new="x")
        assert "larger than" in large.refused("write", path="large.log", content="x")


def test_eight_files_can_be_read_at_the_same_time(hands: Any) -> None:
    for number in range(8):
        (hands.root / f"f{number}").write_text(f"content {number}\n")

    async def scenario() -> list[Any]:
        return await asyncio.gather(*(hands.start("read", path=f"f{number}") for number in range(8)))

    outputs = asyncio.run(scenario())
    assert [output.text for output in outputs] == [f"     1\tcontent {number}" for number in range(8)]
    assert len(hands.files) == 8


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said_plainly(hands: Any) -> None:
    (hands.root / "mine").write_text("x")
    (hands.root / "mine").chmod(0)
    (hands.root / "closed").mkdir()
    (hands.root / "closed").chmod(0o100)
    (hands.root / "shut").mkdir()
    (hands.root / "shut").chmod(0)
    assert "permission was denied" in hands.refused("read", path="mine")
    assert "does not exist" in hands.refused("read", path="closed/a")
    assert "permission was denied" in hands.refused("list", path="closed")
    assert "permission was denied" in hands.refused("read", path="shut/a")
    assert hands("search", pattern="x").text == "[no matches]"
