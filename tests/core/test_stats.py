"""The sums over a journal, by turn and by model."""

from __future__ import annotations

from typing import cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import (
    CacheBroken,
    DurableEvent,
    Envelope,
    ModelChosen,
    ModelFailed,
    Prompted,
    Replied,
    TurnEnded,
)
from akmon_core.messages import Assistant, Text, User
from akmon_core.spending import Spent
from akmon_core.state import State, apply
from akmon_core.stats import Break, Stats, stats_of
from akmon_core.stream import Usage

GO = Prompted(User((Text("go"),)))
END = TurnEnded("completed")
REPLY = Assistant((Text("x"),))
ONE = Usage(input_tokens=1, output_tokens=2, cache_read_tokens=3, cache_write_tokens=4)
costs = st.none() | st.floats(0, 9)
attempts = st.integers(1, 6)
models = st.sampled_from(["", "p/other"])
calls = st.one_of(
    st.builds(Replied, st.just(REPLY), st.just(ONE), costs, attempts, models),
    st.builds(
        ModelFailed, st.just("server"), st.just("x"), st.sampled_from([ONE, Usage()]), costs, attempts, models
    ),
)
events = st.lists(st.one_of(calls, st.sampled_from([GO, END, ModelChosen("p", "m"), ModelChosen("q", "n")])))


def journal(happened: list[DurableEvent]) -> list[Envelope]:
    state, envelopes = State(), []
    for seq, event in enumerate(happened, 1):
        state = apply(state, event)
        envelopes.append(Envelope(seq, 0.0, "s", state.turn, "", event))
    return envelopes


def added(parts: list[Spent]) -> tuple[Usage, int]:
    return sum((part.usage for part in parts), Usage()), sum(part.unpriced for part in parts)


@given(events)
def test_the_total_is_the_session_s_own_and_turns_and_models_add_up_to_it(
    happened: list[DurableEvent],
) -> None:
    envelopes = journal(happened)
    state = State()
    for envelope in envelopes:
        state = apply(state, cast("DurableEvent", envelope.event))
    stats = stats_of(envelopes)
    assert stats.total.spent == state.spent
    asked = [event for event in happened if isinstance(event, Replied | ModelFailed)]
    assert stats.total.calls == len(asked)
    assert stats.total.repeats == sum(call.attempts - 1 for call in asked)
    for tallies in (stats.turns.values(), stats.models.values()):
        assert sum(tally.calls for tally in tallies) == len(asked)
        spent = state.spent
        assert added([tally.spent for tally in tallies]) == (spent.usage, spent.unpriced)


def test_calls_count_for_the_model_that_was_asked() -> None:
    happened: list[DurableEvent] = [
        ModelChosen("p", "m"),
        GO,
        Replied(REPLY, ONE, 1.0),
        Replied(REPLY, ONE, 2.0, attempts=4, model="q/n"),
        END,
        ModelChosen("r", "o"),
        GO,
        ModelFailed("server", "x", ONE, 4.0),
        END,
    ]
    stats = stats_of(journal(happened))
    assert {model: tally.spent.cost for model, tally in stats.models.items()} == {
        "p/m": 1.0,
        "q/n": 2.0,
        "r/o": 4.0,
    }
    assert {turn: (tally.calls, tally.repeats) for turn, tally in stats.turns.items()} == {
        1: (2, 3),
        2: (1, 0),
    }


def test_a_cache_break_is_placed_at_the_call_that_it_happened_in() -> None:
    broken = CacheBroken("the tools changed", 9_000)
    stats = stats_of(journal([GO, Replied(REPLY), END, GO, Replied(REPLY), Replied(REPLY), broken, END]))
    assert stats.breaks == [Break(2, 2, "the tools changed", 9_000)]


def test_a_turn_without_calls_is_listed_and_two_sums_share_nothing() -> None:
    assert list(stats_of(journal([GO, END])).turns) == [1]
    assert stats_of([]) == Stats()
    assert msgspec.to_builtins(stats_of([]))["turns"] == {}
