"""The protocols of the marathon's server: what their requests must look like, their replies and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.marathon.prompts import Called, Message, Part, Prompt, Result, Said, require


@dataclass(frozen=True)
class Usage:
    """Tokens of an answered request; ``input`` are those that were neither read from nor put into a cache."""

    input: int
    read: int
    write: int
    output: int


@dataclass(frozen=True)
class Reply:
    """What the model says. Arguments are JSON text, which may be broken."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()
    cut: bool = False
    """Whether the output limit cut it."""


@dataclass(frozen=True)
class Wire:
    path: str
    kind: str
    """The content type of replies."""
    read: Callable[[dict[str, Any]], Prompt]
    """The prompt in a request's body. Raises ``Refused``."""
    write: Callable[[Reply, int, Usage], Iterator[bytes]]
    """The events of a reply of that number."""
    refusal: Callable[[str], dict[str, Any]]
    overflow: str
    """How the server words that a prompt of {tokens} with a reply of {output} exceeds the {window}."""
    caches: bool = True


def _fields(value: Any, where: str, needed: str, allowed: str = "") -> dict[str, Any]:
    """``value`` as an object that has all needed fields and no other than the allowed ones."""
    require(isinstance(value, dict), f"{where}: must be an object")
    missing = set(needed.split()) - set(value)
    extra = set(value) - set(needed.split()) - set(allowed.split())
    require(not missing, f"{where}: {missing} required")
    require(not extra, f"{where}: {extra} not permitted")
    return dict(value)


def _text(value: Any, where: str) -> str:
    require(isinstance(value, str) and value.strip(), f"{where}: must be a text that is not blank")
    return str(value)


def _object(value: Any, where: str) -> dict[str, Any]:
    require(isinstance(value, dict), f"{where}: must be an object")
    return dict(value)


def _tools(tools: Any, unpack: Callable[[Any], Any], schema: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each tool as JSON, and their names."""
    require(isinstance(tools, list), "tools: must be an array")
    names = []
    for tool in tools:
        known = _fields(unpack(tool), "tools", f"name description {schema}")
        require(_object(known[schema], "tools").get("type") == "object", f"tools: {schema} of no object")
        names.append(_text(known["name"], "tools.name"))
        _text(known["description"], "tools.description")
    return tuple(json.dumps(tool, ensure_ascii=False) for tool in tools), tuple(names)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- Messages ---------------------------------------------------------------------------------------


def _read_messages(body: dict[str, Any]) -> Prompt:
    _fields(body, "request", "model max_tokens stream messages tools system", "cache_control thinking")
    tools, names = _tools(body["tools"], lambda tool: tool, "input_schema")
    messages = []
    for at, each in enumerate(body["messages"]):
        message = _fields(each, f"messages.{at}", "role content")
        parts = [_block(block, f"messages.{at}") for block in message["content"]]
        messages.append(Message(message["role"], parts))
    return Prompt(_text(body["system"], "system"), tools, names, tuple(messages), body["max_tokens"])


def _block(block: dict[str, Any], where: str) -> Part:
    match block.get("type"):
        case "text":
            return Said(_fields(block, where, "type text")["text"])
        case "tool_use":
            _fields(block, where, "type id name input")
            return Called(block["id"], block["name"], block["input"])
        case "tool_result":
            _fields(block, where, "type tool_use_id", "content is_error")
            content = block.get("content", "")
            require(isinstance(content, str), f"{where}: a result of the marathon is text")
            return Result(block["tool_use_id"], content)
        case kind:
            require(False, f"{where}: there is no block of type {kind}")
            raise AssertionError


def _write_messages(reply: Reply, number: int, usage: Usage) -> Iterator[bytes]:
    def event(kind: str, **content: Any) -> bytes:
        return f"event: {kind}\ndata: {_dump({'type': kind, **content})}\n\n".encode()

    counts = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.write,
        "cache_read_input_tokens": usage.read,
        "output_tokens": 1,
    }
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": [], "usage": counts}
    yield event("message_start", message=head)
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if reply.text:
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": reply.text}))
    for at, (name, arguments) in enumerate(reply.calls):
        start = {"type": "tool_use", "id": f"toolu_{number}_{at}", "name": name, "input": {}}
        blocks.append((start, {"type": "input_json_delta", "partial_json": arguments}))
    for index, (start, delta) in enumerate(blocks):
        yield event("content_block_start", index=index, content_block=start)
        yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    stop = "max_tokens" if reply.cut else "tool_use" if reply.calls else "end_turn"
    yield event("message_delta", delta={"stop_reason": stop}, usage={"output_tokens": usage.output})
    yield event("message_stop")


# --- Chat Completions -------------------------------------------------------------------------------


def _read_chat(body: dict[str, Any]) -> Prompt:
    _fields(body, "request", "model stream stream_options messages tools max_tokens")
    tools, names = _tools(body["tools"], lambda tool: _function(tool, "tools"), "parameters")
    system, messages = _turns(body["messages"], _chat_call, "role tool_call_id content")
    return Prompt(system, tools, names, messages, body["max_tokens"])


def _function(value: Any, where: str, needed: str = "") -> Any:
    known = _fields(value, where, f"type function {needed}")
    require(known["type"] == "function", f"{where}: must be a function")
    return known["function"]


def _chat_call(value: Any, where: str) -> Called:
    function = _fields(_function(value, where, "id"), where, "name arguments")
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        arguments = None
    return Called(value["id"], function["name"], _object(arguments, where))


def _turns(
    messages: list[Any], call: Callable[[Any, str], Called], result: str
) -> tuple[str, tuple[Message, ...]]:
    """The system prompt, and the messages: results and the user's message behind them as one."""
    require(messages and messages[0].get("role") == "system", "messages: the first is the system's")
    system = _text(_fields(messages[0], "messages.0", "role content")["content"], "messages.0")
    turns: list[Message] = []
    before = "system"
    for at, message in enumerate(messages[1:], 1):
        where, role = f"messages.{at}", message.get("role")
        match role:
            case "tool":
                _fields(message, where, result)
                if before != "tool":
                    turns.append(Message("user"))
                turns[-1].parts.append(Result(message["tool_call_id"], _text(message["content"], where)))
            case "user":
                _fields(message, where, "role content")
                if before != "tool":
                    turns.append(Message("user"))
                turns[-1].parts.append(Said(_text(message["content"], where)))
            case "assistant":
                _fields(message, where, "role", "content tool_calls")
                text = [Said(message["content"])] if message.get("content") else []
                calls = [call(each, where) for each in message.get("tool_calls", [])]
                turns.append(Message("assistant", [*text, *calls]))
            case _:
                require(False, f"{where}: there is no role {role}")
        before = str(role)
    return system, tuple(turns)


def _write_chat(reply: Reply, number: int, usage: Usage) -> Iterator[bytes]:
    head = {"id": f"chat_{number}", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return f"data: {_dump({**head, 'choices': choices})}\n\n".encode()

    yield chunk({"role": "assistant", "content": ""})
    if reply.text:
        yield chunk({"content": reply.text})
    for at, (name, arguments) in enumerate(reply.calls):
        function = {"name": name, "arguments": arguments}
        call = {"index": at, "id": f"call_{number}_{at}", "type": "function", "function": function}
        yield chunk({"tool_calls": [call]})
    yield chunk({}, "length" if reply.cut else "tool_calls" if reply.calls else "stop")
    prompt = usage.input + usage.read + usage.write
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.read},
    }
    yield f"data: {_dump({**head, 'choices': [], 'usage': counts})}\n\ndata: [DONE]\n\n".encode()


