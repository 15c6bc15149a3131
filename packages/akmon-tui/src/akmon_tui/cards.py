"""Draws what has ended on a card: calls, sub-agents, command lines of the person's own. Pure."""

from __future__ import annotations

import msgspec

from akmon_core.events import CommandRan, Outcome, ToolFinished
from akmon_core.limits import COMMAND_SHOWN_LINES, OUTPUT_SHOWN_LINES, VIEW_SHOWN_LINES
from akmon_core.messages import ToolCall
from akmon_core.text import describe_call, meant_call, neutralise, one_line, tool_label
from akmon_core.tools import DiffView, TextView
from akmon_tui.amounts import elapsed, spent
from akmon_tui.diffs import HINT, diff_lines, fold, more_lines
from akmon_tui.highlight import TAB
from akmon_tui.lines import Line, Piece, columns, cut, line, width_of, wrap
from akmon_tui.view import AgentAtWork

_COMMANDS = ("shell", "job")
"""Tools whose output is worth a look while one goes on."""
OK = Piece("● ", "ok")
FAILED = Piece("✗ ", "error")
REFUSED = Piece("– ", "warning")
_INDENT = line("  ")
_BOXES = {"[ ] ": ("☐ ", "", ""), "[>] ": ("◐ ", "accent", "bold"), "[x] ": ("☑ ", "ok", "dim")}
"""The mark of a to-do, and the styles of the mark and of the text."""


def card(event: ToolFinished, call: ToolCall | None, width: int) -> list[Line]:
    """A line that says which call has ended and how, and below it what of its result is worth seeing."""
    call = call or ToolCall(event.result.call_id, event.tool, "{}")
    mark, text = _mark(event), event.summary or event.result.text
    took = f" ({seconds(event.seconds)})" if event.seconds >= 1 else ""
    if said := _complaint(event, mark):
        room = width - columns(f"{mark.text}{describe_call(call, width)}  {took}")
        if len(said) > 1 or columns(said[0]) > room:
            style = "dim" if mark is REFUSED else "error"
            return [call_line(call, mark, "", took, width), *_head_of(said, width, style=style)]
        return [call_line(call, mark, said[0], took, width)]
    return [call_line(call, mark, one_line(text, width), took, width), *_body(event, call, width)]


