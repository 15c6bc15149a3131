"""One layer tries again: when, how often, how long it waits, what it says of it, and where it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import ProviderError, ProviderErrorKind
from akmon_core.limits import RETRIES, RETRY_MAX_SECONDS, RETRY_MIN_SECONDS
from akmon_core.messages import Assistant, Message, Text, Thinking, ToolCall, User
from akmon_core.models import Model, ModelFacts, ModelRequest
from akmon_core.prompt import RESUME
from akmon_core.stream import Retrying, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_models.catalog import facts
from akmon_models.retry import Retried
from akmon_models.script import Attempt, Call, Failure, Reply, Say, Script, Think, Tokens, parse_script
from akmon_models.scripted import ScriptedModel
from tests.models.asking import ask, reply, request


class Noting:
    """A model that remembers what it was asked."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.requests: list[ModelRequest] = []
        self.closed = 0

    @property
    def facts(self) -> ModelFacts:
        return self._model.facts

    def stream(self, asked: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(asked)
        return self._model.stream(asked)

    async def close(self) -> None:
        self.closed += 1


def scripted(script: str, name: str = "s") -> Noting:
    return Noting(ScriptedModel(parse_script(script, name)))


async def no_wait(seconds: float) -> None:
    pass


def text_of(message: Message) -> str:
    assert isinstance(message, Assistant)
    return message.text


def retried(
    model: Model, fallback: Model | None = None, *, random: float = 0.0
) -> tuple[list[StreamEvent], Any, list[float]]:
    """The events, the error that ended them, and how long was slept each time."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    events, error = ask(Retried(model, fallback, sleep=sleep, random=lambda: random))
    return events, error, slept


def play(script: str, *, random: float = 0.0) -> tuple[list[StreamEvent], Any, list[float]]:
    """The events of a retried script, the error that ended it, and the waits."""
    events, error, slept = retried(scripted(script), random=random)
    waits = [event.wait for event in retries(events)]
    assert sum(slept) == pytest.approx(sum(waits))
    assert not slept or max(slept) <= 1.0
    return events, error, waits


def retries(events: list[StreamEvent]) -> list[Retrying]:
    """The first event of each wait."""
    return [event for event in events if isinstance(event, Retrying) and event.passed == 0]


def streamed(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


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


def test_a_wait_is_counted_down_second_by_second() -> None:
    events, _, slept = retried(scripted("error 429 retry_after=2.5 x\nsay Hello"))
    assert [(event.wait, event.passed) for event in events if isinstance(event, Retrying)] == [
        (2.5, 0.0),
        (2.5, 1.0),
        (2.5, 2.0),
    ]
    assert slept == [1.0, 1.0, 0.5]


def test_a_reply_that_breaks_off_goes_on_behind_what_was_said() -> None:
    model = scripted('think a\nsay Hel\ncall shell {}\ncut\nthink b\nsay lo.\ncall shell {"cmd": "ls"}')
    asked = request(User((Text("greet"),)))
    events, error = ask(Retried(model, sleep=no_wait), asked)
    assert error is None
    assert streamed(events) == "Hello."
    assert reply(events).message == Assistant(
        (Thinking("b"), Text("Hello."), ToolCall("call_1_1", "shell", '{"cmd": "ls"}')), "tools"
    )
    first, second = model.requests
    assert first == asked
    assert (second.system, second.tools, second.session) == (asked.system, asked.tools, asked.session)
    assert second.messages == (*asked.messages, Assistant((Text("Hel"),), "interrupted"), RESUME)


def test_a_reply_that_breaks_off_twice_goes_on_behind_all_of_it() -> None:
    model = scripted("say one,\ncut\nsay  two,\nerror server gone\nsay  three")
    events, _, _ = retried(model)
    assert reply(events).message == Assistant((Text("one, two, three"),))
    assert [text_of(asked.messages[-2]) for asked in model.requests[1:]] == ["one,", "one, two,"]


def test_a_reply_of_which_only_the_end_was_missing_is_whole_without_more_text() -> None:
    events, _, _ = retried(scripted("say All of it.\ncut\nthink done"))
    assert reply(events).message == Assistant((Thinking("done"), Text("All of it.")))


def test_white_space_alone_is_not_gone_on_behind() -> None:
    model = scripted("say <<END\n\n \nEND\ncut\nsay Hello")
    events, _, _ = retried(model)
    assert [len(asked.messages) for asked in model.requests] == [1, 1]
    assert reply(events).message.text == streamed(events) == "\n Hello"


def test_calls_and_thinking_of_a_reply_that_broke_off_are_lost_and_it_is_made_again() -> None:
    model = scripted('think hm\ncall shell {"cmd": "rm x"}\ncut\ncall shell {"cmd": "ls"}')
    events, _, _ = retried(model)
    assert model.requests[0] == model.requests[1]
    assert reply(events).message == Assistant((ToolCall("call_1_1", "shell", '{"cmd": "ls"}'),), "tools")


says = st.builds(Say, st.text(st.characters(codec="utf-8"), min_size=1, max_size=8))
lines = st.one_of(
    says,
    says,
    st.builds(Think, st.text(max_size=4)),
    st.builds(Call, st.just("shell"), st.integers(0, 9).map(str)),
    st.builds(
        lambda inp, out: Tokens(Usage(input_tokens=inp, output_tokens=out)),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
)
attempts = st.builds(Attempt, st.lists(lines, max_size=6))
BROKE = Failure("connection", "it broke")


def failing(broken: list[Attempt], *more: Attempt) -> Noting:
    tried = [Attempt(attempt.lines, error=BROKE) for attempt in broken]
    return Noting(ScriptedModel(Script(parse_script("say x", "s").facts, (Reply([*tried, *more]),))))


@settings(deadline=None)
@given(st.lists(attempts, max_size=RETRIES), attempts, st.lists(attempts, min_size=3, max_size=3))
def test_whatever_breaks_off_wherever_the_message_is_what_was_streamed_and_no_broken_call_is_in_it(
    broken: list[Attempt], whole: Attempt, before: list[Attempt]
) -> None:
    cases: list[tuple[list[Attempt], Model, Model | None]] = [
        (broken, failing(broken, whole), None),
        ([*before, *broken], failing(before), failing(broken, whole)),
    ]
    for failed, model, fallback in cases:
        events, error, _ = retried(model, fallback)
        assert error is None
        done = reply(events)
        assert done.message.text == streamed(events)
        own = [line for line in whole.lines if isinstance(line, Call)]
        assert [call.arguments for call in done.message.calls] == [call.arguments for call in own]
        kinds = [(Thinking, Text, ToolCall).index(type(part)) for part in done.message.parts]
        assert not streamed_by(failed) or (kinds == sorted(kinds) and kinds.count(1) == 1)
        assert len(retries(events)) == len(failed)
        assert done.usage == used_by(whole)
        assert used(events) == sum((used_by(attempt) for attempt in (*failed, whole)), Usage())


def streamed_by(broken: list[Attempt]) -> bool:
    return any(isinstance(line, Say) for attempt in broken for line in attempt.lines)


def used_by(attempt: Attempt) -> Usage:
    return next((line.usage for line in reversed(attempt.lines) if isinstance(line, Tokens)), Usage())


def used(events: list[StreamEvent]) -> Usage:
    """The sum over all attempts of the last that each reported."""
    total = last = Usage()
    for event in events:
        if isinstance(event, UsageSeen):
            last = event.usage
        elif isinstance(event, Retrying) and event.passed == 0:
            total, last = total + last, Usage()
    return total + last


def test_after_three_failures_the_fallback_takes_over_at_once_and_for_good() -> None:
    model = scripted("error 529 busy", "first")
    fallback = scripted("say one\n---\nsay two", "second")
    both = Retried(model, fallback, sleep=no_wait)
    events, error = ask(both)
    assert error is None
    assert [(event.attempt, event.wait > 0, event.model) for event in retries(events)] == [
        (2, True, ""),
        (3, True, ""),
        (1, False, "scripted/second"),
    ]
    assert reply(events).message.text == "one"
    assert both.facts.id == "second"
    ask(both, request(User((Text("hi"),)), Assistant((Text("one"),)), User((Text("more"),))))
    assert (len(model.requests), len(fallback.requests)) == (3, 2)


def test_the_fallback_goes_on_behind_what_the_first_model_said() -> None:
    model = scripted("say a\ncut\nsay b\ncut\nsay c\ncut")
    fallback = scripted("say d", "second")
    events, _, _ = retried(model, fallback)
    assert reply(events).message.text == streamed(events) == "abcd"
    assert text_of(fallback.requests[0].messages[-2]) == "abc"


def test_the_fallback_has_its_own_attempts_and_its_error_is_told() -> None:
    model, fallback = scripted("error server x"), scripted("error server down too", "second")
    events, error, _ = retried(model, fallback)
    assert (len(model.requests), len(fallback.requests)) == (3, RETRIES + 1)
    assert [event.attempt for event in retries(events)] == [2, 3, 1, 2, 3, 4, 5, 6]
    assert "down too" in str(error)


@pytest.mark.parametrize("kind", ["authentication", "bad_request", "model_not_found", "context_overflow"])
def test_what_trying_again_cannot_help_is_not_given_to_the_fallback(kind: str) -> None:
    fallback = scripted("say never", "second")
    _, error, _ = retried(scripted(f"error server x\nerror {kind} oops"), fallback)
    assert error.kind == kind
    assert fallback.requests == []


def test_a_wish_that_is_too_long_is_given_to_the_fallback() -> None:
    events, error, slept = retried(
        scripted("error 429 retry_after=7200 quota"), scripted("say Hello", "second")
    )
    assert (error, slept) == (None, [])
    assert reply(events).message.text == "Hello"


def test_closing_closes_both() -> None:
    model, fallback = scripted("say x"), scripted("say y")
    asyncio.run(Retried(model, fallback).close())
    assert (model.closed, fallback.closed) == (1, 1)


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

    _, error = ask(Retried(Mute(), sleep=no_wait))
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
