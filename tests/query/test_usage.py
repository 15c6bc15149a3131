"""What was used is counted once, also by attempts that broke off and by calls that were interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from akmon_core.commands import Interrupt, Prompt
from akmon_core.errors import ProviderError
from akmon_core.events import Replied
from akmon_core.messages import Assistant, Text
from akmon_core.models import ModelFacts, ModelRequest, Prices
from akmon_core.state import State
from akmon_core.stream import ReplyDone, Retrying, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_query.assembly import assemble
from akmon_query.journal import MemoryJournal
from akmon_query.testing import check_well_formed, run_turn

BROKEN = Usage(input_tokens=100, output_tokens=50)
WHOLE = Usage(input_tokens=11, output_tokens=7, cache_read_tokens=3)
PRICES = Prices(input=1_000_000, output=1_000_000, cache_read=1_000_000, cache_write=1_000_000)
DONE = ReplyDone(Assistant((Text("hi"),)), WHOLE)
FAULT = ProviderError("server", "x")
RETRY = Retrying(2, 6, 0.0, "it broke off")


class Model:
    """Streams ``events``; waits for ever at the end if they do not end the reply."""

    facts = ModelFacts(provider="p", id="m", context_window=1000, max_output=100, prices=PRICES)

    def __init__(self, events: Sequence[StreamEvent | Exception]) -> None:
        self.events = events
        self.waiting = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event
        self.waiting.set()
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass


def after(events: Sequence[StreamEvent | Exception]) -> State:
    async def run() -> State:
        model = Model(events)
        async with assemble(model, {}, MemoryJournal(), session="s") as session:
            turn = asyncio.create_task(run_turn(session, Prompt("go")))
            interrupted = asyncio.create_task(model.waiting.wait())
            await asyncio.wait((turn, interrupted), return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                await session.send(Interrupt())
            interrupted.cancel()
            seen = await turn
            assert sum(isinstance(envelope.event, Replied) for envelope in seen) <= 1
            return session.state

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("events", "usage", "outcome"),
    [
        ([DONE], WHOLE, "completed"),
        ([UsageSeen(BROKEN), UsageSeen(WHOLE), DONE], WHOLE, "completed"),
        ([UsageSeen(BROKEN), RETRY, DONE], BROKEN + WHOLE, "completed"),
        ([UsageSeen(BROKEN), RETRY, RETRY, UsageSeen(WHOLE), FAULT], BROKEN + WHOLE, "failed"),
        ([UsageSeen(BROKEN), TextDelta("par")], BROKEN, "interrupted"),
        ([UsageSeen(BROKEN)], BROKEN, "interrupted"),
        ([UsageSeen(BROKEN), RETRY, UsageSeen(WHOLE)], BROKEN + WHOLE, "interrupted"),
    ],
)
def test_usage_and_cost_are_the_sum_of_all_attempts(
    events: list[StreamEvent | Exception], usage: Usage, outcome: str
) -> None:
    state = after(events)
    assert state.usage == usage
    assert state.cost == pytest.approx(usage.prompt_tokens + usage.output_tokens)
    assert state.outcome == outcome
    check_well_formed(state.history)


def test_an_interrupt_before_anything_was_said_or_used_leaves_no_message() -> None:
    state = after([])
    assert state.outcome == "interrupted"
    assert len(state.history) == 1
