"""The output formats of a headless run: text, one JSON object, or a JSON line per event."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Protocol

import msgspec

from akmon_cli.report import SCHEMA, ExitReason, Report
from akmon_core.events import (
    CacheBroken,
    Envelope,
    Event,
    ModelFailed,
    Noticed,
    PermissionDecided,
    Replied,
    ToolFinished,
    ToolStarted,
)
from akmon_core.messages import Assistant, Text, Thinking, ToolCall
from akmon_core.ports import SessionClient
from akmon_core.state import State
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_core.text import describe_cache_break, describe_call, describe_retry, neutralise, one_line
from akmon_core.tools import DiffView

_CHARS = 110
_CAN_GO_ON: tuple[ExitReason, ...] = ("interrupted", "max_turns", "budget_limit", "token_limit")


class RunningSession(SessionClient, Protocol):
    @property
    def state(self) -> State: ...


class Writer(Protocol):
    """One output format."""

    def begin(self, session: RunningSession, cwd: Path) -> None: ...

    def show(self, envelope: Envelope) -> None: ...

    def end(self, report: Report) -> None: ...


def writer(output_format: str, *, partial: bool) -> Writer:
    match output_format:
        case "json":
            return JsonWriter()
        case "stream-json":
            return StreamWriter(partial=partial)
        case _:
            return TextWriter()


class Progress:
    """What happens, one line at a time, on stderr."""

    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}
        self._reasons: dict[str, str] = {}
        self._denied: set[str] = set()
        self._above = ""
        """The call that the last line is about."""

    def show(self, event: Event) -> None:
        for line in self._lines(event):
            _say(line)

    def _lines(self, event: Event) -> list[str]:
        match event:
            case Replied(message):
                self._calls = {call.id: call for call in message.calls}
                self._denied.clear()
                self._above = ""
                return [message.text] if message.calls and message.text.strip() else []
            case PermissionDecided(call_id=call_id, decision="deny", reason=reason):
                self._denied.add(call_id)
                self._above = ""
                return [f"> {self._call(call_id)}", f"  denied: {reason}"]
            case PermissionDecided(call_id=call_id, reason=reason):
                self._reasons[call_id] = reason
                return []
            case ToolStarted(call_id, mutating=mutating):
                reason = f"  ({self._reasons.get(call_id)})" if mutating else ""
                self._above = call_id
                return [f"> {self._call(call_id)}{reason}"]
            case ToolFinished(result) if result.call_id in self._denied:
                return []
            case ToolFinished(result, summary=summary, view=view):
                diff = view.diff.rstrip("\n").split("\n") if isinstance(view, DiffView) else []
                head = [] if result.call_id == self._above else [f"> {self._call(result.call_id)}"]
                self._above = ""
                failed = "failed: " if result.error else ""
                return [*head, f"  {failed}{one_line(summary, _CHARS)}", *(f"  {line}" for line in diff)]
            case Retrying(passed=0.0):
                return [f"! {describe_retry(event, _CHARS)}"]
            case CacheBroken():
                return [f"! {describe_cache_break(event)}"]
            case Noticed(text):
                return [f"! {text}"]
            case _:
                return []

    def _call(self, call_id: str) -> str:
        call = self._calls.get(call_id)
        return describe_call(call, _CHARS) if call else call_id


class TextWriter:
    """The answer on stdout, progress on stderr."""

    def __init__(self) -> None:
        self._progress = Progress()

    def begin(self, session: RunningSession, cwd: Path) -> None:
        pass

    def show(self, envelope: Envelope) -> None:
        self._progress.show(envelope.event)

    def end(self, report: Report) -> None:
        if report.result:
            print(neutralise(report.result), flush=True)
        _say_why(report)


class JsonWriter(TextWriter):
    """One object on stdout at the end, progress on stderr."""

    def end(self, report: Report) -> None:
        _print_json(report)
        _say_why(report)


class StreamWriter:
    """One object per line on stdout as things happen; the last one is the result."""

    def __init__(self, *, partial: bool) -> None:
        self._partial = partial

    def begin(self, session: RunningSession, cwd: Path) -> None:
        state = session.state
        _print_json(
            {
                "type": "system",
                "subtype": "init",
                "schema": SCHEMA,
                "session_id": session.id,
                "provider": state.provider,
                "model": state.model,
                "cwd": str(cwd),
                "permission_mode": state.mode,
            }
        )

    def show(self, envelope: Envelope) -> None:
        if line := self._line(envelope.event):
            _print_json(line)

    def end(self, report: Report) -> None:
        _print_json({"type": "result", "subtype": report.exit_reason, **msgspec.to_builtins(report)})
        _say_why(report)

    def _line(self, event: Event) -> dict[str, Any] | None:
        match event:
            case Replied(message):
                return {
                    "type": "assistant",
                    "message": {
                        "role": "assistant",
                        "content": _content(message),
                        "stop_reason": message.stop,
                    },
                    **_took(event),
                    "response_id": event.response_id,
                }
            case ToolFinished(result, tool):
                block = {
                    "type": "tool_result",
                    "tool_use_id": result.call_id,
                    "content": result.text,
                    "is_error": result.error,
                }
                return {"type": "user", "tool": tool, "message": {"role": "user", "content": [block]}}
            case PermissionDecided():
                return {"type": "permission", **msgspec.structs.asdict(event)}
            case Retrying(passed=0.0):
                return {"type": "retry", **msgspec.structs.asdict(event)}
            case ModelFailed(kind, message, said=said):
                failure = {"kind": kind, "message": message, "text": said}
                return {"type": "model_error", **failure, **_took(event)}
            case CacheBroken():
                return {"type": "cache_broken", **msgspec.structs.asdict(event)}
            case Noticed(text):
                return {"type": "notice", "text": text}
            case TextDelta(text) | ThinkingDelta(text) if self._partial:
                return {
                    "type": "text_delta" if isinstance(event, TextDelta) else "thinking_delta",
                    "text": text,
                }
            case _:
                return None


def _took(call: Replied | ModelFailed) -> dict[str, Any]:
    return {"usage": call.usage, "cost_usd": call.cost, "attempts": call.attempts, "model": call.model}


def _content(message: Assistant) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
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


def _say_why(report: Report) -> None:
    """On stderr, why a run was not completed."""
    if report.exit_reason != "completed":
        _say(f"akmon: {report.error or report.exit_reason}")
    for denial in report.permission_denials:
        what = one_line(" ".join([denial.tool, *denial.targets]), _CHARS)
        _say(f"akmon: denied: {what}: {denial.reason}")
    if report.session_id and report.exit_reason in _CAN_GO_ON:
        _say(f"akmon: go on with: akmon -r {report.session_id} -p 'go on'")


def _say(line: str) -> None:
    """Whatever a model, a tool or a path brought along must not steer the terminal."""
    print(neutralise(line), file=sys.stderr, flush=True)


def _print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()
