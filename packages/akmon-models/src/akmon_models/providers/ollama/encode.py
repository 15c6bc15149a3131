"""Encodes a request for Ollama's chat. Pure, and byte-stable from its start to its last message."""

from __future__ import annotations

from typing import Any

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolResult, User
from akmon_core.models import Effort, ModelRequest
from akmon_models.history import CallIds, sendable_arguments, sendable_name

_encoder = msgspec.json.Encoder()

_LEVELS: dict[Effort, str] = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}
"""For models that cannot stop thinking; a higher effort is ``high``."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a body holds besides the conversation; the same in each request of a session."""

    model: str
    num_ctx: int
    """Tokens of the window. Ollama's own default depends on the machine, and is 4,096 on most."""
    num_predict: int
    """Tokens that a reply may have."""
    think: bool | str | None = None
    """None leaves it to the model: those that can think do."""
    keep_alive: str | float | None = None
    """How long the model stays in memory: seconds, or a text such as ``10m``. None is Ollama's 5 minutes."""


class _Function(msgspec.Struct):
    name: str
    arguments: msgspec.Raw


class _Call(msgspec.Struct):
    id: str
    function: _Function


class _Assistant(msgspec.Struct, tag_field="role", tag="assistant", omit_defaults=True):
    content: str
    thinking: str = ""
    tool_calls: list[_Call] = []


class _User(msgspec.Struct, tag_field="role", tag="user", omit_defaults=True):
    content: str
    images: list[str] = []


class _Tool(msgspec.Struct, tag_field="role", tag="tool"):
    tool_name: str
    tool_call_id: str
    content: str


class _System(msgspec.Struct, tag_field="role", tag="system"):
    content: str


def think(effort: Effort | None, model: str) -> bool | str | None:
    """The parameter ``think`` for an effort. Only gpt-oss knows degrees, and it always thinks."""
    if effort is None:
        return None
    if model.rsplit("/", 1)[-1].lower().startswith("gpt-oss"):
        return _LEVELS.get(effort, "high")
    return effort != "none"


def encode(request: ModelRequest, parameters: Parameters) -> bytes:
    """The body of ``POST /api/chat``: parameters, tools, system prompt, then the messages."""
    body: dict[str, Any] = {"model": parameters.model, "stream": True}
    if parameters.think is not None:
        body["think"] = parameters.think
    if parameters.keep_alive is not None:
        body["keep_alive"] = parameters.keep_alive
    # A prompt that does not fit shall be refused: Ollama would drop its start, and say nothing.
    body |= {"truncate": False, "shift": False}
    body["options"] = {"num_ctx": parameters.num_ctx, "num_predict": parameters.num_predict}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": t.parameters},
            }
            for t in request.tools
        ]
    system = [_System(request.system)] if request.system else []
    body["messages"] = [*system, *_Messages().of(request.messages)]
    return _encoder.encode(body)


class _Messages:
    """The messages of one body, and what later ones must know of earlier ones."""

    def __init__(self) -> None:
        self._messages: list[_User | _Assistant | _Tool] = []
        self._said: list[Text | Image] = []
        """Of the user, not sent yet. Neighbouring messages become one: some templates insist on turns."""
        self._ids = CallIds()
        self._names: dict[str, str] = {}

    def of(self, history: tuple[Message, ...]) -> list[_User | _Assistant | _Tool]:
        for message in history:
            match message:
                case User(parts):
                    self._said.extend(parts or (Text(""),))
                case ToolResult():
                    self._result(message)
                case Assistant():
                    self._reply(message)
        self._flush()
        return self._messages

    def _result(self, result: ToolResult) -> None:
        """The images of results follow as if the user had sent them: few templates show them in results."""
        call_id = self._ids.of_result(result.call_id)
        name = self._names.get(result.call_id, "unnamed")
        self._messages.append(_Tool(name, call_id, _result_text(result)))
        if result.images:
            self._said.extend((Text(f"The images that call {call_id} returned:"), *result.images))

    def _reply(self, reply: Assistant) -> None:
        if not reply.calls and not reply.text:
            return
        self._flush()
        calls = [
            _Call(
                self._ids.of_call(call.id),
                _Function(sendable_name(call.name), msgspec.Raw(sendable_arguments(call.arguments))),
            )
            for call in reply.calls
        ]
        self._names |= {call.id: sendable_name(call.name) for call in reply.calls}
        thoughts = "".join(p.text for p in reply.parts if isinstance(p, Thinking) and p.origin == "ollama")
        self._messages.append(_Assistant(reply.text, thoughts if calls else "", calls))

    def _flush(self) -> None:
        """What was said goes behind the results of the calls before it."""
        if not self._said:
            return
        text = "\n\n".join(part.text for part in self._said if isinstance(part, Text) and part.text.strip())
        images = [part.data for part in self._said if isinstance(part, Image)]
        self._messages.append(_User(text if text or images else "(empty message)", images))
        self._said.clear()


def _result_text(result: ToolResult) -> str:
    """The protocol cannot mark a result as an error, so its text must say so."""
    if result.error and not result.text.lower().startswith("error"):
        return f"Error: {result.text}"
    return result.text or "(no output)"
