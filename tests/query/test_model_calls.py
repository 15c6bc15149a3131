"""One call of the model: each attempt is priced by the model it was made of, and the cache is watched."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from akmon_core.commands import Prompt
from akmon_core.errors import ProviderError
from akmon_core.events import CacheBroken, Envelope, ModelFailed, Replied
from akmon_core.messages import Assistant, Text
from akmon_core.models import Model, Prices
from akmon_core.stream import ReplyDone, Retrying, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_models.retry import Retried
from akmon_query.testing import run_turn
from tests.query.fakes import PRICES, StreamModel, Tool, asks, done, of, open_with, uncounted

MILLION = Usage(input_tokens=1_000_000)
DEARER = Prices(input=5.0, output=5.0, cache_read=5.0, cache_write=5.0)
BROKEN = ProviderError("server", "it broke")
REPLY = Assistant((Text("ok"),))
Step = StreamEvent | Exception | asyncio.Event


def breaks(*events: StreamEvent) -> list[Step]:
    return [*events, BROKEN]


async def no_wait(seconds: float) -> None:
    pass


def named(name: str, prices: Prices | None, *streams: list[Step], caches: bool = True) -> StreamModel:
    model = StreamModel(*streams, prices=prices)
    model.facts = msgspec.structs.replace(model.facts, id=name, caches=caches)
    return model


def retried(model: Model, fallback: Model | None = None) -> Retried:
    return Retried(model, fallback, sleep=no_wait, random=lambda: 0.0)


def turns(model: Model, *tools: Tool, number: int = 1) -> list[Envelope]:
    async def run() -> list[Envelope]:
        async with open_with(model, *tools) as session:
            return [envelope for _ in range(number) for envelope in await run_turn(session, Prompt("go"))]

    return asyncio.run(run())


def replied(model: Model) -> Replied:
    (event,) = of(turns(model), Replied)
    return uncounted(event)


def test_attempts_are_counted_and_their_usage_added() -> None:
    model = named("m", PRICES, [UsageSeen(MILLION), BROKEN], [BROKEN], [ReplyDone(REPLY, MILLION, id="r1")])
    assert replied(retried(model)) == Replied(REPLY, MILLION + MILLION, 2.0, attempts=3, response_id="r1")


def test_each_attempt_is_priced_by_the_model_that_was_asked() -> None:
    model = named("m", PRICES, *(breaks(UsageSeen(MILLION)) for _ in range(3)))
    fallback = named("big", DEARER, [UsageSeen(MILLION), BROKEN], [ReplyDone(REPLY, MILLION)])
    event = replied(retried(model, fallback))
    assert (event.usage.input_tokens, event.cost) == (5_000_000, 13.0)
    assert (event.attempts, event.model) == (5, "fake/big")


def test_an_unpriced_attempt_makes_the_call_unpriced_unless_it_used_nothing() -> None:
    used = named("m", None, *(breaks(UsageSeen(MILLION)) for _ in range(3)))
    assert replied(retried(used, named("big", DEARER, [ReplyDone(REPLY, MILLION)]))).cost is None
    refused = named("m", None, [BROKEN], [BROKEN], [BROKEN])
    assert replied(retried(refused, named("big", DEARER, [ReplyDone(REPLY, MILLION)]))).cost == 5.0


def test_what_the_server_says_it_cost_goes_before_the_prices() -> None:
    model = named(
        "m",
        PRICES,
        [UsageSeen(MILLION, 0.25), UsageSeen(MILLION), BROKEN],
        [UsageSeen(MILLION, 0.5), ReplyDone(REPLY, MILLION)],
    )
    assert replied(retried(model)).cost == 0.75
    assert replied(named("m", None, [ReplyDone(REPLY, MILLION, 0.125)])).cost == 0.125


def test_the_seconds_of_a_wait_are_no_attempts() -> None:
    waits: list[Step] = [Retrying(2, 6, 3.0, "x", passed=passed) for passed in (0.0, 1.0, 2.0)]
    model = named("m", PRICES, [UsageSeen(MILLION), *waits, ReplyDone(REPLY, MILLION)])
    event = replied(model)
    assert (event.attempts, event.usage) == (2, MILLION + MILLION)


def test_a_call_that_fails_for_good_tells_what_it_took_and_keeps_what_it_said() -> None:
    bad = ProviderError("bad_request", "no")
    model = named("m", PRICES, *(breaks(TextDelta(word), UsageSeen(MILLION)) for word in ("a ", "b ", "c")))
    (event,) = of(turns(retried(model, named("big", DEARER, [bad]))), ModelFailed)
    assert uncounted(event) == ModelFailed(
        "bad_request", "no", MILLION + MILLION + MILLION, 3.0, 4, "fake/big", "a b c"
    )


def test_a_call_that_was_refused_at_once_costs_nothing_also_unpriced() -> None:
    (event,) = of(turns(named("m", None, [ProviderError("authentication", "no")])), ModelFailed)
    assert (event.usage, event.cost, event.said) == (Usage(), 0.0, "")


def test_text_of_white_space_alone_is_not_kept() -> None:
    (event,) = of(turns(named("m", None, [TextDelta(" \n"), BROKEN])), ModelFailed)
    assert event.said == ""


def test_a_reply_counts_also_if_closing_its_stream_fails() -> None:
    class Sticky(StreamModel):
        async def stream(self, request: Any) -> Any:
            try:
                yield ReplyDone(REPLY, MILLION)
            finally:
                raise ProviderError("connection", "closed badly")

    seen = turns(Sticky(prices=PRICES))
    assert [uncounted(each) for each in of(seen, Replied)] == [Replied(REPLY, MILLION, 1.0)]
    assert of(seen, ModelFailed) == []


# --- the prompt cache -------------------------------------------------------------------------------

WRITTEN = Usage(cache_write_tokens=10_000)
READ = Usage(input_tokens=100, cache_read_tokens=10_000)
ANEW = Usage(input_tokens=10_100)


def said(text: str, usage: Usage) -> list[Step]:
    return [done(text, usage=usage)]


def test_a_prompt_that_the_provider_forgot_is_reported_behind_its_reply() -> None:
    model = named("m", PRICES, said("a", WRITTEN), said("b", READ), said("c", ANEW), said("d", READ))
    seen = turns(model, number=4)
    (broken,) = of(seen, CacheBroken)
    assert broken.tokens == 10_100
    assert broken.cause.startswith("the provider no longer had it")
    kinds = [type(each.event) for each in seen if isinstance(each.event, Replied | CacheBroken)]
    assert kinds == [Replied, Replied, Replied, CacheBroken, Replied]


def test_another_model_is_named_as_the_cause_unless_it_caches_nothing() -> None:
    for caches, causes in [(True, ["the model changed"]), (False, [])]:
        model = named("m", PRICES, said("a", WRITTEN), [BROKEN], [BROKEN], [BROKEN])
        fallback = named("big", PRICES, said("b", WRITTEN), said("c", READ), caches=caches)
        seen = turns(retried(model, fallback), number=3)
        assert [broken.cause for broken in of(seen, CacheBroken)] == causes


@pytest.mark.parametrize("text", ["", "half a reply"])
def test_a_session_that_only_goes_on_breaks_no_cache_also_when_replies_break_off(text: str) -> None:
    calls = asks(("look", "x"))
    broken: list[Step] = [TextDelta(text), BROKEN] if text else [BROKEN]
    streams: list[list[Step]] = [[ReplyDone(calls, WRITTEN)], broken, said("b", READ), said("c", READ)]
    assert of(turns(retried(named("m", PRICES, *streams)), Tool("look"), number=2), CacheBroken) == []
