"""Folds the chunks of Chat Completions into stream events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from akmon_core.messages import Assistant, StopReason, Text, Thinking, ToolCall
from akmon_core.stream import (
    CallDelta,
    ReplyDone,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    UsageSeen,
)
from akmon_models.failures import Server, broken_off, is_something, stream_failure, unreadable
from akmon_models.ids import fresh_id
from akmon_models.protocols.chat.reasoning import Details
from akmon_models.protocols.chat.usage import Tally

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
    arguments: Any = None
    """JSON text; at some servers the object itself."""


class _CallPart(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | list[Any] | None = None
    """Text; at Mistral also a list of parts."""
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: Any = None
    tool_calls: list[_CallPart] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None
    error: msgspec.Raw = msgspec.Raw(b"")
    usage: Any = None


class _Chunk(msgspec.Struct):
    id: str | int | None = None
    choices: list[_Choice] | None = None
    usage: Any = None
    error: msgspec.Raw = msgspec.Raw(b"")
    x_groq: Any = None
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
    """The state of one reply. ``fresh`` gives ids for calls that come without one.

    ``blocks``: ``reasoning_details`` are what goes back, not the text of the reasoning. ``dollars``: the
    server's costs are in US dollars.
    """

    def __init__(
        self,
        server: Server,
        *,
        blocks: bool = False,
        dollars: bool = False,
        fresh: Callable[[], str] = fresh_id,
    ) -> None:
        self._server = server
        self._fresh = fresh
        self._id = ""
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._thinking_field = ""
        self._details = Details()
        self._blocks = blocks
        self._calls: list[_Call] = []
        self._by_index: dict[int, int] = {}
        self._tally = Tally(dollars=dollars)
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
        if chunk.id and not self._id:
            self._id = str(chunk.id)
        events: list[StreamEvent] = []
        if chunk.usage is not None:
            self._take_usage(chunk.usage, events)
        if chunk.choices:
            self._take_choice(chunk.choices[0], events)
        if chunk.x_groq is not None:
            self._take_groq(chunk.x_groq, events)
        return events

    def finish(self) -> ReplyDone:
        """The whole reply. Raises ``ProviderError`` if it ended without a reason to."""
        if not self._finish:
            raise broken_off(self._server, "protocol", "it ended without a finish_reason")
        if self._finish in _GIVEN_UP:
            raise broken_off(self._server, "server", f"its finish_reason is {self._finish}")
        text = "".join(self._text)
        calls = self._tool_calls()
        stop = self._stop(bool(calls))
        parts = (*self._thoughts(), *((Text(text),) if text else ()), *_runnable(calls, stop))
        message = Assistant(parts, stop)
        return ReplyDone(message, self._tally.usage, self._tally.cost, self._id)

    def _take_choice(self, choice: _Choice, events: list[StreamEvent]) -> None:
        if is_something(choice.error):
            raise stream_failure(self._server, b'{"error":%b}' % bytes(choice.error))
        if choice.delta is not None:
            self._take_delta(choice.delta, events)
        if choice.finish_reason:
            self._finish = choice.finish_reason
        if choice.usage is not None:
            self._take_usage(choice.usage, events)

    def _take_delta(self, delta: _Delta, events: list[StreamEvent]) -> None:
        self._take_reasoning(delta, events)
        content = delta.content
        if isinstance(content, list):
            thought, content = _of_parts(content)
            self._think(thought, "", events)
        if text := content or delta.refusal:
            self._refused = self._refused or not content
            self._text.append(text)
            events.append(TextDelta(text))
        for part in delta.tool_calls or ():
            self._take_call(part, events)

    def _take_reasoning(self, delta: _Delta, events: list[StreamEvent]) -> None:
        """The same reasoning may stand in several fields of a chunk: it is read once."""
        shown = self._details.add(delta.reasoning_details) if delta.reasoning_details is not None else ""
        if delta.reasoning_content:
            self._think(delta.reasoning_content, "reasoning_content", events)
        else:
            self._think(delta.reasoning or shown, "reasoning", events)

    def _think(self, thought: str, field: str, events: list[StreamEvent]) -> None:
        if thought:
            self._thinking.append(thought)
            self._thinking_field = field
            events.append(ThinkingDelta(thought))

    def _thoughts(self) -> tuple[Thinking, ...]:
        """The reasoning. Its signature says how it goes back: its blocks as JSON, or the field it came in."""
        thinking = "".join(self._thinking)
        details = self._details.encode() if self._blocks else ""
        if not thinking and not details:
            return ()
        return (Thinking(thinking, details or self._thinking_field, not thinking, "chat"),)

    def _take_call(self, part: _CallPart, events: list[StreamEvent]) -> None:
        at = self._place(part)
        call = self._calls[at]
        function = part.function or _Function()
        call.id = call.id or part.id or ""
        name = "" if call.name else function.name or ""
        call.name = call.name or name
        arguments = _json_text(function.arguments)
        call.arguments.append(arguments)
        if name or arguments:
            events.append(CallDelta(at, name, arguments))

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

    def _take_usage(self, said: Any, events: list[StreamEvent]) -> None:
        if self._tally.take(said):
            events.append(UsageSeen(self._tally.usage, self._tally.cost))

    def _take_groq(self, said: Any, events: list[StreamEvent]) -> None:
        """What Groq tells in a field of its own: the usage, and why it stopped early."""
        if not isinstance(said, dict):
            return
        self._take_usage(said.get("usage"), events)
        if error := said.get("error"):
            raise stream_failure(self._server, msgspec.json.encode({"error": error}))

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


def _runnable(calls: tuple[ToolCall, ...], stop: StopReason) -> tuple[ToolCall, ...]:
    """Without calls that must not be run: those of a refused reply, and one that the output limit cut
    before its arguments began, as it looks like one that takes none."""
    if stop == "refused":
        return ()
    cut = stop == "length" and calls and not calls[-1].arguments.strip()
    return calls[:-1] if cut else calls


def _of_parts(parts: list[Any]) -> tuple[str, str]:
    """The thinking and the text of a content that is a list of parts; thinking is a list of parts itself."""
    thinking, text = "", ""
    for part in parts:
        match part:
            case {"type": "text", "text": str(said)}:
                text += said
            case {"type": "thinking", "thinking": list(inner)}:
                thinking += _of_parts(inner)[1]
            case {"type": "thinking", "thinking": str(said)}:
                thinking += said
    return thinking, text


def _json_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()
