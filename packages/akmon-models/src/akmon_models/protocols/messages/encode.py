"""Encodes a request as a Messages body. Pure, and byte-stable from its start to its last message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import ModelRequest
from akmon_models.history import REASONING_FIELDS, CallIds, sendable_arguments, sendable_name

_encoder = msgspec.json.Encoder()

Block: TypeAlias = dict[str, Any]


class _Message(msgspec.Struct):
    role: str
    content: list[Block]


def encode(
    request: ModelRequest, *, model: str, max_output: int, parameters: Mapping[str, Any] | None = None
) -> bytes:
    """The body of ``POST /v1/messages``: parameters, tools, system prompt, then the messages.

    ``parameters`` are what else a body holds, the same in each request of a session (see ``thinking``).

    ``cache_control`` at the top level makes the server cache up to the last block of each request,
    so each request finds the one before it in the cache.
    """
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": max_output,
        "stream": True,
        "cache_control": {"type": "ephemeral"},
        **(parameters or {}),
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
    ids = CallIds()
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


def _blocks(message: Message, ids: CallIds) -> list[Block]:
    match message:
        case User():
            return _user(message.parts)
        case ToolResult():
            return [_result(message, ids.of_result(message.call_id))]
        case Assistant():
            return [block for part in message.parts if (block := _said(part, ids))]


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


def _said(part: Text | Thinking | ToolCall, ids: CallIds) -> Block | None:
    match part:
        case Text():
            return _shown(part)
        case Thinking():
            return _thought(part)
        case ToolCall():
            arguments = msgspec.Raw(sendable_arguments(part.arguments).encode())
            return {
                "type": "tool_use",
                "id": ids.of_call(part.id),
                "name": sendable_name(part.name),
                "input": arguments,
            }


def _thought(part: Thinking) -> Block | None:
    """Only the server's own thinking is accepted, whole and unchanged: a thought that was cut has no
    signature. Journals of earlier versions do not name the protocol that a thought came in."""
    own = part.origin == "messages" or (not part.origin and part.signature not in REASONING_FIELDS)
    if not own or not part.signature:
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}
