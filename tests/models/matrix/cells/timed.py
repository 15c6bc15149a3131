"""Cells: silence, signs of life, and a reply that is not wanted any more.

Nothing here is judged by how long it takes: where one of two times must not count, it is longer than the
server holds a connection, whose end is then another error.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

from akmon_models.retry import Retried
from tests.models.asking import request
from tests.models.faults import Exchange
from tests.models.matrix.bench import Bench, said, stalls
from tests.models.matrix.cells.names import cell
from tests.models.matrix.replies import TEXT

SHORT = 0.15
SHORTEST = 0.04


@cell("silence before headers")
def no_headers(bench: Bench) -> None:
    stage, (events, error) = bench.play(Exchange.until_closed, first=SHORT)
    assert events == []
    assert error is not None
    assert (error.kind, error.retryable) == ("timeout", True)
    assert stage.arrival().over.wait(10)


@cell("silence before the first byte")
def no_first_byte(bench: Bench) -> None:
    stage, (_, error) = bench.play(stalls([], bench.format.content_type), first=SHORT)
    assert error is not None
    assert (error.kind, error.retryable) == ("timeout", True)
    assert stage.arrival().over.wait(10)


@cell("silence between chunks")
def silence(bench: Bench) -> None:
    frames = bench.format.stream(TEXT)[:-3]
    stage, (events, error) = bench.play(stalls(frames, bench.format.content_type), idle=SHORT)
    assert error is not None
    assert (error.kind, error.retryable) == ("timeout", True)
    assert "".join(TEXT.text).startswith(said(events))
    assert said(events)
    assert stage.arrival().over.wait(10)


@cell("signs of life only")
def signs_of_life(bench: Bench) -> None:
    """Neither before the first word nor after it."""
    frames = bench.format.stream(TEXT)[:-3]
    alive = bench.format.alive()

    def pings(parts: list[bytes], x: Exchange) -> None:
        x.trickle(parts, bench.format.content_type)
        with suppress(OSError):
            while not x.server.stopped.wait(SHORTEST / 4):
                x.socket.sendall(alive)

    for parts in (frames, []):
        stage, (_, error) = bench.play(partial(pings, parts), first=SHORTEST, idle=SHORTEST)
        assert error is not None
        assert error.kind == "timeout"
        assert stage.arrival().over.wait(10)


@cell("cancel in mid-stream")
def cancel(bench: Bench) -> None:
    """Closing the stream closes the connection, also through the layer that retries."""
    frames = bench.format.stream(TEXT)[:-3]
    stage = bench.stage(stalls(frames, bench.format.content_type))

    async def scenario() -> None:
        model = bench.row.open(stage.url)
        stream: Any = Retried(model).stream(request())
        await anext(stream)
        exchange = await asyncio.to_thread(stage.arrival)
        assert not exchange.over.is_set()
        await stream.aclose()
        assert await asyncio.to_thread(exchange.over.wait, 10)
        await model.close()

    asyncio.run(scenario())


@cell("cancel while waiting")
def cancel_waiting(bench: Bench) -> None:
    stage = bench.stage(Exchange.until_closed)

    async def scenario() -> None:
        model = bench.row.open(stage.url)
        stream: Any = Retried(model).stream(request())
        waiting = asyncio.ensure_future(anext(stream))
        exchange = await asyncio.to_thread(stage.arrival)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(exchange.over.wait, 10)
        await model.close()

    asyncio.run(scenario())
