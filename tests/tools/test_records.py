"""Reading a record of the session's journal as if it were a file."""

from __future__ import annotations

from typing import Any

import pytest

from akmon_core.limits import READ_LINES
from akmon_core.tools import Effect


def test_a_record_is_read_like_a_file_and_has_no_effect(hands: Any) -> None:
    hands.records[57] = "one\r\ntwo\x1b[2J\n\nfour\n"
    output = hands("read", path="record:57")
    assert output.text == "     1\tone\n     2\ttwo<U+001B>[2J\n     3\t\n     4\tfour"
    assert output.summary == "4 lines read"
    assert output.files == ()
    tool = hands.tools["read"]
    assert tool.effects(hands.parsed("read", {"path": "record:57"})) == ()


def test_a_record_is_read_in_pages(hands: Any) -> None:
    hands.records[3] = "x\n" * (READ_LINES + 5)
    assert hands("read", path="record:3").text.endswith(
        f"[lines 1-{READ_LINES} of {READ_LINES + 5}; go on with offset={READ_LINES + 1}]"
    )
    page = hands("read", path="record:3", offset=10, limit=2).text
    assert page == f"    10\tx\n    11\tx\n[lines 10-11 of {READ_LINES + 5}; go on with offset=12]"
    assert "record:3 has 2005 lines; offset 3000" in hands.refused("read", path="record:3", offset=3_000)


def test_an_empty_record_is_said_to_be_empty(hands: Any) -> None:
    hands.records[4] = ""
    assert hands("read", path="record:4").text == "[record:4 is empty]"


@pytest.mark.parametrize("number", ["0", "58", "999999999999999"])
def test_a_record_that_is_not_there_is_an_error(hands: Any, number: str) -> None:
    assert f"no record {number} in this session" in hands.refused("read", path=f"record:{number}")


def test_a_file_of_that_name_is_read_by_its_path(hands: Any) -> None:
    (hands.root / "record:57").write_text("the file\n")
    hands.records[57] = "the record\n"
    assert hands("read", path="./record:57").text == "     1\tthe file"
    assert hands("read", path="record:57").text == "     1\tthe record"


@pytest.mark.parametrize("path", ["record:", "record:x", "record:5x", "record:-5", "Record:5", "record:٣"])
def test_what_is_no_number_is_a_file(hands: Any, path: str) -> None:
    (hands.root / path).write_text("the file\n")
    assert hands("read", path=path).text == "     1\tthe file"
    assert hands.tools["read"].effects(hands.parsed("read", {"path": path})) == (Effect("read", path),)
