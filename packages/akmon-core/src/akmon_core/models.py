"""What a model is to the engine: a request goes in, stream events come out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, Protocol, TypeAlias

import msgspec

from akmon_core.limits import FIRST_TOKEN_SECONDS
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


Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a model may think before it answers. Each model takes only some of these."""

EditFormat: TypeAlias = Literal["replace", "patch"]
"""How a model is best at changing files: by exact replacements, or by context-anchored patches."""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model before it is asked anything."""

    provider: str
    id: str
    context_window: int
    """Tokens that a request and its reply may use together."""
    max_output: int
    """Tokens that a reply may use: at most a quarter of the window, so that a prompt always fits."""
    prices: Prices | None = None
    """None is unpriced, which is not free."""
    reports_cost: bool = False
    """Whether the server tells what each reply cost."""
    caches: bool = True
    """Whether the provider reads a prompt's known prefix from a cache."""
    images: bool = True
    """Whether the model can look at images."""
    edit_format: EditFormat = "replace"
    first_token_seconds: float = FIRST_TOKEN_SECONDS
    """How long the first sign of a reply may take: a local model may have to be loaded."""

    @property
    def priced(self) -> bool:
        return self.prices is not None or self.reports_cost


class ModelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a catalog says of the models that it matches. A field that is None is left to other rows."""

    match: str
    """An id or a glob over ids, in lower case, also over what follows an id's last slash."""
    provider: str | None = None
    """Where ``price`` holds; None is everywhere."""
    window: int | None = None
    """Tokens."""
    output: int | None = None
    """Tokens."""
    price: tuple[float, float, float, float] | None = None
    """US dollars per million tokens: input, output, cache read, cache write."""
    images: bool | None = None
    api: Literal["chat", "responses"] | None = None
    """The protocol of OpenAI's in which the model is asked where a server speaks both."""
    thinking: Literal["none", "budget", "adaptive", "bound", "effort"] | None = None
    """How reasoning is asked for: not at all, by a budget of tokens, adaptively, adaptively with thoughts
    that are bound to the conversation before them, or by effort alone."""
    efforts: tuple[Effort, ...] | None = None
    """What the model takes; an empty list is none, unknown passes any on."""
    output_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The parameter of Chat Completions that limits a reply."""
    edit: EditFormat | None = None


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model. ``system`` and ``tools`` stay the same from call to call, so that caches hold."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    session: str = ""
    agent: str = ""
    """The path of the sub-agent that asks; empty is the main agent."""
    purpose: Literal["reply", "summary"] = "reply"
    number: int = 1
    """Which reply of the agent this will be, counted from 1. A summary is none."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a provider's own list has it."""

    id: str
    context_window: int | None = None
    """Tokens, if the server says so."""
    detail: str = ""
    """What else a person may want to know, such as a size on disk."""


class Model(Protocol):
    """A model at a provider.

    ``stream`` yields deltas and, last, exactly one ``ReplyDone``; anything else that ends it is a
    ``ProviderError``. Closing the iterator closes the connection.
    """

    @property
    def facts(self) -> ModelFacts:
        """Of the model that is being asked: it may become another one after a ``Retrying`` that names it."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]: ...

    async def close(self) -> None: ...
