"""One number for what was used, wherever it is read: report, stream, journal, session and screen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_cli.report import Record, Report
from akmon_cli.writers import writer
from akmon_core.commands import Compact, Interrupt, Prompt
from akmon_core.errors import ProviderError
from akmon_core.events import Compacted, Envelope, Noticed, SummaryFailed, TurnEnded
from akmon_core.messages import Assistant, Text, ToolCall
from akmon_core.models import ModelFacts, ModelRequest, Prices
from akmon_core.spending import Spent
from akmon_core.state import State
from akmon_core.stats import stats_of
from akmon_core.stream import ReplyDone, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_core.tools import Delegation, ToolContext, ToolOutput
from akmon_models.retry import Retried
from akmon_query.assembly import assemble
from akmon_query.journal import MemoryJournal
from akmon_query.session import Session
from akmon_query.testing import FakeArguments, FakeTool
from akmon_tui.view import View, show

counts = st.integers(0, 5_000)
usages = st.builds(
    Usage, input_tokens=counts, output_tokens=counts, cache_read_tokens=counts, cache_write_tokens=counts
)
prices = st.none() | st.builds(
    Prices,
    input=st.floats(0, 20),
    output=st.floats(0, 20),
    cache_read=st.floats(0, 20),
    cache_write=st.floats(0, 20),
)


SUMMARISED = (Compacted, SummaryFailed, Noticed)


class Attempt(msgspec.Struct, frozen=True):
    """What comes of one request: some text, its usage, and how it ends."""

    end: str
    """``whole``, ``delegates`` (and is whole), ``broken``, ``refused`` (for good), or ``interrupted``."""
    usage: Usage
    text: str
    cost: float | None


attempts = st.builds(
    Attempt,
    st.sampled_from(
        ["whole", "whole", "delegates", "delegates", "broken", "broken", "broken", "refused", "interrupted"]
    ),
    usages,
    st.sampled_from(["", "some text ", "a long text " * 500]),
    st.none() | st.floats(0, 1),
)


class Playing:
    """Plays the next of the attempts that it shares with the other model."""

    def __init__(self, name: str, priced: Prices | None, left: list[Attempt], stop: asyncio.Event) -> None:
        self.facts = ModelFacts(
            provider="p", id=name, context_window=1_000_000, max_output=1_000, prices=priced
        )
        self._left = left
        self._stop = stop

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        if not self._left:
            raise ProviderError("bad_request", "nothing left")
        attempt = self._left.pop(0)
        if attempt.text:
            yield TextDelta(attempt.text)
        yield UsageSeen(attempt.usage, attempt.cost)
        match attempt.end:
            case "broken":
                raise ProviderError("connection", "it broke")
            case "refused":
                raise ProviderError("bad_request", "refused")
            case "interrupted":
                self._stop.set()
                await asyncio.Event().wait()
        parts: tuple[Text | ToolCall, ...] = (Text(f"{attempt.text}end"),)
        if attempt.end == "delegates":
            parts = (*parts, ToolCall("1", "task", "{}"), ToolCall("2", "task", "{}"))
        yield ReplyDone(Assistant(parts), attempt.usage, attempt.cost)

    async def close(self) -> None:
        pass


class Delegating(FakeTool):
    """Has a sub-agent do something. A sub-agent has no such tool."""

    async def run(self, arguments: FakeArguments, context: ToolContext) -> ToolOutput:
        return await context.delegate(Delegation(task="do it", title="do"))


async def no_wait(seconds: float) -> None:
    pass


async def play(
    left: list[Attempt], first: Prices | None, second: Prices | None
) -> tuple[State, list[Envelope], MemoryJournal]:
    """A session of as many turns as there are attempts for; each ends as its attempts make it.

    After each turn a summary is asked for.
    """
    stop, journal, seen = asyncio.Event(), MemoryJournal(), []
    model = Retried(
        Playing("first", first, left, stop),
        Playing("second", second, left, stop),
        sleep=no_wait,
        random=lambda: 0.0,
    )
    async with assemble(model, {"task": Delegating("task")}, journal, session="s") as session:
        events = session.events(after=0, agents=True)
        while left:
            for command, last in ((Prompt("go"), TurnEnded), (Compact(), SUMMARISED)):
                stop.clear()
                cause = await session.send(command)
                interrupting = asyncio.ensure_future(_interrupt(session, stop))
                async for envelope in events:
                    seen.append(envelope)
                    mine = envelope.cause == cause and not envelope.agent
                    if mine and isinstance(envelope.event, last):
                        break
                interrupting.cancel()
        return session.state, seen, journal


async def _interrupt(session: Session, stop: asyncio.Event) -> None:
    await stop.wait()
    await session.send(Interrupt())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(attempts, max_size=12), prices, prices)
def test_every_reader_shows_the_same_usage_and_cost(
    capsys: pytest.CaptureFixture[str], played: list[Attempt], first: Prices | None, second: Prices | None
) -> None:
    state, seen, journal = asyncio.run(play(list(played), first, second))

    report = Report()
    record, out, view = Record(report, Path("/")), writer("stream-json", partial=False), View()
    for envelope in seen:
        record.add(envelope)
        out.show(envelope)
        view = show(view, envelope.event, envelope.agent)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert state.usage == sum((attempt.usage for attempt in played), Usage())
    assert (report.usage, report.cost_usd) == (state.usage, state.spent.cost)
    assert stats_of(journal.read()).total.spent == state.spent
    assert view.total == state.spent
    assert streamed(lines) == (state.usage, state.spent.cost)


def streamed(lines: list[dict[str, object]]) -> tuple[Usage, float | None]:
    """What a program adds up that reads the stream."""
    calls = [line for line in lines if "cost_usd" in line]
    usage = sum((msgspec.convert(line["usage"], Usage) for line in calls), Usage())
    total: float | None = 0.0
    for line in calls:
        cost = msgspec.convert(line["cost_usd"], float | None)
        total = None if total is None or cost is None else total + cost
    return usage, total


def test_a_session_of_nothing_costs_nothing() -> None:
    state, _, _ = asyncio.run(play([], None, None))
    assert state.spent == Spent()
