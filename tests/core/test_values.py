"""Small values: usage, prices, errors, messages, and the request that they make up."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError, ProviderErrorKind
from akmon_core.events import DurableEvent, Prompted, Replied, SessionStarted, Steered, ToolFinished
from akmon_core.messages import Assistant, Text, Thinking, ToolCall, ToolResult, User, distinct_calls
from akmon_core.models import Prices
from akmon_core.prompt import compose, system_prompt
from akmon_core.state import State, apply, replay
from akmon_core.stream import Usage
from akmon_core.tools import ToolSpec
from tests.core.values import values

usages: st.SearchStrategy[Usage] = values(Usage)
TOOLS = (ToolSpec("t", "does things", {"type": "object", "properties": {}}),)


@given(usages, usages, usages)
def test_usage_adds_up_in_any_order(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Usage() == a


def test_the_prompt_is_what_was_sent_new_read_from_and_written_to_a_cache() -> None:
    usage = Usage(input_tokens=1, output_tokens=100, cache_read_tokens=10, cache_write_tokens=1_000)
    assert usage.prompt_tokens == 1_011


def test_prices_are_dollars_per_million_tokens_of_each_kind() -> None:
    prices = Prices(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)
    million = 1_000_000
    usage = Usage(
        input_tokens=million,
        output_tokens=2 * million,
        cache_read_tokens=10 * million,
        cache_write_tokens=4 * million,
    )
    assert prices.cost(usage) == pytest.approx(3 + 30 + 3 + 15)
    assert prices.cost(Usage()) == 0


@given(usages, usages)
def test_the_price_of_a_sum_is_the_sum_of_the_prices(a: Usage, b: Usage) -> None:
    prices = Prices(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)
    assert prices.cost(a + b) == pytest.approx(prices.cost(a) + prices.cost(b))


def test_only_failures_that_may_pass_are_worth_another_try() -> None:
    retried = {kind for kind in get_args(ProviderErrorKind) if ProviderError(kind, "x").retryable}
    assert retried == {"connection", "overloaded", "protocol", "rate_limit", "server", "timeout"}


@given(st.lists(st.sampled_from(["", "a", "b", "a_2", "call"]), max_size=6))
def test_calls_get_ids_of_their_own_and_keep_good_ones(wanted: list[str]) -> None:
    message = Assistant((Text("x"), *(ToolCall(id, "t", "{}") for id in wanted)), "tools")
    distinct = distinct_calls(message)
    ids = [call.id for call in distinct.calls]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    assert (distinct is message) == (len(set(wanted)) == len(wanted) and all(wanted))
    assert distinct.parts[0] == Text("x")
    assert distinct_calls(distinct) == distinct


def test_the_text_and_the_calls_of_a_reply_are_its_parts_of_that_kind() -> None:
    call = ToolCall("1", "t", "{}")
    message = Assistant((Thinking("hm"), Text("a"), call, Text("b")), "tools")
    assert (message.text, message.calls) == ("ab", (call,))


def test_the_system_prompt_ends_with_the_recorded_facts() -> None:
    assert system_prompt(State(facts="Platform: X")) == system_prompt(State()) + "\n\nPlatform: X"


def said(text: str) -> User:
    return User((Text(text),))


def test_successive_requests_share_system_tools_and_all_earlier_messages() -> None:
    calls = Assistant((ToolCall("a", "t", "{}"), ToolCall("b", "t", "{}")), "tools")
    events: list[DurableEvent] = [
        SessionStarted(schema=1, akmon="0", cwd="/p", roots=("/p",), facts="Date: today"),
        Prompted(said("go")),
        Replied(calls),
        Steered(said("and this")),
        ToolFinished(ToolResult("b", "two"), "t"),
        ToolFinished(ToolResult("a", "one"), "t"),
        Replied(Assistant((Text("done"),))),
        Prompted(said("more")),
        Replied(Assistant((Text("done"),))),
    ]
    state, before = State(), compose(replay(events[:1]), TOOLS, "s")
    for event in events:
        state = apply(state, event)
        request = compose(state, TOOLS, "s")
        assert (request.system, request.tools, request.session) == (before.system, before.tools, "s")
        assert request.messages[: len(before.messages)] == before.messages
        before = request
    assert len(before.messages) == 8
