"""What the screen knows: a fold over the events it has been shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias, TypeVar, assert_never

import msgspec

from akmon_core.commands import REWOUND
from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Compacting,
    Continued,
    Event,
    FilesChanged,
    Instructed,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Pinned,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    ServerChanged,
    SessionStarted,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import Pin, ToolCall
from akmon_core.permissions import Grant, Mode, Rule, Sandboxing
from akmon_core.spending import Charged, Spent
from akmon_core.stream import CallDelta, Retrying, TextDelta, ThinkingDelta, Usage
from akmon_core.text import describe_call
from akmon_tui.places import Changed, Place, place_of, places_before, with_changes, with_prompt

_replace = msgspec.structs.replace

TAIL_CHARS = 4_000
"""Characters kept of the output of a call that runs."""
_OWN = "command-"
"""How the ids begin under which commands of the person's own tell what they print."""

Question: TypeAlias = PermissionAsked | QuestionAsked


class Waiting(msgspec.Struct, frozen=True):
    """A question that is not answered yet."""

    event: Question
    agent: str = ""
    """Who asks; empty is the main agent."""

    @property
    def call_id(self) -> str:
        return self.event.call.id if isinstance(self.event, PermissionAsked) else self.event.call_id


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A call that runs."""

    call: ToolCall
    agent: str = ""
    at: float = 0.0
    """When it began, in seconds since 1970-01-01 UTC."""
    tail: str = ""
    """The end of its output so far, at most ``TAIL_CHARS``."""


class AgentAtWork(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-agent in the middle of its task."""

    task: str
    at: float = 0.0
    calls: int = 0
    """Tool calls that it has begun."""
    doing: str = ""
    """The last of them, on one line."""
    spent: Spent = Spent()


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides how the next event looks."""

    mode: Mode | None = None
    """None is not known: no event has said it yet."""
    sandbox: Sandboxing | None = None
    """What holds commands in; None is not known."""
    rules: tuple[Rule, ...] = ()
    """Those that hold from the session's start."""
    grants: tuple[Grant, ...] = ()
    """What the person has allowed for the session, or from now on."""
    window: int = 0
    """Tokens that a prompt may have; 0 is not known."""
    context: int = 0
    """Tokens of the last prompt, as the provider counted them; 0 is not known."""
    pins: dict[str, str] = {}
    """By name: texts that stay in the conversation, such as ``todos``."""
    speaking: Literal["", "text", "thinking"] = ""
    """What the model is in the middle of."""
    pieces: tuple[str, ...] = ()
    """The text of the reply so far, in pieces of which each is longer than the next: few, however it came."""
    retrying: Retrying | None = None
    """The wait for the next attempt, as far as it has come."""
    compacting: int = 0
    """Estimated tokens of the conversation that is being shortened; 0 if none is."""
    calls: dict[str, ToolCall] = {}
    """Calls of this turn that have no result yet, by ``call_key``."""
    under: str = ""
    """Id of the main agent's call below which the screen stands."""
    waiting: tuple[Waiting, ...] = ()
    """Questions in the order in which they are asked. Only the first one is on the screen."""
    reviewed: frozenset[str] = frozenset()
    """Ids of the main agent's calls without a result whose change was shown with the question."""
    runs: frozenset[str] = frozenset()
    """Calls of this turn without a result that may run commands, by ``call_key``."""
    places: tuple[Place, ...] = ()
    """Where a rewind can go back to."""
    changed: Changed = {}
    folder: str = ""
    """Files below it are shown from there."""
    model: str = ""
    """``provider/id`` of the model that is asked."""
    name: str = ""
    """What the person calls the session."""
    since: float | None = None
    """When the running turn began, in seconds since 1970-01-01 UTC; None if none runs."""
    running: dict[str, Running] = {}
    """Calls that run, by ``call_key``, in the order in which they began."""
    agents: dict[str, AgentAtWork] = {}
    """Sub-agents at work, by their paths."""
    last: Usage = Usage()
    """Of the main agent's last reply."""
    turn: Spent = Spent()
    total: Spent = Spent()

    @property
    def streamed(self) -> str:
        """The text of the reply so far."""
        return "".join(self.pieces)

    @property
    def question(self) -> Waiting | None:
        """What the person is asked now."""
        return self.waiting[0] if self.waiting else None


def call_key(agent: str, call_id: str) -> str:
    """Agents may number their calls alike."""
    return f"{agent} {call_id}" if agent else call_id


def show(view: View, event: Event, agent: str = "", at: float = 0.0) -> View:
    """The view after ``event`` of ``agent``, which happened ``at`` that time. Pure and total.

    An empty ``agent`` is the main one.
    """
    view = _at_work(view, event, agent, at)
    if not agent or isinstance(event, FilesChanged):
        view = _replace(view, changed=with_changes(view.changed, event))
    view = _show_aside(view, event, agent) if agent else _show_main(view, event)
    return _done_with(view, event, agent)


