"""Circles and repeated failures are noticed, honest work is not."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.guards import Track
from akmon_core.limits import REPEATS_NOTED, REPEATS_STOPPED
from akmon_core.messages import ToolCall, ToolResult

Step = tuple[tuple[ToolCall, ToolResult], ...]


def step(tool: str, arguments: str, result: str, *, error: bool = False) -> Step:
    """One call and its result, with an id that no other step has."""
    number = f"{tool}{next(_ids)}"
    return ((ToolCall(number, tool, arguments), ToolResult(number, result, error)),)


_ids = iter(range(10**9))


def track(*steps: Step) -> Track:
    so_far = Track()
    for one in steps:
        so_far = so_far.and_also(one)
    return so_far


def looked(name: str, result: str = "same") -> Step:
    return step("read", f'{{"path": "{name}"}}', result)


def failed(text: str, tool: str = "shell", arguments: str = "{}") -> Step:
    return step(tool, arguments, text, error=True)


# --- the same again ---------------------------------------------------------------------------------


@given(st.integers(1, 3), st.integers(1, REPEATS_STOPPED), st.lists(st.text("xyz", min_size=1), max_size=20))
def test_rounds_of_one_two_or_three_steps_are_counted_whatever_was_before(
    period: int, rounds: int, before: list[str]
) -> None:
    steps = [looked(name) for name in before]
    steps += [looked(name) for _ in range(rounds) for name in "abc"[:period]]
    assert track(*steps).rounds == rounds


def test_a_whole_reply_is_one_step_of_a_circle() -> None:
    both = [(*looked("a"), *looked("b")) for _ in range(4)]
    assert track(*both).rounds == 4
    assert track(*both, looked("a")).rounds == 1


def test_other_arguments_another_result_or_another_tool_is_progress() -> None:
    assert track(*(looked(f"file{at}") for at in range(100))).rounds == 1
    assert track(*(looked("log", f"line {at}") for at in range(100))).rounds == 1
    assert track(looked("a"), looked("a"), step("list", '{"path": "a"}', "same")).rounds == 1


def test_a_test_command_between_edits_is_no_circle() -> None:
    edits = (step("edit", f'{{"new": "{at}"}}', "edited") for at in range(30))
    tests = (step("shell", '{"command": "pytest"}', f"{at % 2} failed") for at in range(30))
    turns = [one for pair in zip(edits, tests, strict=True) for one in pair]
    assert max(track(*turns[:at]).rounds for at in range(len(turns))) < REPEATS_NOTED


def test_a_read_before_and_after_each_of_some_edits_is_no_circle() -> None:
    steps = [one for at in range(20) for one in (looked("a.py", f"v{at}"), step("edit", f'"{at}"', "edited"))]
    assert track(*steps).rounds < REPEATS_NOTED


def test_circles_of_four_steps_are_let_go_on() -> None:
    assert track(*(looked(name) for name in islice(cycle("abcd"), 40))).rounds == 1


def test_the_track_stays_short() -> None:
    assert len(track(*(looked(str(at)) for at in range(200))).steps) <= 3 * REPEATS_STOPPED


# --- the same failure -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [
        ["no such file: /a/b.py", "no such file: /c/d/e.py", "no such file: src/x.txt"],
        ["exit code 1 after 3 s", "exit code 2 after 17 s", "exit code 127 after 0 s"],
        ["old_text not found\nnearest: a", "old_text not found\nnearest: b", "old_text not found"],
    ],
)
def test_failures_that_differ_in_names_numbers_and_details_are_of_one_kind(texts: list[str]) -> None:
    assert track(*map(failed, texts)).failures == len(texts)


def test_failures_of_other_tools_or_other_words_are_other_kinds() -> None:
    assert track(failed("not found", "edit"), failed("not found", "read")).failures == 1
    assert track(failed("not found"), failed("permission denied")).failures == 1


def test_a_success_in_between_or_beside_is_progress() -> None:
    assert track(failed("no"), looked("a"), failed("no")).failures == 1
    assert track(failed("no"), (*failed("no"), *looked("a"))).failures == 0
    assert track(failed("no"), failed("no")).failures == 2


def test_a_reply_of_many_calls_that_fail_alike_counts_once() -> None:
    assert track((*failed("no 1"), *failed("no 2"), *failed("no 3"))).failures == 1
