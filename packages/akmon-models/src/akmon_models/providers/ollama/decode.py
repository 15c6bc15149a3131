"""Folds the lines of Ollama's chat into stream events. Pure."""

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

_LOADED = frozenset(("load", "unload"))
"""Reasons of replies to no messages at all, which load a model or remove it from memory."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"")


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Said(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(msgspec.Struct):
    message: _Said | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    prompt_eval_cached_count: int | None = None
    eval_count: int | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


_decoder = msgspec.json.Decoder(_Line)
_text_decoder = msgspec.json.Decoder(str)


class OllamaDecoder:
    """The state of one reply. ``fresh`` gives ids for calls that come without one, as of older servers.

    A reply ends with a line that is ``done``. Servers of before May 2024, and others that speak this
    protocol, give no reason there: that is an end like ``stop``.
    """

    def __init__(self, server: Server, *, fresh: Callable[[], str] = fresh_id) -> None:
        self._server = server
        self._fresh = fresh
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: dict[str, ToolCall] = {}
        self._usage = Usage()
        self._reason = ""
        self.done = False

    def feed(self, event: str, data: bytes) -> list[StreamEvent]:
        """The events of one line. Raises ``ProviderError`` for an error or for what is no line of a reply."""
        if self.done:
            return []
        try:
            line = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise unreadable(self._server, data, error) from error
        if is_something(line.error):
            raise stream_failure(self._server, data)
        events: list[StreamEvent] = []
        if line.message is not None:
            self._take_message(line.message, events)
        if line.done:
            self._end(line, events)
        return events

    def finish(self) -> ReplyDone:
        """The whole reply. Raises ``ProviderError`` if it did not end as it must."""
        if not self.done:
            raise broken_off(self._server, "protocol", "it ended before it was done")
        thinking = "".join(self._thinking)
        text = "".join(self._text)
        if self._reason in _LOADED and not (thinking or text or self._calls):
            raise broken_off(self._server, "protocol", f"the model said nothing ({self._reason})")
        parts = (
            *((Thinking(thinking, origin="ollama"),) if thinking else ()),
            *((Text(text),) if text else ()),
            *self._calls.values(),
        )
        return ReplyDone(Assistant(parts, self._stop()), self._usage)

    def _take_message(self, said: _Said, events: list[StreamEvent]) -> None:
        if said.thinking:
            self._thinking.append(said.thinking)
            events.append(ThinkingDelta(said.thinking))
        if said.content:
            self._text.append(said.content)
            events.append(TextDelta(said.content))
        for call in said.tool_calls or ():
            self._take_call(call, events)

    def _take_call(self, call: _Call, events: list[StreamEvent]) -> None:
        """Calls come whole. One that has the id and the content of another one is that one, sent again."""
        function = call.function or _Function()
        made = ToolCall(call.id or self._fresh(), function.name or "", _arguments(function.arguments))
        if self._calls.get(made.id) == made:
            return
        if made.id in self._calls:
            made = msgspec.structs.replace(made, id=self._fresh())
        events.append(CallDelta(len(self._calls), made.name, made.arguments))
        self._calls[made.id] = made

    def _end(self, line: _Line, events: list[StreamEvent]) -> None:
        """The counts come with the last line. Older servers leave out that of a prompt they had cached."""
        self.done = True
        self._reason = line.done_reason or ""
        prompt = line.prompt_eval_count or 0
        cached = min(line.prompt_eval_cached_count or 0, prompt)
        self._usage = Usage(
            input_tokens=prompt - cached, output_tokens=line.eval_count or 0, cache_read_tokens=cached
        )
        if self._usage != Usage():
            events.append(UsageSeen(self._usage))

    def _stop(self) -> StopReason:
        if self._reason == "length":
            return "length"
        return "tools" if self._calls else "end"


def _arguments(raw: msgspec.Raw) -> str:
    """Arguments are an object; some servers send it as text, and none at all for a call without any."""
    if not is_something(raw):
        return "{}"
    if bytes(raw).startswith(b'"'):
        return _text_decoder.decode(raw)
    return bytes(raw).decode()
