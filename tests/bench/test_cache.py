"""The benchmark's prompt cache follows the provider's documented rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cache import BREAKPOINTS, LIFETIME, LOOKBACK, BadRequest, Cache, Counted, minimum, tokens

MODEL = "claude-sonnet-5-5"
LONG = "word " * 2_000
MARK = {"cache_control": {"type": "ephemeral"}}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def body(*said: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request of one user message, cached automatically unless ``cache_control`` is None."""
    content = [text(each) if isinstance(each, str) else each for each in said]
    whole = {
        "model": MODEL,
        **MARK,
        "system": LONG,
        "messages": [{"role": "user", "content": content}],
        **more,
    }
    return {name: value for name, value in whole.items() if value is not None}


def result(number: int) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"t{number}", "content": f"out {number}"}


def test_a_request_reads_what_the_one_before_it_wrote() -> None:
    cache = Cache(MODEL)
    first = cache.take(body("a"), 0.0)
    second = cache.take(body("a", "b"), 10.0)
    assert first.read == 0
    assert first.write == first.total
    assert second == Counted(input=0, write=second.total - first.total, read=first.total)


def test_without_a_breakpoint_nothing_is_cached() -> None:
    cache = Cache(MODEL)
    for _ in range(2):
        counted = cache.take(body("a", cache_control=None), 0.0)
        assert counted == Counted(input=counted.total)


def test_an_entry_lasts_five_minutes_from_when_it_was_last_used() -> None:
    cache = Cache(MODEL)
    cache.take(body("a"), 0.0)
    assert cache.take(body("a"), LIFETIME - 1).read > 0
    assert cache.take(body("a"), 2 * LIFETIME - 2).read > 0
    assert cache.take(body("a"), 3 * LIFETIME - 2).read == 0


@pytest.mark.parametrize("changed", [{"system": "other " + LONG}, {"tools": [{"name": "x"}]}, {"model": "m"}])
def test_a_change_before_the_breakpoint_makes_it_another_prompt(changed: dict[str, Any]) -> None:
    cache = Cache(MODEL)
    cache.take(body("a"), 0.0)
    assert cache.take(body("a", **changed), 1.0).read == 0


def test_a_change_in_the_middle_leaves_no_entry_before_it_unless_one_was_written_there() -> None:
    automatic, marked = Cache(MODEL), Cache(MODEL)
    for cache, system in ((automatic, LONG), (marked, [text(LONG, **MARK)])):
        cache.take(body("a", "b", system=system), 0.0)
        read = cache.take(body("other", "b", system=system), 1.0).read
        assert read == (0 if cache is automatic else tokens(LONG) + 3)


def test_how_the_reply_is_asked_for_is_part_of_the_messages_but_not_of_the_system_prompt() -> None:
    cache = Cache(MODEL)
    asked = body("a", system=[text(LONG, **MARK)])
    cache.take(asked, 0.0)
    read = cache.take({**asked, "tool_choice": {"type": "any"}}, 1.0).read
    assert read == tokens(LONG) + 3


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-4-5-20250929", "claude-opus-5-5"])
def test_a_prompt_below_the_models_minimum_is_not_cached(model: str) -> None:
    least = minimum(model)
    word = "word "
    short = {"model": model, "messages": [{"role": "user", "content": word * (least - 4)}], **MARK}
    long = {"model": model, "messages": [{"role": "user", "content": word * least}], **MARK}
    assert Cache(model).take(short, 0.0) == Counted(input=least - 1)
    assert Cache(model).take(long, 0.0).input == 0


def test_the_longest_start_of_an_id_says_its_minimum() -> None:
    assert minimum("claude-sonnet-5-5") == 512
    assert minimum("claude-sonnet-5-20260630") == 1_024
    with pytest.raises(LookupError):
        minimum("gpt-6")


@pytest.mark.parametrize(("added", "found"), [(LOOKBACK - 1, True), (LOOKBACK, False)])
def test_an_entry_is_looked_for_at_twenty_positions(added: int, found: bool) -> None:
    cache = Cache(MODEL)
    cache.take(body("a"), 0.0)
    more = [f"block {number}" for number in range(added)]
    assert (cache.take(body("a", *more), 1.0).read > 0) is found


def test_results_side_by_side_are_one_position() -> None:
    cache = Cache(MODEL)
    cache.take(body("a"), 0.0)
    assert cache.take(body("a", *map(result, range(LOOKBACK * 2))), 1.0).read > 0


def test_what_follows_the_last_breakpoint_is_plain_input() -> None:
    counted = Cache(MODEL).take(body(text("a", **MARK), "b", cache_control=None), 0.0)
    assert counted.input == tokens("b") + 3


def test_an_automatic_breakpoint_stands_on_a_block_that_can_be_cached() -> None:
    thought = {"type": "thinking", "thinking": LONG, "signature": "s"}
    assert Cache(MODEL).take(body("a", thought), 0.0).input == tokens(LONG) + 3


def test_more_than_four_breakpoints_are_refused() -> None:
    cache = Cache(MODEL)
    cache.take(body(*(text(f"{at}", **MARK) for at in range(BREAKPOINTS - 1)), "last"), 0.0)
    with pytest.raises(BadRequest, match="at most 4"):
        cache.take(body(*(text(f"{at}", **MARK) for at in range(BREAKPOINTS)), "last"), 0.0)


LATIN = st.text(st.characters(codec="ascii"))


@given(LATIN, LATIN)
def test_tokens_of_two_texts_are_about_those_of_both(one: str, other: str) -> None:
    assert tokens(one + other) <= tokens(one) + tokens(other)
    assert (tokens(one) > 0) >= bool(one.strip())