def _at_work(view: View, event: Event, agent: str, at: float) -> View:
    """Who is busy with what."""
    match event:
        case Prompted() if not agent:
            return _replace(view, since=at, running={}, agents={})
        case TurnEnded() if not agent:
            return _replace(view, since=None, running={}, agents={})
        case Prompted(message):
            return _replace(view, agents={**view.agents, agent: AgentAtWork(task=message.text, at=at)})
        case TurnEnded():
            left = {name: each for name, each in view.agents.items() if name != agent}
            running = {key: each for key, each in view.running.items() if each.agent != agent}
            return _replace(view, agents=left, running=running)
        case Replied() | ModelFailed() | Compacted() | SummaryFailed() if at_work := view.agents.get(agent):
            at_work = _replace(at_work, spent=at_work.spent.and_also(event))
            return _replace(view, agents={**view.agents, agent: at_work})
        case ToolStarted(call_id, tool):
            key = call_key(agent, call_id)
            call = view.calls.get(key) or ToolCall(call_id, tool, "{}")
            running = {**view.running, key: Running(call=call, agent=agent, at=at)}
            return _busy(_replace(view, running=running), agent, call)
        case ToolProgress(call_id, text) if begun := view.running.get(call_key(agent, call_id)):
            tail = _replace(begun, tail=(begun.tail + text)[-TAIL_CHARS:])
            return _replace(view, running={**view.running, call_key(agent, call_id): tail})
        case ToolProgress(call_id, text) if view.since is None and not agent and call_id.startswith(_OWN):
            own = Running(call=ToolCall(call_id, "command", "{}"), at=at, tail=text[-TAIL_CHARS:])
            return _replace(view, running={**view.running, call_id: own})
        case CommandRan() if not agent and view.since is None:
            return _replace(view, running={})
        case ToolFinished(result):
            key = call_key(agent, result.call_id)
            return _replace(view, running=_without(view.running, key)) if key in view.running else view
        case Replied(usage=usage) if not agent:
            return _replace(view, last=usage)
        case ModelChosen(provider, model) if not agent:
            return _replace(view, model=f"{provider}/{model}")
        case SessionStarted(name=name) if not agent:
            return _replace(view, name=name)
        case _:
            return view


def _done_with(view: View, event: Event, agent: str) -> View:
    """Calls that have their result are let go of, so that a long turn takes no more than a short one."""
    match event:
        case ToolFinished(result):
            key = call_key(agent, result.call_id)
            if key in view.calls:
                view = _replace(view, calls=_without(view.calls, key))
            reviewed = view.reviewed if agent else view.reviewed - {key}
            return _replace(view, reviewed=reviewed, runs=view.runs - {key})
        case TurnEnded() if agent:
            own = call_key(agent, "")
            calls = {key: call for key, call in view.calls.items() if not key.startswith(own)}
            runs = frozenset(key for key in view.runs if not key.startswith(own))
            return _replace(view, calls=calls, runs=runs)
        case TurnEnded():
            return _replace(view, calls={}, reviewed=frozenset(), runs=frozenset())
        case _:
            return view


_ValueT = TypeVar("_ValueT")


def _without(values: dict[str, _ValueT], key: str) -> dict[str, _ValueT]:
    return {name: value for name, value in values.items() if name != key}


def _busy(view: View, agent: str, call: ToolCall) -> View:
    at_work = view.agents.get(agent)
    if at_work is None:
        return view
    doing = _replace(at_work, calls=at_work.calls + 1, doing=describe_call(call))
    return _replace(view, agents={**view.agents, agent: doing})


def _show_main(view: View, event: Event) -> View:
    match event:
        case Prompted():
            return _prompted(view, event)
        case TextDelta(text):
            return _replace(view, speaking="text", pieces=_and_also(view.pieces, text), retrying=None)
        case ThinkingDelta():
            return _replace(view, speaking="thinking", retrying=None)
        case Retrying():
            return _replace(view, speaking="", retrying=event)
        case Replied(message, prompt_tokens=tokens):
            view = _replace(_charged(view, event), context=tokens)
            return _replace(_silent(view), calls=_calls(view, message.calls))
        case ModelFailed():
            return _silent(_charged(view, event))
        case Compacted() | SummaryFailed():
            context = 0 if isinstance(event, Compacted) else view.context
            return _replace(_charged(view, event), context=context, retrying=None, compacting=0)
        case Compacting(tokens):
            return _replace(view, under="", compacting=max(tokens, 1))
        case ModelChosen(window=window):
            return _replace(view, window=window, context=0)
        case ModeChanged(mode):
            return _replace(view, mode=mode, under="")
        case PermissionAsked() | QuestionAsked() | PermissionDecided() | QuestionAnswered():
            return _asked(view, event)
        case ToolStarted(call_id):
            return _replace(view, under=call_id)
        case ToolFinished(pins=pins):
            return _replace(view, under="", pins=_pinned(view, pins))
        case Pinned(pin):
            return _replace(view, under="", pins=_pinned(view, (pin,)))
        case PlanSaved(text=text):
            return _replace(view, under="", pins=_pinned(view, (Pin("plan", text),)))
        case TurnEnded():
            return _replace(_silent(view), under="", waiting=())
        case Rewound():
            return _rewound(view, event)
        case Noticed(text) if text.startswith(REWOUND):  # it may have been stopped at its question
            return _replace(view, under="", waiting=())
        case Noticed():  # also what says that nothing became of a summary
            return _replace(view, under="", compacting=0)
        case Steered() | Reminded() | Attached() | Cleared() | CacheBroken() | Committed():
            return _replace(view, under="")
        case CommandRan():
            return _replace(view, under="")
        case Renamed(name):
            return _replace(view, name=name)
        case FilesChanged(call_id=call_id):
            return view if call_id else _replace(view, under="")
        case SessionStarted() | Instructed() | Continued() | UnknownEvent() | CallDelta() | ToolProgress():
            return view
        case ServerChanged():
            return view
        case _:
            assert_never(event)


