"""Encodes a request as a Chat Completions body. Pure, and byte-stable from its start to its last message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolResult, User
from akmon_core.models import ModelRequest
from akmon_models.history import sendable_arguments, sendable_name

_encoder = msgspec.json.Encoder()
_NONE = msgspec.Raw(b"")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between servers that speak this protocol."""

    output_name: str = "max_tokens"
    """The parameter that limits a reply."""
    cache_key: bool = False
    """Whether the server keeps its cache by a ``prompt_cache_key``: the session's id."""
    session_id: bool = False
    """Whether the server sends all requests of a ``session_id`` to where their cache is."""
    reasoning_back: tuple[str, ...] = ("reasoning_content", "reasoning")
    """The fields in which the server reads the reasoning of earlier replies."""
    parameters: Mapping[str, Any] = {}
    """What else a body holds; the same in each request of a session."""


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _Call(msgspec.Struct, tag_field="type", tag="function"):
    id: str
    function: _Function


class _Assistant(msgspec.Struct, tag_field="role", tag="assistant", omit_defaults=True):
    content: str = ""
    reasoning_content: str = ""
    reasoning: str = ""
    reasoning_details: msgspec.Raw = _NONE
    tool_calls: list[_Call] = []


class _User(msgspec.Struct, tag_field="role", tag="user"):
    content: str | list[dict[str, Any]]


class _Tool(msgspec.Struct, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str


class _System(msgspec.Struct, tag_field="role", tag="system"):
    content: str


def encode(request: ModelRequest, *, model: str, max_output: int, dialect: Dialect) -> bytes:
    """The body of ``POST /chat/completions``: parameters, tools, system prompt, then the messages."""
    body: dict[str, Any] = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    body[dialect.output_name] = max_output
    body.update(dialect.parameters)
    if dialect.cache_key and request.session:
        body["prompt_cache_key"] = request.session[:64]
    if dialect.session_id and request.session:
        body["session_id"] = request.session[:64]
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": t.parameters},
            }
            for t in request.tools
        ]
    system = [_System(request.system)] if request.system else []
    body["messages"] = [*system, *_messages(request.messages, dialect)]
    return _encoder.encode(body)


def _messages(history: tuple[Message, ...], dialect: Dialect) -> list[_User | _Assistant | _Tool]:
    """Neighbouring user messages become one: the templates of some models insist on turns."""
    messages: list[_User | _Assistant | _Tool] = []
    said: list[Text | Image] = []
    for message in history:
        match message:
            case User(parts):
                said.extend(_shown(parts))
            case ToolResult():
                messages.append(_Tool(message.call_id, _result_text(message)))
                said.extend(_result_images(message))
            case Assistant():
                if (reply := _assistant(message, dialect)) is not None:
                    _flush(said, messages)
                    messages.append(reply)
    _flush(said, messages)
    return messages


def _shown(parts: tuple[Text | Image, ...]) -> tuple[Text | Image, ...]:
    """Without blank text, which some servers refuse."""
    shown = tuple(part for part in parts if isinstance(part, Image) or part.text.strip())
    return shown or (Text("(empty message)"),)


def _flush(said: list[Text | Image], messages: list[_User | _Assistant | _Tool]) -> None:
    """What was said goes behind the results of the calls before it."""
    if not said:
        return
    if any(isinstance(part, Image) for part in said):
        messages.append(_User([_part(part) for part in said]))
    else:
        messages.append(_User("\n\n".join(part.text for part in said if isinstance(part, Text))))
    said.clear()


def _part(part: Text | Image) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(media_type, data):
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}


def _result_text(result: ToolResult) -> str:
    """The protocol cannot mark a result as an error, so its text must say so."""
    if result.error and not result.text.lower().startswith("error"):
        return f"Error: {result.text}"
    return result.text or "(no output)"


def _result_images(result: ToolResult) -> list[Text | Image]:
    """Results hold only text in this protocol: their images follow as if the user had sent them."""
    if not result.images:
        return []
    return [Text(f"The images that call {result.call_id} returned:"), *result.images]


def _assistant(message: Assistant, dialect: Dialect) -> _Assistant | None:
    """None if nothing of the message can be sent: servers refuse an empty one."""
    calls = [
        _Call(call.id, _Function(sendable_name(call.name), sendable_arguments(call.arguments)))
        for call in message.calls
    ]
    text = message.text
    if not calls and not text:
        return None
    reply = _Assistant(text, tool_calls=calls)
    for part in message.parts if calls else ():
        # Journals of earlier versions do not name the protocol: a field's name is signature enough.
        if isinstance(part, Thinking) and part.origin in ("chat", ""):
            _think(reply, part, dialect)
    return reply


def _think(reply: _Assistant, part: Thinking, dialect: Dialect) -> None:
    """Reasoning goes back as it came: its blocks (a JSON array), or its text in the field of that name."""
    if part.signature.startswith("["):
        if "reasoning_details" in dialect.reasoning_back:
            reply.reasoning_details = msgspec.Raw(part.signature.encode())
    elif part.signature in dialect.reasoning_back:
        setattr(reply, part.signature, getattr(reply, part.signature) + part.text)
