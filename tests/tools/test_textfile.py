"""Encodings, marks and line ends survive reading and writing."""

from __future__ import annotations

import codecs
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_tools.textfile import decode

SAMPLES = {
    "plain": "naïve\n".encode(),
    "empty": b"",
    "utf-8 with mark": codecs.BOM_UTF8 + "naïve €\r\n".encode(),
    "utf-16 little": codecs.BOM_UTF16_LE + "naïve €\r\n".encode("utf-16-le"),
    "utf-16 big": codecs.BOM_UTF16_BE + "naïve €\n".encode("utf-16-be"),
    "utf-32": codecs.BOM_UTF32_LE + "naïve €\n".encode("utf-32-le"),
    "latin-1": "naïve\r\n".encode("latin-1"),
}


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES.keys())
def test_a_text_is_written_back_as_it_was_read(data: bytes) -> None:
    file = decode(data, "f")
    assert file.encode(file.text) == data
    assert not file.text.startswith("\ufeff")
    assert file.text.rstrip() in ("", "naïve", "naïve €")


@given(st.binary(max_size=200))
def test_any_bytes_are_text_that_is_written_back_or_binary(data: bytes) -> None:
    try:
        file = decode(data, "f")
    except ToolError:
        assert b"\0" in data or data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    else:
        assert file.encode(file.text) == data


@pytest.mark.parametrize(
    ("text", "newline"), [("a\r\nb\r\nc\n", "\r\n"), ("a\r\nb\nc\n", "\n"), ("", "\n"), ("a\rb", "\n")]
)
def test_the_line_end_is_that_of_most_lines(text: str, newline: str) -> None:
    assert decode(text.encode(), "f").newline == newline


@pytest.mark.parametrize("name", ["utf-8 with mark", "utf-16 little", "utf-16 big", "utf-32", "latin-1"])
def test_an_edit_keeps_the_encoding(hands: Any, name: str) -> None:
    (hands.root / "f").write_bytes(SAMPLES[name])
    assert "naïve" in hands("read", path="f").text
    hands("edit", path="f", old="naïve", new="brève")
    before = decode(SAMPLES[name], "f")
    assert (hands.root / "f").read_bytes() == before.encode(before.text.replace("naïve", "brève"))


def test_an_edit_that_the_encoding_cannot_hold_changes_nothing(hands: Any) -> None:
    (hands.root / "f").write_bytes(SAMPLES["latin-1"])
    assert "U+20AC" in hands.refused("edit", path="f", old="naïve", new="€")
    assert (hands.root / "f").read_bytes() == SAMPLES["latin-1"]


def test_replacing_a_latin_1_file_by_text_it_cannot_hold_makes_it_utf_8_and_says_so(hands: Any) -> None:
    (hands.root / "f").write_bytes(SAMPLES["latin-1"])
    hands("read", path="f")
    assert "UTF-8 now" in hands("write", path="f", content="€\n").text
    assert (hands.root / "f").read_bytes() == "€\r\n".encode()
