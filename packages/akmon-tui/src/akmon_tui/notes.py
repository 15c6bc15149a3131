"""What happens beside the conversation itself, in a dim line or two each. Pure."""

from __future__ import annotations

from akmon_core.events import (
    CacheBroken,
    Cleared,
    Committed,
    Compacted,
    Compacting,
    Continued,
    Event,
    FilesChanged,
    ModeChanged,
    ModelChosen,
    Noticed,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    Reminded,
    Rewound,
    Steered,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.messages import Text, ToolCall, User
from akmon_core.stream import Retrying
from akmon_core.text import describe_cache_break, describe_call, describe_retry, neutralise, one_line
from akmon_tui.changes import change_note
from akmon_tui.standing import sandbox_in_short
from akmon_tui.view import View, call_key


def prompt_text(message: User) -> str:
    return neutralise("\n".join(part.text for part in message.parts if isinstance(part, Text)))


def note_of(view: View, event: Event, width: int) -> str:
    """What ``event`` is worth saying, or nothing."""
    match event:
        case Noticed(text):
            return neutralise(text)
        case ModeChanged(mode):
            return " · ".join(part for part in (f"mode: {mode}", sandbox_in_short(view.sandbox)) if part)
        case ModelChosen(provider, model):
            return one_line(f"model: {model} ({provider})", width)
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
        case _:
            return ""


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
            what = f"{tool}: {summary or result.text}"
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
