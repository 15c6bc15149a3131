"""What a turn does next."""

from __future__ import annotations

import pytest

from akmon_core.context import Room, Summarise
from akmon_core.decide import (
    Authorize,
    CallModel,
    Finish,
    GoOn,
    MakePlan,
    Move,
    Remind,
    RunTools,
    Situation,
    decide,
)
from akmon_core.events import (
    Continued,
    DurableEvent,
    ModeChanged,
    ModelFailed,
    PermissionDecided,
    PlanSaved,
    Prompted,
    Reminded,
    Replied,
    Steered,
    ToolFinished,
    ToolStarted,
)
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, StopReason, Text, ToolCall, ToolResult, User, note
from akmon_core.prompt import FAILING, GO_ON, REPEATING, unchecked
from akmon_core.state import replay
from akmon_core.stream import Usage
from akmon_core.tools import FileSeen
from tests.core.talks import filled, reads

GO = Prompted(User((Text("go"),)))
A, B = ToolCall("a", "t", "{}"), ToolCall("b", "t", "{}")
STOPS: tuple[StopReason, ...] = ("end", "tools", "length", "refused", "interrupted")


def reply(stop: StopReason, *calls: ToolCall) -> Replied:
    return Replied(Assistant((Text("x"), *calls), stop), cost=1.0)


def result(call: ToolCall) -> ToolFinished:
    return ToolFinished(ToolResult(call.id, "done"), call.name)


def verdict(call: ToolCall, decision: str = "allow") -> PermissionDecided:
    return PermissionDecided(call.id, "deny" if decision == "deny" else "allow", "policy", "because")


def move(*events: DurableEvent, limits: Limits = Limits(), seconds: float = 0.0) -> Move:  # noqa: B008
    state = replay([GO, *events])
    now = Situation(room=Room(usable=1_000_000), spent=state.spent, seconds=seconds)
    return decide(state, limits, now)


def test_a_prompt_calls_the_model() -> None:
    assert move() == CallModel()


@pytest.mark.parametrize("stop", STOPS)
def test_calls_are_judged_then_run_then_answered_whatever_the_stop_reason_is_called(stop: StopReason) -> None:
    assert move(reply(stop, A, B)) == Authorize((A, B))
    assert move(reply(stop, A, B), verdict(A)) == Authorize((B,))
    assert move(reply(stop, A, B), verdict(A), verdict(B, "deny")) == RunTools((A, B))
    assert move(reply(stop, A, B), verdict(A), verdict(B), result(B)) == RunTools((A,))
    assert move(reply(stop, A, B), result(A), result(B)) == CallModel()


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("end", Finish("completed")),
        ("tools", Finish("completed")),
        ("length", GoOn()),
        ("refused", Finish("failed", "the model refused to answer")),
        ("interrupted", Finish("interrupted")),
    ],
)
def test_a_reply_without_calls_ends_the_turn_by_its_stop_reason(stop: StopReason, expected: Move) -> None:
    assert move(reply(stop)) == expected


def test_a_cut_reply_goes_on_at_most_three_times() -> None:
    cut: list[DurableEvent] = [reply("length")]
    for _ in range(3):
        assert move(*cut) == GoOn()
        cut.append(Continued(GO_ON))
        assert move(*cut) == CallModel()
        cut.append(reply("length"))
    assert move(*cut) == Finish("failed", "the reply was cut by the output limit 4 times")
    assert move(*cut[:-1], reply("end")) == Finish("completed")


def test_calls_in_a_cut_reply_spend_no_continuation() -> None:
    cut: list[DurableEvent] = [reply("length"), Continued(GO_ON)] * 3
    assert move(*cut, reply("length", A), result(A), reply("length")) == GoOn()


@pytest.mark.parametrize(("steps", "words"), [(1, "its 1 model call ("), (2, "its 2 model calls (")])
def test_the_step_limit_is_named_with_its_number(steps: int, words: str) -> None:
    stopped = move(*(reply("tools", A), result(A)) * steps, limits=Limits(max_steps=steps))
    assert isinstance(stopped, Finish)
    assert words in stopped.reason


def test_the_step_limit_ends_the_turn_only_where_the_model_would_be_called_again() -> None:
    limits = Limits(max_steps=2)
    steps = (reply("tools", A), result(A), reply("tools", B))
    assert move(*steps[:2], limits=limits) == CallModel()
    assert move(*steps, limits=limits) == Authorize((B,))
    stopped = move(*steps, result(B), limits=limits)
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "max_turns"
    assert "2 model calls" in stopped.reason
    assert "--max-turns" in stopped.reason
    assert move(*steps[:2], reply("end"), limits=limits) == Finish("completed")


