"""Encodes a request as a Responses body. Pure, and byte-stable from its start to its last input item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, ModelRequest
from akmon_models.history import sendable_arguments, sendable_name
from akmon_models.protocols.responses.reasoning import ReasoningItem, item_of

ID_CHARS = 64
"""The longest call id, and the longest cache key, that OpenAI takes."""

_encoder = msgspec.json.Encoder()
_BAD_ID = re.compile(r"[^a-zA-Z0-9_-]")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between models and servers that speak this protocol."""

    reasons: bool = False
    """Whether the model reasons: others refuse to be asked for it."""
    effort: Effort | None = None
    cache_key: bool = False
    """Whether the server keeps its cache by a ``prompt_cache_key``: the session's id."""
    server: str = ""
    """Host and port of the server: it is sent back its own reasoning only."""


class _Message(msgspec.Struct, tag_field="type", tag="message"):
    role: str
    content: list[dict[str, Any]]


class _Call(msgspec.Struct, tag_field="type", tag="function_call"):
    call_id: str
    name: str
    arguments: str


class _Output(msgspec.Struct, tag_field="type", tag="function_call_output"):
    call_id: str
    output: str | list[dict[str, Any]]


Item: TypeAlias = _Message | _Call | _Output | ReasoningItem


def encode(request: ModelRequest, *, model: str, max_output: int, dialect: Dialect) -> bytes:
    """The body of ``POST /responses``: parameters, tools, system prompt, then the input items."""
    body: dict[str, Any] = {"model": model, "stream": True, "store": False, "max_output_tokens": max_output}
    if dialect.reasons or dialect.effort:
        effort = {"effort": dialect.effort} if dialect.effort else {}
        body["reasoning"] = {**effort, "summary": "auto"}
        body["include"] = ["reasoning.encrypted_content"]
    if dialect.cache_key and request.session:
        body["prompt_cache_key"] = request.session[:ID_CHARS]
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": t.name,
                "description": t.description,
                "parameters": t.parameters,
                "strict": False,
            }
            for t in request.tools
        ]
    if request.system:
        body["instructions"] = request.system
    body["input"] = list(_items(request.messages, dialect.server))
    return _encoder.encode(body)


def _items(history: tuple[Message, ...], server: str) -> Iterator[Item]:
    """Each call is followed by its one output, whatever the history holds: servers insist on it."""
    ids = _Ids()
    for message in history:
        match message:
            case ToolResult():
                if (call_id := ids.answer(message.call_id)) is not None:
                    yield _Output(call_id, _output(message))
                continue
            case User(parts):
                yield from _unanswered(ids)
                yield _Message("user", _shown(parts))
            case Assistant(parts):
                yield from _unanswered(ids)
                yield from _reply(parts, ids, server)
    yield from _unanswered(ids)


class _Ids:
    """Call ids as they are sent: of the length and the letters that servers take, each only once."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self.open: dict[str, str] = {}
        """By the id in the history, that of a call without output so far."""

    def call(self, known: str) -> str:
        start = _BAD_ID.sub("_", known)[:ID_CHARS] or "call"
        own, number = start, 1
        while own in self._used:
            number += 1
            own = f"{start[: ID_CHARS - 8]}_{number}"
        self._used.add(own)
        self.open[known] = own
        return own

    def answer(self, known: str) -> str | None:
        return self.open.pop(known, None)


def _unanswered(ids: _Ids) -> Iterator[_Output]:
    for known in list(ids.open):
        yield _Output(ids.open.pop(known), "(no output)")


def _reply(parts: tuple[Text | Thinking | ToolCall, ...], ids: _Ids, server: str) -> Iterator[Item]:
    """Reasoning that nothing follows is left out, as servers refuse it: its reply was cut off."""
    said = [part for part in parts if not isinstance(part, Text) or part.text.strip()]
    while said and isinstance(said[-1], Thinking):
        said.pop()
    for part in said:
        match part:
            case Text(text):
                yield _Message("assistant", [{"type": "output_text", "text": text}])
            case ToolCall(known, name, arguments):
                yield _Call(ids.call(known), sendable_name(name), sendable_arguments(arguments))
            case Thinking():
                if (item := item_of(part, server)) is not None:
                    yield item


def _shown(parts: tuple[Text | Image, ...]) -> list[dict[str, Any]]:
    """Without blank text, which some servers refuse."""
    shown = [_part(part) for part in parts if isinstance(part, Image) or part.text.strip()]
    return shown or [_part(Text("(empty message)"))]


def _part(part: Text | Image) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "input_text", "text": text}
        case Image(media_type, data):
            return {"type": "input_image", "image_url": f"data:{media_type};base64,{data}"}


def _output(result: ToolResult) -> str | list[dict[str, Any]]:
    """The protocol cannot mark an output as an error, so its text must say so."""
    failed = result.error and not result.text.lower().startswith("error")
    text = f"Error: {result.text}" if failed else result.text or "(no output)"
    if not result.images:
        return text
    return [_part(Text(text)), *(_part(image) for image in result.images)]
