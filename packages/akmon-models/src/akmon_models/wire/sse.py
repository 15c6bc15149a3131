"""Decodes server-sent events from network chunks, however they are cut.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html: lines end in LF, CR or CRLF,
comments and unknown fields are ignored, an event without its blank line is not an event.
"""

from __future__ import annotations

from akmon_core.limits import EVENT_BYTES, STREAM_BYTES
from akmon_models.wire.blocks import Blocks, valid


class SseDecoder:
    """Turns chunks into events."""

    def __init__(self, *, event_bytes: int = EVENT_BYTES, stream_bytes: int = STREAM_BYTES) -> None:
        self._blocks = Blocks(b"\n\n", event_bytes=event_bytes, stream_bytes=stream_bytes)

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that ``chunk`` completes: name (empty if none was given) and data as valid UTF-8.

        Raises ``ProviderError`` of kind ``protocol`` if an event or the stream is too large.
        """
        return [event for block in self._blocks.feed(chunk) if (event := _event(block))]


def _event(block: bytes) -> tuple[str, bytes] | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return "", valid(block[6:])
    name, data = b"", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    if not data:
        return None
    return name.decode("utf-8", "replace"), valid(b"\n".join(data))
