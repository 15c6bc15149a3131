"""A prompt as any provider reads it, whatever its protocol, and the rules that all of them hold it to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


class Refused(Exception):
    """A request that breaks a rule."""


@dataclass(frozen=True)
class Said:
    text: str


@dataclass(frozen=True)
class Called:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Result:
    id: str
    text: str


Part = Said | Called | Result


@dataclass
class Message:
    role: str
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Prompt:
    system: str
    tools: tuple[str, ...]
    """Each as JSON, with what its protocol puts around it."""
    names: tuple[str, ...]
    messages: tuple[Message, ...]
    max_tokens: int

    @property
    def said(self) -> list[str]:
        """Texts in the user's place."""
        return [
            part.text
            for message in self.messages
            if message.role == "user"
            for part in message.parts
            if isinstance(part, Said)
        ]


_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def require(true: object, rule: str) -> None:
    if not true:
        raise Refused(rule)


def check(prompt: Prompt) -> None:
    """Raises ``Refused`` unless roles alternate, calls and results are pairs, and nothing is empty."""
    messages = prompt.messages
    require(messages and messages[0].role == "user", "messages: the first message is the user's")
    require(messages[-1].role == "user", "messages: the last message is the user's")
    require(prompt.tools, "tools: there are none")
    require(len(set(prompt.names)) == len(prompt.names), "tools: names must be unique")
    require(all(map(_NAME.match, prompt.names)), "tools: a name has other characters")
    require(prompt.max_tokens > 0, "max_tokens: must be positive")
    waiting: list[str] = []
    ids: set[str] = set()
    for at, message in enumerate(messages):
        require(message.role == ("user", "assistant")[at % 2], f"messages.{at}: roles must alternate")
        require(message.parts, f"messages.{at}: content must not be empty")
        blank = any(isinstance(part, Said) and not part.text.strip() for part in message.parts)
        require(not blank, f"messages.{at}: text must not be blank")
        if message.role == "user":
            _check_results(at, message.parts, waiting)
            waiting = []
        else:
            waiting = _check_calls(at, message.parts, ids)
    require(not waiting, f"calls without results: {waiting}")


def _check_results(at: int, parts: Sequence[Part], waiting: list[str]) -> None:
    results = [part.id for part in parts if isinstance(part, Result)]
    require(
        results == waiting, f"messages.{at}: results {results} must be those of the calls before: {waiting}"
    )
    require(
        all(isinstance(part, Result) for part in parts[: len(results)]), f"messages.{at}: results come first"
    )
    require(not any(isinstance(part, Called) for part in parts), f"messages.{at}: a call of the user")


def _check_calls(at: int, parts: Sequence[Part], ids: set[str]) -> list[str]:
    require(not any(isinstance(part, Result) for part in parts), f"messages.{at}: a result of the assistant")
    calls = [part for part in parts if isinstance(part, Called)]
    for call in calls:
        require(_NAME.match(call.id), f"messages.{at}: the id {call.id!r} has other characters")
        require(_NAME.match(call.name), f"messages.{at}: the name {call.name!r} has other characters")
        require(call.id not in ids, f"messages.{at}: ids must be unique: {call.id}")
        require(isinstance(call.arguments, dict), f"messages.{at}: arguments must be an object")
        ids.add(call.id)
    return [call.id for call in calls]