def _show_aside(view: View, event: Event, agent: str) -> View:
    """What a sub-agent does changes nothing of what the main agent is in the middle of."""
    match event:
        case Replied(message):
            return _replace(_charged(view, event), calls=_calls(view, message.calls, agent))
        case ModelFailed() | Compacted() | SummaryFailed():
            return _charged(view, event)
        case PermissionAsked() | QuestionAsked() | PermissionDecided() | QuestionAnswered():
            return _asked(view, event, agent)
        case TurnEnded():
            left = tuple(waiting for waiting in view.waiting if waiting.agent != agent)
            return _replace(view, under="", waiting=left)
        case (
            Prompted()
            | ToolStarted()
            | ToolFinished()
            | Retrying()
            | Noticed()
            | Compacting()
            | FilesChanged()
        ):
            return _replace(view, under="")
        case _:
            return view


def _prompted(view: View, event: Prompted) -> View:
    return View(
        mode=view.mode,
        sandbox=view.sandbox,
        rules=view.rules,
        grants=view.grants,
        total=view.total,
        window=view.window,
        context=view.context,
        pins=view.pins,
        places=with_prompt(view.places, event, view.pins, view.context),
        changed=view.changed,
        folder=view.folder,
        model=view.model,
        name=view.name,
        since=view.since,
        last=view.last,
    )


def _rewound(view: View, event: Rewound) -> View:
    """Back at a place, and at a new one: that of the rewind."""
    place = place_of(view.places, event.to)
    here = Place(record=event.record, pins=view.pins, context=view.context, before=view.places)
    view = _replace(view, under="", waiting=())
    if place is None or not event.conversation:
        return _replace(view, places=(*view.places, here))
    earlier = places_before(view.places, place)
    return _replace(view, places=(*earlier, here), pins=place.pins, context=place.context)


def _silent(view: View) -> View:
    return _replace(view, speaking="", pieces=(), retrying=None, compacting=0)


def _and_also(pieces: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Each character is copied a few times, instead of once for all that comes after it."""
    while pieces and len(pieces[-1]) <= len(text):
        *rest, last = pieces
        pieces, text = tuple(rest), last + text
    return (*pieces, text) if text else pieces


def _charged(view: View, call: Charged) -> View:
    return _replace(view, turn=view.turn.and_also(call), total=view.total.and_also(call))


def _calls(view: View, calls: Iterable[ToolCall], agent: str = "") -> dict[str, ToolCall]:
    return {**view.calls, **{call_key(agent, call.id): call for call in calls}}


def _pinned(view: View, pins: tuple[Pin, ...]) -> dict[str, str]:
    changed = {**view.pins, **{pin.name: pin.text for pin in pins}}
    return {name: text for name, text in changed.items() if text}


def _asked(view: View, event: Question | PermissionDecided | QuestionAnswered, agent: str = "") -> View:
    match event:
        case PermissionAsked(call, view=change):
            reviewed = view.reviewed | {call.id} if change and not agent else view.reviewed
            view = _replace(view, reviewed=reviewed, calls=_calls(view, (call,), agent))
            return _waits(view, Waiting(event, agent))
        case QuestionAsked():
            return _waits(view, Waiting(event, agent))
        case PermissionDecided(call_id) | QuestionAnswered(call_id):
            if isinstance(event, PermissionDecided):
                view = _decided(view, event, agent)
            answered = (agent, call_id)
            left = tuple(each for each in view.waiting if (each.agent, each.call_id) != answered)
            under = call_id if isinstance(event, QuestionAnswered) and not agent else ""
            return _replace(view, waiting=left, under=under)


def _decided(view: View, event: PermissionDecided, agent: str) -> View:
    if any(each.kind == "run" for each in event.effects):
        view = _replace(view, runs=view.runs | {call_key(agent, event.call_id)})
    if event.decision != "allow" or event.scope == "once":
        return view
    grant = _grant(event)
    return view if grant in view.grants else _replace(view, grants=(*view.grants, grant))


def _grant(event: PermissionDecided) -> Grant:
    match event.scope:
        case "writes":
            return Grant(writes=True)
        case "always":
            return Grant(rule=event.rule)
        case _:
            return Grant(tool=event.tool, targets=event.effects)


def _waits(view: View, waiting: Waiting) -> View:
    return _replace(view, waiting=(*view.waiting, waiting), under="")
