"""What a model says while it speaks: pieces, and at the end the whole reply."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from akmon_core.messages import Assistant


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one or more calls. ``input_tokens`` excludes what was read from or written to a cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
        )

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def total_tokens(self) -> int:
        """Prompts and replies."""
        return self.prompt_tokens + self.output_tokens


class TextDelta(msgspec.Struct, frozen=True, tag="text_delta"):
    """More of the reply's text."""

    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, tag="thinking_delta"):
    """More of the reasoning that the model shows."""

    text: str


class CallDelta(msgspec.Struct, frozen=True, tag="call_delta"):
    """More of the arguments of the reply's ``index``-th call; ``name`` comes with its first delta."""

    index: int
    name: str
    arguments: str


class UsageSeen(msgspec.Struct, frozen=True, tag="usage_seen"):
    """The usage of this reply so far. Cumulative: a later one replaces an earlier one."""

    usage: Usage
    cost: float | None = None
    """US dollars as the server itself counts them, if it does."""


class Retrying(msgspec.Struct, frozen=True, tag="retrying"):
    """The call failed and will be made again: once when the wait begins, then each second of it.

    Text that was streamed stays, and the next attempt goes on behind it. Calls and thinking are void.
    """

    attempt: int
    """The attempt that is to come, counted from 1."""
    attempts: int
    wait: float
    """Seconds from the failure to then."""
    reason: str
    passed: float = 0.0
    """Seconds of it that have passed: 0 in the first of these events."""
    model: str = ""
    """``provider/id`` of the model that takes over, if another one does."""


class ReplyDone(msgspec.Struct, frozen=True, tag="reply_done"):
    """The whole reply, and what the request that ended with it took: the last event of a stream."""

    message: Assistant
    usage: Usage
    cost: float | None = None
    """US dollars as the server itself counts them, if it does."""
    id: str = ""
    """The response's id at the provider, if it has one."""


StreamEvent: TypeAlias = TextDelta | ThinkingDelta | CallDelta | UsageSeen | Retrying | ReplyDone
