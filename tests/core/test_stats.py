"""The sums over a journal, by turn and by model."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import (
    CacheBroken,
    Compacted,
    DurableEvent,
    Envelope,
    ModelChosen,
    ModelFailed,
    Prompted,
    Replied,
    SummaryFailed,
    TurnEnded,
)
from akmon_core.messages import Assistant, Text, User
from akmon_core.spending import Spent
from akmon_core.state import State, fold
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
    st.builds(
        SummaryFailed, message=st.just("x"), usage=st.just(ONE), cost=costs, attempts=attempts, model=models
    ),
    st.builds(
        Compacted,
        summary=st.just("x"),
        kept=st.just(0),
        said=st.just(0),
        usage=st.just(ONE),
        cost=costs,
        attempts=attempts,
        model=models,
    ),
)
others = st.sampled_from([GO, END, ModelChosen("p", "m"), ModelChosen("q", "n")])
trims = st.just(Compacted(summary="x", kept=0, said=0, by="trim"))
agents = st.sampled_from(["", "", "task-1", "task-2"])
events = st.lists(st.tuples(agents, st.one_of(calls, others, trims)))


def journal(happened: Iterable[DurableEvent | tuple[str, DurableEvent]]) -> list[Envelope]:
    """The records of ``happened``, of sub-agents where an agent stands before the event."""
    state, envelopes = State(), list[Envelope]()
    for seq, one in enumerate(happened, 1):
        agent, event = one if isinstance(one, tuple) else ("", one)
        turn = state.turn + (event == GO and not agent)
        envelopes.append(Envelope(seq, 0.0, "s", turn, "", event, agent))
        state = fold(state, envelopes[-1])
    return envelopes


def added(parts: list[Spent]) -> tuple[Usage, int]:
    return sum((part.usage for part in parts), Usage()), sum(part.unpriced for part in parts)


@given(events)
def test_the_total_is_the_session_s_own_and_turns_and_models_add_up_to_it(
    happened: list[tuple[str, DurableEvent]],
) -> None:
    envelopes = journal(happened)
    state = reduce(fold, envelopes, State())
    stats = stats_of(envelopes)
    assert stats.total.spent == state.spent
    asked = [
        event
        for _, event in happened
        if isinstance(event, Replied | ModelFailed | SummaryFailed | Compacted)
        and not (isinstance(event, Compacted) and event.by == "trim")
    ]
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


def test_what_sub_agents_and_summaries_take_counts_for_the_turn_and_for_their_own_model() -> None:
    stats = stats_of(
        journal(
            [
                ModelChosen("p", "m"),
                GO,
                Replied(REPLY, ONE, 1.0),
                ("task-4", ModelChosen("q", "planner")),
                ("task-4", GO),
                ("task-4", Replied(REPLY, ONE, 2.0)),
                ("task-4", END),
                Replied(REPLY, ONE, 4.0),
                Compacted(summary="x", kept=1, said=9, usage=ONE, cost=8.0),
                SummaryFailed(message="x", usage=ONE, cost=16.0, model="r/other"),
                END,
            ]
        )
    )
    assert {model: tally.spent.cost for model, tally in stats.models.items()} == {
        "p/m": 13.0,
        "q/planner": 2.0,
        "r/other": 16.0,
    }
    assert {turn: (tally.calls, tally.spent.cost) for turn, tally in stats.turns.items()} == {1: (5, 31.0)}


def test_a_cache_break_is_placed_at_the_call_that_it_happened_in() -> None:
    broken = CacheBroken("the tools changed", 9_000)
    stats = stats_of(journal([GO, Replied(REPLY), END, GO, Replied(REPLY), Replied(REPLY), broken, END]))
    assert stats.breaks == [Break(2, 2, "the tools changed", 9_000)]


def test_a_turn_without_calls_is_listed_and_two_sums_share_nothing() -> None:
    assert list(stats_of(journal([GO, END])).turns) == [1]
    assert stats_of([]) == Stats()
    assert msgspec.to_builtins(stats_of([]))["turns"] == {}
