"""Reads what a server answers: decompressed, and never more than the cap."""

from __future__ import annotations

import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import FETCH_BYTES
from akmon_core.text import one_line
from akmon_tools.urls import redirected

if TYPE_CHECKING:
    from httpx2 import Response

_ERROR_BYTES = 20_000
"""Read of the page that comes with an error."""
_REDIRECTS = (301, 302, 303, 307, 308)
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


WEB = "web"
"""Where text is from that a server sent: it may be meant to mislead."""


class ServerError(ToolError):
    """What a server did was no good, in words that may be its own."""


class Answer(msgspec.Struct, frozen=True):
    """What a server answered, decompressed."""

    url: str
    status: int
    content_type: str
    body: bytes
    location: str = ""
    """Where a redirect leads, in normal form; that of ``Web.get`` is at another site."""

    @property
    def said(self) -> str:
        """The status in words, such as ``404 Not Found``."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


async def read_answer(url: str, response: Response) -> Answer:
    """The whole answer to a request for ``url``; of an error's page the start, of a redirect none.

    Raises ``ServerError`` for one that is too large or cannot be decompressed or leads to no URL, and what
    the HTTP client raises.
    """
    location = response.headers.get("location", "") if response.status_code in _REDIRECTS else ""
    try:
        body = b"" if location else await _body(url, response)
        target = redirected(url, location) if location else ""
    except ToolError as error:
        raise ServerError(str(error)) from None
    finally:
        await response.aclose()
    return Answer(
        url=url,
        status=response.status_code,
        content_type=response.headers.get("content-type", ""),
        body=body,
        location=target,
    )


async def _body(url: str, response: Response) -> bytes:
    failed = response.status_code >= 400
    cap = _ERROR_BYTES if failed else FETCH_BYTES
    length = response.headers.get("content-length", "")
    if not failed and length.isdecimal() and int(length[:20]) > cap:
        raise _too_large(url)
    decoder = _decoder(url, response.headers.get("content-encoding", ""))
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += decoder.feed(chunk, cap + 1 - len(body))
            if len(body) > cap:
                if failed:
                    return bytes(body[:cap])
                raise _too_large(url)
    except zlib.error as error:
        raise ToolError(f"{url} was not fetched: its compression is broken ({error}).") from None
    if not decoder.whole:
        raise ToolError(f"{url} was not fetched: the server broke off in the middle.")
    return bytes(body)


class _Plain:
    whole = True

    def feed(self, chunk: bytes, room: int) -> bytes:
        return chunk


class _Compressed:
    """Gzip or zlib; what comes out is bounded, whatever goes in."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self.whole = True
        """Nothing has come, or all of it."""

    def feed(self, chunk: bytes, room: int) -> bytes:
        """At most ``room`` bytes; if it is that many there may be more, which is lost."""
        out = self._stream.decompress(chunk, room)
        while self._stream.eof and self._stream.unused_data.startswith(b"\x1f\x8b") and len(out) < room:
            rest = self._stream.unused_data
            self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
            out += self._stream.decompress(rest, room - len(out))
        self.whole = self._stream.eof
        return out


def _decoder(url: str, encoding: str) -> _Plain | _Compressed:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip" | "deflate":
            return _Compressed()
        case other:
            name = one_line(other, 40)
            raise ToolError(f"{url} was not fetched: it came compressed as {name}, which was not asked for.")


def _too_large(url: str) -> ToolError:
    return ToolError(f"{url} is larger than {FETCH_BYTES:,} bytes, which is the most that is fetched.")
