"""Turns an open HTTP response into stream events, and what can go wrong on the way into errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import suppress
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from akmon_core.errors import ProviderError
from akmon_core.stream import ReplyDone, StreamEvent, TextDelta, ThinkingDelta, UsageSeen
from akmon_models.failures import (
    Server,
    broken_off,
    excerpt,
    failure,
    holds_error,
    status_failure,
    stream_failure,
)
from akmon_models.wire.link import Refused, Response

if TYPE_CHECKING:
    from akmon_models.wire.watch import Watch

HEAD_BYTES = 4_000
"""What is kept of a body in case it turns out to be no stream."""
DRAIN_SECONDS = 0.25
"""How long the end of a connection is waited for after the end of a reply, so that it can be used again."""
KEEPALIVE_FACTOR = 5
"""A server that only sends signs of life may do so this many times longer than one that is silent."""


class Framer(Protocol):
    """Cuts the bytes of a stream into its events, however they come."""

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that ``chunk`` completes: name, which may be empty, and data as valid UTF-8.

        Raises ``ProviderError`` for what is damaged or too large.
        """
        ...


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


async def answered(
    server: Server, sending: Awaitable[Response], errors: tuple[type[Exception], ...], seconds: float
) -> Response:
    """The open response that ``sending`` gives within ``seconds``. Raises ``ProviderError``."""
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            return await sending
    except TimeoutError:
        raise failure(server, "timeout", f"nothing came for {seconds:g} seconds") from None
    except Refused as refused:
        raise status_failure(server, refused.status, refused.headers, refused.body) from refused
    except errors as error:
        raise transport_failure(server, error) from error


async def read_reply(
    server: Server,
    response: Response,
    framer: Framer,
    decoder: Decoder,
    errors: tuple[type[Exception], ...],
    *,
    first: float,
    idle: float,
) -> AsyncGenerator[StreamEvent, None]:
    """The events of ``response``, last a ``ReplyDone``. Closes ``response`` however it ends.

    ``first`` and ``idle`` are seconds of silence, before the first event and between two. A server that
    sends signs of life and nothing else may do so longer, but not for ever (``KEEPALIVE_FACTOR``).
    """
    from akmon_models.wire.watch import Watch

    head = b""
    spoken = False
    heard = monotonic()
    chunks = response.aiter_bytes()
    watch = Watch()
    try:
        while not decoder.done:
            limit = idle if spoken else first
            alive = heard + limit * KEEPALIVE_FACTOR - monotonic()
            chunk = await _next(server, chunks, errors, watch, limit, alive)
            if chunk is None:
                break
            head += chunk[: HEAD_BYTES - len(head)]
            decoded = framer.feed(chunk)
            spoken = spoken or bool(decoded)
            events, error = _fold(decoder, decoded)
            for event in merge(events):
                heard = monotonic()
                yield event
            if error is not None:
                raise error
        if decoder.done:
            await _drain(chunks, errors)
    finally:
        watch.close()
        await response.aclose()
    if not spoken:
        raise _no_stream(server, response.headers, head)
    yield decoder.finish()


async def _next(
    server: Server,
    chunks: AsyncIterator[bytes],
    errors: tuple[type[Exception], ...],
    watch: Watch,
    limit: float,
    alive: float,
) -> bytes | None:
    """The next chunk; None at the end. ``limit`` is the silence allowed, ``alive`` what is left of all
    the time without content, in seconds."""
    try:
        return await watch.wait(anext(chunks, None), min(limit, alive))
    except TimeoutError:
        silent = f"nothing came for {limit:g} seconds"
        how = silent if alive >= limit else "it only sent signs of life for too long"
        raise broken_off(server, "timeout", how) from None
    except errors as error:
        raise transport_failure(server, error, started=True) from error


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


async def _drain(chunks: AsyncIterator[bytes], errors: tuple[type[Exception], ...]) -> None:
    import asyncio

    with suppress(TimeoutError, *errors):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass


def transport_failure(server: Server, error: Exception, *, started: bool = False) -> ProviderError:
    """The error that an exception of an HTTP client stands for: httpx and httpx2 name theirs alike."""
    names = {each.__name__ for each in type(error).__mro__}
    said = str(error).strip() or type(error).__name__
    if "ConnectTimeout" in names:
        return failure(server, "connection", f"no connection to {server.url} in time")
    if "DecodingError" in names:
        return broken_off(server, "protocol", f"its compressed body is damaged ({said})")
    if started:
        return broken_off(server, "connection", f"the connection was lost ({said})")
    return failure(server, "connection", f"no answer from {server.url} ({said})")


def _no_stream(server: Server, headers: Mapping[str, str], head: bytes) -> ProviderError:
    """A reply without a single event: an error as JSON, a web page, or nothing."""
    kind = headers.get("content-type", "no content type")
    if holds_error(head):
        return stream_failure(server, head)
    body = f"{kind} that starts with “{excerpt(head)}”" if head.strip() else f"an empty body of {kind}"
    return failure(server, "protocol", body)
