"""What every provider must do to a history before a server accepts it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

REASONING_FIELDS = ("reasoning_content", "reasoning")
"""Fields in which OpenAI-compatible servers show reasoning. As a ``Thinking`` part's signature, the field
that it came in and goes back in; servers of other providers are not sent such a part."""

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
