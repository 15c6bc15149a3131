"""The connection to a server over HTTP: streamable, or server-sent events as older servers have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any

import anyio
import httpx2
import msgspec
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import next_request_within_origin, redirect_location

from akmon_core.errors import ToolError
from akmon_core.limits import FETCH_ERROR_CHARS, MCP_MESSAGE_BYTES, MCP_STOP_SECONDS
from akmon_core.servers import Server
from akmon_core.text import one_line
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.oauth import NeedsRights, SessionLogin
from akmon_tools.mcp.sse import sse_streams
from akmon_tools.mcp.wire import (
    Unreadable,
    Wire,
    has_credentials,
    quieten,
    sent_headers,
    shown,
    timeouts,
    words,
)

_INTERNAL_ERROR = -32603
_USES = (b'"tools/call"', b'"resources/read"', b'"prompts/get"')
_NO_STREAMABLE = (400, 404, 405)
"""What a server answers to the handshake that speaks only the older kind, as the protocol says."""


@asynccontextmanager
async def http_transport(server: Server, surroundings: Surroundings) -> AsyncIterator[TransportStreams]:
    """The streams of a connection to ``server``, which is one for ``http`` or ``sse``.

    Ends with ``NeedsLogin`` if a person has to log in, and with another ``ToolError`` if the server cannot be
    reached or refuses what is configured. Anything else that is wrong with one answer is the error of that
    request only.
    """
    quieten()
    async with _Client(server, surroundings) as client:
        try:
            async with _streams(server, client) as streams, anyio.create_task_group() as watching:
                watching.start_soon(client.watch)
                yield streams
                watching.cancel_scope.cancel()
        except (BaseExceptionGroup, ToolError) as error:
            raise client.failure or _only(error) from None


def _streams(server: Server, client: _Client) -> AbstractAsyncContextManager[TransportStreams]:
    if server.transport == "sse":
        return sse_streams(server.url, client)
    return streamable_http_client(server.url, http_client=client, max_sse_event_size=MCP_MESSAGE_BYTES)


def _only(error: BaseException) -> BaseException:
    """What is in groups of one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class _Client(httpx2.AsyncClient):
    """Asks the one server, with what it is configured to be sent, and says in words what goes wrong."""

    def __init__(self, server: Server, surroundings: Surroundings) -> None:
        self._configured = has_credentials(server)
        login = None if self._configured else SessionLogin(server, surroundings)
        super().__init__(
            transport=Wire(surroundings.ca_file),
            auth=login,
            headers=sent_headers(server.headers),
            timeout=timeouts(reading=None),
            trust_env=False,
        )
        self._server = server
        self._redactor = surroundings.redactor
        self._origin = _origin(httpx2.URL(server.url))
        self._failed = asyncio.Event()
        self.failure: ToolError | None = None
        """Why there is no use in going on."""

    async def watch(self) -> None:
        """Raises the failure when there is one; the SDK keeps some to itself."""
        await self._failed.wait()
        assert self.failure
        raise self.failure

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        if _origin(request.url) not in (self._origin, _upgraded(self._origin)):
            raise self._fail(ToolError(f"it leads to another server, {shown(request.url)}."))
        if request.method == "DELETE":  # the farewell, which nobody else bounds
            with anyio.fail_after(MCP_STOP_SECONDS):
                response = await self._sent(request, **options)
                await response.aread()
                return response
        return await self._sent(request, **options)

    async def _sent(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        vital = request.method == "POST" or self._server.transport == "sse"
        try:
            response = await super().send(request, **options)
        except ToolError as error:
            if isinstance(error, NeedsRights) and _is_use(request):
                return self._error(request, 403, str(error))  # other tools may do without these rights
            if vital:
                self._fail(error)
            raise
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            failed = words(request.url, error)
            raise self._fail(failed) if vital else failed from None
        except (httpx2.TransportError, Unreadable) as error:
            if not vital:
                raise
            why = one_line(str(error), 200) or "no answer"
            return self._error(request, 502, f"the server's answer was lost: {why}")
        if response.has_redirect_location and self._server.transport == "sse":
            if next_request_within_origin(response) is None:
                await response.aclose()
                raise self._fail(
                    ToolError(
                        f"it redirects to {redirect_location(response)}, which is not followed. "
                        "Give that address if it is the right one."
                    )
                )
            return response
        if response.is_success or response.has_redirect_location or not vital:
            return response
        return await self._explained(request, response)

    async def _explained(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """For an error of HTTP an answer that says so, unless it has an error of the protocol in it."""
        try:
            body = await response.aread()
        except httpx2.StreamError:
            body = b""
        status = response.status_code
        if status == 401 and self._configured:
            raise self._fail(
                ToolError("it refused the credentials that are configured for it (401): check them there.")
            )
        if status == 404 and "mcp-session-id" in request.headers:
            return httpx2.Response(status, request=request)  # the session is gone, whatever else it says
        handshake = b'"initialize"' in request.content[:1_000]
        if _is_protocol(body) or (status == 404 and not handshake and self._server.transport == "http"):
            return response  # without a body, the SDK knows best what 404 means
        said = one_line(self._redactor(body.decode(errors="replace")), FETCH_ERROR_CHARS)
        quoted = f', and said: "{said}"' if said else ""
        message = f"it answered {_status(status)}{quoted}."
        if self._server.transport == "sse":
            raise self._fail(ToolError(message))
        if handshake and status in _NO_STREAMABLE:
            message += ' If it is a server of the older kind, its configuration needs "type": "sse".'
        return self._error(request, status, message)

    def _error(self, request: httpx2.Request, status: int, message: str) -> httpx2.Response:
        """An answer that the SDK makes an error of this request of."""
        if self._server.transport == "sse":
            raise self._fail(ToolError(message))
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": _INTERNAL_ERROR, "message": message}}
        return httpx2.Response(status, json=error, request=request)

    def _fail(self, error: ToolError) -> ToolError:
        self.failure = self.failure or error
        self._failed.set()
        return error


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _upgraded(origin: tuple[str, str, int | None]) -> tuple[str, str, int | None]:
    """Where a redirect from ``http`` to ``https`` leads that does not leave the server."""
    scheme, host, port = origin
    return ("https", host, None) if (scheme, port) == ("http", None) else origin


def _is_use(request: httpx2.Request) -> bool:
    """Whether it is about one of the things that the server offers."""
    return any(method in request.content[:1_000] for method in _USES)


def _is_protocol(body: bytes) -> bool:
    """Whether ``body`` is an error of JSON-RPC."""
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(read, dict) and "jsonrpc" in read and isinstance(read.get("error"), dict)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
