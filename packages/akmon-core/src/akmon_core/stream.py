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


class Retrying(msgspec.Struct, frozen=True, tag="retrying"):
    """The call failed and will be made again; what it had streamed so far is void."""

    attempt: int
    """The attempt that is to come, counted from 1."""
    attempts: int
    wait: float
    """Seconds until then."""
    reason: str


class ReplyDone(msgspec.Struct, frozen=True, tag="reply_done"):
    """The whole reply, and the tokens that it took: the last event of a stream."""

    message: Assistant
    usage: Usage


StreamEvent: TypeAlias = TextDelta | ThinkingDelta | CallDelta | UsageSeen | Retrying | ReplyDone
