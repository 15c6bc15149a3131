"""Frames of Bedrock's streams, from bytes to events."""

from __future__ import annotations

import struct
from itertools import pairwise
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError
from akmon_models.providers.bedrock.frames import EXCEPTION, FrameDecoder
from tests.models.eventstream import TYPES, error, event, exception, frame, header, text_header, wire

WIRE = b"".join(wire())


def feed(data: bytes, *cuts: int) -> list[tuple[str, bytes]]:
    decoder = FrameDecoder()
    places = [0, *sorted(cuts), len(data)]
    parts = [data[start:end] for start, end in pairwise(places)]
    return [each for part in parts for each in decoder.feed(part)]


def test_events_have_their_names_and_payloads() -> None:
    assert feed(event("messageStart", {"role": "assistant"})) == [("messageStart", b'{"role": "assistant"}')]


def test_exceptions_and_errors_are_told_from_events() -> None:
    assert feed(exception("throttlingException", "slow") + error("InternalFailure", "a \N{BULLET}")) == [
        (EXCEPTION + "throttlingException", b'{"message": "slow"}'),
        (EXCEPTION + "InternalFailure", '{"message":"a \N{BULLET}"}'.encode()),
    ]


def test_a_stream_fed_byte_by_byte_gives_the_same_events() -> None:
    assert feed(WIRE, *range(1, len(WIRE))) == feed(WIRE)


@given(st.lists(st.integers(0, len(WIRE)), max_size=20))
def test_a_stream_cut_anywhere_gives_the_same_events(cuts: list[int]) -> None:
    assert feed(WIRE, *cuts) == feed(WIRE)


names = st.sampled_from(["contentBlockDelta", "metadata", ""])
other_headers = st.builds(
    lambda kinds, text: b"".join([*kinds, text_header("x-text", text)]),
    st.lists(
        st.sampled_from([header(f"x-{name}", kind, value) for name, (kind, value) in TYPES.items()]),
        unique=True,
    ),
    st.text(max_size=9),
)
payloads = st.text(st.characters(codec="utf-8")).map(str.encode)


@given(st.lists(st.tuples(names, other_headers, payloads), max_size=5))
def test_the_decoder_agrees_with_that_of_botocore(made: list[tuple[str, bytes, bytes]]) -> None:
    data = b"".join(
        frame(headers + text_header(":event-type", name) + text_header(":message-type", "event"), payload)
        for name, headers, payload in made
    )
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    assert feed(data) == [(each.headers[":event-type"], each.payload) for each in buffer]


@pytest.mark.parametrize("at", range(len(wire()[0])))
def test_a_byte_that_flips_is_found(at: int) -> None:
    first, *rest = wire()
    damaged = first[:at] + bytes([first[at] ^ 0x10]) + first[at + 1 :]
    if at == 0:
        # This one says that it is no stream of frames at all, which whoever reads it reports.
        assert feed(damaged + b"".join(rest)) == []
        return
    with pytest.raises(ProviderError, match="damaged") as caught:
        feed(damaged + b"".join(rest))
    assert caught.value.kind == "protocol"


def test_headers_that_go_beyond_their_frame_are_damage() -> None:
    for packed in (b"\x05ab", b"\x01a\x07\x00", b"\x01a\x63", b"\x01\xff\x00", b"\x01a"):
        with pytest.raises(ProviderError, match="headers"):
            feed(frame(packed, b"{}"))


def test_a_length_that_leaves_no_room_for_its_own_parts_is_damage() -> None:
    lengths = struct.pack("!II", 20, 12)
    with pytest.raises(ProviderError, match="damaged"):
        feed(lengths + struct.pack("!I", crc32(lengths)) + b"\0" * 30)


def test_an_event_that_is_too_large_is_refused_before_it_has_come() -> None:
    large = event("contentBlockDelta", {"text": "x" * 2_000})
    decoder = FrameDecoder(event_bytes=1_000)
    with pytest.raises(ProviderError, match="an event is larger than"):
        decoder.feed(large[:12])


def test_a_stream_that_is_too_large_is_refused() -> None:
    decoder = FrameDecoder(stream_bytes=2 * len(WIRE))
    decoder.feed(WIRE)
    decoder.feed(WIRE)
    with pytest.raises(ProviderError, match="the reply is larger than"):
        decoder.feed(b"\0")


def test_what_is_no_stream_of_frames_has_no_events() -> None:
    for data in (b'{"message": "no"}', b"<html>", b"data: {}\n\n"):
        assert feed(data, *range(1, len(data))) == []


def test_what_is_not_utf8_is_replaced() -> None:
    packed = text_header(":event-type", "x") + text_header(":message-type", "event")
    assert feed(frame(packed, b'"\xff"')) == [("x", '"\ufffd"'.encode())]
