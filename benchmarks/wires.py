"""Prepares what providers stream: one text reply in each protocol, as bytes, in one piece.

So HTTP costs either side next to nothing, and what is measured is the reading of events.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from zlib import crc32

from benchmarks import replies

Wire = Callable[[Sequence[str]], bytes]


def messages(pieces: Sequence[str]) -> bytes:
    usage = {"input_tokens": 1000, "output_tokens": 1}
    head = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": usage,
    }
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": len(pieces)},
        },
        {"type": "message_stop"},
    ]
    return _whole("text/event-stream", (_named(event) for event in events))


def responses(pieces: Sequence[str]) -> bytes:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    whole = {**part, "text": "".join(pieces)}
    done = {**item, "status": "completed", "content": [whole]}
    usage = {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": len(pieces),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1000 + len(pieces),
    }
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "in_progress",
        "model": "m",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    ended = {**response, "status": "completed", "output": [done], "usage": usage}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": part},
        *(
            {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
            for piece in pieces
        ),
        {"type": "response.output_text.done", **place, "text": whole["text"], "logprobs": []},
        {"type": "response.content_part.done", **place, "part": whole},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": ended},
    ]
    numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
    return _whole("text/event-stream", (_named(event) for event in numbered))


def ollama(pieces: Sequence[str]) -> bytes:
    head = {"model": "m", "created_at": "2026-11-21T12:00:00.000000000Z"}
    lines: list[dict[str, Any]] = [
        {**head, "message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces
    ]
    counts = {"prompt_eval_count": 1000, "eval_count": len(pieces), "total_duration": 1, "eval_duration": 1}
    message = {"role": "assistant", "content": ""}
    lines.append({**head, "message": message, "done": True, "done_reason": "stop", **counts})
    return _whole("application/x-ndjson", (_json(line) + b"\n" for line in lines))


def converse(pieces: Sequence[str]) -> bytes:
    usage = {"inputTokens": 1000, "outputTokens": len(pieces), "totalTokens": 1000 + len(pieces)}
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"p": "abc", "role": "assistant"}),
        *(
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}, "p": "abcdefgh"})
            for piece in pieces
        ),
        ("contentBlockStop", {"contentBlockIndex": 0, "p": "ab"}),
        ("messageStop", {"p": "abcd", "stopReason": "end_turn"}),
        ("metadata", {"metrics": {"latencyMs": 1}, "p": "ab", "usage": usage}),
    ]
    frames = (_frame(name, _json(payload)) for name, payload in events)
    return _whole("application/vnd.amazon.eventstream", frames)


def chat(pieces: Sequence[str]) -> bytes:
    return _whole("text/event-stream", replies.text_events(pieces))


def _frame(name: str, payload: bytes) -> bytes:
    """One message of AWS's event streams: lengths, headers, payload, and a checksum of each part."""
    said = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(key)) + key.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for key, value in said.items()
    )
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    start = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return start + struct.pack("!I", crc32(start))


def _named(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: ".encode() + _json(event) + b"\n\n"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _whole(kind: str, events: Iterable[bytes]) -> bytes:
    body = b"".join(events)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


WIRES: dict[str, Wire] = {
    "messages": messages,
    "chat": chat,
    "responses": responses,
    "ollama": ollama,
    "converse": converse,
}
"""By protocol."""
