"""What happens beside the conversation itself, in a dim line or two each. Pure."""

from __future__ import annotations

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
    ModeChanged,
    ModelChosen,
    Noticed,
    Outcome,
    PermissionDecided,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    Reminded,
    Renamed,
    Rewound,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Text, ToolCall, User
from akmon_core.stream import Retrying
from akmon_core.text import (
    attached_note,
    describe_cache_break,
    describe_call,
    describe_retry,
    neutralise,
    one_line,
    reveal,
    tool_label,
)
from akmon_tui.changes import change_note
from akmon_tui.standing import sandbox_in_short
from akmon_tui.view import View, call_key


def prompt_text(message: User) -> str:
    return neutralise("\n".join(part.text for part in message.parts if isinstance(part, Text)))


def decided(event: PermissionDecided) -> str:
    """What a person has answered to a question for permission."""
    if event.decision == "deny":
        return "denied"
    return {
        "once": "allowed once",
        "session": "allowed for the session",
        "writes": "all writes are allowed",
        "always": f"allowed from now on by the rule {reveal(event.rule)}",
    }[event.scope]


def how_to_go_on(view: View, outcome: Outcome) -> str:
    """What the person can do after a turn that ended so, if that is not plain."""
    match outcome:
        case "completed" if view.mode == "plan":
            return "Say what to change. /implement carries it out, /mode default leaves plan mode."
        case "max_turns" | "time_limit" | "stuck":
            return "What you say next goes on from here."
        case _:
            return ""


def note_of(view: View, event: Event, width: int) -> str:
    """What ``event`` is worth saying, or nothing."""
    match event:
        case Noticed(text):
            return neutralise(text)
        case ModeChanged(mode):
            return " · ".join(part for part in (f"mode: {mode}", sandbox_in_short(view.sandbox)) if part)
        case ModelChosen(provider, model):
            return one_line(f"model: {model} ({provider})", width)
        case Attached():
            return one_line(attached_note(event), width)
        case Steered(message):
            return f"▸ said while it works: {prompt_text(message)}"
        case Continued():
            return "The reply was cut by its limit; it goes on."
        case Reminded(kind, message) if kind != "mode":  # which is said already
            return one_line(f"akmon to the model: {prompt_text(message).strip().split(chr(10), 1)[0]}", width)
        case PlanSaved(path) if path:
            return f"The plan is saved in {neutralise(path)}."
        case Cleared() | Compacting() | Compacted() | SummaryFailed():
            return _shortening(event)
        case CacheBroken():
            return describe_cache_break(event)
        case FilesChanged() | Rewound() | Committed():
            return change_note(view, event, width)
        case Renamed(name):
            return one_line(f"the session is called {name}", width)
        case CommandRan():
            return _command(event)
        case _:
            return ""


def _command(event: CommandRan) -> str:
    """A command line of the person's own, all of its output, and how it ended."""
    ended = "stopped" if event.exit_code is None else f"exit {event.exit_code}"
    output = neutralise(event.output).strip("\n")
    return "\n".join(part for part in (f"! {neutralise(event.command)}", output, f"[{ended}]") if part)


def _shortening(event: Compacting | Compacted | SummaryFailed | Cleared) -> str:
    match event:
        case Compacting(tokens):
            return f"shortening the conversation (about {tokens:,} tokens)…"
        case Compacted(by=by, before=before, after=after):
            how = "a summary of the older part" if by == "model" else "leaving out the oldest part"
            return (
                f"Shortened from about {before:,} to {after:,} tokens, by {how}.\n"
                "Plan, to-dos and your latest words stay; the session's record keeps all."
            )
        case SummaryFailed(message=message):
            return f"There is no summary of the conversation: {neutralise(message).rstrip('.')}."
        case Cleared(results, tokens):
            what = "1 old result" if len(results) == 1 else f"{len(results):,} old results"
            return f"{what} left the prompt, about {tokens:,} tokens; they stay readable."


def agent_note(view: View, agent: str, event: Event, width: int) -> str:
    """The line that an event of a sub-agent is worth, or nothing."""
    match event:
        case Prompted(message):
            what = f"begins: {prompt_text(message)}"
        case ToolStarted(call_id, tool):
            call = view.calls.get(call_key(agent, call_id)) or ToolCall(call_id, tool, "{}")
            what = describe_call(call, width)
        case ToolFinished(result, tool, summary) if result.error:
            what = f"{tool_label(tool)}: {summary or result.text}"
        case Retrying(passed=0.0):
            what = describe_retry(event, width)
        case TurnEnded("completed"):
            what = "done"
        case TurnEnded(outcome, reason):
            what = f"stopped ({outcome}): {reason}" if reason else f"stopped ({outcome})"
        case QuestionAnswered(text=text):
            what = f"answered: {text}" if text else "no answer"
        case Noticed() | Compacting() | SummaryFailed():
            what = note_of(view, event, width)
        case FilesChanged() if said := change_note(view, event, width, agent):
            what = said
        case _:
            return ""
    return one_line(f"{agent} · {what}", width)
