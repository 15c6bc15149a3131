"""Decodes server-sent events from network chunks, however they are cut.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html: lines end in LF, CR or CRLF,
comments and unknown fields are ignored, an event without its blank line is not an event.
"""

from __future__ import annotations

from akmon_core.errors import ProviderError
from akmon_core.limits import EVENT_BYTES, STREAM_BYTES

_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    """Turns chunks into events. Works on whole chunks, so that thousands of small events stay cheap."""

    def __init__(self, *, event_bytes: int = EVENT_BYTES, stream_bytes: int = STREAM_BYTES) -> None:
        self._event_bytes = event_bytes
        self._stream_bytes = stream_bytes
        self._seen = 0
        self._bom: bytes | None = b""
        """What was read while a byte-order mark may still come; None afterwards."""
        self._after_cr = False
        self._open: list[bytes] = []
        """The start of an event whose end has not come, with LF as its only line ends."""
        self._open_bytes = 0

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that ``chunk`` completes: name (empty if none was given) and data as valid UTF-8.

        Raises ``ProviderError`` of kind ``protocol`` if an event or the stream is too large.
        """
        self._seen += len(chunk)
        if self._seen > self._stream_bytes:
            raise _too_large("the reply", self._stream_bytes)
        text = self._normal(self._without_bom(chunk))
        if not text:
            return []
        closes = b"\n\n" in text or (text[:1] == b"\n" and self._open and self._open[-1][-1:] == b"\n")
        if not closes:
            self._keep(text)
            return []
        blocks = b"".join((*self._open, text)).split(b"\n\n")
        self._open, self._open_bytes = [], 0
        self._keep(blocks.pop())
        return [event for block in blocks if (event := self._event(block))]

    def _without_bom(self, chunk: bytes) -> bytes:
        if self._bom is None:
            return chunk
        start = self._bom + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._bom = start
            return b""
        self._bom = None
        return start.removeprefix(_BOM)

    def _normal(self, chunk: bytes) -> bytes:
        """``chunk`` with LF as its only line end. A CR ends its line at once; an LF after it is dropped."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" not in chunk:
            return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, text: bytes) -> None:
        if not text:
            return
        self._open.append(text)
        self._open_bytes += len(text)
        if self._open_bytes > self._event_bytes:
            raise _too_large("an event", self._event_bytes)

    def _event(self, block: bytes) -> tuple[str, bytes] | None:
        if len(block) > self._event_bytes:
            raise _too_large("an event", self._event_bytes)
        if block.startswith(b"data: ") and b"\n" not in block:
            return "", _valid(block[6:])
        name, data = b"", []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ")
        if not data:
            return None
        return name.decode("utf-8", "replace"), _valid(b"\n".join(data))


def _valid(data: bytes) -> bytes:
    """``data`` itself, or with what is not UTF-8 replaced."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


def _too_large(what: str, limit: int) -> ProviderError:
    return ProviderError(
        "protocol",
        f"the server's stream is broken: {what} is larger than {limit // 1_000_000 or limit / 1_000_000} MB. "
        "Try again, or use another server.",
    )
