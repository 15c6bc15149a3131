"""A session's state, and ``apply``, which folds an event into it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from akmon_core.events import (
    CacheBroken,
    Continued,
    DurableEvent,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Outcome,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    Replied,
    SessionStarted,
    Steered,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import Assistant, Message, Text, ToolCall, ToolResult, User
from akmon_core.permissions import Grant, Mode, Verdict
from akmon_core.spending import Spent
from akmon_core.stream import Usage
from akmon_core.tools import FileSeen

_replace = msgspec.structs.replace


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a session that its next move depends on."""

    history: tuple[Message, ...] = ()
    """What the model is sent: every call in it has its result."""
    calls: tuple[ToolCall, ...] = ()
    """The calls of the last reply, while any of them lacks a result."""
    decisions: dict[str, Verdict] = {}
    """By id of a call of the last reply."""
    results: dict[str, ToolResult] = {}
    """By id of a call of the last reply, while others still lack theirs."""
    started: tuple[str, ...] = ()
    """Ids of the calls of the last reply that began to run."""
    queued: tuple[User, ...] = ()
    """What was said meanwhile, to be read behind the reply being made and the results of its calls."""
    turn: int = 0
    running: bool = False
    steps: int = 0
    """Model calls in this turn."""
    continuations: int = 0
    outcome: Outcome | None = None
    """How the last turn ended."""
    failure: str = ""
    """Why the last model call of this turn failed for good."""
    mode: Mode = "default"
    grants: tuple[Grant, ...] = ()
    spent: Spent = Spent()
    """By all of the session's model calls."""
    files: dict[str, str] = {}
    """SHA-256 by canonical path, of every file's content as last seen."""
    provider: str = ""
    model: str = ""
    facts: str = ""
    name: str = ""

    @property
    def usage(self) -> Usage:
        return self.spent.usage

    @property
    def cost(self) -> float:
        """US dollars of the session's priced calls."""
        return self.spent.priced

    @property
    def unpriced(self) -> int:
        """Model calls whose price is not known."""
        return self.spent.unpriced

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        return tuple(call for call in self.calls if call.id not in self.results)


def apply(state: State, event: DurableEvent) -> State:
    """The state after ``event``. Pure and total: replaying a journal gives the live state."""
    match event:
        case SessionStarted():
            return _replace(state, facts=event.facts, name=event.name)
        case ModelChosen():
            return _replace(state, provider=event.provider, model=event.model)
        case ModeChanged():
            return _replace(state, mode=event.mode)
        case Prompted():
            state = _deliver(_settled(state))
            return _replace(
                state,
                history=(*state.history, event.message),
                turn=state.turn + 1,
                running=True,
                steps=0,
                continuations=0,
                outcome=None,
                failure="",
            )
        case Steered():
            state = _replace(state, queued=(*state.queued, event.message))
            replied = bool(state.history) and isinstance(state.history[-1], Assistant)
            return _deliver(state) if replied else state  # else a reply is being made, which goes first
        case Continued():
            state = _settled(state)
            return _replace(
                state, history=(*state.history, event.message), continuations=state.continuations + 1
            )
        case Replied():
            return _deliver(_replied(state, event))
        case ModelFailed():
            return _failed(state, event)
        case PermissionDecided():
            return _decided(state, event)
        case ToolFinished():
            return _deliver(_finished(state, event))
        case TurnEnded():
            return _deliver(_replace(state, running=False, outcome=event.outcome))
        case ToolStarted():
            return _replace(state, started=(*state.started, event.call_id))
        case CacheBroken() | PermissionAsked() | UnknownEvent():
            return state
        case _:
            assert_never(event)


def replay(events: Iterable[DurableEvent]) -> State:
    """The state that ``events`` lead to."""
    state = State()
    for event in events:
        state = apply(state, event)
    return state


def _replied(state: State, event: Replied) -> State:
    state = _settled(state)
    calls = event.message.calls
    return _replace(
        state,
        spent=state.spent.and_also(event),
        history=(*state.history, event.message),
        calls=calls,
        decisions={},
        results={},
        started=(),
        steps=state.steps + 1,
        continuations=0 if calls else state.continuations,
    )


def _failed(state: State, event: ModelFailed) -> State:
    said = (Assistant((Text(event.said),), "interrupted"),) if event.said else ()
    state = _settled(state)
    return _replace(
        state,
        spent=state.spent.and_also(event),
        history=(*state.history, *said),
        failure=event.message,
    )


def _decided(state: State, event: PermissionDecided) -> State:
    decisions = {**state.decisions, event.call_id: Verdict(event.decision, event.reason)}
    if event.decision != "allow" or event.scope == "once":
        return _replace(state, decisions=decisions)
    grant = Grant(writes=True) if event.scope == "writes" else Grant(tool=event.tool, targets=event.effects)
    return _replace(state, decisions=decisions, grants=(*state.grants, grant))


def _finished(state: State, event: ToolFinished) -> State:
    """Results wait until all calls have one, then enter the history in the order of the calls."""
    files = _files(state.files, event.files)
    if all(call.id != event.result.call_id for call in state.open_calls):
        return _replace(state, files=files)
    results = {**state.results, event.result.call_id: event.result}
    if any(call.id not in results for call in state.calls):
        return _replace(state, results=results, files=files)
    ordered = tuple(results[call.id] for call in state.calls)
    return _replace(
        state, history=(*state.history, *ordered), calls=(), decisions={}, results={}, files=files
    )


def _settled(state: State) -> State:
    """``state`` without open calls: a damaged journal may lack results, on which providers insist."""
    for call in state.open_calls:
        lost = ToolResult(call.id, "The result of this call was lost.", error=True)
        state = _deliver(_finished(state, ToolFinished(lost, call.name)))
    return state


def _files(known: dict[str, str], seen: tuple[FileSeen, ...]) -> dict[str, str]:
    return {**known, **{file.path: file.sha256 for file in seen}} if seen else known


def _deliver(state: State) -> State:
    """What was said meanwhile enters the history as soon as no call is open."""
    if state.calls or not state.queued:
        return state
    return _replace(state, history=(*state.history, *state.queued), queued=())
