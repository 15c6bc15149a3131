"""Writes frames of ``application/vnd.amazon.eventstream``, and whole replies of ConverseStream."""

from __future__ import annotations

import json
import struct
from typing import Any
from zlib import crc32

TYPES: dict[str, Any] = {
    "true": (0, b""),
    "byte": (2, b"\x01"),
    "short": (3, b"\x00\x02"),
    "int": (4, b"\x00\x00\x00\x03"),
    "long": (5, b"\x00" * 8),
    "bytes": (6, b"\x00\x03abc"),
    "time": (8, b"\x00" * 8),
    "uuid": (9, b"\x00" * 16),
}
"""A header's value of each type but text, by its name."""


def header(name: str, kind: int, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!B", kind) + value


def text_header(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack("!H", len(value.encode())) + value.encode())


def frame(packed: bytes, payload: bytes) -> bytes:
    lengths = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    body = lengths + struct.pack("!I", crc32(lengths)) + packed + payload
    return body + struct.pack("!I", crc32(body))


def event(name: str, data: Any) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(b"".join(text_header(*each) for each in headers.items()), json.dumps(data).encode())


def exception(name: str, message: str) -> bytes:
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    packed = b"".join(text_header(*each) for each in headers.items())
    return frame(packed, json.dumps({"message": message}).encode())


def error(code: str, message: str) -> bytes:
    headers = {":error-code": code, ":error-message": message, ":message-type": "error"}
    return frame(b"".join(text_header(*each) for each in headers.items()), b"")


def delta(index: int, **said: Any) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": said}


def stop(index: int) -> tuple[str, Any]:
    return "contentBlockStop", {"contentBlockIndex": index}


def call(index: int, call_id: str, name: str, *pieces: str) -> list[tuple[str, Any]]:
    tool = {"toolUse": {"toolUseId": call_id, "name": name}}
    return [
        ("contentBlockStart", {"contentBlockIndex": index, "start": tool}),
        *(delta(index, toolUse={"input": piece}) for piece in pieces),
        stop(index),
    ]


def ends(reason: str, **usage: int) -> list[tuple[str, Any]]:
    return [
        ("messageStop", {"stopReason": reason}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 5}}),
    ]


REPLY: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant"}),
    delta(0, reasoningContent={"text": "Let me "}),
    delta(0, reasoningContent={"text": "see."}),
    delta(0, reasoningContent={"signature": "c2ln"}),
    stop(0),
    delta(1, text="Hello wörld "),
    delta(1, text="✓"),
    stop(1),
    *call(2, "tooluse_1", "shell", '{"cmd":', ' "ls"}'),
    *ends("tool_use", inputTokens=10, outputTokens=25, totalTokens=95, cacheReadInputTokens=60),
]
"""A reply that thinks, speaks and calls."""


def wire(events: list[tuple[str, Any]] | None = None) -> list[bytes]:
    return [event(name, data) for name, data in (REPLY if events is None else events)]
