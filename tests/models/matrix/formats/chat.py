"""Chat Completions of OpenAI, and what servers that follow it do otherwise."""

from __future__ import annotations

from typing import Any

from akmon_core.stream import Usage
from tests.models.matrix.formats.base import Event, Sse, StreamError, dump, without
from tests.models.matrix.replies import COST, Call, Indexes, Reply

STOPS = {"end": "stop", "tools": "tool_calls", "length": "length", "refused": "content_filter"}
NAMES = {
    "rate_limit": ("rate_limit_error", "rate_limit_exceeded"),
    "overloaded": ("server_error", "overloaded"),
    "bad_request": ("invalid_request_error", "bad"),
}
DONE = Event({}, "", "")


class Chat(Sse):
    """``thinking`` is the field that shows reasoning; ``costs`` if the server tells what a reply cost."""

    origin = "chat"
    reply_id = "chatcmpl-1"

    def __init__(self, thinking: str = "reasoning_content", *, costs: bool = False) -> None:
        self._thinking = thinking
        self._costs = costs

    def payload(self, event: Event) -> bytes:
        return dump(event.data) if event.data else b"[DONE]"

    def events(self, reply: Reply, indexes: Indexes = "right") -> list[Event]:
        return [
            self._chunk({"role": "assistant", "content": ""}),
            *(self._chunk({self._thinking: piece}) for piece in reply.thinking),
            *(self._chunk({"content": piece}, says=piece) for piece in reply.text),
            *(chunk for at, call in enumerate(reply.calls) for chunk in self._call(at, call, indexes)),
            self._chunk({}, STOPS[reply.stop]),
            Event({**self._head(), "choices": [], "usage": self._usage(reply.usage)}),
            DONE,
        ]

    def repeated_usage(self, reply: Reply) -> list[Event]:
        """As servers do that were asked for continuous statistics: in each chunk, growing."""
        chunks = self.events(reply)[:-2]
        told = []
        for at, chunk in enumerate(chunks, 1):
            so_far = reply.usage.output_tokens * at // len(chunks)
            usage = Usage(
                input_tokens=reply.usage.input_tokens,
                output_tokens=so_far,
                cache_read_tokens=reply.usage.cache_read_tokens,
                cache_write_tokens=reply.usage.cache_write_tokens,
            )
            told.append(Event({**chunk.data, "usage": self._usage(usage)}, says=chunk.says))
        return [*told, *self.events(reply)[-2:]]

    def errors(self) -> list[StreamError]:
        def wire(data: dict[str, Any], name: str = "") -> bytes:
            return self.frame(Event(data, name))

        limit = {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        upstream = {"error": {"code": 502, "message": "upstream is gone"}, "choices": [choice]}
        flat = {"type": "error", "code": "rate_limit", "message": "slow down"}
        return [
            StreamError("rate limit", wire({"error": limit}), "rate_limit"),
            StreamError("named", wire({"error": limit}, "error"), "rate_limit"),
            StreamError("server", wire({"error": {"message": "boom", "type": "server_error"}}), "server"),
            StreamError("flat", wire(flat, "error"), "rate_limit"),
            StreamError("flat without a name", wire(flat), "rate_limit"),
            StreamError("text", wire({"error": "something broke", "choices": 7}), "server"),
            StreamError("upstream", wire({**self._head(), **upstream}), "server"),
            StreamError(
                "given up", wire({**self._head(), "choices": [choice]}) + b"data: [DONE]\n\n", "server"
            ),
        ]

    def body(self, kind: str, message: str) -> dict[str, Any]:
        name, code = NAMES[kind]
        return {"error": {"message": message, "type": name, "code": code, "param": None}}

    def unknown(self) -> Event:
        return Event({"brand_new": 1, "object": "chat.completion.news"})

    def ends(self, event: Event) -> bool:
        choices = event.data.get("choices") or [{}]
        return not event.data or bool(choices[0].get("finish_reason"))

    def _head(self) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, says: str = "") -> Event:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return Event({**self._head(), "choices": [choice]}, says=says)

    def _call(self, at: int, call: Call, indexes: Indexes) -> list[Event]:
        index = {"right": {"index": at}, "none": {}, "same": {"index": 0}}[indexes]
        function = {"name": call.name, "arguments": ""}
        first = without({**index, "id": call.id, "type": "function", "function": function}, "id")
        more = [{**index, "function": {"arguments": piece}} for piece in call.pieces]
        return [self._chunk({"tool_calls": [piece]}) for piece in (first, *more)]

    def _usage(self, usage: Usage) -> dict[str, Any]:
        prompt = usage.prompt_tokens
        counts: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": usage.output_tokens,
            "total_tokens": prompt + usage.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": usage.cache_read_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
            },
            "completion_tokens_details": {"reasoning_tokens": 2},
        }
        return {**counts, "cost": COST} if self._costs else counts

    @property
    def cost(self) -> float | None:
        return COST if self._costs else None
