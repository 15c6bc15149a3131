"""What an event adds to the conversation above the live area, as lines that are final. Pure."""

from __future__ import annotations

import msgspec

from akmon_core.commands import REWOUND
from akmon_core.events import (
    CacheBroken,
    CommandRan,
    Event,
    FilesChanged,
    Noticed,
    Outcome,
    PermissionDecided,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Steered,
    SummaryFailed,
    ToolFinished,
    TurnEnded,
)
from akmon_core.limits import PROMPT_SHOWN_LINES
from akmon_core.messages import Image, ToolCall, User
from akmon_core.prompt import PLAN_MODE
from akmon_core.stream import Retrying
from akmon_core.text import describe_call, describe_retry, neutralise, one_line
from akmon_tui.amounts import elapsed, spent
from akmon_tui.cards import agent_card, card, command_card
from akmon_tui.diffs import more_lines
from akmon_tui.highlight import TAB
from akmon_tui.lines import Line, Piece, line, wrap
from akmon_tui.markdown import prose
from akmon_tui.notes import agent_note, decided, how_to_go_on, note_of
from akmon_tui.view import View, call_key

_INDENT = line("  ")
_CHARS_PER_COLUMN = 8
"""Of a very long text no more is looked at: there are few columns with more characters."""


def blocks(view: View, event: Event, width: int, agent: str = "", at: float = 0.0) -> list[Line]:
    """The lines of ``event`` of ``agent``, which happened ``at`` that time, given the view before it.

    Each has at most ``width`` columns, but lines of code. The text of replies is not among them: it has been
    streamed. A blank line stands before what a person said and before the end of a turn.
    """
    return _of_agent(view, event, width, agent, at) if agent else _of_main(view, event, width, at)


def _of_main(view: View, event: Event, width: int, at: float) -> list[Line]:
    match event:
        case Prompted(message):
            return [(), *prompt_lines(message, width, view.pins.get("plan", ""))]
        case Steered(message):
            return said("▸ ", message.text, width, "user")
        case ToolFinished():
            return _finished(view, event, width)
        case CommandRan():
            return command_card(event, width)
        case PermissionDecided(by="person", decision="allow"):
            return _note(f"  {decided(event)}: {_call(view, event)}", width)
        case QuestionAnswered():
            return _answered(view, event, width)
        case Retrying(passed=0.0):
            return _note(describe_retry(event, 400), width, "warning")
        case PlanSaved(text=text) if view.mode != "plan":  # there it is the reply
            return [(), *prose(text, width), (), *_note(note_of(view, event, width), width)]
        case TurnEnded():
            return _ended(view, event, width, at)
        case CacheBroken() | SummaryFailed():
            return _note(note_of(view, event, width), width, "warning")
        case Noticed(text) if not text.startswith(REWOUND):
            return _note(note_of(view, event, width), width, "warning")
        case _:
            return _note(note_of(view, event, width), width)


def _of_agent(view: View, event: Event, width: int, agent: str, at: float) -> list[Line]:
    """Of sub-agents only the end, and what concerns the person; the rest shows while they work."""
    match event:
        case TurnEnded(outcome, reason):
            return _agent_ended(view, agent, outcome, reason, at, width)
        case PermissionDecided(by="person"):
            return _note(f"  {agent} · {decided(event)}: {_call(view, event, agent)}", width)
        case QuestionAnswered():
            return _answered(view, event, width, agent)
        case Noticed() | SummaryFailed() | FilesChanged():
            style = "dim" if isinstance(event, FilesChanged) else "warning"
            return _note(agent_note(view, agent, event, width), width, style)
        case _:
            return []


# --- what people say --------------------------------------------------------------------------------


def prompt_lines(message: User, width: int, plan: str = "", most: int = PROMPT_SHOWN_LINES) -> list[Line]:
    """What a person said, with its pictures named, in at most ``most`` lines and one that says how many more
    there are. The text ``plan`` at its end is known, and only counted."""
    text = message.text
    if plan and text.endswith(plan):
        text = f"{text.removesuffix(plan).rstrip()} ({plan.count(chr(10)) + 1:,} lines)"
    images = [part for part in message.parts if isinstance(part, Image)]
    rows = [text] if text or not images else []
    rows += [_named(image, number) for number, image in enumerate(images, start=1)]
    return said("> ", "\n".join(rows), width, "user", most)


