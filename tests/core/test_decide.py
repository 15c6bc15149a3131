"""What a turn does next."""

from __future__ import annotations

import pytest

from akmon_core.context import Room
from akmon_core.decide import Authorize, CallModel, Finish, GoOn, Move, RunTools, Situation, decide
from akmon_core.events import (
    Continued,
    DurableEvent,
    ModelFailed,
    PermissionDecided,
    Prompted,
    Replied,
    Steered,
    ToolFinished,
)
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, StopReason, Text, ToolCall, ToolResult, User
from akmon_core.prompt import GO_ON
from akmon_core.state import replay
from akmon_core.stream import Usage

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
