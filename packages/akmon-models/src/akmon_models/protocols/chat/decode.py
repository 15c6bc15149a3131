"""Folds the chunks of Chat Completions into stream events. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from akmon_core.messages import Assistant, StopReason, Text, Thinking, ToolCall
from akmon_core.stream import (
    CallDelta,
    ReplyDone,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    Usage,
    UsageSeen,
)
from akmon_models.failures import Server, broken_off, is_something, stream_failure, unreadable
from akmon_models.ids import fresh_id

_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "tool_calls": "tools",
    "function_call": "tools",
    "length": "length",
    "model_length": "length",
    "max_tokens": "length",
    "content_filter": "refused",
}
"""A reason that is not listed is an end like ``stop``: servers have names of their own."""
_GIVEN_UP = frozenset(("abort", "error", "insufficient_system_resource"))
"""Reasons of servers that could not finish: vLLM and SGLang, OpenRouter and Mistral, DeepSeek."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallPart(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_CallPart] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"")
    type: str | None = None
    object: str | None = None


_decoder = msgspec.json.Decoder(_Chunk)


class _Call:
    """A call as far as it has come."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class ChatDecoder:
    """The state of one reply. ``fresh`` gives ids for calls that come without one."""

    def __init__(self, server: Server, *, fresh: Callable[[], str] = fresh_id) -> None:
        self._server = server
        self._fresh = fresh
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._thinking_field = ""
        self._calls: list[_Call] = []
        self._by_index: dict[int, int] = {}
        self._usage = Usage()
        self._finish = ""
        self._refused = False
        self.done = False

    def feed(self, event: str, data: bytes) -> list[StreamEvent]:
        """The events of one chunk. Raises ``ProviderError`` for an error or for what is no chunk."""
        if data == b"[DONE]":
            self.done = True
            return []
        try:
            chunk = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise unreadable(self._server, data, error) from error
        if event == "error" or _is_error(chunk):
            raise stream_failure(self._server, data)
        events: list[StreamEvent] = []
        if chunk.usage is not None:
            self._take_usage(chunk.usage, events)
        if chunk.choices:
            self._take_choice(chunk.choices[0], events)
        return events

    def finish(self) -> ReplyDone:
        """The whole reply. Raises ``ProviderError`` if it ended without a reason to."""
        if not self._finish:
            raise broken_off(self._server, "protocol", "it ended without a finish_reason")
        if self._finish in _GIVEN_UP:
            raise broken_off(self._server, "server", f"its finish_reason is {self._finish}")
        thinking = "".join(self._thinking)
        text = "".join(self._text)
        calls = self._tool_calls()
        parts = (
            *((Thinking(thinking, self._thinking_field, origin="chat"),) if thinking else ()),
            *((Text(text),) if text else ()),
            *calls,
        )
        return ReplyDone(Assistant(parts, self._stop(bool(calls))), self._usage)

    def _take_choice(self, choice: _Choice, events: list[StreamEvent]) -> None:
        delta = choice.delta
        if delta is not None:
            if thought := delta.reasoning_content or delta.reasoning:
                self._thinking.append(thought)
                self._thinking_field = "reasoning_content" if delta.reasoning_content else "reasoning"
                events.append(ThinkingDelta(thought))
            if text := delta.content or delta.refusal:
                self._refused = self._refused or not delta.content
                self._text.append(text)
                events.append(TextDelta(text))
            for part in delta.tool_calls or ():
                self._take_call(part, events)
        if choice.finish_reason:
            self._finish = choice.finish_reason

    def _take_call(self, part: _CallPart, events: list[StreamEvent]) -> None:
        at = self._place(part)
        call = self._calls[at]
        function = part.function or _Function()
        call.id = call.id or part.id or ""
        name = "" if call.name else function.name or ""
        call.name = call.name or name
        call.arguments.append(function.arguments or "")
        if name or function.arguments:
            events.append(CallDelta(at, name, function.arguments or ""))

    def _place(self, part: _CallPart) -> int:
        """Which call a piece belongs to. Some servers give no index, or the same one to every call."""
        at = self._by_index.get(part.index) if part.index is not None else self._without_index(part)
        if at is not None and not (part.id and self._calls[at].id and part.id != self._calls[at].id):
            return at
        self._calls.append(_Call())
        if part.index is not None:
            self._by_index[part.index] = len(self._calls) - 1
        return len(self._calls) - 1

    def _without_index(self, part: _CallPart) -> int | None:
        if part.id:
            return next((at for at, call in enumerate(self._calls) if call.id == part.id), None)
        if not self._calls or (part.function is not None and part.function.name):
            return None
        return len(self._calls) - 1

    def _take_usage(self, usage: _Usage, events: list[StreamEvent]) -> None:
        details = usage.prompt_tokens_details or _PromptDetails()
        read, written = details.cached_tokens or 0, details.cache_write_tokens or 0
        seen = Usage(
            input_tokens=max(0, (usage.prompt_tokens or 0) - read - written),
            output_tokens=usage.completion_tokens or 0,
            cache_read_tokens=read,
            cache_write_tokens=written,
        )
        if seen != self._usage:
            self._usage = seen
            events.append(UsageSeen(seen))

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        calls: dict[str, ToolCall] = {}
        for call in self._calls:
            call_id = call.id if call.id and call.id not in calls else self._fresh()
            calls[call_id] = ToolCall(call_id, call.name, "".join(call.arguments))
        return tuple(calls.values())

    def _stop(self, calls: bool) -> StopReason:
        stop = _STOPS.get(self._finish, "end")
        if stop in ("end", "tools"):
            return "tools" if calls else "refused" if self._refused else "end"
        return stop


def _is_error(chunk: _Chunk) -> bool:
    return is_something(chunk.error) or (not chunk.choices and "error" in (chunk.type, chunk.object))
