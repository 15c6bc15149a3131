"""The older kind of connection over HTTP: one stream of events, and a POST for each message.

The SDK's own waits for ever if the server names no place for messages, or one elsewhere, keeps to itself that
a message was not taken, and reads events of a megabyte at most.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import anyio
import httpx2
from mcp.client._transport import TransportStreams
from mcp.shared._context_streams import ContextReceiveStream, ContextSendStream, create_context_streams
from mcp.shared._httpx_utils import request_within_origin, sse_within_origin
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_MESSAGE_BYTES
from akmon_tools.mcp.wire import shown


@asynccontextmanager
async def sse_streams(url: str, client: httpx2.AsyncClient) -> AsyncIterator[TransportStreams]:
    """The streams of a connection to the server at ``url``; ``client`` raises for an error of HTTP.

    Raises ``ToolError`` if the server does not say where messages go, or names a place of another origin.
    """
    async with sse_within_origin(client, url, max_event_size=MCP_MESSAGE_BYTES) as source:
        events = aiter(source)
        place = await _place(source.response.request.url, events)
        received, reading = create_context_streams[SessionMessage | Exception](0)
        writing, sent = create_context_streams[SessionMessage](0)
        async with received, reading, writing, sent, anyio.create_task_group() as both:
            both.start_soon(_receive, events, received)
            both.start_soon(_post, client, place, sent)
            yield reading, writing
            both.cancel_scope.cancel()


async def _place(url: httpx2.URL, events: AsyncIterator[httpx2.ServerSentEvent]) -> httpx2.URL:
    try:
        async for event in events:
            if event.event == "endpoint":
                return _own(url, event.data)
    except (httpx2.SSEError, httpx2.TransportError):
        pass
    raise ToolError(
        "it does not speak server-sent events as older servers do. If it is a newer one, its configuration "
        'needs "type": "http".'
    )


def _own(url: httpx2.URL, place: str) -> httpx2.URL:
    try:
        found = httpx2.URL(urljoin(str(url), place))
    except (httpx2.InvalidURL, ValueError):
        raise ToolError("it names no valid address for messages.") from None
    if (found.scheme, found.host, found.port) != (url.scheme, url.host, url.port):
        raise ToolError(f"it wants messages to be sent to another server, {shown(found)}.")
    return found


async def _receive(
    events: AsyncIterator[httpx2.ServerSentEvent], received: ContextSendStream[SessionMessage | Exception]
) -> None:
    """Ends the stream when the server does, in whatever way."""
    async with received:
        try:
            async for event in events:
                if event.event == "message" and event.data:
                    await received.send(_message(event.data))
        except (httpx2.SSEError, httpx2.TransportError, anyio.BrokenResourceError):
            pass


def _message(data: str) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(data, by_name=False))
    except ValidationError as error:
        return error


async def _post(
    client: httpx2.AsyncClient, place: httpx2.URL, sent: ContextReceiveStream[SessionMessage]
) -> None:
    async for message in sent:
        data = message.message.model_dump(by_alias=True, mode="json", exclude_unset=True)
        await request_within_origin(client, "POST", place, json=data)
