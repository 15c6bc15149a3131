"""A session's state, and ``apply``, which folds an event into it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never, cast

import msgspec

from akmon_core.checks import Changes
from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Continued,
    DurableEvent,
    Envelope,
    FilesChanged,
    Instructed,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Outcome,
    PermissionAsked,
    PermissionDecided,
    Pinned,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Reminder,
    Renamed,
    Replied,
    Rewound,
    SessionStarted,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.guards import Track
from akmon_core.limits import MARK_CHARS, OVERFLOWS, PIN_CHARS
from akmon_core.messages import Assistant, Message, Pin, Text, ToolCall, ToolResult, User, note
from akmon_core.models import Effort
from akmon_core.permissions import Grant, Mode, Taint, Verdict
from akmon_core.shorten import cleared, cut, fitted, shortened
from akmon_core.spending import Spent
from akmon_core.stream import Usage
from akmon_core.tokens import Gauge, weigh
from akmon_core.tools import FileSeen

_replace = msgspec.structs.replace


class Mark(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A place in the session that a rewind can go back to, and the conversation as it was there.

    Each holds those before it, which hold those before them: to go into all of that when two are compared or
    one is shown would take twice as long with every mark, so there the earlier ones count by their records.
    """

    record: int
    text: str
    """The prompt; empty at an earlier rewind."""
    history: tuple[Message, ...]
    weight: int
    gauge: Gauge
    summary: str
    pins: dict[str, str]
    plan: str
    files: dict[str, str]
    marks: tuple[Mark, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mark) and _flat(self) == _flat(other)

    def __hash__(self) -> int:
        return self.record

    def __repr__(self) -> str:
        return f"Mark(record={self.record}, text={self.text!r})"


def _flat(mark: Mark) -> tuple[object, ...]:
    """All fields, of the earlier marks only the records."""
    *own, marks = msgspec.structs.astuple(mark)
    return (*own, [each.record for each in marks])


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a session that its next move depends on."""

    history: tuple[Message, ...] = ()
    """What the model is sent: every call in it has its result."""
    weight: int = 0
    """What ``history`` weighs (see ``akmon_core.tokens``)."""
    gauge: Gauge = Gauge()
    """What the last prompt weighed, and what the provider counted."""
    summary: str = ""
    """What stands for the part of the history that was left out."""
    ceiling: int | None = None
    """Estimated tokens below which prompts must stay, as the provider has refused longer ones."""
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
    planning: bool = False
    """The turn waits for its plan."""
    steps: int = 0
    """Model calls in this turn."""
    replies: int = 0
    """Replies in the whole session, those that broke off included."""
    cleared_at: int = 0
    """How many there were when the history was last made shorter."""
    continuations: int = 0
    overflows: int = 0
    """Prompts of this turn that the provider refused as too long."""
    refusal: str = ""
    """What it said to that last."""
    summarised: int = -1
    """The number of model calls in this turn when a summary was last tried."""
    summaries_failed: int = 0
    """How often in a row that came to nothing, in this turn."""
    track: Track = Track()
    reminded: tuple[Reminder, ...] = ()
    """What the model was reminded of in this turn."""
    changes: Changes = Changes()
    outcome: Outcome | None = None
    """How the last turn ended."""
    reason: str = ""
    """Why it ended so."""
    failure: str = ""
    """Why the last model call of this turn failed for good."""
    mode: Mode = "default"
    grants: tuple[Grant, ...] = ()
    taint: Taint = Taint()
    """What untrusted text has come in, sub-agents included, and what the turn does besides."""
    spent: Spent = Spent()
    """By all of the session's model calls, sub-agents included."""
    files: dict[str, str] = {}
    """SHA-256 by canonical path, of every file's content as last seen."""
    pins: dict[str, str] = {}
    """By name: texts that survive every shortening of the history."""
    marks: tuple[Mark, ...] = ()
    """The places in the conversation that a rewind can go back to."""
    plan: str = ""
    """The path of the last plan."""
    provider: str = ""
    model: str = ""
    window: int = 0
    """Tokens that a prompt may have; 0 is unknown."""
    effort: Effort | None = None
    """How much the model is asked to think; None is what it does by itself."""
    facts: str = ""
    instructions: str = ""
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


def fold(state: State, envelope: Envelope) -> State:
    """The main agent's state after ``envelope``: of a sub-agent it keeps the cost, what a person granted, and
    which files were written."""
    event = envelope.event
    if not envelope.agent:
        return apply(state, cast("DurableEvent", event))
    match event:
        case Replied() | ModelFailed() | Compacted() | SummaryFailed():
            return _replace(state, spent=state.spent.and_also(event))
        case PermissionDecided():
            return _granted(state, event)
        case ToolFinished():
            return _tainted(_replace(state, changes=state.changes.written(event)), event.untrusted)
        case _:
            return state


