"""Lines of JSON, however the network cuts them."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError
from akmon_models.wire.ndjson import NdjsonDecoder


def lines_of(decoder: NdjsonDecoder, chunks: list[bytes]) -> list[bytes]:
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    assert all(name == "" for name, _ in events)
    return [data for _, data in events]


def decode(*chunks: bytes) -> list[bytes]:
    return lines_of(NdjsonDecoder(), list(chunks))


@pytest.mark.parametrize(
    ("wire", "lines"),
    [
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r{"b":2}\r', [b'{"a":1}', b'{"b":2}']),
        (b'\n\n{"a":1}\n \t\n\n{"b":2}\n\n', [b'{"a":1}', b'{"b":2}']),
        (b'\xef\xbb\xbf{"a":1}\n', [b'{"a":1}']),
        (
            '{"a":"x\u2028y\u2029\u0085\x0b\x0c"}\n'.encode(),
            ['{"a":"x\u2028y\u2029\u0085\x0b\x0c"}'.encode()],
        ),
        (b'{"a":"\xff\xc3\xb6"}\n', ['{"a":"\ufffdö"}'.encode()]),
        (b'{"a":1}\n{oops}\n', [b'{"a":1}', b"{oops}"]),
        (b'{"a":1}\noops\n', [b'{"a":1}', b"oops"]),
    ],
)
def test_each_line_is_an_event(wire: bytes, lines: list[bytes]) -> None:
    assert decode(wire) == lines


def test_an_object_without_a_line_end_is_an_event_once_it_is_whole() -> None:
    decoder = NdjsonDecoder()
    assert decoder.feed(b'{"a":{"b":"}') == []
    assert decoder.feed(b'"}') == []
    assert decoder.feed(b"}") == [("", b'{"a":{"b":"}"}}')]
    assert decoder.feed(b'\n{"c":1}\n') == [("", b'{"c":1}')]


@given(st.recursive(st.integers() | st.text(), lambda value: st.dictionaries(st.text(), value, max_size=3)))
def test_no_start_of_a_line_is_taken_for_the_line(value: object) -> None:
    wire = json.dumps({"v": value}, ensure_ascii=False).encode(errors="replace")
    assert [decode(wire[:cut]) for cut in range(len(wire))] == [[]] * len(wire)
    assert decode(wire) == [wire]


@pytest.mark.parametrize(
    "body", [b"<html>\n{}\n</html>\n", b"not found\n", b"[1]\n{}\n", b'"x"\n{}', b"", b"\n"]
)
def test_a_body_whose_first_line_is_no_object_has_no_events(body: bytes) -> None:
    assert decode(body) == []
    assert decode(*(bytes([byte]) for byte in body)) == []


_line = st.sampled_from(
    [
        b'{"a":1}',
        b'{"a":{"b":"}{"}}',
        b'{"a":"\xc3\xb6\xe2\x80\xa8"}',
        b'{"a":"\xff"}',
        b"{oops",
        b"",
        b" ",
        b"x",
    ]
)
_wire = st.lists(st.tuples(_line, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=20).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(_wire, st.data())
def test_any_chunking_gives_the_same_events(wire: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=20).map(sorted))
    chunks = [wire[start:end] for start, end in pairwise([0, *cuts, len(wire)])]
    assert decode(*chunks) == decode(wire)
    assert decode(*(bytes([byte]) for byte in wire)) == decode(wire)


@pytest.mark.parametrize("chunks", [[b'{"a":"' + b"x" * 200 + b'"}\n'], [b'{"a":"'] + [b"x"] * 200])
def test_a_line_above_the_cap_is_an_error(chunks: list[bytes]) -> None:
    decoder = NdjsonDecoder(event_bytes=100)
    with pytest.raises(ProviderError, match="an event is larger") as caught:
        lines_of(decoder, chunks)
    assert caught.value.kind == "protocol"


def test_a_stream_above_the_cap_is_an_error_even_if_its_lines_are_small() -> None:
    decoder = NdjsonDecoder(stream_bytes=1_000)
    with pytest.raises(ProviderError, match="the reply is larger"):
        lines_of(decoder, [b"{}\n"] * 1_000)


def test_lines_up_to_the_cap_pass() -> None:
    line = b'{"a":"' + b"x" * 92 + b'"}'
    assert NdjsonDecoder(event_bytes=100).feed(line + b"\n") == [("", line)]
