"""Turns events into lines, given the view before them. Pure: what it gives is text and style names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

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
    Steered,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Text, ToolCall, User
from akmon_core.spending import Spent
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta, Usage
from akmon_core.text import describe_cache_break, describe_call, describe_retry, neutralise, one_line, reveal
from akmon_core.tools import DiffView, TextView
from akmon_tui.view import View

Style: TypeAlias = Literal["", "bold", "dim", "added", "removed", "error", "ask"]

_RESULT_LINES = 40
"""Lines shown of what a finished call has for people. A question shows all of it."""
_LONG = 20
"""Lines of a question above which its beginning may have left the screen."""


class Span(NamedTuple):
    """Text in one style: a whole line, the start of a line that stays open, or more of it.

    A ``live`` line stays open, too, and the next one that is ``live`` takes its place.
    """

    text: str
    style: Style = ""
    kind: Literal["line", "start", "more", "live"] = "line"


def render(view: View, event: Event, width: int) -> list[Span]:
    """What ``event`` adds to the screen. ``view`` is the one before it, ``width`` counts columns."""
    spans = _spans(view, event, width)
    if spans and view.retrying and not isinstance(event, Retrying):
        return [_retrying(msgspec.structs.replace(view.retrying, wait=0.0), width), *spans]
    return spans


def _spans(view: View, event: Event, width: int) -> list[Span]:
    match event:
        case TextDelta(text):
            return _flow(view, "text", neutralise(text), "")
        case ThinkingDelta(text):
            return _flow(view, "thinking", neutralise(text), "dim")
        case Prompted(message) | Steered(message):
            return [Span(f"> {line}", "bold") for line in _prompt_text(message).split("\n")]
        case Replied(message):
            return _rest(view.streamed, message.text)
        case ModelFailed(said=said):
            return _rest(view.streamed, said)
        case CacheBroken():
            return [Span(describe_cache_break(event), "dim")]
        case Retrying():
            return [_retrying(event, width)]
        case PermissionAsked():
            return question(event)
        case PermissionDecided(by="person"):
            return [Span(f"  {_decided(event)}", "dim")]
        case ToolStarted(call_id, tool):
            return [Span(_call(view, call_id, tool, width), "bold")]
        case ToolFinished():
            return _finished(view, event, width)
        case TurnEnded():
            return _ended(view, event)
        case Noticed(text):
            return [Span(neutralise(text), "dim")]
        case ModeChanged(mode):
            return [Span(f"mode: {mode}", "dim")]
        case ModelChosen(provider, model):
            return [Span(one_line(f"model: {model} ({provider})", width), "dim")]
        case Continued():
            return [Span("The reply was cut by its limit; it goes on.", "dim")]
        case _:
            return []


def spent(what: Spent) -> str:
    """Tokens and cost in a few words."""
    usage = what.usage
    cached = f" ({usage.cache_read_tokens:,} cached)" if usage.cache_read_tokens else ""
    return f"{usage.prompt_tokens:,} in{cached}, {usage.output_tokens:,} out, {_dollars(what)}"


def question(asked: PermissionAsked) -> list[Span]:
    """A permission question: everything that would happen, nothing left out, and why it is asked."""
    body = [*_effects(asked), *_change(asked)]
    lines = [Span(""), Span(f"{reveal(asked.call.name)} asks for permission", "ask"), *body]
    if len(body) > _LONG:
        lines.append(Span(f"These are {len(body)} lines. Scroll up to read them all.", "ask"))
    lines.append(Span(f"Asked because {reveal(asked.reason)}.", "dim"))
    writes = "   a all writes" if may_allow_writes(asked) else ""
    lines.append(Span(f"y once   s this for the session{writes}   n no", "ask"))
    return lines


def may_allow_writes(asked: PermissionAsked) -> bool:
    """Allowing all writes answers only a question about writes."""
    kinds = {effect.kind for effect in asked.effects}
    return "write" in kinds and kinds <= {"read", "write"}


def _flow(view: View, what: Literal["text", "thinking"], text: str, style: Style) -> list[Span]:
    if view.speaking == what:
        return [Span(text, style, "more")]
    return [Span(""), Span(text.lstrip("\n"), style, "start")]


def _rest(streamed: str, whole: str) -> list[Span]:
    """What of a reply was not streamed: all of it, its end, or nothing."""
    rest = whole.removeprefix(streamed) if whole.startswith(streamed) else whole
    if not rest.strip():
        return []
    if not streamed:
        return [Span(""), Span(neutralise(rest), "", "start")]
    if rest is not whole:
        return [Span(neutralise(rest), "", "more")]
    return [
        Span("Parts of the reply did not arrive in time. Here it is whole:", "dim"),
        Span(neutralise(whole)),
    ]


def _prompt_text(message: User) -> str:
    return neutralise("\n".join(part.text for part in message.parts if isinstance(part, Text)))


def _retrying(event: Retrying, width: int) -> Span:
    columns = 1 if event.reason.isascii() else 2  # it must not wrap, or it could not be replaced
    return Span(describe_retry(event, width // columns - 1), "dim", "live")


def _effects(asked: PermissionAsked) -> Iterable[Span]:
    for effect in asked.effects:
        first, *more = reveal(effect.target).split("\n")
        yield Span(f"  {effect.kind} {first}", "bold")
        yield from (Span(f"  {' ' * len(effect.kind)} {line}", "bold") for line in more)


def _change(asked: PermissionAsked) -> Iterable[Span]:
    match asked.view:
        case DiffView() as diff:
            return _diff(diff)
        case TextView(text):
            return [Span(f"  {line}") for line in reveal(text).split("\n")]
        case None:
            return []


def _diff(diff: DiffView) -> list[Span]:
    head = Span(f"  {reveal(diff.path)} +{diff.added} -{diff.removed}", "bold")
    return [head, *(Span(f"  {line}", _diff_style(line)) for line in reveal(diff.diff).split("\n"))]


def _diff_style(line: str) -> Style:
    styles: dict[str, Style] = {"+": "added", "-": "removed", "@": "dim"}
    return styles.get(line[:1], "")


def _decided(event: PermissionDecided) -> str:
    if event.decision == "deny":
        return "denied"
    return {"once": "allowed once", "session": "allowed for the session", "writes": "all writes are allowed"}[
        event.scope
    ]


def _call(view: View, call_id: str, tool: str, width: int) -> str:
    call = view.calls.get(call_id) or ToolCall(call_id, tool, "{}")
    return f"* {describe_call(call, width - 2)}"


def _finished(view: View, event: ToolFinished, width: int) -> list[Span]:
    """One line of summary; the call again where it cannot be the line right above."""
    call_id = event.result.call_id
    seconds = f" ({event.seconds:.1f} s)" if event.seconds >= 1 else ""
    summary = one_line(event.summary or event.result.text, width - 2 - len(seconds))
    style: Style = "error" if event.result.error else "dim"
    lines = [Span(f"  {summary}{seconds}", style)]
    if view.running != (call_id,):
        lines.insert(0, Span(_call(view, call_id, event.tool, width), "bold"))
    if call_id not in view.reviewed:
        lines += _short(event.view)
    return lines


def _short(result: DiffView | TextView | None) -> list[Span]:
    lines: list[Span] = []
    match result:
        case DiffView():
            lines = _diff(result)
        case TextView(text):
            lines = [Span(f"  {line}") for line in neutralise(text).split("\n")]
        case None:
            pass
    hidden = len(lines) - _RESULT_LINES
    return lines if hidden <= 0 else [*lines[:_RESULT_LINES], Span(f"  ({hidden:,} more lines)", "dim")]


def _ended(view: View, event: TurnEnded) -> list[Span]:
    totals = Span(f"[{spent(view.turn)}]", "dim")
    match event.outcome:
        case "completed":
            return [Span(""), totals]
        case "interrupted":
            return [Span(""), Span("Interrupted.", "dim"), totals]
        case outcome:
            style: Style = "error" if outcome == "failed" else "bold"
            reason = neutralise(event.reason).rstrip(".")
            return [Span(""), Span(f"Stopped ({outcome}): {reason}.", style), totals]


def _dollars(what: Spent) -> str:
    if what.cost is None:
        return "unpriced"
    return "no cost" if what.usage == Usage() else f"${what.cost:.4f}"
