"""What is known of models: context window, output limit and prices, from ``catalog.toml``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec

from akmon_core.models import ModelFacts, Prices

UNKNOWN_WINDOW = 32_768
"""Assumed of a model that is not in the catalog: most servers that run such models give at least this."""
UNKNOWN_OUTPUT = 8_192


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row: ``match`` is an id or a glob over ids, also over what follows a last slash."""

    match: str
    window: int
    output: int
    provider: str = ""
    """Where ``price`` holds."""
    price: tuple[float, float, float, float] | None = None
    """US dollars per million tokens: input, output, cache read, cache write."""
    chat_effort: str = ""
    """The ``reasoning_effort`` without which OpenAI refuses tools in Chat Completions."""


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    date: str
    """When the rows were last compared with what the providers publish."""
    defaults: dict[str, str]
    """The model that a provider is asked for when none is named."""
    model: tuple[Row, ...]


@cache
def catalog() -> Catalog:
    """The catalog that comes with this version."""
    text = Path(__file__).with_name("catalog.toml").read_bytes()
    return msgspec.toml.decode(text, type=Catalog)


def row(model: str) -> Row | None:
    """The first row that matches ``model``, with or without an organisation before a slash."""
    name = model.rsplit("/", 1)[-1].lower()
    whole = model.lower()
    return next(
        (r for r in catalog().model if fnmatchcase(whole, r.match) or fnmatchcase(name, r.match)), None
    )


def facts(provider: str, model: str) -> ModelFacts:
    """What is known of ``model`` at ``provider``. A price holds only at the provider that asks it."""
    known = row(model) or Row(match=model, window=UNKNOWN_WINDOW, output=UNKNOWN_OUTPUT)
    prices = None
    if known.price is not None and known.provider == provider:
        prices = Prices(
            input=known.price[0],
            output=known.price[1],
            cache_read=known.price[2],
            cache_write=known.price[3],
        )
    return ModelFacts(
        provider=provider,
        id=model,
        context_window=known.window,
        max_output=min(known.output, known.window // 4),
        prices=prices,
    )
