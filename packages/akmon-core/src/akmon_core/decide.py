"""Names the next move of a turn. Pure: the driver performs it and reports what happened."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from akmon_core.context import Clear, Overfull, Room, Summarise, Trim, make_room
from akmon_core.events import Outcome, Reminder
from akmon_core.limits import FAILURES_NOTED, FAILURES_STOPPED, REPEATS_NOTED, REPEATS_STOPPED, Limits
from akmon_core.messages import Assistant, ToolCall
from akmon_core.prompt import FAILING, REPEATING, unchecked
from akmon_core.spending import Spent
from akmon_core.state import State


class MakePlan(msgspec.Struct, frozen=True):
    """Have the planner model make the plan that this turn is to carry out."""


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


class Remind(msgspec.Struct, frozen=True):
    """Say something to the model."""

    kind: Reminder
    text: str


class Finish(msgspec.Struct, frozen=True):
    outcome: Outcome
    reason: str = ""


Move: TypeAlias = (
    MakePlan | CallModel | Authorize | RunTools | GoOn | Remind | Clear | Summarise | Trim | Finish
)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a move depends on besides the state."""

    room: Room
    spent: Spent
    """By all agents of the session."""
    seconds: float = 0.0
    """Since the turn began."""


def decide(state: State, limits: Limits, now: Situation) -> Move:
    """What to do next in a running turn. Calls decide, not the name of the stop reason."""
    if state.failure:
        return Finish("failed", state.failure)
    if calls := state.open_calls:
        unjudged = tuple(call for call in calls if call.id not in state.decisions)
        return Authorize(unjudged) if unjudged else RunTools(calls)
    last = state.history[-1]
    if isinstance(last, Assistant):
        return _after_answer(last, state, limits, now)
    if stop := _limit_reached(state, limits, now) or _stuck(state):
        return stop
    if state.planning:
        return MakePlan()
    return _circling(state) or _room_made(state, now) or CallModel()


def _room_made(state: State, now: Situation) -> Move | None:
    match make_room(state, now.room):
        case Overfull(reason):
            return Finish("failed", state.refusal or reason)
        case making:
            return making


def _after_answer(last: Assistant, state: State, limits: Limits, now: Situation) -> Move:
    match last.stop:
        case "length" if state.continuations < limits.max_continuations:
            return _limit_reached(state, limits, now) or GoOn()
        case "length":
            return Finish(
                "failed", f"the reply was cut by the output limit {limits.max_continuations + 1} times"
            )
        case "refused":
            return Finish("failed", "the model refused to answer")
        case "interrupted":
            return Finish("interrupted")
        case _:
            return _unverified(state, limits, now) or Finish("completed")


def _unverified(state: State, limits: Limits, now: Situation) -> Remind | None:
    if "unverified" in state.reminded or state.mode == "plan" or _limit_reached(state, limits, now):
        return None
    if not state.changes.need(limits.check_command):
        return None
    return Remind("unverified", unchecked(limits.check_command))


def _circling(state: State) -> Remind | None:
    """A word to a model that does the same again and again; it is said once each turn."""
    if state.track.rounds >= REPEATS_NOTED and "repetition" not in state.reminded:
        return Remind("repetition", REPEATING)
    if state.track.failures >= FAILURES_NOTED and "failures" not in state.reminded:
        return Remind("failures", FAILING)
    return None


def _stuck(state: State) -> Finish | None:
    track = state.track
    if track.rounds >= REPEATS_STOPPED:
        return Finish(
            "stuck", f"the model made the same calls with the same results {track.rounds} times over"
        )
    if track.failures >= FAILURES_STOPPED:
        return Finish("stuck", f"the last {track.failures} steps failed in the same way ({track.failure})")
    return None


def _limit_reached(state: State, limits: Limits, now: Situation) -> Finish | None:
    if state.steps >= limits.max_steps:
        calls = f"{limits.max_steps} model call{'s' * (limits.max_steps != 1)}"
        return Finish("max_turns", f"the turn used its {calls} (--max-turns)")
    if limits.max_cost_usd is not None and now.spent.priced >= limits.max_cost_usd:
        return Finish("budget_limit", "the budget is spent (--max-budget-usd)")
    if limits.max_tokens is not None and now.spent.usage.total_tokens >= limits.max_tokens:
        return Finish("token_limit", "the tokens of the run are used up (--max-tokens-total)")
    if limits.max_seconds is not None and now.seconds >= limits.max_seconds:
        return Finish("time_limit", f"the turn took its {limits.max_seconds:g} seconds (--max-seconds)")
    return None
