"""The lines of the JSON stream: what each event looks like to a program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Compacting,
    Event,
    FilesChanged,
    Instructed,
    ModelFailed,
    Noticed,
    PermissionDecided,
    Pinned,
    PlanSaved,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
)
from akmon_core.files import FileChange, became
from akmon_core.messages import Assistant, Image, Text, Thinking, ToolCall, ToolResult
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta

Line = dict[str, Any]

_AS_THEY_ARE: dict[type, str] = {
    PermissionDecided: "permission",
    CacheBroken: "cache_broken",
    Cleared: "cleared",
    Committed: "committed",
    Compacting: "compacting",
    PlanSaved: "plan_saved",
    QuestionAsked: "question",
    QuestionAnswered: "answer",
    Instructed: "instructions",
    Noticed: "notice",
    Renamed: "renamed",
}
"""Events whose line has their own fields."""


def stream_line(event: Event) -> Line | None:
    """The line of an event; None if the stream leaves it out. Every field is always there."""
    match event:
        case Replied(message):
            return {
                "type": "assistant",
                "message": _said(message),
                **_took(event),
                "response_id": event.response_id,
            }
        case ToolStarted(call_id, tool, sandbox=sandbox, server=server):
            began = {"call_id": call_id, "tool": tool, "sandbox": sandbox, "server": server}
            return {"type": "tool_started", **began}
        case ToolFinished(result, tool):
            said = {"role": "user", "content": [_result(result)]}
            return {"type": "user", "tool": tool, "message": said, "untrusted": event.untrusted}
        case ModelFailed(kind, message, said=said):
            failure = {"kind": kind, "message": message, "text": said}
            return {"type": "model_error", **failure, **_took(event)}
        case Compacted(summary=summary, by=by, before=before, after=after):
            sizes = {"by": by, "tokens_before": before, "tokens_after": after}
            return {"type": "compacted", "summary": summary, **sizes, **_took(event)}
        case SummaryFailed(message=message):
            return {"type": "summary_failed", "message": message, **_took(event)}
        case Reminded(kind, message):
            return {"type": "reminder", "kind": kind, "text": message.text}
        case Attached(name, message, untrusted):
            images = sum(isinstance(part, Image) for part in message.parts)
            added = {"name": name, "text": message.text, "images": images, "untrusted": untrusted}
            return {"type": "attached", **added}
        case Pinned(pin):
            return {"type": "pin", "name": pin.name, "text": pin.text}
        case FilesChanged(changes, call_id):
            return {"type": "files_changed", "call_id": call_id, "changes": _changes(changes)}
        case Rewound():
            return {"type": "rewound", **msgspec.structs.asdict(event), "changes": _changes(event.changes)}
        case CommandRan(command, output, code, message):
            ended = {"output": output, "exit_code": code, "hidden": message is None}
            return {"type": "command_ran", "command": command, **ended}
        case Retrying(passed=passed) if passed:
            return None
        case Retrying():
            return {"type": "retry", **msgspec.structs.asdict(event)}
        case _ if type(event) in _AS_THEY_ARE:
            return {"type": _AS_THEY_ARE[type(event)], **msgspec.structs.asdict(event)}
        case _:
            return None


def delta_line(event: Event) -> Line | None:
    """The line of a piece of text."""
    match event:
        case TextDelta(text):
            return {"type": "text_delta", "text": text}
        case ThinkingDelta(text):
            return {"type": "thinking_delta", "text": text}
        case _:
            return None


def _changes(changes: Iterable[FileChange]) -> list[Line]:
    return [{"path": change.path, "change": became(change), "sure": change.sure} for change in changes]


def _took(call: Replied | ModelFailed | Compacted | SummaryFailed) -> Line:
    return {"usage": call.usage, "cost_usd": call.cost, "attempts": call.attempts, "model": call.model}


def _said(message: Assistant) -> Line:
    return {"role": "assistant", "content": _content(message), "stop_reason": message.stop}


def _result(result: ToolResult) -> Line:
    return {
        "type": "tool_result",
        "tool_use_id": result.call_id,
        "content": result.text,
        "is_error": result.error,
    }


def _content(message: Assistant) -> list[Line]:
    blocks: list[Line] = []
    for part in message.parts:
        match part:
            case Text(text):
                blocks.append({"type": "text", "text": text})
            case Thinking(text=text):
                blocks.append({"type": "thinking", "thinking": text})
            case ToolCall(id=call_id, name=name, arguments=arguments):
                blocks.append({"type": "tool_use", "id": call_id, "name": name, "input": _input(arguments)})
    return blocks


def _input(arguments: str) -> Any:
    """The arguments as an object; as the text they are if they are no JSON."""
    try:
        return msgspec.json.decode(arguments or "{}")
    except (msgspec.DecodeError, UnicodeError):
        return arguments
