"""One layer tries again: when, how often, how long it waits, and what it says of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError, ProviderErrorKind
from akmon_core.limits import RETRIES, RETRY_MAX_SECONDS, RETRY_MIN_SECONDS
from akmon_core.models import ModelFacts, ModelRequest
from akmon_core.stream import Retrying, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_models.catalog import facts
from akmon_models.retry import Retried
from akmon_models.script import parse_script
from akmon_models.scripted import ScriptedModel
from tests.models.asking import ask, reply, request


def play(script: str, *, random: float = 0.0) -> tuple[list[StreamEvent], Any, list[float]]:
    """The events of a retried script, the error that ended it, and the waits."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    model = ScriptedModel(parse_script(script, "s"))
    events, error = ask(Retried(model, sleep=sleep, random=lambda: random))
    return events, error, waits


def retries(events: list[StreamEvent]) -> list[Retrying]:
    return [event for event in events if isinstance(event, Retrying)]


@pytest.mark.parametrize("kind", get_args(ProviderErrorKind))
def test_what_may_pass_is_tried_again_and_nothing_else(kind: ProviderErrorKind) -> None:
    events, error, waits = play(f"error {kind} oops\nsay Hello")
    if ProviderError(kind, "").retryable:
        assert (error, reply(events).message.text, waits) == (None, "Hello", [1.0])
    else:
        assert (error.kind, events, waits) == (kind, [], [])


def test_a_retry_is_announced_before_the_wait() -> None:
    events, _, _ = play("error 529 Overloaded\nsay Hello")
    assert events[0] == Retrying(attempt=2, attempts=RETRIES + 1, wait=1.0, reason="Overloaded")


def test_it_gives_up_after_its_retries_and_says_so() -> None:
    events, error, waits = play("error 503 busy")
    assert [event.attempt for event in retries(events)] == list(range(2, RETRIES + 2))
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert (error.kind, error.status) == ("overloaded", 503)
    assert f"attempt {RETRIES + 1} of {RETRIES + 1}" in str(error)


def test_a_reply_that_breaks_off_is_tried_again_and_the_notice_separates_the_two() -> None:
    events, error, _ = play("say Hel\nusage input=5 output=1\ncut\nsay Hello there\nusage input=5 output=3")
    at = events.index(retries(events)[0])
    before, after = events[:at], events[at + 1 :]
    assert error is None
    assert [event for event in before if isinstance(event, TextDelta)] == [TextDelta("Hel")]
    assert "".join(event.text for event in after if isinstance(event, TextDelta)) == "Hello there"


def test_the_usage_of_the_last_event_is_that_of_the_reply_that_succeeded() -> None:
    events, _, _ = play("usage input=5 output=1\ncut\nsay Hello\nusage input=7 output=3")
    assert reply(events).usage == Usage(input_tokens=7, output_tokens=3)
    assert [event.usage.input_tokens for event in events if isinstance(event, UsageSeen)] == [5, 7]


def test_the_server_s_wish_is_honoured() -> None:
    _, _, waits = play("error 429 retry_after=17.5 slow down\nerror 429 retry_after=0.1 x\nsay Hello")
    assert waits == [17.5, RETRY_MIN_SECONDS]


def test_a_wish_that_is_too_long_ends_it() -> None:
    events, error, waits = play("error 429 retry_after=7200 slow down\nsay Hello")
    assert (events, waits) == ([], [])
    assert error.retry_after == 7_200
    assert "7200 seconds" in str(error)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, RETRIES))
def test_waits_grow_and_stay_within_their_bounds(random: float, failures: int) -> None:
    _, _, waits = play("error server x\n" * failures + "say Hello", random=random)
    assert len(waits) == failures
    assert all(RETRY_MIN_SECONDS <= wait <= RETRY_MAX_SECONDS for wait in waits)
    assert all(2**at <= wait <= 2 ** (at + 1) for at, wait in enumerate(waits))


def test_a_model_that_ends_without_its_last_event_is_an_error() -> None:
    class Mute:
        @property
        def facts(self) -> ModelFacts:
            return facts("anthropic", "m")

        async def stream(self, asked: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
            yield TextDelta("Hel")

        async def close(self) -> None:
            pass

    async def sleep(seconds: float) -> None:
        pass

    _, error = ask(Retried(Mute(), sleep=sleep))
    assert error.kind == "protocol"


def test_a_wait_can_be_cancelled() -> None:
    async def scenario() -> None:
        model = Retried(ScriptedModel(parse_script("error 503 busy", "s")))
        stream: Any = model.stream(request())
        assert isinstance(await anext(stream), Retrying)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())
