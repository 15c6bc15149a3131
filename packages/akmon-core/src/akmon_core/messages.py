"""What is said in a conversation: parts, and the messages made of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Literal, TypeAlias

import msgspec


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Plain text, which may be Markdown."""

    text: str


class Thinking(msgspec.Struct, frozen=True, tag="thinking", omit_defaults=True):
    """Reasoning that the model showed. ``signature`` is the provider's proof, sent back unchanged."""

    text: str
    signature: str = ""
    redacted: bool = False
    """True if ``signature`` holds encrypted reasoning and ``text`` is empty."""
    origin: str = ""
    """The protocol that it came in, the only one in which it may go back: ``messages``, ``chat``,
    ``responses``, ``converse``, ``ollama``."""


class Image(msgspec.Struct, frozen=True, tag="image"):
    """A picture, such as one of media type ``image/png``."""

    media_type: str
    data: str
    """Base64."""


class ToolCall(msgspec.Struct, frozen=True, tag="call"):
    """A tool call as the model wrote it. ``arguments`` is its raw JSON text, which may be invalid."""

    id: str
    name: str
    arguments: str


StopReason: TypeAlias = Literal["end", "tools", "length", "refused", "interrupted"]


Speaker: TypeAlias = Literal["person", "akmon", "summary"]


class User(msgspec.Struct, frozen=True, tag="user", omit_defaults=True):
    """What a person says, or akmon itself in the same place: a note, or the summary of what was before."""

    parts: tuple[Text | Image, ...]
    by: Speaker = "person"
    record: int = 0
    """Number of the journal record that holds it whole; 0 is unknown."""

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))


class Assistant(msgspec.Struct, frozen=True, tag="assistant"):
    """A reply of the model, and why it ended there."""

    parts: tuple[Text | Thinking | ToolCall, ...]
    stop: StopReason = "end"

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class ToolResult(msgspec.Struct, frozen=True, tag="result", omit_defaults=True):
    """What the model reads of one call: exactly one per call."""

    call_id: str
    text: str
    error: bool = False
    images: tuple[Image, ...] = ()
    record: int = 0
    """Number of the journal record that holds it whole; 0 is unknown."""


Message: TypeAlias = User | Assistant | ToolResult


class Pin(msgspec.Struct, frozen=True):
    """Text that stays in the conversation verbatim, whatever else is left out. An empty one removes it."""

    name: str
    text: str


def note(text: str) -> User:
    """What akmon itself says to the model."""
    return User((Text(text),), by="akmon")


def distinct_calls(message: Assistant) -> Assistant:
    """``message`` with an id of its own for every call, as answers and results are told apart by it."""
    ids = [call.id for call in message.calls]
    if len(set(ids)) == len(ids) and all(ids):
        return message
    taken: set[str] = set()
    parts: list[Text | Thinking | ToolCall] = []
    for part in message.parts:
        if isinstance(part, ToolCall):
            own = next(id_ for id_ in _candidates(part.id or "call") if id_ not in taken)
            taken.add(own)
            part = msgspec.structs.replace(part, id=own)
        parts.append(part)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _candidates(wanted: str) -> Iterator[str]:
    yield wanted
    for number in count(2):
        yield f"{wanted}_{number}"