# --- Ollama -----------------------------------------------------------------------------------------


def _read_ollama(body: dict[str, Any]) -> Prompt:
    _fields(body, "request", "model stream truncate shift options messages tools", "keep_alive")
    require(body["truncate"] is False, "truncate: a prompt that is too long shall be refused")
    options = _fields(body["options"], "options", "num_ctx num_predict")
    tools, names = _tools(body["tools"], lambda tool: _function(tool, "tools"), "parameters")
    system, messages = _turns(body["messages"], _ollama_call, "role tool_name tool_call_id content")
    return Prompt(system, tools, names, messages, options["num_predict"])


def _ollama_call(value: Any, where: str) -> Called:
    known = _fields(value, where, "id function")
    function = _fields(known["function"], where, "name arguments")
    return Called(known["id"], function["name"], function["arguments"])


def _write_ollama(reply: Reply, number: int, usage: Usage) -> Iterator[bytes]:
    head = {"model": "m", "created_at": "2026-11-21T12:00:00.000000000Z"}
    said: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.text:
        yield f"{_dump({**head, 'message': said, 'done': False})}\n".encode()
    calls = [
        {"id": f"call_{number}_{at}", "function": {"index": at, "name": name, "arguments": json.loads(args)}}
        for at, (name, args) in enumerate(reply.calls)
    ]
    if calls:
        said = {"role": "assistant", "content": "", "tool_calls": calls}
        yield f"{_dump({**head, 'message': said, 'done': False})}\n".encode()
    counts = {
        "done_reason": "length" if reply.cut else "stop",
        "prompt_eval_count": usage.input + usage.read + usage.write,
        "eval_count": usage.output,
        "total_duration": 1,
        "eval_duration": 1,
    }
    last = {**head, "message": {"role": "assistant", "content": ""}, "done": True, **counts}
    yield f"{_dump(last)}\n".encode()


def _openai_refusal(message: str) -> dict[str, Any]:
    code = "context_length_exceeded" if "context length" in message else "invalid_request_error"
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


WIRES = {
    "messages": Wire(
        path="/v1/messages",
        kind="text/event-stream",
        read=_read_messages,
        write=_write_messages,
        refusal=lambda said: {"type": "error", "error": {"type": "invalid_request_error", "message": said}},
        overflow="input length and `max_tokens` exceed context limit: {tokens} + {output} > {window}, "
        "decrease input length or `max_tokens` and try again",
    ),
    "chat": Wire(
        path="/v1/chat/completions",
        kind="text/event-stream",
        read=_read_chat,
        write=_write_chat,
        refusal=_openai_refusal,
        overflow="This model's maximum context length is {window} tokens. However, you requested {output} "
        "output tokens and your prompt contains {tokens} input tokens. Please reduce the length of the "
        "input prompt or the number of requested output tokens.",
    ),
    "ollama": Wire(
        path="/api/chat",
        kind="application/x-ndjson",
        read=_read_ollama,
        write=_write_ollama,
        refusal=lambda said: {"error": said},
        overflow="the input length exceeds the context length",
        caches=False,
    ),
}
