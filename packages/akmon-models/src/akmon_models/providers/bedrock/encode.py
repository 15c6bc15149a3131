"""Encodes a request as a ConverseStream body. Pure, and stable from its start but for its cache points."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, ModelRequest, ModelRow
from akmon_models.history import CallIds, sendable_arguments, sendable_name
from akmon_models.protocols.messages.thinking import BINDING_BETA, binds, reasoning

_encoder = msgspec.json.Encoder()

Block: TypeAlias = dict[str, Any]
Family: TypeAlias = Literal["claude", "nova", "gpt", "other", "unknown"]

_CACHE_POINT: Block = {"cachePoint": {"type": "default"}}
_CACHED_REPLIES = 2
"""Of the last so many messages of the user the end is cached: each request finds the one before it in the
cache, also when that is further back than the server looks by itself. With those behind the tools and the
system prompt these are the four points that a request may have."""

_VENDOR = re.compile(
    r"(?:\A|[./])(?:ai21|amazon|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai"
    r"|nvidia|openai|qwen|writer|zai)\."
)
_WITHOUT_CACHE = re.compile(r"claude-(?:v\d|instant|3-(?:opus|sonnet|haiku|5-sonnet))")
_NOVA_EFFORTS: dict[Effort, str] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


_PLAIN_SCHEMA = ("type", "properties", "required")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the families of models."""

    parameters: Mapping[str, Any] = {}
    """What a body holds besides its messages; the same in each request of a session."""
    cached: tuple[Literal["tools", "system", "messages"], ...] = ()
    """Where the model takes cache points."""
    status: bool = True
    """Whether results can be marked as errors."""
    thoughts: bool = True
    """Whether thoughts go back."""
    plain_schemas: bool = False
    """Whether schemas of tools say no more at the top than type, properties and required."""


class _Message(msgspec.Struct):
    role: str
    content: list[Block]


def dialect(model: str, row: ModelRow, effort: Effort | None, max_output: int) -> Dialect:
    """What the model ``model`` takes; ``effort`` is one that its ``row`` allows."""
    family = family_of(model, row)
    return Dialect(
        parameters=_parameters(family, row, effort, max_output),
        cached=_cached(family, model.lower()),
        status=family in ("claude", "nova", "unknown"),
        # Claude signs its thoughts; models of other families refuse a history with such a thing in it.
        thoughts=family in ("claude", "unknown"),
        # Nova takes no other fields there, and overlooks tools that have them, as its user guide says.
        plain_schemas=family == "nova",
    )


def family_of(model: str, row: ModelRow) -> Family:
    """The family of an id. That of an application's own inference profile tells none: its row may."""
    name = model.lower()
    if "claude" in name or row.thinking in ("adaptive", "bound", "budget"):
        return "claude"
    if "amazon.nova" in name:
        return "nova"
    if "openai.gpt" in name:
        return "gpt"
    return "other" if _VENDOR.search(name) else "unknown"


def _cached(family: Family, model: str) -> tuple[Literal["tools", "system", "messages"], ...]:
    match family:
        case "claude" if not _WITHOUT_CACHE.search(model):
            return ("tools", "system", "messages")
        case "nova":
            return ("system", "messages")
        case _:
            return ()


def _parameters(family: Family, row: ModelRow, effort: Effort | None, max_output: int) -> dict[str, Any]:
    limit = {"inferenceConfig": {"maxTokens": max_output}}
    if family == "claude":
        asked = reasoning(row, effort, max_output)
        beta = {"anthropic_beta": [BINDING_BETA]} if binds(asked) else {}
        return {**limit, **({"additionalModelRequestFields": {**beta, **asked}} if asked else {})}
    if effort is None or row.thinking == "none":
        return limit
    match family:
        case "nova" if effort == "none":
            return {**limit, "additionalModelRequestFields": {"reasoningConfig": {"type": "disabled"}}}
        case "nova":
            asked = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _NOVA_EFFORTS[effort]}}
            # Nova sets the limit itself when it thinks most, and refuses another one.
            kept = {} if _NOVA_EFFORTS[effort] == "high" else limit
            return {**kept, "additionalModelRequestFields": asked}
        case "gpt":
            return {**limit, "additionalModelRequestFields": {"reasoning_effort": effort}}
        case _:
            return {**limit, "outputConfig": {"effort": effort}}


