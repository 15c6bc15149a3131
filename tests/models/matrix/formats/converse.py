"""ConverseStream of Amazon Bedrock: binary frames with checksums (``application/vnd.amazon.eventstream``)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from tests.models.matrix.formats.base import Event, Format, StreamError, dump, without
from tests.models.matrix.replies import Call, Indexes, Reply

STOPS = {"end": "end_turn", "tools": "tool_use", "length": "max_tokens", "refused": "content_filtered"}
STRING = 7


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Lengths, their checksum, headers (all of them strings), payload, checksum of all before it."""
    packed = b""
    for name, value in headers.items():
        packed += struct.pack("!B", len(name)) + name.encode()
        packed += struct.pack("!BH", STRING, len(value.encode())) + value.encode()
    lengths = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    body = lengths + struct.pack("!I", crc32(lengths)) + packed + payload
    return body + struct.pack("!I", crc32(body))


class Converse(Format):
    content_type = "application/vnd.amazon.eventstream"
    origin = "converse"
    signs = True

    def events(self, reply: Reply, indexes: Indexes = "right") -> list[Event]:
        told = [
            each
            for at, block in enumerate(self._blocks(reply))
            for each in self._block(
                block,
                {"right": {"contentBlockIndex": at}, "none": {}, "same": {"contentBlockIndex": 0}}[indexes],
            )
        ]
        usage = {
            "inputTokens": reply.usage.input_tokens,
            "outputTokens": reply.usage.output_tokens,
            "totalTokens": reply.usage.prompt_tokens + reply.usage.output_tokens,
            "cacheReadInputTokens": reply.usage.cache_read_tokens,
            "cacheWriteInputTokens": reply.usage.cache_write_tokens,
        }
        return [
            Event({"role": "assistant"}, "messageStart"),
            *told,
            Event({"stopReason": STOPS[reply.stop]}, "messageStop"),
            Event({"usage": usage, "metrics": {"latencyMs": 7}}, "metadata"),
        ]

    def frame(self, event: Event) -> bytes:
        return self._event(event, event.data)

    def framings(self, events: Sequence[Event]) -> dict[str, bytes]:
        first = {
            ":message-type": "event",
            ":event-type": "initial-response",
            ":content-type": "application/json",
        }
        plain = b"".join(self.frame(each) for each in events)
        return {
            "padding": b"".join(self._event(each, {**each.data, "p": "abcdefghij"}) for each in events),
            "other order of headers": b"".join(
                frame(
                    {
                        ":message-type": "event",
                        ":content-type": "application/json",
                        ":event-type": each.name,
                        "x-new": "1",
                    },
                    dump(each.data),
                )
                for each in events
            ),
            "an initial response": frame(first, b"{}") + plain,
        }

    def errors(self) -> list[StreamError]:
        def raised(kind: str, message: str) -> bytes:
            headers = {
                ":exception-type": kind,
                ":content-type": "application/json",
                ":message-type": "exception",
            }
            return frame(headers, dump({"message": message}))

        unmodeled = {":error-code": "InternalFailure", ":error-message": "boom", ":message-type": "error"}
        return [
            StreamError("throttled", raised("throttlingException", "Too many tokens"), "rate_limit"),
            StreamError("internal", raised("internalServerException", "boom"), "server"),
            StreamError("unavailable", raised("serviceUnavailableException", "busy"), "overloaded"),
            StreamError("model", raised("modelStreamErrorException", "the model failed"), "server"),
            StreamError("validation", raised("validationException", "bad tool"), "bad_request"),
            StreamError("unmodeled", frame(unmodeled, b""), "server"),
        ]

    def body(self, kind: str, message: str) -> dict[str, Any]:
        return {"message": message}

    def unknown(self) -> Event:
        return Event({"brandNew": 1, "delta": 7, "contentBlockIndex": "x"}, "brandNew")

    def ends(self, event: Event) -> bool:
        return event.name in ("messageStop", "metadata")

    def garbage(self) -> bytes:
        return frame(
            {
                ":event-type": "contentBlockDelta",
                ":content-type": "application/json",
                ":message-type": "event",
            },
            b"{oops",
        )

    def _event(self, event: Event, data: dict[str, Any]) -> bytes:
        headers = {":event-type": event.name, ":content-type": "application/json", ":message-type": "event"}
        return frame(headers, dump(data))

    def _blocks(self, reply: Reply) -> list[tuple[dict[str, Any] | None, list[dict[str, Any]], list[str]]]:
        """Of each block: its start, which only calls have; its deltas; the text that each carries."""
        blocks: list[tuple[dict[str, Any] | None, list[dict[str, Any]], list[str]]] = []
        if reply.thinking:
            pieces: list[dict[str, Any]] = [{"reasoningContent": {"text": piece}} for piece in reply.thinking]
            if reply.signature:
                pieces.append({"reasoningContent": {"signature": reply.signature}})
            blocks.append((None, pieces, [""] * len(pieces)))
        if reply.text:
            blocks.append((None, [{"text": piece} for piece in reply.text], list(reply.text)))
        return [*blocks, *(self._call(call) for call in reply.calls)]

    def _call(self, call: Call) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
        start = {"toolUse": without({"toolUseId": call.id, "name": call.name}, "toolUseId")}
        return start, [{"toolUse": {"input": piece}} for piece in call.pieces], [""] * len(call.pieces)

    def _block(
        self, block: tuple[dict[str, Any] | None, list[dict[str, Any]], list[str]], index: dict[str, int]
    ) -> list[Event]:
        start, deltas, says = block
        return [
            *([Event({"start": start, **index}, "contentBlockStart")] if start else []),
            *(
                Event({"delta": delta, **index}, "contentBlockDelta", text)
                for delta, text in zip(deltas, says, strict=True)
            ),
            Event(index, "contentBlockStop"),
        ]
