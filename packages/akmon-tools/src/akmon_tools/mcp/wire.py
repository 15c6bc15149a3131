"""HTTP to servers of others: certificates, proxies and sizes, and no secret in clear text."""

from __future__ import annotations

import logging
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping

import httpx2

from akmon_core.errors import ToolError
from akmon_core.limits import CONNECT_SECONDS, MCP_HTTP_SECONDS, MCP_MESSAGE_BYTES
from akmon_core.secret import Secret
from akmon_core.servers import Server
from akmon_core.text import one_line
from akmon_tools import __version__
from akmon_tools.addresses import environment_proxy
from akmon_tools.sandbox.hosts import is_local
from akmon_tools.urls import normalise
from akmon_tools.web import failure, trusted

AGENT = f"akmon/{__version__}"
EVENTS = "text/event-stream"
_FORM = "application/x-www-form-urlencoded"
_SECRET = re.compile(r"auth|cookie|key|token|secret|password", re.IGNORECASE)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_PIECE = 65_536
_KEEP_ALIVE = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),)
"""A stream may be silent for hours, so only the system notices that the other side is gone."""


class Unreadable(httpx2.StreamError):
    """What came is too large, broken, or broke off: of this error the SDK makes that of one request."""


class Wire(httpx2.AsyncBaseTransport):
    """Sends each request as it is: no cookies, no redirects; what comes back is decompressed and bounded.

    An event stream has no bound as a whole, each of its events has. ``ca_file`` is that of ``Surroundings``.
    Raises ``ToolError`` for a request that would carry a secret in clear text to another machine.
    """

    def __init__(self, ca_file: str = "") -> None:
        self._ca_file = ca_file
        self._open: dict[tuple[str, str], httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        _refuse_clear_text(request)
        request.headers["accept-encoding"] = "gzip"
        request.headers["user-agent"] = AGENT
        response = await self._to(request.url).handle_async_request(request)
        return await _bounded(response)

    async def aclose(self) -> None:
        for transport in self._open.values():
            await transport.aclose()

    def _to(self, url: httpx2.URL) -> httpx2.AsyncHTTPTransport:
        proxy = proxy_for(url)
        if (found := self._open.get((url.scheme, proxy))) is None:
            secure = trusted(self._ca_file) if url.scheme == "https" else None
            found = httpx2.AsyncHTTPTransport(
                verify=secure or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                trust_env=False,
                proxy=proxy or None,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
                socket_options=_KEEP_ALIVE,
            )
            self._open[url.scheme, proxy] = found
        return found


def quieten() -> None:
    """Keeps the SDK from printing messages and errors, which hold what servers send, and also tokens."""
    log = logging.getLogger("mcp")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())


def timeouts(*, reading: float | None) -> httpx2.Timeout:
    """``reading``: seconds of silence of the other side; None if somebody else bounds that."""
    return httpx2.Timeout(
        connect=CONNECT_SECONDS, read=reading, write=MCP_HTTP_SECONDS, pool=MCP_HTTP_SECONDS
    )


def proxy_for(url: httpx2.URL) -> str:
    """The environment's; none to this machine itself."""
    return "" if is_local(url.host) else environment_proxy(url.scheme, url.host)


def sent_headers(headers: Mapping[str, Secret]) -> dict[str, str]:
    """Headers in plain text, for the request. Raises ``ToolError`` without a value if one cannot be sent."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise ToolError(f"{one_line(name, 100)!r} in its configuration is no name of a header.")
        if not _VALUE.fullmatch(value.reveal()):
            raise ToolError(
                f"the value of the header {name} in its configuration has characters that cannot be sent, "
                "such as an end of line. Write it anew."
            )
    return {name: value.reveal().strip() for name, value in headers.items()}


def has_credentials(server: Server) -> bool:
    """Whether the configuration says how to log in, so that there is nothing to ask a person."""
    return "authorization" in map(str.lower, server.headers) or bool(_checked_url(server).userinfo)


def shown(url: httpx2.URL) -> str:
    """``url`` without what may be secret."""
    return one_line(str(url.copy_with(userinfo=b"", query=None, fragment=None)), 300)


def words(url: httpx2.URL, error: Exception) -> ToolError:
    """What the HTTP client's ``error`` means."""
    place = shown(url)
    if isinstance(error, httpx2.LocalProtocolError):  # its words quote what was to be sent
        return ToolError(f"a request to {place} cannot be sent, as a header of it is not valid.")
    try:
        return failure(normalise(place), error, proxy_for(url))
    except ToolError:
        return ToolError(f"{place} cannot be reached.")


def _checked_url(server: Server) -> httpx2.URL:
    try:
        return httpx2.URL(server.url)
    except httpx2.InvalidURL:
        raise ToolError("its url is not valid: it should begin with https:// or http://.") from None


def _refuse_clear_text(request: httpx2.Request) -> None:
    url = request.url
    if url.scheme not in ("http", "https") or not url.host:
        raise ToolError(f"{shown(url)} is not an address that begins with https:// or http://.")
    if url.scheme == "https" or is_local(url.host):
        return
    names = [name for name in request.headers if _SECRET.search(name)]
    if names or request.headers.get("content-type", "") == _FORM:
        what = f"the header {names[0].title()}" if names else "a login"
        raise ToolError(
            f"{what} is not sent to {shown(url)}, as anybody on the way could read it: "
            "give an address that begins with https://."
        )


async def _bounded(response: httpx2.Response) -> httpx2.Response:
    headers = response.headers.copy()
    encoding = headers.pop("content-encoding", "").strip().lower()
    compressed = encoding in ("gzip", "x-gzip", "deflate")
    if encoding not in ("", "identity") and not compressed:
        await response.aclose()
        raise Unreadable(f"it came compressed as {one_line(encoding, 40)}, which was not asked for")
    if compressed:
        headers.pop("content-length", None)
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    endless = response.is_success and headers.get("content-type", "").lower().startswith(EVENTS)
    return httpx2.Response(
        response.status_code,
        headers=headers,
        stream=_Bounded(response.stream, compressed=compressed, endless=endless),
        extensions=response.extensions,
    )


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, *, compressed: bool, endless: bool) -> None:
        self._stream = stream
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB) if compressed else None
        self._endless = endless

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        try:
            async for chunk in self._stream:
                for piece in self._plain(chunk):
                    total += len(piece)
                    if total > MCP_MESSAGE_BYTES and not self._endless:
                        raise Unreadable(f"it is larger than {MCP_MESSAGE_BYTES:,} bytes")
                    yield piece
        except zlib.error:
            raise Unreadable("its compression is broken") from None
        except httpx2.TransportError as error:
            if self._endless:
                raise
            raise Unreadable(f"it broke off: {one_line(str(error), 200)}") from None

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _plain(self, chunk: bytes) -> Iterator[bytes]:
        """``chunk`` decompressed, in pieces that are small however much is in it."""
        if self._zlib is None:
            yield chunk
            return
        while chunk and not self._zlib.eof:
            if piece := self._zlib.decompress(chunk, _PIECE):
                yield piece
            chunk = self._zlib.unconsumed_tail
        while piece := self._zlib.decompress(b"", _PIECE) if not self._zlib.eof else b"":
            yield piece
