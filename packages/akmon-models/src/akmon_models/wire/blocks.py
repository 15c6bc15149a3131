"""Cuts a text stream into blocks at its line ends, however the network cuts it into chunks."""

from __future__ import annotations

from akmon_core.errors import ProviderError
from akmon_core.limits import EVENT_BYTES, STREAM_BYTES

_BOM = b"\xef\xbb\xbf"


class Blocks:
    """Blocks end in ``separator``: one LF or more. Lines may end in LF, CR or CRLF: blocks only have LF.

    Works on whole chunks, so that thousands of small blocks stay cheap. No other character ends a line,
    such as U+2028 or U+0085. A byte-order mark at the start of the stream is dropped.
    """

    def __init__(
        self, separator: bytes, *, event_bytes: int = EVENT_BYTES, stream_bytes: int = STREAM_BYTES
    ) -> None:
        self._separator = separator
        self._event_bytes = event_bytes
        self._stream_bytes = stream_bytes
        self._seen = 0
        self._bom: bytes | None = b""
        """What was read while a byte-order mark may still come; None afterwards."""
        self._after_cr = False
        self._open: list[bytes] = []
        """The start of a block whose end has not come."""
        self._open_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The blocks that ``chunk`` completes, without their ends.

        Raises ``ProviderError`` of kind ``protocol`` if a block or the stream is too large.
        """
        self._seen += len(chunk)
        if self._seen > self._stream_bytes:
            raise _too_large("the reply", self._stream_bytes)
        text = self._normal(self._without_bom(chunk))
        if not text:
            return []
        if not self._closes(text):
            self._keep(text)
            return []
        blocks = b"".join((*self._open, text)).split(self._separator)
        self.close_block()
        self._keep(blocks.pop())
        if any(len(block) > self._event_bytes for block in blocks):
            raise _too_large("an event", self._event_bytes)
        return blocks

    @property
    def last(self) -> bytes:
        """The newest piece of the block that has no end yet, as the network cut it; may be empty."""
        return self._open[-1] if self._open else b""

    def open_block(self) -> bytes:
        """All that has come of the block that has no end yet."""
        self._open = [b"".join(self._open)]
        return self._open[0]

    def close_block(self) -> None:
        """Ends the block that has no end yet: another one begins."""
        self._open, self._open_bytes = [], 0

    def _closes(self, text: bytes) -> bool:
        """Whether a block ends in ``text``; the first half of its end may have come before."""
        if self._separator in text:
            return True
        return text[:1] == b"\n" and self.last[-1:] == b"\n"

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


def valid(data: bytes) -> bytes:
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