def call_line(call: ToolCall, mark: Piece, told: str, took: str, width: int) -> Line:
    """A call on one line: what it is and ``told`` share the room."""
    room = width - width_of((mark,)) - columns(took)
    whole = describe_call(call, max(room, 2))
    gap = 2 if told else 0
    told_room = min(columns(told), max(room - columns(whole) - gap, room // 2 - gap))
    shown = cut(line(whole), room - told_room - gap)
    tool, rest = named("".join(piece.text for piece in shown), call)
    pieces = (mark, Piece(tool, "bold"), Piece(rest), Piece(" " * gap))
    style = "error" if mark is FAILED else "dim"
    parts = (*pieces, *cut(line(told, style), told_room), Piece(took, "dim"))
    return cut(tuple(piece for piece in parts if piece.text), width)


def named(shown: str, call: ToolCall) -> tuple[str, str]:
    """A call on one line in two: the name of the tool, as far as there was room for it, and the rest."""
    label = tool_label(meant_call(call).name)
    end = len(label) if " " in label and shown.startswith(label) else shown.find(" ")
    return (shown[:end], shown[end:]) if end >= 0 else (shown, "")


def _mark(event: ToolFinished) -> Piece:
    if event.result.error and event.summary.startswith("denied: "):
        return REFUSED
    return FAILED if event.result.error else OK


def _complaint(event: ToolFinished, mark: Piece) -> list[str]:
    """What went wrong, if a sentence says it all, rather than the output of a command."""
    text = event.result.text
    if mark is REFUSED:
        return _lines(event.summary.strip())
    return _lines(text.strip()) if mark is FAILED and text.startswith(event.summary) else []


def _body(event: ToolFinished, call: ToolCall, width: int) -> list[Line]:
    match event.view:
        case DiffView() as diff:
            return diff_lines(diff, width, named=diff.path not in describe_call(call, width // 2))
        case TextView(text) if event.tool == "todo":
            return todo_lines(text, width)
        case TextView(text):
            return _head_of(_lines(text), width, VIEW_SHOWN_LINES, "")
        case None if event.tool in _COMMANDS and _mark(event) is not REFUSED:
            return tail(_output(event), width, OUTPUT_SHOWN_LINES)
        case None:
            return []


def todo_lines(text: str, width: int) -> list[Line]:
    """To-dos, each a line such as ``[x] the text``, as a checklist."""
    shown: list[Line] = []
    for row in _lines(text):
        box, box_style, style = _BOXES.get(row[:4], ("", "", ""))
        todo = (Piece(f"  {box}", box_style), Piece(row[4:] if box else row, style))
        shown += wrap(tuple(piece for piece in todo if piece.text), width, line(" " * (2 + len(box))))
    return shown


def tail(rows: list[str], width: int, most: int) -> list[Line]:
    """The last ``most`` of the lines that something printed, and how many there are above."""
    above = len(rows) - most
    head = [cut(line(f"  … {above:,} line{'s' * (above != 1)} above ({HINT})", "dim"), width)]
    return [*(head if above > 0 else []), *(cut(line(f"  {row}", "dim"), width) for row in rows[-most:])]


def _head_of(rows: list[str], width: int, most: int = OUTPUT_SHOWN_LINES, style: str = "error") -> list[Line]:
    lines: list[Line] = []
    for at, row in enumerate(rows):
        lines += wrap(line(f"  {row}", style), width, _INDENT) if row else [()]
        if len(lines) >= most and (len(lines) > most or at + 1 < len(rows)):
            left = len(rows) - at - (len(lines) == most)
            return [*lines[:most], *more_lines(left, width, HINT)]
    return lines


# --- sub-agents and the person's own commands -------------------------------------------------------


def agent_card(
    name: str, title: str, work: AgentAtWork, outcome: Outcome, reason: str, at: float, width: int
) -> list[Line]:
    """What a sub-agent that has ended at ``at`` did, on a line, or on more where the screen is narrow."""
    mark = {"completed": OK, "interrupted": REFUSED}.get(outcome, FAILED)
    ended = "done" if outcome == "completed" else f"stopped ({outcome})"
    parts = [
        f"{ended}: {one_line(reason, 200)}" if reason and outcome != "completed" else ended,
        f"{work.calls:,} call{'s' * (work.calls != 1)}",
        spent(work.spent),
        *([elapsed(at - work.at)] if at > work.at > 0 else []),
    ]
    pieces = (
        mark,
        Piece(one_line(name, 40), "bold"),
        Piece(f" {one_line(title, 100)}" if title.strip() else ""),
        Piece("  " + " · ".join(parts), "dim"),
        Piece(f" ({HINT})" if outcome == "completed" else "", "dim"),
    )
    return wrap(tuple(piece for piece in pieces if piece.text), width, _INDENT)


def command_card(event: CommandRan, width: int) -> list[Line]:
    """A command line of the person's own, the end of its output, and how it ended."""
    head = [each for row in _lines(event.command) for each in fold(line(row, "user"), width - 2, (), ())]
    marks = [line("! ", "user"), *([_INDENT] * (len(head) - 1))]
    lines = [mark + row for mark, row in zip(marks, head, strict=True)]
    lines += tail(_trimmed(_lines(event.output)), width, COMMAND_SHOWN_LINES)
    if event.exit_code != 0:
        ended = "stopped" if event.exit_code is None else f"exit {event.exit_code}"
        lines.append(cut(line(f"  {ended}", "error"), width))
    if event.message is None:
        lines.append(cut(line("  (the model does not see it)", "dim"), width))
    return lines


# --- all of it --------------------------------------------------------------------------------------


def whole(event: ToolFinished | CommandRan, width: int, call: ToolCall | None = None) -> list[Line]:
    """All that a call, or a command line of the person's own, has brought, with what was asked for."""
    if isinstance(event, CommandRan):
        ended = "stopped" if event.exit_code is None else f"exit {event.exit_code}"
        return [
            *_plain(f"! {event.command}", width, "user"),
            *_plain(event.output, width),
            line(ended, "dim"),
        ]
    took = f" ({seconds(event.seconds)})" if event.seconds >= 1 else ""
    head = call_line(
        call or ToolCall("", event.tool, "{}"), _mark(event), one_line(event.summary, 400), took, width
    )
    match event.view:
        case DiffView() as diff:
            return [head, *diff_lines(diff, width, None)]
        case TextView(text):
            return [head, *_asked(call, width), *_plain(text, width)]
        case None:
            return [head, *_asked(call, width), *_plain("\n".join(_output(event, cut_off=False)), width)]


def _asked(call: ToolCall | None, width: int) -> list[Line]:
    """The arguments of a call that the line above cannot hold."""
    try:
        arguments = msgspec.json.decode(call.arguments or "{}") if call else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _plain(call.arguments, width, "dim") if call else []
    if not isinstance(arguments, dict) or not arguments:
        return []
    rows: list[Line] = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        rows += _plain(f"{name}: {text}", width, "dim")
    return [*rows, ()]


def _plain(text: str, width: int, style: str = "") -> list[Line]:
    return [each for row in _lines(text) for each in fold(line(row, style), width)]


def _output(event: ToolFinished, *, cut_off: bool = True) -> list[str]:
    """What a call's text says, without the frame that tells the model that it is data; with ``cut_off`` also
    without the line that the summary repeats."""
    text = event.result.text
    if event.untrusted and text.startswith("<untrusted ") and text.count("\n") >= 2:
        text = text.split("\n", 1)[1].rsplit("\n", 1)[0]
    rows = _trimmed(_lines(text))
    ended = event.summary.split(",", 1)[0]
    if cut_off and rows and ended and rows[-1].startswith(f"[{ended}") and rows[-1].endswith("]"):
        rows.pop()
    return [] if cut_off and rows == ["(no output)"] else rows


def _trimmed(rows: list[str]) -> list[str]:
    """``rows`` without empty ones at their end."""
    return rows[: next((at for at in range(len(rows), 0, -1) if rows[at - 1].strip()), 0)]


def _lines(text: str) -> list[str]:
    return neutralise(text).expandtabs(TAB).split("\n")


def seconds(count: float) -> str:
    """A time that something took, such as ``2.5 s`` or ``3 min 05 s``."""
    return f"{count:.1f} s" if count < 60 else elapsed(count)
