"""Turns events into lines, given the view before them. Pure: what it gives is text and style names."""

from __future__ import annotations

from typing import Literal

from akmon_core.events import (
    Event,
    ModelFailed,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Replied,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import ToolCall, User
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_core.text import describe_call, describe_retry, neutralise, one_line
from akmon_core.tools import DiffView, TextView
from akmon_tui.amounts import spent
from akmon_tui.notes import agent_note, decided, how_to_go_on, note_of, prompt_text
from akmon_tui.plain.questions import diff_lines, question
from akmon_tui.plain.spans import Span
from akmon_tui.view import View, show

_RESULT_LINES = 40
"""Lines shown of what a finished call has for people. A question shows all of it."""


def render(view: View, event: Event, width: int, agent: str = "") -> list[Span]:
    """What ``event`` adds to the screen. ``view`` is the one before it, ``width`` counts columns."""
    spans = _aside(view, event, width, agent) if agent else _spans(view, event, width)
    return spans + _asks(view, event, agent)


def _asks(view: View, event: Event, agent: str) -> list[Span]:
    """The question that ``event`` brings to the screen: only one is there at a time."""
    match event:
        case PermissionAsked() | QuestionAsked() | PermissionDecided() | QuestionAnswered() | TurnEnded():
            after = show(view, event, agent)
            asked = after.question
            return question(asked, after) if asked and asked != view.question else []
        case _:
            return []


def _aside(view: View, event: Event, width: int, agent: str) -> list[Span]:
    match event:
        case PermissionDecided(by="person"):
            return [Span(f"  {decided(event)}")]
        case _:
            note = agent_note(view, agent, event, width)
            return [Span(note)] if note else []


def _spans(view: View, event: Event, width: int) -> list[Span]:
    match event:
        case TextDelta(text):
            return _flow(view, "text", neutralise(text))
        case ThinkingDelta(text):
            return _flow(view, "thinking", neutralise(text))
        case Prompted(message):
            return _prompted(view, message)
        case Replied(message):
            return _rest(view.streamed, message.text)
        case ModelFailed(said=said):
            return _rest(view.streamed, said)
        case Retrying(passed=passed):  # each wait is told but once
            return [] if passed else [Span(describe_retry(event, width))]
        case PermissionDecided(by="person"):
            return [Span(f"  {decided(event)}")]
        case ToolStarted(call_id, tool):
            return [Span(_call(view, call_id, tool, width))]
        case ToolFinished():
            return _finished(view, event, width)
        case TurnEnded():
            return _ended(view, event)
        case _:
            note = note_of(view, event, width)
            return [Span(line) for line in note.split("\n")] if note else []


def _prompted(view: View, message: User) -> list[Span]:
    """A prompt, but for the plan that it may end with, which is known."""
    text, plan = prompt_text(message), neutralise(view.pins.get("plan", ""))
    if plan and text.endswith(plan):
        text = f"{text.removesuffix(plan).rstrip()} ({plan.count(chr(10)) + 1:,} lines)"
    return [Span(f"> {line}") for line in text.split("\n")]


def _flow(view: View, what: Literal["text", "thinking"], text: str) -> list[Span]:
    if view.speaking == what:
        return [Span(text, "more")]
    said = "(thinking) " if what == "thinking" else ""
    return [Span(""), Span(said + text.lstrip("\n"), "start")]


def _rest(streamed: str, whole: str) -> list[Span]:
    """What of a reply was not streamed: all of it, its end, or nothing."""
    rest = whole.removeprefix(streamed) if whole.startswith(streamed) else whole
    if not rest.strip():
        return []
    if not streamed:
        return [Span(""), Span(neutralise(rest), "start")]
    if rest is not whole:
        return [Span(neutralise(rest), "more")]
    return [
        Span("Parts of the reply did not arrive in time. Here it is whole:"),
        Span(neutralise(whole)),
    ]


def _call(view: View, call_id: str, tool: str, width: int) -> str:
    call = view.calls.get(call_id) or ToolCall(call_id, tool, "{}")
    return f"* {describe_call(call, width - 2)}"


def _finished(view: View, event: ToolFinished, width: int) -> list[Span]:
    """One line of summary; the call again where it cannot be the line right above."""
    call_id = event.result.call_id
    seconds = f" ({event.seconds:.1f} s)" if event.seconds >= 1 else ""
    summary = one_line(event.summary or event.result.text, width - 2 - len(seconds))
    lines = [Span(f"  {summary}{seconds}")]
    if view.under != call_id:
        lines.insert(0, Span(_call(view, call_id, event.tool, width)))
    if call_id not in view.reviewed:
        lines += _short(event.view)
    return lines


def _short(result: DiffView | TextView | None) -> list[Span]:
    lines: list[Span] = []
    match result:
        case DiffView():
            lines = diff_lines(result)
        case TextView(text):
            lines = [Span(f"  {line}") for line in neutralise(text).split("\n")]
        case None:
            pass
    hidden = len(lines) - _RESULT_LINES
    return lines if hidden <= 0 else [*lines[:_RESULT_LINES], Span(f"  ({hidden:,} more lines)")]


def _ended(view: View, event: TurnEnded) -> list[Span]:
    totals = Span(f"[{spent(view.turn)}]")
    hint = [Span(text) for text in (how_to_go_on(view, event.outcome),) if text]
    match event.outcome:
        case "completed":
            return [Span(""), totals, *hint]
        case "interrupted":
            return [Span(""), Span("Interrupted."), totals]
        case outcome:
            reason = neutralise(event.reason).rstrip(".")
            return [Span(""), Span(f"Stopped ({outcome}): {reason}."), totals, *hint]