def apply(state: State, event: DurableEvent) -> State:
    """The state after ``event``. Pure and total: replaying a journal gives the live state."""
    match event:
        case SessionStarted():
            return _replace(state, facts=event.facts, name=event.name)
        case ModelChosen():
            return _chosen(state, event)
        case Instructed(text):
            return _replace(state, instructions=text)
        case ModeChanged():
            grants = () if event.revoked else state.grants
            return _replace(state, mode=event.mode, grants=grants)
        case Prompted():
            return _prompted(state, event)
        case Steered():
            return _said(_replace(state, track=Track()), event.message)
        case Reminded(kind, message):
            return _said(_replace(state, reminded=(*state.reminded, kind)), message, at_once=kind != "mode")
        case Continued():
            return _replace(_added(_settled(state), event.message), continuations=state.continuations + 1)
        case Pinned(pin):
            return _replace(state, pins=_pinned(state.pins, (pin,)))
        case Attached(message=message):
            return _tainted(_said(state, message, at_once=True), event.untrusted)
        case PlanSaved(path, text):
            pins = _pinned(state.pins, (Pin("plan", text),))
            return _replace(state, plan=path, pins=pins, planning=False)
        case Replied():
            return _deliver(_replied(state, event))
        case ModelFailed():
            return _failed(state, event)
        case Cleared(results):
            history, difference = cleared(state.history, frozenset(results))
            weight = state.weight + difference
            return _replace(state, history=history, weight=weight, cleared_at=state.replies)
        case Compacted():
            return _deliver(_compacted(_settled(state), event))
        case SummaryFailed():
            return _deliver(_summary_failed(state, event))
        case PermissionDecided():
            decisions = {**state.decisions, event.call_id: Verdict(event.decision, event.reason)}
            return _granted(_replace(state, decisions=decisions), event)
        case ToolFinished():
            return _deliver(_tainted(_finished(state, event), event.untrusted))
        case TurnEnded():
            ended = _replace(state, running=False, planning=False, outcome=event.outcome)
            return _deliver(_replace(ended, reason=event.reason))
        case ToolStarted():
            return _replace(state, started=(*state.started, event.call_id))
        case Rewound():
            return _rewound(state, event)
        case CommandRan(message=message):
            return _said(state, message) if message else state
        case Renamed(name):
            return _replace(state, name=name)
        case CacheBroken() | PermissionAsked() | QuestionAsked() | QuestionAnswered():
            return state
        case FilesChanged() | Committed() | UnknownEvent():
            return state
        case _:
            assert_never(event)


def replay(events: Iterable[DurableEvent]) -> State:
    """The state that ``events`` lead to."""
    state = State()
    for event in events:
        state = apply(state, event)
    return state


def _added(state: State, *messages: Message) -> State:
    if messages and not (state.history or isinstance(messages[0], User)):  # providers insist on it
        messages = (note("The beginning of this conversation was lost."), *messages)
    weight = state.weight + sum(map(weigh, messages))
    return _replace(state, history=(*state.history, *messages), weight=weight)


def _chosen(state: State, event: ModelChosen) -> State:
    """What was learned of prompts is about one model."""
    state = _replace(state, effort=event.effort)
    if (event.provider, event.model, event.window) == (state.provider, state.model, state.window):
        return state
    return _replace(
        state,
        provider=event.provider,
        model=event.model,
        window=event.window,
        gauge=Gauge(),
        ceiling=None,
    )


def _prompted(state: State, event: Prompted) -> State:
    state = _deliver(_settled(state))
    state = _added(_marked(state, event.message.record, event.message.text), event.message)
    return _replace(
        state,
        turn=state.turn + 1,
        running=True,
        planning=event.plan_first,
        steps=0,
        continuations=0,
        overflows=0,
        refusal="",
        summarised=-1,
        summaries_failed=0,
        track=Track(),
        reminded=(),
        changes=Changes(state.changes.files),
        taint=Taint(state.taint.sources),
        outcome=None,
        failure="",
    )


def _marked(state: State, record: int, text: str = "") -> State:
    if not record:  # a journal of a version that did not number prompts
        return state
    mark = Mark(
        record=record,
        text=text[:MARK_CHARS],
        history=state.history,
        weight=state.weight,
        gauge=state.gauge,
        summary=state.summary,
        pins=state.pins,
        plan=state.plan,
        files=state.files,
        marks=state.marks,
    )
    return _replace(state, marks=(*state.marks, mark))


def _rewound(state: State, event: Rewound) -> State:
    """Back to a mark; what was spent, granted and set stays."""
    state = _settled(state)
    mark = next((mark for mark in state.marks if mark.record == event.to), None)
    back = _marked(state, event.record)
    if mark is None or not event.conversation:
        return back
    return _replace(
        back,
        history=mark.history,
        weight=mark.weight,
        gauge=mark.gauge,
        summary=mark.summary,
        pins=mark.pins,
        plan=mark.plan,
        files=mark.files,
        marks=(*mark.marks, back.marks[-1]),
        queued=(),
        track=Track(),
        cleared_at=state.replies,
    )


