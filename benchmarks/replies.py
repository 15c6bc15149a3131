"""Prepares what the scripted server says: Chat Completions streams as bytes, one HTTP chunk per event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def text(pieces: Iterable[str]) -> bytes:
    """A reply that says ``pieces``, each as a delta."""
    return _chunked(text_events(pieces))


def text_events(pieces: Iterable[str]) -> list[bytes]:
    deltas = [{"content": piece} for piece in pieces]
    return _reply([{"role": "assistant", "content": ""}, *deltas], "stop")


def calls(tool: str, arguments: Iterable[dict[str, Any]], number: int = 0) -> bytes:
    """A reply that calls ``tool`` once for each of ``arguments``. ``number`` makes the ids distinct."""
    deltas = [
        {
            "tool_calls": [
                {
                    "index": index,
                    "id": f"call_{number}_{index}",
                    "type": "function",
                    "function": {"name": tool, "arguments": json.dumps(each)},
                }
            ]
        }
        for index, each in enumerate(arguments)
    ]
    return _chunked(_reply([{"role": "assistant", "content": None}, *deltas], "tool_calls"))


def _reply(deltas: list[dict[str, Any]], finish: str) -> list[bytes]:
    events = [_event([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    events.append(_event([{"index": 0, "delta": {}, "finish_reason": finish}]))
    usage = {"prompt_tokens": 1000, "completion_tokens": len(deltas), "total_tokens": 1000 + len(deltas)}
    return [*events, _event([], usage), b"data: [DONE]\n\n"]


def _chunked(events: list[bytes]) -> bytes:
    return _HEAD + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"


def _event(choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "system_fingerprint": "fp_1",
        "choices": choices,
        "usage": usage,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"
