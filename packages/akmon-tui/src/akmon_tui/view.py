"""What the screen knows: a fold over the events it has been shown."""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from akmon_core.events import (
    CacheBroken,
    Continued,
    Event,
    ModeChanged,
    ModelChosen,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    Replied,
    SessionStarted,
    Steered,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import ToolCall
from akmon_core.permissions import Mode
from akmon_core.spending import Spent
from akmon_core.stream import CallDelta, Retrying, TextDelta, ThinkingDelta

_replace = msgspec.structs.replace


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides how the next event looks."""

    mode: Mode | None = None
    """None is not known: no event has said it yet."""
    speaking: Literal["", "text", "thinking"] = ""
    """What the model is in the middle of."""
    streamed: str = ""
    """The text of the reply so far."""
    retrying: Retrying | None = None
    """The wait for the next attempt, as far as it has come."""
    calls: dict[str, ToolCall] = {}
    """Calls of this turn by id."""
    running: tuple[str, ...] = ()
    question: PermissionAsked | None = None
    """What waits for an answer. The engine asks one thing at a time."""
    reviewed: frozenset[str] = frozenset()
    """Ids of calls whose change was shown with the question."""
    turn: Spent = Spent()
    total: Spent = Spent()


def show(view: View, event: Event) -> View:
    """The view after ``event``. Pure and total."""
    match event:
        case Prompted():
            return View(mode=view.mode, total=view.total)
        case TextDelta(text):
            return _replace(view, speaking="text", streamed=view.streamed + text, retrying=None)
        case ThinkingDelta():
            return _replace(view, speaking="thinking", retrying=None)
        case Retrying():
            return _replace(view, speaking="", retrying=event)
        case Replied(message):
            calls = {**view.calls, **{call.id: call for call in message.calls}}
            return _replace(_spent(view, event), calls=calls)
        case ModelFailed():
            return _spent(view, event)
        case ModeChanged(mode):
            return _replace(view, mode=mode)
        case PermissionAsked() | PermissionDecided():
            return _asked(view, event)
        case ToolStarted(call_id):
            return _replace(view, running=(*view.running, call_id))
        case ToolFinished(result):
            running = tuple(each for each in view.running if each != result.call_id)
            return _replace(view, running=running)
        case TurnEnded():
            return _replace(view, speaking="", streamed="", retrying=None, running=(), question=None)
        case (
            SessionStarted()
            | ModelChosen()
            | Steered()
            | Continued()
            | CacheBroken()
            | UnknownEvent()
            | CallDelta()
            | ToolProgress()
            | Noticed()
        ):
            return view
        case _:
            assert_never(event)


def _spent(view: View, call: Replied | ModelFailed) -> View:
    return _replace(
        view,
        speaking="",
        streamed="",
        retrying=None,
        turn=view.turn.and_also(call),
        total=view.total.and_also(call),
    )


def _asked(view: View, event: PermissionAsked | PermissionDecided) -> View:
    match event:
        case PermissionAsked(call, view=change):
            reviewed = view.reviewed | {call.id} if change else view.reviewed
            return _replace(view, question=event, reviewed=reviewed, calls={**view.calls, call.id: call})
        case PermissionDecided(call_id):
            answered = view.question is not None and view.question.call.id == call_id
            return _replace(view, question=None) if answered else view
