"""Journal records: what is written comes back, also what this version does not know."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.chain import GENESIS, digest
from akmon_core.codec import decode_record, encode_record, storable
from akmon_core.events import DurableEvent, Envelope, Prompted, ToolFinished, UnknownEvent
from akmon_core.messages import Text, ToolResult, User
from tests.core.values import values

KINDS = [kind for kind in get_args(DurableEvent) if kind is not UnknownEvent]


def record(event: str) -> bytes:
    return b'{"seq":7,"at":1.5,"session":"s","turn":2,"cause":"c","event":%s,"prev":"p"}' % event.encode()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_kind_of_event_comes_back_as_it_was_written(kind: type[Any], data: st.DataObject) -> None:
    envelope = Envelope(
        seq=data.draw(st.integers(1, 10**9)),
        at=data.draw(st.floats(0, 1e10)),
        session=data.draw(st.text(max_size=5)),
        turn=data.draw(st.integers(0, 10**6)),
        cause=data.draw(st.text(max_size=5)),
        event=data.draw(values(kind)),
        agent=data.draw(st.text(max_size=5)),
    )
    line = encode_record(envelope, prev := digest(b"before"))
    assert b"\n" not in line
    assert decode_record(line) == (envelope, prev)
    assert json.loads(line)["event"]["type"] == kind.__struct_config__.tag


@pytest.mark.parametrize(
    "event",
    [
        '{"type":"invented_later","x":[1, 2.50,{"y":"\\u00e9 é"}],"type2":null}',
        '{"type":"turn_ended","outcome":"an outcome of the future"}',
        '{ "type" : "prompted" , "message":{"type":"user","parts":[{"type":"video"}]}}',
        '{"type":"replied"}',
    ],
)
def test_an_event_that_is_not_understood_is_kept_byte_for_byte(event: str) -> None:
    envelope, prev = decode_record(record(event))
    assert isinstance(envelope.event, UnknownEvent)
    assert envelope.event.kind == json.loads(event)["type"]
    assert bytes(envelope.event.raw) == event.encode()
    again = encode_record(envelope, prev)
    assert event.encode() in again
    assert decode_record(again)[0] == envelope


def test_fields_that_came_later_do_not_hide_the_event() -> None:
    envelope, _ = decode_record(record('{"type":"turn_ended","outcome":"failed","colour":"red"}'))
    assert not isinstance(envelope.event, UnknownEvent)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\x00\x00\x00",
        b"not json",
        b'{"seq":1}',
        b"\xff\xfe",
        record("3"),
        record("{}"),
        record('{"type":3}'),
        record("null"),
        record('{"type":"x"}')[:-1],
        record('{"type":"x"}') + b"{}",
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeError)):
        decode_record(line)


def test_the_first_record_follows_a_hash_that_no_line_has() -> None:
    assert len(GENESIS) == len(digest(b"")) == 64
    assert digest(b"a") != digest(b"b")


@given(st.text(st.characters(), max_size=10))
def test_any_text_can_be_stored_and_only_lone_surrogates_change(text: str) -> None:
    kept = text.encode("utf-8", "replace").decode()
    prompted = storable(Prompted(User((Text(text),))))
    assert prompted == Prompted(User((Text(kept),)))
    finished = storable(ToolFinished(ToolResult("1", text), "t", seconds=1.5))
    assert finished == ToolFinished(ToolResult("1", kept), "t", seconds=1.5)
    envelope = Envelope(1, 0.0, "s", 1, "c", finished)
    assert decode_record(encode_record(envelope, "")) == (envelope, "")
