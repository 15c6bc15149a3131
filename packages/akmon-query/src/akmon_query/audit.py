"""The journal as an audit log: what was decided, begun and done, by whom and when, a record each.

The fields are described in docs/audit.md. Every field is always there; what it does not apply to is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, TypeAlias, TypedDict

import msgspec

from akmon_core.chain import digest
from akmon_core.events import (
    Compacted,
    Envelope,
    Event,
    ModelFailed,
    PermissionAsked,
    PermissionDecided,
    Replied,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from akmon_core.limits import AUDIT_ARGUMENT_CHARS, AUDIT_SUMMARY_CHARS
from akmon_core.stream import Usage
from akmon_core.tools import Effect
from akmon_query.auditsteps import describe_step

SCHEMA = "akmon.audit.v1"
"""Changes when a field goes or changes its meaning."""

Actor: TypeAlias = Literal["policy", "person"]


class AuditBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every audit record says."""

    schema: str = SCHEMA
    seq: int
    time: str
    session: str
    turn: int
    agent: str
    cause: str
    hash: str
    prev: str

    @property
    def at(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return datetime.fromisoformat(self.time).timestamp() if self.time else 0.0


class PolicyEvaluation(AuditBase, frozen=True, kw_only=True, tag="policy_evaluation"):
    """Whether a call may run."""

    call: str
    tool: str
    effects: tuple[Effect, ...]
    verdict: Literal["allow", "ask", "deny"]
    actor: Actor
    rule: str
    reason: str
    mode: str
    scope: str


class ToolDispatch(AuditBase, frozen=True, kw_only=True, tag="tool_dispatch"):
    """A call begins to run."""

    call: str
    tool: str
    arguments: str
    effects: tuple[Effect, ...]
    mutating: bool
    sandbox: str
    server: str
    decided: int


class ToolOutcome(AuditBase, frozen=True, kw_only=True, tag="tool_outcome"):
    """What came of a call."""

    call: str
    tool: str
    outcome: Literal["success", "failure"]
    summary: str
    files: tuple[str, ...]
    duration_ms: int
    untrusted: str
    server: str
    dispatched: int


class AgentStep(AuditBase, frozen=True, kw_only=True, tag="agent_step"):
    """Anything else that happened."""

    step: str
    description: str
    usage: Usage | None
    cost_usd: float | None


AuditRecord: TypeAlias = PolicyEvaluation | ToolDispatch | ToolOutcome | AgentStep
KINDS = ("policy_evaluation", "tool_dispatch", "tool_outcome", "agent_step")


def audit_records(records: Iterable[tuple[bytes, Envelope, str]]) -> Iterator[AuditRecord]:
    """One audit record for each of a journal's ``records`` (see ``akmon_query.journal.read_records``)."""
    fold = _Fold()
    for line, envelope, prev in records:
        yield fold.record(line, envelope, prev)


class _About(TypedDict):
    """The fields of ``AuditBase``."""

    seq: int
    time: str
    session: str
    turn: int
    agent: str
    cause: str
    hash: str
    prev: str


class _Known(msgspec.Struct):
    """What is known of a call by now."""

    arguments: str = ""
    effects: tuple[Effect, ...] = ()
    decided: int = 0
    dispatched: int = 0
    server: str = ""


class _Fold:
    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], _Known] = {}

    def record(self, line: bytes, envelope: Envelope, prev: str) -> AuditRecord:
        about = _about(line, envelope, prev)
        match envelope.event:
            case PermissionAsked() as asked:
                return _asked(about, asked)
            case PermissionDecided() as decided:
                known = self._known(envelope, decided.call_id)
                known.effects, known.decided = decided.effects, envelope.seq
                return _decided(about, decided)
            case ToolStarted() as started:
                known = self._known(envelope, started.call_id)
                known.dispatched, known.server = envelope.seq, started.server
                return _started(about, started, known)
            case ToolFinished() as finished:
                known = self._known(envelope, finished.result.call_id)
                return _finished(about, finished, known)
            case Replied(message):
                for call in message.calls:
                    self._calls[envelope.agent, call.id] = _Known(call.arguments)
            case _:
                pass
        return _step(about, envelope.event)

    def _known(self, envelope: Envelope, call_id: str) -> _Known:
        return self._calls.setdefault((envelope.agent, call_id), _Known())


def _about(line: bytes, envelope: Envelope, prev: str) -> _About:
    return {
        "seq": envelope.seq,
        "time": _time(envelope.at),
        "session": envelope.session,
        "turn": envelope.turn,
        "agent": envelope.agent,
        "cause": envelope.cause,
        "hash": digest(line),
        "prev": prev,
    }


def _time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):  # a damaged record may say anything
        return ""


def _asked(about: _About, asked: PermissionAsked) -> PolicyEvaluation:
    return PolicyEvaluation(
        **about,
        call=asked.call.id,
        tool=asked.call.name,
        effects=asked.effects,
        verdict="ask",
        actor="policy",
        rule="",
        reason=asked.reason,
        mode="",
        scope="",
    )


def _decided(about: _About, decided: PermissionDecided) -> PolicyEvaluation:
    return PolicyEvaluation(
        **about,
        call=decided.call_id,
        tool=decided.tool,
        effects=decided.effects,
        verdict=decided.decision,
        actor=decided.by,
        rule=decided.rule,
        reason=decided.reason,
        mode=decided.mode,
        scope=decided.scope,
    )


def _started(about: _About, started: ToolStarted, known: _Known) -> ToolDispatch:
    return ToolDispatch(
        **about,
        call=started.call_id,
        tool=started.tool,
        arguments=_cut(known.arguments, AUDIT_ARGUMENT_CHARS),
        effects=known.effects,
        mutating=started.mutating,
        sandbox=started.sandbox,
        server=started.server,
        decided=known.decided,
    )


def _finished(about: _About, finished: ToolFinished, known: _Known) -> ToolOutcome:
    result = finished.result
    first = result.text.strip().split("\n", 1)[0]
    return ToolOutcome(
        **about,
        call=result.call_id,
        tool=finished.tool,
        outcome="failure" if result.error else "success",
        summary=_cut(finished.summary or first, AUDIT_SUMMARY_CHARS),
        files=tuple(file.path for file in finished.files if file.written),
        duration_ms=round(finished.seconds * 1000),
        untrusted=finished.untrusted,
        server=known.server,
        dispatched=known.dispatched,
    )


def _step(about: _About, event: Event) -> AgentStep:
    usage, cost = _took(event)
    return AgentStep(
        **about,
        step=event.kind if isinstance(event, UnknownEvent) else str(event.__struct_config__.tag),
        description=describe_step(event),
        usage=usage,
        cost_usd=cost,
    )


def _took(event: Event) -> tuple[Usage | None, float | None]:
    match event:
        case Replied() | ModelFailed() | Compacted() | SummaryFailed():
            return event.usage, event.cost
        case _:
            return None, None


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[: chars - 1]}…"