def _said(state: State, message: User, *, at_once: bool = False) -> State:
    """A reply that is being made goes first; ``at_once`` if none can be, as between turns."""
    state = _replace(state, queued=(*state.queued, message))
    replied = bool(state.history) and isinstance(state.history[-1], Assistant)
    return _deliver(state) if replied or at_once or not state.running else state


def _replied(state: State, event: Replied) -> State:
    state = _settled(state)
    calls = event.message.calls
    if event.prompt_tokens and event.prompt_weight:
        state = _replace(state, gauge=Gauge(reported=event.prompt_tokens, weighed=event.prompt_weight))
    return _replace(
        _added(state, event.message),
        spent=state.spent.and_also(event),
        calls=calls,
        decisions={},
        results={},
        started=(),
        steps=state.steps + 1,
        replies=state.replies + 1,
        continuations=0 if calls else state.continuations,
    )


def _failed(state: State, event: ModelFailed) -> State:
    state = _replace(_settled(state), spent=state.spent.and_also(event))
    if event.kind == "context_overflow" and event.prompt_weight:
        refused = state.gauge.tokens(event.prompt_weight)
        ceiling = min(refused, state.ceiling or refused) * 9 // 10
        failure = event.message if state.overflows >= OVERFLOWS else ""
        return _replace(
            state,
            ceiling=ceiling,
            overflows=state.overflows + 1,
            refusal=event.message,
            failure=failure,
        )
    if event.said:
        state = _added(state, Assistant((Text(event.said),), "interrupted"))
        state = _replace(state, replies=state.replies + 1)
    return _replace(state, failure=event.message)


def _compacted(state: State, event: Compacted) -> State:
    history = shortened(state.history, event, state.pins, state.mode, state.grants)
    return _replace(
        state,
        spent=state.spent.and_also(event),
        history=history,
        summary=event.summary,
        weight=sum(map(weigh, history)),
        cleared_at=state.replies,
        summarised=state.steps,
        summaries_failed=0 if event.by == "model" else state.summaries_failed,
    )


def _summary_failed(state: State, event: SummaryFailed) -> State:
    return _replace(
        state,
        spent=state.spent.and_also(event),
        summarised=state.steps,
        summaries_failed=state.summaries_failed + 1,
    )


def _granted(state: State, event: PermissionDecided) -> State:
    if event.decision != "allow":
        return state
    state = _replace(state, taint=_used(state.taint, event))
    return state if event.scope == "once" else _replace(state, grants=(*state.grants, _grant(event)))


def _grant(event: PermissionDecided) -> Grant:
    match event.scope:
        case "writes":
            return Grant(writes=True)
        case "always":
            return Grant(rule=event.rule)
        case _:
            return Grant(tool=event.tool, targets=event.effects)


def _used(taint: Taint, event: PermissionDecided) -> Taint:
    """A person who allows more than the one call knows by then what the session has taken in."""
    accepted = bool(taint.sources) and event.by == "person" and event.scope != "once"
    return Taint(
        sources=taint.sources,
        networked=taint.networked or event.networked,
        changed=taint.changed or event.changing,
        accepted=taint.accepted or accepted,
    )


def _tainted(state: State, source: str) -> State:
    if not source or source in state.taint.sources:
        return state
    return _replace(state, taint=_replace(state.taint, sources=(*state.taint.sources, source)))


def _finished(state: State, event: ToolFinished) -> State:
    """Results wait until all calls have one, then enter the history in the order of the calls."""
    state = _replace(state, files=_files(state.files, event.files), pins=_pinned(state.pins, event.pins))
    call = next((call for call in state.open_calls if call.id == event.result.call_id), None)
    if call is None:
        return state
    if call.id in state.started:
        state = _replace(state, changes=state.changes.and_also(call, event))
    results = {**state.results, event.result.call_id: event.result}
    if any(call.id not in results for call in state.calls):
        return _replace(state, results=results)
    ordered = tuple(results[call.id] for call in state.calls)
    track = state.track.and_also(zip(state.calls, ordered, strict=True))
    state = _replace(state, calls=(), decisions={}, results={}, track=track)
    return _added(state, *fitted(ordered, state.window))


def _settled(state: State) -> State:
    """``state`` without open calls: a damaged journal may lack results, on which providers insist."""
    for call in state.open_calls:
        lost = ToolResult(call.id, "The result of this call was lost.", error=True)
        state = _deliver(_finished(state, ToolFinished(lost, call.name)))
    return state


def _files(known: dict[str, str], seen: tuple[FileSeen, ...]) -> dict[str, str]:
    return {**known, **{file.path: file.sha256 for file in seen}} if seen else known


def _pinned(pins: dict[str, str], changed: tuple[Pin, ...]) -> dict[str, str]:
    if not changed:
        return pins
    all_pins = {**pins, **{pin.name: cut(pin.text, PIN_CHARS) for pin in changed}}
    return {name: text for name, text in all_pins.items() if text}


def _deliver(state: State) -> State:
    """What was said meanwhile enters the history as soon as no call is open."""
    if state.calls or not state.queued:
        return state
    return _replace(_added(state, *state.queued), queued=())
