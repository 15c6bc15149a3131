"""What a model is to the engine: a request goes in, stream events come out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from akmon_core.messages import Message
from akmon_core.stream import StreamEvent, Usage
from akmon_core.tools import ToolSpec


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float

    def cost(self, usage: Usage) -> float:
        """The price of ``usage`` in US dollars."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_tokens * self.cache_write
        ) / 1_000_000


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model before it is asked anything."""

    provider: str
    id: str
    context_window: int
    """Tokens that a request and its reply may use together."""
    max_output: int
    """Tokens that a reply may use."""
    prices: Prices | None = None
    """None is unpriced, which is not free."""


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model. ``system`` and ``tools`` stay the same from call to call, so that caches hold."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    session: str = ""


class Model(Protocol):
    """A model at a provider.

    ``stream`` yields deltas and, last, exactly one ``ReplyDone``; anything else that ends it is a
    ``ProviderError``. Closing the iterator closes the connection.
    """

    @property
    def facts(self) -> ModelFacts: ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]: ...

    async def close(self) -> None: ...
