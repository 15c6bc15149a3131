"""What every provider must do to a history before a server accepts it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from akmon_core.messages import Image, Message, Text, ToolResult, User

REASONING_FIELDS = ("reasoning_content", "reasoning")
"""Fields in which servers show reasoning in Chat Completions. As a ``Thinking`` part's signature, the field
that it came in; in journals of earlier versions nothing else tells its protocol."""

ID_CHARS = 64
"""The longest call id that every server takes."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_BAD = re.compile(r"[^a-zA-Z0-9_-]")


def sendable_arguments(arguments: str) -> str:
    """``arguments`` itself if it is a JSON object, otherwise an object that holds it as text.

    A model may write invalid JSON. It reads its own mistake in the history, but servers refuse
    a request in which such text stands where they expect an object: OpenAI-compatible ones parse it
    for their prompt templates, Anthropic takes no string at all.
    """
    if not arguments.strip():
        return "{}"
    try:
        parsed: Any = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        parsed = None
    if isinstance(parsed, dict):
        return arguments
    return msgspec.json.encode({"unparsed_arguments": arguments}).decode()


def sendable_name(name: str) -> str:
    """``name`` as every server accepts it: a model may call a tool by a name that no tool can have."""
    return name if _NAME.match(name) else _BAD.sub("_", name)[:64] or "unnamed"


class CallIds:
    """Call ids as every server takes them: of plain characters, not too long, each only once in a history.

    Histories of other servers may hold ids such as ``functions.read:0``, or ``call_0`` in every reply.
    """

    def __init__(self) -> None:
        self._uses: dict[str, int] = {}
        self._taken: set[str] = set()
        self._sent: dict[str, str] = {}

    def of_call(self, call_id: str) -> str:
        """The id to send for a call; the calls of a history are asked for in its order."""
        plain = own = _plain_id(call_id)
        while own in self._taken:
            self._uses[plain] = number = self._uses.get(plain, 1) + 1
            own = f"{plain[: ID_CHARS - 1 - len(str(number))]}-{number}"
        self._taken.add(own)
        self._sent[call_id] = own
        return own

    def of_result(self, call_id: str) -> str:
        """The id of the last call before it that had this one."""
        return self._sent.get(call_id) or _plain_id(call_id)


def _plain_id(call_id: str) -> str:
    return _BAD.sub("_", call_id)[:ID_CHARS] or "call"


def without_images(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """``messages`` for a model that cannot look at images: text that says so stands in their place."""
    return tuple(_without_images(message) for message in messages)


def _without_images(message: Message) -> Message:
    match message:
        case User(parts) if any(isinstance(part, Image) for part in parts):
            return User(tuple(Text(_unseen(part)) if isinstance(part, Image) else part for part in parts))
        case ToolResult(images=images) if images:
            said = (message.text, *map(_unseen, images))
            return msgspec.structs.replace(message, text="\n\n".join(filter(None, said)), images=())
    return message


def _unseen(image: Image) -> str:
    return f"[an image ({image.media_type}) that you cannot see: this model takes text only]"
