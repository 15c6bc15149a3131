"""Server-sent events by the standard, however the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError
from akmon_models.wire.sse import SseDecoder

Events = list[tuple[str, bytes]]


def feed_all(decoder: SseDecoder, chunks: list[bytes]) -> Events:
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def decode(*chunks: bytes) -> Events:
    return feed_all(SseDecoder(), list(chunks))


@pytest.mark.parametrize(
    ("wire", "events"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data:a\n\n", [("", b"a")]),
        (b"data:  a\n\n", [("", b" a")]),
        (b"event: x\ndata: a\n\n", [("x", b"a")]),
        (b"data: a\nevent: x\n\n", [("x", b"a")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data\n\n", [("", b"")]),
        (b": comment\n\ndata: a\n\n", [("", b"a")]),
        (b"data: a\n: comment\ndata: b\n\n", [("", b"a\nb")]),
        (b"event: x\n\ndata: a\n\n", [("", b"a")]),
        (b"id: 1\nretry: 5\nother: y\ndata: a\n\n", [("", b"a")]),
        (b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"data: a\r\n\n", [("", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"data: \xef\xbb\xbfa\n\n", [("", b"\xef\xbb\xbfa")]),
        ("data: a\u2028b\u0085c\n\n".encode(), [("", "a\u2028b\u0085c".encode())]),
        (b"data: \xff\xc3\xb6\n\n", [("", "\ufffdö".encode())]),
        (b"data: a\n", []),
        (b"data: a\n\ndata: b", [("", b"a")]),
    ],
)
def test_what_the_standard_says(wire: bytes, events: Events) -> None:
    assert decode(wire) == events


def test_an_event_whose_line_end_is_a_lone_cr_does_not_wait_for_more() -> None:
    assert decode(b"data: a\r\r") == [("", b"a")]


_line = st.sampled_from(
    [b"data: a", b"data: \xc3\xb6", b"data:", b"event: x", b": c", b"", b"", b"\xef\xbb\xbf", b"data: \xff"]
)
_wire = st.lists(st.tuples(_line, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=30).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(_wire, st.data())
def test_any_chunking_gives_the_same_events(wire: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=20).map(sorted))
    chunks = [wire[start:end] for start, end in pairwise([0, *cuts, len(wire)])]
    assert decode(*chunks) == decode(wire)
    assert decode(*(bytes([byte]) for byte in wire)) == decode(wire)


@pytest.mark.parametrize("chunks", [[b"data: " + b"x" * 200 + b"\n\n"], [b"data: "] + [b"x"] * 200])
def test_an_event_above_the_cap_is_an_error(chunks: list[bytes]) -> None:
    decoder = SseDecoder(event_bytes=100)
    with pytest.raises(ProviderError, match="an event is larger") as caught:
        feed_all(decoder, chunks)
    assert caught.value.kind == "protocol"


def test_a_stream_above_the_cap_is_an_error_even_if_its_events_are_small() -> None:
    decoder = SseDecoder(stream_bytes=1_000)
    with pytest.raises(ProviderError, match="the reply is larger"):
        feed_all(decoder, [b": x\n\n"] * 1_000)


def test_events_up_to_the_cap_pass() -> None:
    decoder = SseDecoder(event_bytes=100)
    assert decoder.feed(b"data: " + b"x" * 94 + b"\n\n") == [("", b"x" * 94)]
