"""Turns an open HTTP response into stream events, and what can go wrong on the way into errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from akmon_core.errors import ProviderError
from akmon_core.stream import ReplyDone, StreamEvent, TextDelta, ThinkingDelta, UsageSeen
from akmon_models.failures import Server, broken_off, excerpt, failure, holds_error, stream_failure
from akmon_models.sse import SseDecoder

if TYPE_CHECKING:
    from ssl import SSLContext

    from httpx2 import Response

HEAD_BYTES = 4_000
"""What is kept of a body in case it turns out to be no stream."""
DRAIN_SECONDS = 0.25
"""How long the end of a connection is waited for after the end of a reply, so that it can be used again."""
KEEPALIVE_FACTOR = 5
"""A server that only sends signs of life may do so this many times longer than one that is silent."""

_OWN_HEADERS = ("accept", "content-type", "user-agent", "anthropic-version")


class Decoder(Protocol):
    """A fold from a protocol's events to stream events. Raises ``ProviderError``."""

    @property
    def done(self) -> bool:
        """Whether the protocol's last event has been seen."""
        ...

    def feed(self, event: str, data: bytes) -> list[StreamEvent]: ...

    def finish(self) -> ReplyDone:
        """The whole reply, or the error that it did not end as it must."""
        ...


def merge(events: list[StreamEvent]) -> list[StreamEvent]:
    """``events`` with neighbours of one kind made one: cheaper for everyone downstream."""
    if len(events) < 2:
        return events
    merged: list[StreamEvent] = []
    for kind, run in groupby(events, type):
        if kind is TextDelta:
            merged.append(TextDelta("".join(event.text for event in run if isinstance(event, TextDelta))))
        elif kind is ThinkingDelta:
            thoughts = (event.text for event in run if isinstance(event, ThinkingDelta))
            merged.append(ThinkingDelta("".join(thoughts)))
        elif kind is UsageSeen:
            merged.extend(list(run)[-1:])
        else:
            merged.extend(run)
    return merged


async def read_reply(
    server: Server, response: Response, decoder: Decoder, *, idle: float
) -> AsyncGenerator[StreamEvent, None]:
    """The events of ``response``, last a ``ReplyDone``. Closes ``response`` however it ends.

    ``idle`` is in seconds; the connection's own read timeout covers silence, this covers a server
    that sends signs of life and nothing else.
    """
    sse = SseDecoder()
    head = b""
    spoken = False
    heard = monotonic()
    try:
        async with aclosing(_chunks(server, response, idle)) as chunks:
            async for chunk in chunks:
                head += chunk[: HEAD_BYTES - len(head)]
                decoded = sse.feed(chunk)
                spoken = spoken or bool(decoded)
                events, error = _fold(decoder, decoded)
                for event in merge(events):
                    heard = monotonic()
                    yield event
                if error is not None:
                    raise error
                if decoder.done:
                    await _drain(chunks)
                    break
                if monotonic() - heard > idle * KEEPALIVE_FACTOR:
                    raise broken_off(server, "timeout", "it only sent signs of life for too long")
    finally:
        await response.aclose()
    if not spoken:
        raise _no_stream(server, response.headers, head)
    yield decoder.finish()


def _fold(
    decoder: Decoder, decoded: list[tuple[str, bytes]]
) -> tuple[list[StreamEvent], ProviderError | None]:
    """The events up to an error, and the error: what came before it was said all the same."""
    events: list[StreamEvent] = []
    try:
        for name, data in decoded:
            events += decoder.feed(name, data)
    except ProviderError as error:
        return events, error
    return events, None


async def _chunks(server: Server, response: Response, idle: float) -> AsyncGenerator[bytes, None]:
    from httpx2 import HTTPError, StreamError

    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except (HTTPError, StreamError) as error:
        raise transport_failure(server, error, idle, started=True) from error


async def _drain(chunks: AsyncGenerator[bytes, None]) -> None:
    import asyncio

    with suppress(TimeoutError, ProviderError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass


def transport_failure(
    server: Server, error: BaseException | None, idle: float, *, started: bool = False
) -> ProviderError:
    """The error that an exception of the HTTP client stands for."""
    from httpx2 import ConnectTimeout, DecodingError, TimeoutException

    said = str(error or "").strip() or type(error).__name__
    match error:
        case ConnectTimeout():
            return failure(server, "connection", f"no connection to {server.url} in time")
        case TimeoutException() if started:
            return broken_off(server, "timeout", f"nothing came for {idle:g} seconds")
        case TimeoutException():
            return failure(server, "timeout", f"nothing came for {idle:g} seconds")
        case DecodingError():
            return broken_off(server, "protocol", f"its compressed body is damaged ({said})")
        case _ if started:
            return broken_off(server, "connection", f"the connection was lost ({said})")
        case _:
            return failure(server, "connection", f"no answer from {server.url} ({said})")


def _no_stream(server: Server, headers: Mapping[str, str], head: bytes) -> ProviderError:
    """A reply without a single event: an error as JSON, a web page, or nothing."""
    kind = headers.get("content-type", "no content type")
    if holds_error(head):
        return stream_failure(server, head)
    body = f"{kind} that starts with “{excerpt(head)}”" if head.strip() else f"an empty body of {kind}"
    return failure(server, "protocol", body)


def own_headers(defaults: Mapping[str, Any], auth: Mapping[str, str], key: str, omit: Any) -> dict[str, Any]:
    """Headers for one request: ours, and ``omit`` for each that the SDK took from the environment.

    The SDKs add whatever their environment variables name, and these are meant for other servers.
    """
    foreign = [
        name
        for name in defaults
        if name.lower() not in _OWN_HEADERS and not name.lower().startswith("x-stainless-")
    ]
    credentials = {name: value if key else omit for name, value in auth.items()}
    return {**dict.fromkeys(foreign, omit), "Accept": "text/event-stream", **credentials}


def certificates(url: str) -> SSLContext | bool:
    """Whom a client for ``url`` trusts: those whom the system trusts.

    Reading who they are takes 20 ms. An ``http://`` address needs none, and its client trusts nobody.
    """
    if not url.lower().startswith("http://"):
        return True
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext

    return SSLContext(PROTOCOL_TLS_CLIENT)
