"""Envelopes as JSON lines and back, keeping what this version does not know."""

from __future__ import annotations

from typing import Any

import msgspec

from akmon_core.events import DurableEvent, Envelope, UnknownEvent

SCHEMA = 1
"""Version of the journal's record format, in its first record."""

_encoder = msgspec.json.Encoder()


class _Tagged(msgspec.Struct):
    type: str


class _Record(msgspec.Struct):
    """A record of which only the event's kind may be unknown."""

    seq: int
    at: float
    session: str
    turn: int
    cause: str
    event: msgspec.Raw
    agent: str = ""
    prev: str = ""


_record_decoder = msgspec.json.Decoder(_Record)
_event_decoder: msgspec.json.Decoder[DurableEvent] = msgspec.json.Decoder(DurableEvent)
_tag_decoder = msgspec.json.Decoder(_Tagged)


def storable(event: DurableEvent) -> DurableEvent:
    """``event`` as a journal gives it back: what UTF-8 cannot hold in its texts is replaced by ``?``."""
    try:
        _encoder.encode(event)
    except UnicodeEncodeError:
        return msgspec.convert(_without_surrogates(msgspec.to_builtins(event)), type(event))
    return event


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case _:
            return value


def encode_record(envelope: Envelope, prev: str) -> bytes:
    """One line without its newline. ``prev`` is the hash of the line before (see ``akmon_core.chain``)."""
    event = envelope.event
    record = _Record(
        seq=envelope.seq,
        at=envelope.at,
        session=envelope.session,
        turn=envelope.turn,
        cause=envelope.cause,
        event=event.raw if isinstance(event, UnknownEvent) else msgspec.Raw(_encoder.encode(event)),
        agent=envelope.agent,
        prev=prev,
    )
    return _encoder.encode(record)


def decode_record(line: bytes) -> tuple[Envelope, str]:
    """An envelope and the hash that the record says the line before has.

    Raises ``msgspec.DecodeError`` if the line is no record.
    """
    record = _record_decoder.decode(line)
    envelope = Envelope(
        seq=record.seq,
        at=record.at,
        session=record.session,
        turn=record.turn,
        cause=record.cause,
        event=_decode_event(record.event),
        agent=record.agent,
    )
    return envelope, record.prev


def _decode_event(raw: msgspec.Raw) -> DurableEvent:
    try:
        return _event_decoder.decode(raw)
    except msgspec.ValidationError:
        return UnknownEvent(kind=_tag_decoder.decode(raw).type, raw=raw.copy())
