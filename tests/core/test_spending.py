"""What model calls took is counted in one way, whoever counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import ModelFailed, Replied
from akmon_core.messages import Assistant, Text
from akmon_core.spending import Spent
from akmon_core.stream import Usage

SOME = Usage(input_tokens=3, output_tokens=2, cache_read_tokens=1, cache_write_tokens=5)
REPLY = Assistant((Text("x"),))
counts = st.integers(0, 1000)
usages = st.builds(
    Usage, input_tokens=counts, output_tokens=counts, cache_read_tokens=counts, cache_write_tokens=counts
)
costs = st.none() | st.integers(0, 8).map(float)
calls = st.one_of(
    st.builds(Replied, st.just(REPLY), usages, costs),
    st.builds(ModelFailed, st.just("server"), st.just("x"), usages, costs),
)


@given(st.lists(calls, max_size=8))
def test_usage_adds_up_and_one_unknown_price_makes_the_cost_unknown(
    made: list[Replied | ModelFailed],
) -> None:
    spent = Spent()
    for call in made:
        spent = spent.and_also(call)
    assert spent.usage == sum((call.usage for call in made), Usage())
    assert spent.priced == sum(call.cost or 0.0 for call in made)
    assert (spent.cost is None) == any(call.cost is None for call in made)


def test_a_reply_without_a_price_is_unpriced_and_a_call_that_was_refused_is_free() -> None:
    assert Spent().and_also(Replied(REPLY)).cost is None
    assert Spent().and_also(ModelFailed("authentication", "no")).cost == 0.0


@pytest.mark.parametrize("field", Usage.__struct_fields__)
def test_all_tokens_are_prompts_and_replies(field: str) -> None:
    assert Usage(**{field: 7}).total_tokens == 7
    assert SOME.total_tokens == SOME.prompt_tokens + SOME.output_tokens == 11