def encode(request: ModelRequest, dialect: Dialect) -> bytes:
    """The body of ``POST /model/{id}/converse-stream``: parameters, tools, system prompt, the messages."""
    body: dict[str, Any] = dict(dialect.parameters)
    if tools := _tools(request, dialect):
        body["toolConfig"] = {"tools": _with_point(tools, "tools" in dialect.cached and bool(request.tools))}
    if request.system:
        body["system"] = _with_point([{"text": request.system}], "system" in dialect.cached)
    messages = _messages(request.messages, dialect)
    if "messages" in dialect.cached:
        _mark_ends(messages)
    body["messages"] = messages
    return _encoder.encode(body)


def _with_point(blocks: list[Block], cached: bool) -> list[Block]:
    return [*blocks, _CACHE_POINT] if cached else blocks


def _mark_ends(messages: list[_Message]) -> None:
    for message in [each for each in messages if each.role == "user"][-_CACHED_REPLIES:]:
        message.content.append(_CACHE_POINT)


def _tools(request: ModelRequest, dialect: Dialect) -> list[Block]:
    """The tools; without any, those that the history has calls of, as the server insists on them then."""
    if request.tools:
        return [
            _tool(tool.name, tool.description, _schema(tool.parameters, dialect)) for tool in request.tools
        ]
    called = [call.name for each in request.messages if isinstance(each, Assistant) for call in each.calls]
    names = dict.fromkeys(sendable_name(name) for name in called)
    return [_tool(name, "Not available any more.", msgspec.Raw(b'{"type":"object"}')) for name in names]


def _schema(parameters: Mapping[str, Any], dialect: Dialect) -> msgspec.Raw:
    if dialect.plain_schemas:
        parameters = {key: parameters[key] for key in _PLAIN_SCHEMA if key in parameters}
    return msgspec.Raw(msgspec.json.encode(parameters))


def _tool(name: str, description: str, schema: msgspec.Raw) -> Block:
    told = {"description": description} if description else {}
    return {"toolSpec": {"name": name, **told, "inputSchema": {"json": schema}}}


def _messages(history: tuple[Message, ...], dialect: Dialect) -> list[_Message]:
    """Roles alternate: results and what the user said between two replies are one message."""
    messages: list[_Message] = []
    ids = CallIds()
    for message in history:
        role = "assistant" if isinstance(message, Assistant) else "user"
        blocks = _blocks(message, ids, dialect)
        if not blocks:
            continue
        if messages and messages[-1].role == role:
            messages[-1].content.extend(blocks)
        else:
            messages.append(_Message(role, blocks))
    return messages


def _blocks(message: Message, ids: CallIds, dialect: Dialect) -> list[Block]:
    match message:
        case User(parts):
            return _shown(parts) or [{"text": "(empty message)"}]
        case ToolResult():
            return [_result(message, ids.of_result(message.call_id), dialect)]
        case Assistant(parts):
            return [block for part in parts if (block := _said(part, ids, dialect))]


def _shown(parts: tuple[Text | Image, ...]) -> list[Block]:
    """Without blank text, which the server refuses."""
    return [
        _image(part) if isinstance(part, Image) else {"text": part.text} for part in parts if _is_shown(part)
    ]


def _is_shown(part: Text | Image) -> bool:
    return isinstance(part, Image) or bool(part.text and not part.text.isspace())


def _image(image: Image) -> Block:
    kind = image.media_type.rpartition("/")[2]
    return {"image": {"format": "jpeg" if kind == "jpg" else kind, "source": {"bytes": image.data}}}


def _result(result: ToolResult, call_id: str, dialect: Dialect) -> Block:
    text = result.text
    if result.error and not dialect.status and not text.lower().startswith("error"):
        text = f"Error: {text}"
    content = _shown((Text(text), *result.images)) or [{"text": "(no output)"}]
    status = {"status": "error"} if result.error and dialect.status else {}
    return {"toolResult": {"toolUseId": call_id, "content": content, **status}}


def _said(part: Text | Thinking | ToolCall, ids: CallIds, dialect: Dialect) -> Block | None:
    match part:
        case Text():
            return {"text": part.text} if _is_shown(part) else None
        case Thinking():
            return _thought(part) if dialect.thoughts else None
        case ToolCall():
            arguments = msgspec.Raw(sendable_arguments(part.arguments).encode())
            call = {"toolUseId": ids.of_call(part.id), "name": sendable_name(part.name), "input": arguments}
            return {"toolUse": call}


def _thought(part: Thinking) -> Block | None:
    """Only the server's own thinking is accepted, whole and unchanged: a thought that was cut has no
    signature."""
    if part.origin != "converse" or not part.signature:
        return None
    if part.redacted:
        return {"reasoningContent": {"redactedContent": part.signature}}
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
