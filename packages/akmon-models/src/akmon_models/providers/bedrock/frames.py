"""Decodes the frames of ``application/vnd.amazon.eventstream`` from network chunks, however they are cut.

A frame is: its length and that of its headers (4 bytes each), a CRC32 of these, headers, payload, and a
CRC32 of all before. Follows https://smithy.io/2.0/aws/amazon-eventstream.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from zlib import crc32

import msgspec

from akmon_core.errors import ProviderError
from akmon_core.limits import EVENT_BYTES, STREAM_BYTES
from akmon_models.wire.blocks import valid

EXCEPTION = "exception "
"""Stands before the name of an exception, which is no event."""

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_LENGTH = struct.Struct("!H")
_STRING = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type. Those of type 6 and 7, bytes and text, say it themselves."""


class FrameDecoder:
    """Turns chunks into events: name and payload. The name of an exception begins with ``EXCEPTION``."""

    def __init__(self, *, event_bytes: int = EVENT_BYTES, stream_bytes: int = STREAM_BYTES) -> None:
        self._event_bytes = event_bytes
        self._stream_bytes = stream_bytes
        self._seen = 0
        self._open = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that ``chunk`` completes.

        Of a stream that is none, such as a web page, there are no events: whoever reads it says so.
        Raises ``ProviderError`` of kind ``protocol`` for what is damaged or too large.
        """
        first = not self._seen
        self._seen += len(chunk)
        if self._seen > self._stream_bytes:
            raise _broken(f"the reply is larger than {self._stream_bytes / 1_000_000:g} MB")
        if first and chunk[:1] not in (b"", b"\0"):
            # A frame of less than 16 MB begins with a zero, and no text does.
            self._event_bytes = 0
        if not self._event_bytes:
            return []
        self._open += chunk
        return list(self._events())

    def _events(self) -> Iterator[tuple[str, bytes]]:
        data, at = self._open, 0
        while len(data) - at >= _PRELUDE.size:
            length, headers, crc = _PRELUDE.unpack_from(data, at)
            self._check(length, headers, crc32(data[at : at + 8]) == crc)
            if len(data) - at < length:
                break
            yield self._event(bytes(data[at : at + length]), _PRELUDE.size + headers)
            at += length
        del self._open[:at]

    def _check(self, length: int, headers: int, whole: bool) -> None:
        if not whole or length < _PRELUDE.size + headers + _CRC.size:
            raise _broken("the start of an event is damaged")
        if length > self._event_bytes:
            raise _broken(f"an event is larger than {self._event_bytes / 1_000_000:g} MB")

    def _event(self, frame: bytes, payload: int) -> tuple[str, bytes]:
        if crc32(frame[:-4]) != _CRC.unpack_from(frame, len(frame) - 4)[0]:
            raise _broken("an event is damaged")
        name, said = _named(frame[_PRELUDE.size : payload])
        return name, said or valid(frame[payload:-4])


@lru_cache(maxsize=64)
def _named(packed: bytes) -> tuple[str, bytes]:
    """An event's name, and what its headers themselves say in place of a payload."""
    try:
        headers = dict(_headers(packed))
    except (struct.error, IndexError, KeyError, UnicodeDecodeError):
        raise _broken("the headers of an event are damaged") from None
    match headers.get(":message-type"):
        case "exception":
            return EXCEPTION + headers.get(":exception-type", ""), b""
        case "error":
            said = {"message": headers.get(":error-message", "")}
            return EXCEPTION + headers.get(":error-code", ""), msgspec.json.encode(said)
    return headers.get(":event-type", ""), b""


def _headers(packed: bytes) -> Iterator[tuple[str, str]]:
    """Those that are text."""
    at = 0
    while at < len(packed):
        named = at + 1 + packed[at]
        name, kind = packed[at + 1 : named].decode(), packed[named]
        at = named + 1
        if kind in _SIZES:
            at += _SIZES[kind]
            continue
        (size,) = _LENGTH.unpack_from(packed, at)
        value = packed[at + 2 : at + 2 + size]
        at += 2 + size
        if kind == _STRING:
            yield name, value.decode()


def _broken(how: str) -> ProviderError:
    return ProviderError(
        "protocol", f"the server's stream is broken: {how}. Try again, or choose another model."
    )