def test_the_step_limit_counts_anew_in_each_turn() -> None:
    assert move(reply("end"), GO, limits=Limits(max_steps=1)) == CallModel()


def test_a_spent_budget_ends_the_turn_before_another_model_call() -> None:
    limits = Limits(max_cost_usd=2.0)
    assert move(reply("tools", A), result(A), limits=limits) == CallModel()
    stopped = move(reply("tools", A), result(A), reply("tools", B), result(B), limits=limits)
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "budget_limit"
    assert move(reply("end"), reply("end"), GO, limits=limits) == stopped
    assert move(reply("length"), reply("length"), limits=limits) == stopped


def test_used_up_tokens_end_the_turn_before_another_model_call() -> None:
    def used(*calls: ToolCall) -> Replied:
        usage = Usage(input_tokens=1, output_tokens=2, cache_read_tokens=3, cache_write_tokens=4)
        return Replied(Assistant((Text("x"), *calls)), usage)

    limits = Limits(max_tokens=20)
    assert move(used(A), result(A), limits=limits) == CallModel()
    stopped = move(used(A), result(A), used(B), result(B), limits=limits)
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "token_limit"
    assert "--max-tokens-total" in stopped.reason
    assert move(used(), used(), limits=limits) == Finish("completed")
    assert move(used(), used(), GO, limits=limits) == stopped
    assert move(used(), used(), GO, limits=Limits(max_tokens=21)) == CallModel()


def test_a_failed_model_call_ends_the_turn_with_its_message() -> None:
    assert move(ModelFailed("server", "it broke")) == Finish("failed", "it broke")
    assert move(ModelFailed("server", "it broke"), GO) == CallModel()


def test_something_said_after_the_reply_is_answered_in_the_same_turn() -> None:
    assert move(reply("end"), Steered(User((Text("and"),)))) == CallModel()


def test_the_time_of_a_turn_ends_it_before_another_model_call() -> None:
    limits = Limits(max_seconds=90)
    assert move(limits=limits, seconds=89.9) == CallModel()
    stopped = move(reply("tools", A), result(A), limits=limits, seconds=90.0)
    assert stopped == Finish("time_limit", "the turn took its 90 seconds (--max-seconds)")
    assert move(reply("tools", A), limits=limits, seconds=1e6) == Authorize((A,))
    assert move(reply("end"), limits=limits, seconds=1e6) == Finish("completed")
    assert move(reply("length"), limits=limits, seconds=1e6) == stopped
    assert move(limits=Limits(), seconds=1e9) == CallModel()


def test_the_first_limit_that_is_reached_names_the_outcome() -> None:
    limits = Limits(max_steps=1, max_cost_usd=1.0, max_tokens=0, max_seconds=0)
    stopped = move(reply("tools", A), result(A), limits=limits)
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "max_turns"


# --- going round in circles -------------------------------------------------------------------------


def step(at: int, text: str, *, error: bool = False, tool: str = "t") -> list[DurableEvent]:
    call = ToolCall(f"call-{at}", tool, "{}")
    return [reply("tools", call), ToolFinished(ToolResult(call.id, text, error), tool)]


def steps(*texts: str, error: bool = False) -> list[DurableEvent]:
    return [event for at, text in enumerate(texts) for event in step(at, text, error=error)]


WIDE = Limits(max_steps=1_000)
REPEAT, FAIL = Remind("repetition", REPEATING), Remind("failures", FAILING)
TOLD: list[DurableEvent] = [Reminded("repetition", note("x")), Reminded("failures", note("x"))]


@pytest.mark.parametrize("circle", ["a", "ab", "abc"])
def test_a_circle_is_noted_once_after_three_rounds_and_stopped_after_five(circle: str) -> None:
    assert move(*steps(*(circle * 3)[:-1]), limits=WIDE) == CallModel()
    assert move(*steps(*circle * 3), limits=WIDE) == REPEAT
    assert move(*steps(*circle * 3), *TOLD, limits=WIDE) == CallModel()
    assert move(*steps(*(circle * 5)[:-1]), *TOLD, limits=WIDE) == CallModel()
    stopped = move(*steps(*circle * 5), *TOLD, limits=WIDE)
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "stuck"
    assert "5 times over" in stopped.reason


def test_failures_of_one_kind_are_noted_after_five_and_stopped_after_eight() -> None:
    texts = [f"no such file: src/{at}.py" for at in range(8)]
    assert move(*steps(*texts[:4], error=True)) == CallModel()
    assert move(*steps(*texts[:5], error=True)) == FAIL
    assert move(*steps(*texts[:7], error=True), *TOLD) == CallModel()
    stopped = move(*steps(*texts, error=True), *TOLD)
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "stuck"
    assert "8 steps failed in the same way (t: no such file: …)" in stopped.reason


