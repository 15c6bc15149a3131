"""What a wire format must tell for the matrix to test a provider that speaks it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from akmon_core.errors import ProviderErrorKind
from akmon_core.stream import Usage
from tests.models.matrix.replies import Indexes, Reply


class Event(msgspec.Struct, frozen=True):
    """One event of a stream."""

    data: dict[str, Any]
    name: str = ""
    says: str = ""
    """The text of the reply that it carries."""


class StreamError(msgspec.Struct, frozen=True):
    """An error that a server reports after its reply has begun."""

    name: str
    wire: bytes
    kind: ProviderErrorKind


class Format(ABC):
    """A protocol as servers speak it, written from its public documentation."""

    content_type = "text/event-stream"
    origin: str
    """As ``Thinking.origin`` names it."""
    signs = False
    """Whether thinking is proven by the server, and only goes back with its proof."""
    has_ids = True
    """Whether calls have ids."""
    streams_arguments = True
    """Whether arguments come as text, in pieces; otherwise as a JSON value."""
    reply_id = ""
    exempt: Mapping[str, str] = MappingProxyType({})
    """Cells that mean nothing in this protocol: the reason."""

    @abstractmethod
    def events(self, reply: Reply, indexes: Indexes = "right") -> list[Event]:
        """``reply`` as a server sends it. ``indexes``: what it puts where the protocol has an index."""

    @abstractmethod
    def frame(self, event: Event) -> bytes:
        """``event`` on the wire."""

    @abstractmethod
    def framings(self, events: Sequence[Event]) -> dict[str, bytes]:
        """Other ways to write the same stream that a client must understand, by name."""

    @abstractmethod
    def errors(self) -> list[StreamError]: ...

    @abstractmethod
    def body(self, kind: str, message: str) -> dict[str, Any]:
        """The body of an HTTP error; ``kind`` is ``rate_limit``, ``overloaded`` or ``bad_request``."""

    @abstractmethod
    def unknown(self) -> Event:
        """An event that came into the protocol after this client was made."""

    def alive(self) -> bytes:
        """A sign of life that says nothing."""
        return self.frame(self.unknown())

    def repeated_usage(self, reply: Reply) -> list[Event]:
        """``reply`` from a server that reports its usage again and again, cumulatively."""
        return self.events(reply)

    def counted(self, usage: Usage) -> Usage:
        """What a client can know of ``usage`` by this protocol."""
        return usage

    def stream(self, reply: Reply) -> list[bytes]:
        return [self.frame(event) for event in self.events(reply)]

    def garbage(self) -> bytes:
        """An event whose data is not JSON."""
        raise NotImplementedError

    def ends(self, event: Event) -> bool:
        """Whether ``event`` is evidence that the reply is complete."""
        raise NotImplementedError


class Sse(Format):
    """A format of server-sent events."""

    def frame(self, event: Event) -> bytes:
        return self.written(event)

    def written(self, event: Event, eol: bytes = b"\n", space: bytes = b" ") -> bytes:
        name = b"event:" + space + event.name.encode() + eol if event.name else b""
        return name + b"data:" + space + self.payload(event) + eol + eol

    def payload(self, event: Event) -> bytes:
        return dump(event.data)

    def framings(self, events: Sequence[Event]) -> dict[str, bytes]:
        def each(eol: bytes = b"\n", before: bytes = b"", space: bytes = b" ") -> bytes:
            return b"".join(before + self.written(event, eol, space) for event in events)

        return {
            "crlf": each(b"\r\n"),
            "cr": each(b"\r"),
            "comments": each(before=b": PROCESSING\n\n: another\n"),
            "comments with crlf": each(b"\r\n", b": ping - 2026-11-21 00:00:00\r\n\r\n"),
            "no space": each(space=b""),
            "ids": each(before=b"id: 7\nretry: 100\n"),
            "blank lines": each(before=b"\n\n"),
            "byte-order mark": b"\xef\xbb\xbf" + each(),
            "many data lines": b"".join(self.many_lines(event) for event in events),
        }

    def many_lines(self, event: Event) -> bytes:
        if not event.data:
            return self.written(event)
        lines = json.dumps(event.data, indent=1, ensure_ascii=False).split("\n")
        name = f"event: {event.name}\n" if event.name else ""
        return (name + "".join(f"data: {line}\n" for line in lines) + "\n").encode()

    def alive(self) -> bytes:
        return b": keep-alive\n\n"

    def garbage(self) -> bytes:
        return b"data: {oops\n\n"


def dump(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


def without(data: dict[str, Any], *empty: str) -> dict[str, Any]:
    """``data`` without those of the keys ``empty`` whose value is empty."""
    return {key: value for key, value in data.items() if key not in empty or value not in ("", None)}


def with_new_fields(data: Any) -> Any:
    """``data`` with a field that nobody knows in each object, other than those that a model wrote."""
    match data:
        case dict():
            known = {
                key: value if key in ("arguments", "input") else with_new_fields(value)
                for key, value in data.items()
            }
            return {**known, "brand_new": {"list": [1, None, "x"], "type": 7}} if data else data
        case list():
            return [with_new_fields(each) for each in data]
        case _:
            return data
