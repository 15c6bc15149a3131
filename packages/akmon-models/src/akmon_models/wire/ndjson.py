"""Decodes newline-delimited JSON from network chunks, however they are cut."""

from __future__ import annotations

import msgspec

from akmon_core.limits import EVENT_BYTES, STREAM_BYTES
from akmon_models.wire.blocks import Blocks, valid

_any = msgspec.json.Decoder(msgspec.Raw)


class NdjsonDecoder:
    """Turns chunks into lines, of which each is an event without a name. Blank lines are none.

    A line that never ends is an event if it is a whole JSON object, as some servers leave out the last
    line end: no proper start of an object is one. Whatever else has no end was cut, and is no event.
    A body whose first line is no object has no events at all: it is a web page or the like.
    """

    def __init__(self, *, event_bytes: int = EVENT_BYTES, stream_bytes: int = STREAM_BYTES) -> None:
        self._blocks = Blocks(b"\n", event_bytes=event_bytes, stream_bytes=stream_bytes)
        self._is_stream: bool | None = None
        """Whether the first line is an object; None if it has not come."""

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that ``chunk`` completes: an empty name, and the line as valid UTF-8.

        Raises ``ProviderError`` of kind ``protocol`` if a line or the stream is too large.
        """
        lines = [line for line in self._blocks.feed(chunk) if line and not line.isspace()]
        if self._blocks.last.endswith(b"}") and _is_whole(self._blocks.open_block()):
            lines.append(self._blocks.open_block())
            self._blocks.close_block()
        if self._is_stream is None and lines:
            self._is_stream = lines[0].lstrip().startswith(b"{")
        return [("", valid(line)) for line in lines] if self._is_stream else []


def _is_whole(line: bytes) -> bool:
    try:
        _any.decode(valid(line))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
