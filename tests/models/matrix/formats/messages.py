"""Messages of Anthropic: server-sent events with a block per part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from akmon_core.stream import Usage
from tests.models.matrix.formats.base import Event, Sse, StreamError, without
from tests.models.matrix.replies import Call, Indexes, Reply

STOPS = {"end": "end_turn", "tools": "tool_use", "length": "max_tokens", "refused": "refusal"}
NAMES = {
    "rate_limit": "rate_limit_error",
    "overloaded": "overloaded_error",
    "bad_request": "invalid_request_error",
}


def event(kind: str, **data: Any) -> Event:
    return told(kind, data)


def told(kind: str, data: Mapping[str, Any], says: str = "") -> Event:
    return Event({"type": kind, **data}, kind, says)


class Messages(Sse):
    origin = "messages"
    signs = True
    reply_id = "msg_1"

    def events(self, reply: Reply, indexes: Indexes = "right") -> list[Event]:
        blocks = self._blocks(reply)
        parts = [self._block(block, self._index(at, indexes)) for at, block in enumerate(blocks)]
        return [
            self._start(reply.usage),
            event("ping"),
            *(each for block in parts for each in block),
            self._delta(reply, reply.usage.output_tokens),
            event("message_stop"),
        ]

    def repeated_usage(self, reply: Reply) -> list[Event]:
        *first, _, last = self.events(reply)
        output = reply.usage.output_tokens
        whole = {
            "input_tokens": reply.usage.input_tokens,
            "cache_read_input_tokens": reply.usage.cache_read_tokens,
            "cache_creation_input_tokens": reply.usage.cache_write_tokens,
        }
        deltas = [self._delta(reply, count, whole) for count in (output // 2, output, output)]
        return [*first, *deltas, last]

    def errors(self) -> list[StreamError]:
        def wire(kind: str, message: str) -> bytes:
            return self.frame(event("error", error={"type": kind, "message": message}))

        return [
            StreamError("overloaded", wire("overloaded_error", "Overloaded"), "overloaded"),
            StreamError("rate limit", wire("rate_limit_error", "slow down"), "rate_limit"),
            StreamError("server", wire("api_error", "Internal server error"), "server"),
            StreamError(
                "flat",
                b'event: error\ndata: {"type":"error","code":"rate_limit","message":"slow down"}\n\n',
                "rate_limit",
            ),
        ]

    def body(self, kind: str, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": NAMES[kind], "message": message}, "request_id": "req_1"}

    def unknown(self) -> Event:
        return event("brand_new", delta=7, index="x", message=[])

    def alive(self) -> bytes:
        return self.frame(event("ping"))

    def ends(self, event: Event) -> bool:
        return event.name in ("message_delta", "message_stop")

    def _start(self, usage: Usage) -> Event:
        message: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.input_tokens,
                "output_tokens": 1,
                "cache_read_input_tokens": usage.cache_read_tokens,
                "cache_creation_input_tokens": usage.cache_write_tokens,
            },
        }
        return event("message_start", message=message)

    def _delta(self, reply: Reply, output: int, more: dict[str, int] | None = None) -> Event:
        delta = {"stop_reason": STOPS[reply.stop], "stop_sequence": None}
        return event("message_delta", delta=delta, usage={**(more or {}), "output_tokens": output})

    def _index(self, at: int, indexes: Indexes) -> dict[str, int]:
        match indexes:
            case "right":
                return {"index": at}
            case "none":
                return {}
            case "same":
                return {"index": 0}

    def _blocks(self, reply: Reply) -> list[tuple[dict[str, Any], list[dict[str, str]]]]:
        """Of each block: how it starts, and its deltas."""
        blocks = []
        if reply.thinking:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in reply.thinking]
            signed = [{"type": "signature_delta", "signature": reply.signature}] if reply.signature else []
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [*deltas, *signed]))
        if reply.text:
            texts = [{"type": "text_delta", "text": piece} for piece in reply.text]
            blocks.append(({"type": "text", "text": ""}, texts))
        return [*blocks, *(self._call(call) for call in reply.calls)]

    def _call(self, call: Call) -> tuple[dict[str, Any], list[dict[str, str]]]:
        start = without({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, "id")
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *call.pieces)]
        return start, deltas

    def _block(
        self, block: tuple[dict[str, Any], list[dict[str, str]]], index: dict[str, int]
    ) -> list[Event]:
        start, deltas = block
        return [
            event("content_block_start", **index, content_block=start),
            *(told("content_block_delta", {**index, "delta": each}, each.get("text", "")) for each in deltas),
            event("content_block_stop", **index),
        ]

    def garbage(self) -> bytes:
        return b"event: content_block_delta\n" + super().garbage()
