"""What is left out of a prompt, when, and that it always helps."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.context import (
    Clear,
    Making,
    Overfull,
    Room,
    Summarise,
    Trim,
    kept_messages,
    make_room,
    prompt_tokens,
    summarised,
    trimmed,
    usable,
)
from akmon_core.events import Cleared, Compacted, ModelFailed, Replied, SummaryFailed
from akmon_core.limits import (
    CLEAR_CHARS,
    COMPACT_AT,
    COMPACTED_SHARE,
    CROWDED_SHARE,
    FULL_AT,
    INTACT_MESSAGES,
    INTACT_MESSAGES_GROQ,
    SMALL_KEPT_MESSAGES,
    SUMMARIES,
)
from akmon_core.messages import Assistant, ToolCall, ToolResult, User
from akmon_core.models import Prices
from akmon_core.state import State, apply
from akmon_core.tokens import weigh
from akmon_query.testing import check_well_formed
from tests.core.talks import PICTURE, Talk, filled, reads

AMPLE = Room(usable=10_000_000, caches=False)
ANTHROPIC = Prices(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)


def perform(state: State, room: Room, making: Making, summary: str = "What was done.") -> State:
    """``state`` after a move, with a summary from the model where it is asked for one."""
    match making:
        case Clear(results, tokens):
            return apply(state, Cleared(results, tokens))
        case Summarise(kept):
            how = summarised(state, room, summary, kept)
            return apply(state, how or SummaryFailed(message="it would have saved nothing"))
        case Trim(how):
            return apply(state, how)
        case Overfull():
            raise AssertionError("nothing is left to perform")


def whole_results(state: State) -> list[int]:
    """The places of the results that are no placeholders."""
    return [
        at
        for at, message in enumerate(state.history)
        if isinstance(message, ToolResult) and not message.text.startswith("[Old output of")
    ]


# --- old results, while there is room ---------------------------------------------------------------


def test_a_short_conversation_goes_as_it_is() -> None:
    for room in (AMPLE, msgspec.structs.replace(AMPLE, caches=True)):
        assert make_room(Talk().asks().state, room) is None
        assert make_room(reads(9, 5_000).state, room) is None


@pytest.mark.parametrize("room", [AMPLE, Room(usable=10_000_000, cold=True)])
def test_without_a_cache_to_keep_old_results_go_at_once(room: Room) -> None:
    state = reads(12, 5_000).state
    making = make_room(state, room)
    assert isinstance(making, Clear)
    after = perform(state, room, making)
    assert whole_results(after) == [at for at in range(2, 25, 2) if at >= 25 - INTACT_MESSAGES]
    assert making.tokens == pytest.approx(prompt_tokens(state, room) - prompt_tokens(after, room), abs=1)


@pytest.mark.parametrize("intact", [INTACT_MESSAGES, INTACT_MESSAGES_GROQ])
def test_the_newest_messages_stay_as_they_are(intact: int) -> None:
    state = reads(40, 5_000).state
    making = make_room(state, msgspec.structs.replace(AMPLE, intact=intact))
    assert isinstance(making, Clear)
    after = perform(state, AMPLE, making)
    assert after.history[-intact:] == state.history[-intact:]
    assert whole_results(after) == [at for at in whole_results(state) if at >= len(state.history) - intact]


def test_what_was_cleared_is_not_cleared_again() -> None:
    state = reads(40, 5_000).state
    making = make_room(state, AMPLE)
    assert making
    assert make_room(perform(state, AMPLE, making), AMPLE) is None


@pytest.mark.parametrize("tool", ["write", "edit", "multi_edit", "patch", "todo", "ask", "memory", "task"])
def test_what_the_model_still_needs_is_never_cleared(tool: str) -> None:
    state = reads(40, 5_000, tool).state
    assert make_room(state, AMPLE) is None
    assert not isinstance(make_room(state, filled(state, 0.9)), Clear)


@pytest.mark.parametrize(
    ("tool", "size", "goes"),
    [
        ("shell", CLEAR_CHARS, False),
        ("shell", CLEAR_CHARS + 1, True),
        ("anything_else", CLEAR_CHARS, False),
        ("read", CLEAR_CHARS, True),
        ("search", CLEAR_CHARS, True),
        ("list", CLEAR_CHARS, True),
        ("fetch", CLEAR_CHARS, True),
        ("read", 100, False),
    ],
)
def test_a_result_goes_if_it_is_long_enough_for_its_tool(tool: str, size: int, goes: bool) -> None:
    assert isinstance(make_room(reads(40, size, tool).state, AMPLE), Clear) == goes


def test_a_result_that_could_not_be_read_again_stays() -> None:
    state = reads(40, 5_000).state
    history = tuple(
        msgspec.structs.replace(each, record=0) if isinstance(each, ToolResult) else each
        for each in state.history
    )
    assert make_room(msgspec.structs.replace(state, history=history), AMPLE) is None


def test_a_result_that_weighs_less_than_its_placeholder_stays() -> None:
    talk = Talk().asks()
    for _ in range(INTACT_MESSAGES):
        talk.calls("read", " " * 1_000, arguments='{"path": "a/long/path/to/some_file_in_the_project.py"}')
    assert make_room(talk.state, AMPLE) is None


def test_images_in_old_results_go_with_them() -> None:
    talk, call = Talk().asks(), ToolCall("1", "read", "{}")
    talk.add(Replied(Assistant((call,), "tools"))).finishes(call, "a picture", images=(PICTURE,))
    for _ in range(INTACT_MESSAGES):
        talk.calls("write", "done")
    making = make_room(talk.state, AMPLE)
    assert isinstance(making, Clear)
    after = perform(talk.state, AMPLE, making)
    assert not any(isinstance(each, ToolResult) and each.images for each in after.history)
    assert after.weight < talk.state.weight


def walk(room: Room, steps: int, size: int, *, clear: bool) -> tuple[float, int]:
    """What the prompts of a session cost with a prompt cache, and how often old results were cleared."""
    talk, cost, known, clears = Talk().asks(), 0.0, 0, 0
    for at in range(steps):
        if clear and (making := make_room(talk.state, room)):
            talk.state, known, clears = perform(talk.state, room, making), 0, clears + 1
        tokens = prompt_tokens(talk.state, room)
        cost += known * ANTHROPIC.cache_read + (tokens - known) * ANTHROPIC.cache_write
        known = tokens
        talk.calls("read", f"{at} is the number of this line\n" * (size // 30))
    return cost, clears


@pytest.mark.parametrize("size", [2_000, 8_000])
def test_with_a_cache_results_go_in_batches_and_that_costs_less_than_keeping_or_clearing_all(
    size: int,
) -> None:
    warm = Room(usable=10_000_000, prices=ANTHROPIC)
    kept, _ = walk(warm, 120, size, clear=False)
    batched, batches = walk(warm, 120, size, clear=True)
    each_time, clears = walk(msgspec.structs.replace(warm, caches=False), 120, size, clear=True)
    assert 1 <= batches <= 12
    assert clears > 100
    assert batched < kept
    assert batched < each_time


def test_with_a_cache_little_is_not_worth_a_new_prompt() -> None:
    assert make_room(reads(12, 5_000).state, Room(usable=10_000_000, prices=ANTHROPIC)) is None
    assert make_room(reads(12, 5_000).state, Room(usable=10_000_000)) is None


# --- when the window fills --------------------------------------------------------------------------


def test_below_the_share_nothing_happens_and_above_it_something_does() -> None:
    state = reads(8, 5_000).state
    assert make_room(state, filled(state, COMPACT_AT - 0.02)) is None
    assert make_room(state, filled(state, COMPACT_AT + 0.02)) == Summarise(kept=2)


def test_clearing_goes_before_a_summary_if_it_frees_half_of_the_window() -> None:
    state = reads(40, 5_000).state
    room = filled(state, 0.9)
    making = make_room(state, room)
    assert isinstance(making, Clear)
    after = perform(state, room, making)
    assert prompt_tokens(after, room) <= COMPACTED_SHARE * room.usable
    assert make_room(after, room) is None


def test_a_summary_is_asked_for_where_clearing_is_not_enough() -> None:
    state = reads(12, 5_000).state
    room = filled(state, 0.9)
    making = make_room(state, room)
    assert isinstance(making, Summarise)
    after = perform(state, room, making)
    assert prompt_tokens(after, room) <= COMPACTED_SHARE * room.usable
    assert after.history[-making.kept :] == state.history[-making.kept :]
    assert make_room(after, room) is None


def test_a_failed_summary_is_not_tried_again_in_its_step_and_what_still_fits_goes_as_it_is() -> None:
    talk = reads(8, 5_000)
    room = filled(talk.state, 0.9)
    talk.add(SummaryFailed(message="no"))
    assert make_room(talk.state, room) is None
    talk.calls("read", "x")
    assert isinstance(make_room(talk.state, room), Summarise)


def test_after_a_failed_summary_what_does_not_fit_is_trimmed() -> None:
    talk = reads(12, 5_000)
    room = filled(talk.state, 1.1)
    assert isinstance(make_room(talk.state, room), Summarise)
    making = make_room(talk.add(SummaryFailed(message="no")).state, room)
    assert isinstance(making, Trim)
    assert making.how.by == "trim"
    after = perform(talk.state, room, making)
    assert prompt_tokens(after, room) <= COMPACTED_SHARE * room.usable
    assert making.how.kept <= len(talk.state.history) // 2


def test_after_a_failed_summary_a_prompt_may_go_as_it_is_with_a_margin_for_the_estimate() -> None:
    state = reads(12, 5_000).add(SummaryFailed(message="no")).state
    assert make_room(state, filled(state, FULL_AT - 0.01)) is None
    assert isinstance(make_room(state, filled(state, FULL_AT + 0.01)), Trim)


def test_what_was_never_read_and_is_too_long_for_a_prompt_is_trimmed_not_summarised() -> None:
    talk = reads(12, 5_000).ends()
    assert isinstance(make_room(talk.asks().state, filled(talk.state, 0.9)), Summarise)
    assert isinstance(make_room(talk.state, filled(talk.state, 1.2)), Trim)


def test_a_reply_of_a_new_step_may_be_summarised_again_and_one_of_the_same_may_not() -> None:
    talk = reads(8, 5_000)
    talk.add(Compacted(summary="What was done.", kept=2, said=1_000))
    for _ in range(8):
        talk.calls("read", "word " * 1_000)
    again = make_room(talk.state, filled(talk.state, 0.9))
    assert isinstance(again, Summarise)
    assert make_room(talk.add(SummaryFailed(message="no")).state, filled(talk.state, 0.9)) is None


def test_where_half_of_a_small_window_cannot_be_freed_the_last_result_stays_of_use() -> None:
    talk = Talk().asks("first " + "word " * 300)
    for _ in range(12):
        talk.calls("read", "word " * 1_000)
    room = Room(usable=6_144, prefix=2_500, small=True)
    making = make_room(talk.state, room)
    assert isinstance(making, Trim)
    after = perform(talk.state, room, making)
    assert COMPACTED_SHARE < prompt_tokens(after, room) / room.usable <= CROWDED_SHARE
    last = after.history[-1]
    assert isinstance(last, ToolResult)
    assert len(last.text) >= 2_000
    assert make_room(after, room) is None


@pytest.mark.parametrize("steps", [3, 4, 9, 30])
@pytest.mark.parametrize("each", [1, 2, 4, 7])
def test_in_a_small_window_whole_exchanges_of_the_last_six_messages_stay(steps: int, each: int) -> None:
    talk = Talk().asks("first")
    for _ in range(steps):
        talk.calls("edit", *["some words " * 100] * each)
    room = filled(talk.state, 0.9, small=True)
    making = make_room(talk.state, room)
    assert isinstance(making, Trim)
    after = perform(talk.state, room, making)
    check_well_formed(after.history)
    asked, summary, *end = after.history
    assert isinstance(asked, User)
    assert asked.text == "first"
    assert isinstance(summary, User)
    assert summary.by == "summary"
    assert len(end) <= max(SMALL_KEPT_MESSAGES, each + 1)
    assert prompt_tokens(after, room) <= COMPACT_AT * room.usable


def test_nothing_is_left_out_by_itself_where_that_is_switched_off() -> None:
    state = reads(40, 5_000).state
    assert make_room(state, filled(state, 0.95, auto=False)) is None
    making = make_room(state, filled(state, 1.1, auto=False))
    assert isinstance(making, Overfull)
    assert "/compact" in making.reason
    assert "--no-auto-compact" in making.reason


def test_a_prompt_that_cannot_be_shortened_says_how_large_it_is() -> None:
    state = Talk().asks("word " * 10_000).state
    making = make_room(state, Room(usable=4_000, prefix=500))
    assert isinstance(making, Overfull)
    assert f"{prompt_tokens(state, Room(usable=0, prefix=500)):,} tokens" in making.reason
    assert "4,000" in making.reason
    assert "500" in making.reason


def test_one_exchange_that_fills_the_window_is_cut_rather_than_given_up() -> None:
    talk = Talk().asks("look at all of it").calls("read", *["many words " * 2_000] * 8)
    room = filled(talk.state, 1.5)
    making = make_room(talk.state, room)
    assert making
    state = perform(talk.state, room, making)
    check_well_formed(state.history)
    assert prompt_tokens(state, room) <= room.usable
    last = state.history[-1]
    assert isinstance(last, ToolResult)
    assert f'"record:{last.record}"' in last.text


# --- what the provider says -------------------------------------------------------------------------


def test_the_estimate_starts_from_what_the_provider_counted_last() -> None:
    talk = Talk().asks("some words")
    weight = talk.state.weight + 1_000
    talk.add(Replied(Assistant(()), prompt_tokens=2 * weight, prompt_weight=weight))
    room = Room(usable=100_000, prefix=1_000)
    before = prompt_tokens(talk.state, room)
    assert before >= 2 * weight
    talk.asks("word " * 1_000)
    added = prompt_tokens(talk.state, room) - before
    assert added == pytest.approx(2 * weigh(talk.state.history[-1]), abs=2)


def test_a_refused_prompt_lowers_what_the_next_one_may_be_each_time() -> None:
    talk = reads(9, 5_000)
    room = filled(talk.state, 0.5)
    assert make_room(talk.state, room) is None
    limits = [usable(talk.state, room)]
    for _ in range(2):
        weight = talk.state.weight
        talk.add(ModelFailed("context_overflow", "too long", prompt_weight=weight))
        limits.append(usable(talk.state, room))
        making = make_room(talk.state, room)
        assert making
        assert not isinstance(making, Overfull)
        talk.state = perform(talk.state, room, making)
        assert prompt_tokens(talk.state, room) < limits[-1]
    assert limits[0] > limits[1] > limits[2]


# --- laws -------------------------------------------------------------------------------------------

texts = st.builds(
    lambda unit, size: (unit * (size // len(unit) + 1))[:size],
    st.sampled_from(["word and word ", "    ", "0123456789", "漢字かな", "{'a': [1, 2]},\n", "Q29udGVudA"]),
    st.one_of(st.integers(1, 400), st.integers(1, 20_000)),
)
tools = st.sampled_from(["read", "shell", "edit", "search"])
acts = st.one_of(
    st.tuples(st.just("asks"), texts),
    st.tuples(st.just("looks"), texts),
    st.tuples(st.just("says"), texts),
    st.tuples(st.just("calls"), tools, st.lists(texts, min_size=1, max_size=4)),
)


def talked(some: list[tuple[object, ...]]) -> Talk:
    talk = Talk().asks("first words")
    for act in some:
        match act:
            case ("asks", str(text)):
                talk.asks(text)
            case ("looks", str(text)):
                talk.asks(text, PICTURE)
            case ("says", str(text)):
                talk.says(text)
            case ("calls", str(tool), [*results]):
                talk.calls(tool, *map(str, results))
    return talk


rooms = st.builds(
    Room,
    usable=st.just(0),
    prefix=st.integers(0, 3_000),
    small=st.booleans(),
    caches=st.booleans(),
    cold=st.booleans(),
    intact=st.sampled_from([0, 4, INTACT_MESSAGES_GROQ, INTACT_MESSAGES]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(acts, max_size=25), rooms, st.floats(0.3, 4), texts, st.booleans())
def test_making_room_ends_each_move_shortens_the_prompt_and_what_goes_out_fits(
    some: list[tuple[object, ...]], room: Room, share: float, summary: str, fails: bool
) -> None:
    talk = talked(some)
    room = msgspec.structs.replace(room, usable=int(prompt_tokens(talk.state, room) / share) + 1)
    state, summaries = talk.state, 0
    for _ in range(5):
        making = make_room(state, room)
        if making is None or isinstance(making, Overfull):
            break
        before = prompt_tokens(state, room)
        summaries += isinstance(making, Summarise)
        if fails and isinstance(making, Summarise):
            state = apply(state, SummaryFailed(message="no"))
            continue
        after = perform(state, room, making, summary)
        failed = isinstance(making, Summarise) and after.history == state.history
        assert failed or prompt_tokens(after, room) < before
        check_well_formed(after.history)
        assert after.weight == sum(map(weigh, after.history))
        state = after
    else:
        raise AssertionError("there is always one more thing to leave out")
    assert summaries <= 1
    if making is None:
        assert prompt_tokens(state, room) <= room.usable
    else:
        assert prompt_tokens(state, room) > room.usable
        assert trimmed(state, room) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(acts, max_size=25), rooms, st.floats(0.1, 4), texts)
def test_a_summary_keeps_whole_exchanges_and_says_beforehand_how_long_the_prompt_will_be(
    some: list[tuple[object, ...]], room: Room, share: float, summary: str
) -> None:
    state = talked(some).state
    room = msgspec.structs.replace(room, usable=int(prompt_tokens(state, room) / share) + 1)
    kept = kept_messages(state, room)
    assert 0 <= kept < len(state.history)
    if not kept:
        return
    assert not isinstance(state.history[-kept], ToolResult)
    how = summarised(state, room, summary, kept)
    if how is None:
        return
    after = apply(state, how)
    assert how.before == prompt_tokens(state, room) > how.after == prompt_tokens(after, room)
    check_well_formed(after.history)
    assert any(
        isinstance(each, User) and each.by == "summary" and summary in each.text for each in after.history
    )


def test_a_model_that_cannot_write_summaries_is_asked_twice_in_a_turn() -> None:
    state = reads(10, 5_000).state
    room = filled(state, 0.9)
    for steps in range(SUMMARIES):
        asked = msgspec.structs.replace(state, steps=steps)
        assert isinstance(make_room(asked, room), Summarise)
        state = apply(asked, SummaryFailed(message="no"))
    state = msgspec.structs.replace(state, steps=SUMMARIES)
    assert make_room(state, room) is None
    assert isinstance(make_room(state, filled(state, 0.97)), Trim)
