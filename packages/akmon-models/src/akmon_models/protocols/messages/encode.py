"""Encodes a request as a Messages body. Pure, and byte-stable from its start to its last message."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import ModelRequest
from akmon_models.history import REASONING_FIELDS, sendable_arguments, sendable_name

_encoder = msgspec.json.Encoder()
_BAD_ID = re.compile(r"[^a-zA-Z0-9_-]")

Block: TypeAlias = dict[str, Any]


class _Message(msgspec.Struct):
    role: str
    content: list[Block]


def encode(request: ModelRequest, *, model: str, max_output: int) -> bytes:
    """The body of ``POST /v1/messages``: parameters, tools, system prompt, then the messages.

    ``cache_control`` at the top level makes the server cache up to the last block of each request,
    so each request finds the one before it in the cache.
    """
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": max_output,
        "stream": True,
        "cache_control": {"type": "ephemeral"},
    }
    if request.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": t.parameters}
            for t in request.tools
        ]
    if request.system:
        body["system"] = request.system
    body["messages"] = _messages(request.messages)
    return _encoder.encode(body)


def _messages(history: tuple[Message, ...]) -> list[_Message]:
    """Roles alternate: results and what the user said between two replies are one message."""
    messages: list[_Message] = []
    ids = _Ids()
    for message in history:
        role = "assistant" if isinstance(message, Assistant) else "user"
        blocks = _blocks(message, ids)
        if not blocks:
            continue
        if messages and messages[-1].role == role:
            messages[-1].content.extend(blocks)
        else:
            messages.append(_Message(role, blocks))
    return messages


def _blocks(message: Message, ids: _Ids) -> list[Block]:
    match message:
        case User():
            return _user(message.parts)
        case ToolResult():
            return [_result(message, ids.of_result(message.call_id))]
        case Assistant():
            return [block for part in message.parts if (block := _said(part, ids))]


class _Ids:
    """Call ids as this server takes them: of plain characters, and each only once in a history.

    Histories of other servers may hold ids such as ``functions.read:0``, or ``call_0`` in every reply.
    """

    def __init__(self) -> None:
        self._uses: dict[str, int] = {}
        self._sent: dict[str, str] = {}

    def of_call(self, call_id: str) -> str:
        plain = _BAD_ID.sub("_", call_id) or "call"
        uses = self._uses.get(plain, 0)
        self._uses[plain] = uses + 1
        self._sent[call_id] = f"{plain}-{uses + 1}" if uses else plain
        return self._sent[call_id]

    def of_result(self, call_id: str) -> str:
        return self._sent.get(call_id, call_id)


def _user(parts: tuple[Text | Image, ...]) -> list[Block]:
    blocks = [block for part in parts if (block := _shown(part))]
    return blocks or [{"type": "text", "text": "(empty message)"}]


def _shown(part: Text | Image) -> Block | None:
    """None for blank text, which the server refuses."""
    match part:
        case Text(text):
            return {"type": "text", "text": text} if text and not text.isspace() else None
        case Image(media_type, data):
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "image", "source": source}


def _result(result: ToolResult, call_id: str) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": call_id}
    if result.images:
        parts: tuple[Text | Image, ...] = (Text(result.text), *result.images)
        block["content"] = [shown for part in parts if (shown := _shown(part))]
    elif result.text:
        block["content"] = result.text
    if result.error:
        block["is_error"] = True
    return block


def _said(part: Text | Thinking | ToolCall, ids: _Ids) -> Block | None:
    match part:
        case Text():
            return _shown(part)
        case Thinking(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature} if part.signature else None
        case Thinking():
            # Only the server's own, proven thinking is accepted.
            if not part.signature or part.signature in REASONING_FIELDS:
                return None
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case ToolCall():
            arguments = msgspec.Raw(sendable_arguments(part.arguments).encode())
            return {
                "type": "tool_use",
                "id": ids.of_call(part.id),
                "name": sendable_name(part.name),
                "input": arguments,
            }
