"""Cells: a call that fails and is made again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from akmon_core.stream import Retrying
from akmon_models.retry import Retried
from tests.models.asking import request
from tests.models.faults import Exchange
from tests.models.matrix.bench import Bench, ask, check, done, said
from tests.models.matrix.cells.names import cell
from tests.models.matrix.replies import FULL, ONE_CALL, Reply


@cell("countdown")
def countdown(bench: Bench) -> None:
    """The wait that the server asks for is told second by second, and then the reply is whole."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def part(x: Exchange) -> None:
        if x.attempt == 1:
            x.answer(429, bench.format.body("rate_limit", "slow down"), retry_after="3")
        else:
            x.send(bench.format.stream(FULL), bench.format.content_type)

    stage = bench.stage(part)
    events, error = ask(Retried(bench.row.open(stage.url), sleep=sleep))
    assert error is None, error
    told = [event for event in events if isinstance(event, Retrying)]
    assert [(event.wait, event.passed) for event in told] == [(3, 0), (3, 1), (3, 2)]
    assert sum(waits) == 3
    check(bench, [event for event in events if not isinstance(event, Retrying)], FULL)
    first, second = stage.exchanges
    assert first.body == second.body


@cell("cancel in a countdown")
def cancel(bench: Bench) -> None:
    """The wait is longer than any test may take, and ends at once."""
    stage = bench.stage(
        lambda x: x.answer(429, bench.format.body("rate_limit", "slow down"), retry_after="60")
    )

    async def scenario() -> None:
        stream: Any = Retried(bench.row.open(stage.url)).stream(request())
        assert isinstance(await anext(stream), Retrying)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await stream.aclose()

    asyncio.run(scenario())
    assert len(stage.exchanges) == 1


@cell("goes on after a cut")
def cut(bench: Bench) -> None:
    """Text that was seen stays and is not said twice, half a call is void, the last usage counts."""
    events = bench.format.events(ONE_CALL)
    broken = [bench.format.frame(event) for event in events if not bench.format.ends(event)]
    rest = Reply(text=(" And I find.",), calls=ONE_CALL.calls, stop="tools")

    def part(x: Exchange) -> None:
        if x.attempt == 1:
            x.send(broken, bench.format.content_type)
        elif x.attempt == 2:
            x.answer(529, bench.format.body("overloaded", "busy"))
        else:
            x.send(bench.format.stream(rest), bench.format.content_type)

    async def sleep(seconds: float) -> None:
        pass

    stage = bench.stage(part)
    told, error = ask(Retried(bench.row.open(stage.url), sleep=sleep))
    assert error is None, error
    last = done(told)
    assert last.message.text == said(told) == "I look. And I find."
    assert [json.loads(call.arguments) for call in last.message.calls] == [{"cmd": "ls ö"}]
    assert last.usage == bench.format.counted(rest.usage)
    first, second, third = (exchange.body for exchange in stage.exchanges)
    assert b"I look." not in first
    assert b"I look." in second
    assert second == third