def said(mark: str, text: str, width: int, style: str, most: int = PROMPT_SHOWN_LINES) -> list[Line]:
    """``text`` behind ``mark``, with what goes on below indented as far."""
    room = most * width * _CHARS_PER_COLUMN
    rows = neutralise(text[:room]).expandtabs(TAB).split("\n")
    unread, torn = text.count("\n", room), len(text) > room
    indent = line(" " * len(mark))
    lines: list[Line] = []
    for at, row in enumerate(rows):
        first: Line = (Piece(mark, style),) if at == 0 else indent
        lines += wrap((*first, *line(row, style)), width, indent)
        if len(lines) >= most:
            left = len(rows) - at - (len(lines) == most) + unread
            return [*lines[:most], *more_lines(max(left, torn), width)]
    return [*lines, *more_lines(unread + torn, width)]


def _named(image: Image, number: int) -> str:
    size = len(image.data) * 3 // 4
    shown = f"{max(1, size // 1000):,} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
    return f"[image {number}: {one_line(image.media_type, 40)}, {shown}]"


# --- calls and questions ----------------------------------------------------------------------------


def _finished(view: View, event: ToolFinished, width: int) -> list[Line]:
    """The card of a call, unless a card or a line of another kind has told it already."""
    if not event.result.error and event.tool == "ask":
        return []
    if event.tool == "task" and event.summary.startswith("task-"):
        return []
    return card(event, view.calls.get(event.result.call_id), width)


def _call(view: View, event: PermissionDecided, agent: str = "") -> str:
    call = view.calls.get(call_key(agent, event.call_id))
    return describe_call(call or ToolCall(event.call_id, event.tool, "{}"))


def _answered(view: View, event: QuestionAnswered, width: int, agent: str = "") -> list[Line]:
    """A question, which has left the screen, and its answer."""
    asked = next(
        (each.event for each in view.waiting if (each.agent, each.call_id) == (agent, event.call_id)), None
    )
    question = asked.question if isinstance(asked, QuestionAsked) else ""
    asker = f"{one_line(agent, 40)}: " if agent else ""
    lines = said("? ", f"{asker}{question}".strip(), width, "bold") if question or asker else []
    return [*lines, *said("  → ", event.text or "no answer", width, "user" if event.text else "dim")]


# --- ends -------------------------------------------------------------------------------------------


def _agent_ended(view: View, agent: str, outcome: Outcome, reason: str, at: float, width: int) -> list[Line]:
    work = view.agents.get(agent)
    return agent_card(agent, _title(view, work.task), work, outcome, reason, at, width) if work else []


def _title(view: View, task: str) -> str:
    """What the call that gave ``task`` to a sub-agent says of it for people."""
    if task.startswith(PLAN_MODE):
        return "makes a plan"
    for running in view.running.values():
        if running.call.name == "task" and not running.agent:
            try:
                arguments = msgspec.json.decode(running.call.arguments or "{}")
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                continue
            if isinstance(arguments, dict) and arguments.get("task") == task:
                return str(arguments.get("title", "")) or task
    return task


def _ended(view: View, event: TurnEnded, width: int, at: float) -> list[Line]:
    took = f", {elapsed(at - view.since)}" if view.since is not None and at > view.since > 0 else ""
    totals = _note(f"[{spent(view.turn)}{took}]", width)
    hint = _note(how_to_go_on(view, event.outcome), width)
    match event.outcome:
        case "completed":
            return [(), *totals, *hint]
        case "interrupted":
            return [(), *_note("Interrupted.", width), *totals]
        case outcome:
            style = "error" if outcome == "failed" else "bold"
            reason = neutralise(event.reason).rstrip(".")
            return [(), *_note(f"Stopped ({outcome}): {reason}.", width, style), *totals, *hint]


def _note(text: str, width: int, style: str = "dim") -> list[Line]:
    """``text``, wrapped; nothing if there is none."""
    rows = neutralise(text).expandtabs(TAB).split("\n") if text else []
    return [each for row in rows for each in wrap(line(row, style), width, _INDENT)]