def test_a_hundred_different_steps_are_let_go_on() -> None:
    assert move(*steps(*(f"file {at}" for at in range(100))), limits=WIDE) == CallModel()


def test_a_steering_word_or_a_new_prompt_begins_to_count_anew() -> None:
    for word in (Steered(User((Text("try b"),))), Prompted(User((Text("try b"),)))):
        assert move(*steps(*"aaaaa"), word, *step(9, "a"), *TOLD, limits=WIDE) == CallModel()


# --- before it stops --------------------------------------------------------------------------------

CHECKED = Limits(check_command="make test")
UNCHECKED = Remind("unverified", unchecked("make test"))


def did(tool: str, *, command: str = "", writes: bool = False, runs: bool = True) -> list[DurableEvent]:
    call = ToolCall(f"{tool} {command}", tool, f'{{"command": "{command}"}}')
    files = (FileSeen("/p/a.py", "0", written=True),) if writes else ()
    ran = ToolFinished(ToolResult(call.id, "ok", error=not runs), tool, files=files)
    return [reply("tools", call), *([ToolStarted(call.id, tool)] if runs else []), ran]


EDIT = did("edit", writes=True)
TEST = did("shell", command="make test")


def test_a_turn_that_changed_files_and_checked_nothing_is_reminded_once() -> None:
    assert move(*EDIT, reply("end"), limits=CHECKED) == UNCHECKED
    reminded = Reminded("unverified", note("x"))
    assert move(*EDIT, reply("end"), reminded, limits=CHECKED) == CallModel()
    assert move(*EDIT, reply("end"), reminded, reply("end"), limits=CHECKED) == Finish("completed")
    assert move(*EDIT, reply("end"), reminded, GO, *EDIT, reply("end"), limits=CHECKED) == UNCHECKED


def test_a_check_after_the_last_change_is_enough_and_one_before_it_is_not() -> None:
    assert move(*EDIT, *TEST, reply("end"), limits=CHECKED) == Finish("completed")
    assert move(*TEST, *EDIT, reply("end"), limits=CHECKED) == UNCHECKED


def test_nobody_is_reminded_without_a_change_a_known_check_or_room_for_another_call() -> None:
    assert move(*EDIT, reply("end")) == Finish("completed")
    assert move(*TEST, reply("end"), limits=CHECKED) == Finish("completed")
    refused = did("edit", writes=False, runs=False)
    assert move(*refused, reply("end"), limits=CHECKED) == Finish("completed")
    assert move(*EDIT, GO, reply("end"), limits=CHECKED) == Finish("completed")
    planning = move(ModeChanged("plan"), *EDIT, reply("end"), limits=CHECKED)
    assert planning == Finish("completed")
    last = Limits(check_command="make test", max_steps=2)
    assert move(*EDIT, reply("end"), limits=last) == Finish("completed")


def test_a_check_that_was_denied_is_none() -> None:
    denied = did("shell", command="make test", runs=False)
    assert move(*EDIT, *denied, reply("end"), limits=CHECKED) == UNCHECKED


# --- a plan first, and room -------------------------------------------------------------------------


def test_a_plan_is_made_before_the_first_model_call_if_limits_allow() -> None:
    first = Prompted(User((Text("go"),)), plan_first=True)
    assert move(first) == MakePlan()
    assert move(first, PlanSaved("p.md", "the plan")) == CallModel()
    stopped = move(first, limits=Limits(max_tokens=0))
    assert isinstance(stopped, Finish)
    assert stopped.outcome == "token_limit"


def test_room_is_made_before_a_model_call_and_not_before_anything_else() -> None:
    state = reads(12, 5_000).state
    now = Situation(room=filled(state, 0.9), spent=state.spent)
    assert isinstance(decide(state, Limits(), now), Summarise)
    answered = reads(12, 5_000).says("done").state
    assert decide(answered, Limits(), now) == Finish("completed")


def test_a_prompt_that_fits_in_no_way_ends_the_turn_with_the_reason() -> None:
    state = reads(0, 0).state
    full = decide(state, Limits(), Situation(room=Room(usable=100, prefix=5_000), spent=state.spent))
    assert isinstance(full, Finish)
    assert full.outcome == "failed"
    assert "5,000" in full.reason


def test_a_prompt_that_the_provider_refused_is_tried_again_and_then_given_up() -> None:
    refused = ModelFailed("context_overflow", "too long", prompt_weight=900_000)
    assert move(refused) == CallModel()
    assert move(refused, refused, refused) == CallModel()
    assert move(refused, refused, refused, refused) == Finish("failed", "too long")
