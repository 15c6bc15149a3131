"""Names the next move of a turn. Pure: the driver performs it and reports what happened."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from akmon_core.events import Outcome
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, ToolCall
from akmon_core.state import State


class CallModel(msgspec.Struct, frozen=True):
    """Ask the model for its next reply."""


class Authorize(msgspec.Struct, frozen=True):
    """Have each call judged."""

    calls: tuple[ToolCall, ...]


class RunTools(msgspec.Struct, frozen=True):
    """Run the calls that are allowed, and give the denied ones their result."""

    calls: tuple[ToolCall, ...]


class GoOn(msgspec.Struct, frozen=True):
    """Ask the model to continue a reply that its output limit cut."""


class Finish(msgspec.Struct, frozen=True):
    outcome: Outcome
    reason: str = ""


Move: TypeAlias = CallModel | Authorize | RunTools | GoOn | Finish


def decide(state: State, limits: Limits) -> Move:
    """What to do next in a running turn. Calls decide, not the name of the stop reason."""
    if state.failure:
        return Finish("failed", state.failure)
    if calls := state.open_calls:
        unjudged = tuple(call for call in calls if call.id not in state.decisions)
        return Authorize(unjudged) if unjudged else RunTools(calls)
    last = state.history[-1]
    if isinstance(last, Assistant):
        return _after_answer(last, state, limits)
    return _limit_reached(state, limits) or CallModel()


def _after_answer(last: Assistant, state: State, limits: Limits) -> Move:
    match last.stop:
        case "length" if state.continuations < limits.max_continuations:
            return _limit_reached(state, limits) or GoOn()
        case "length":
            return Finish(
                "failed", f"the reply was cut by the output limit {limits.max_continuations + 1} times"
            )
        case "refused":
            return Finish("failed", "the model refused to answer")
        case "interrupted":
            return Finish("interrupted")
        case _:
            return Finish("completed")


def _limit_reached(state: State, limits: Limits) -> Finish | None:
    if state.steps >= limits.max_steps:
        calls = f"{limits.max_steps} model call{'s' * (limits.max_steps != 1)}"
        return Finish("max_turns", f"the turn used its {calls} (--max-turns)")
    if limits.max_cost_usd is not None and state.cost >= limits.max_cost_usd:
        return Finish("budget_limit", "the budget is spent (--max-budget-usd)")
    if limits.max_tokens is not None and state.usage.total_tokens >= limits.max_tokens:
        return Finish("token_limit", "the tokens of the run are used up (--max-tokens-total)")
    return None
