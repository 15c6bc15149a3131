"""What is known of models: windows, limits, prices and abilities, from a file and the user's rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec

from akmon_core.limits import FIRST_TOKEN_SECONDS, LOCAL_FIRST_TOKEN_SECONDS
from akmon_core.models import ModelFacts, ModelRow, Prices

UNKNOWN_WINDOW = 32_768
"""Assumed of a model that is not in the catalog: most servers that run such models give at least this."""
UNKNOWN_OUTPUT = 8_192
OUTPUT_SHARE = 4
"""A reply is given at most this part of the window: a quarter."""

_BEDROCK = re.compile(
    r"(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?"
    r"(?:anthropic|amazon|meta|mistral|deepseek|openai|qwen|moonshot|minimax|zai)\."
)
"""What Bedrock's ids put before a model's name: where it runs, and whose it is."""


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    date: str
    """When the rows were last compared with what the providers publish."""
    defaults: dict[str, str]
    """The model that a provider is asked for when none is named."""
    model: tuple[ModelRow, ...]


@cache
def catalog() -> Catalog:
    """The catalog that comes with this version."""
    text = Path(__file__).with_name("catalog.toml").read_bytes()
    return msgspec.toml.decode(text, type=Catalog)


def row(provider: str, model: str, rows: Sequence[ModelRow] = ()) -> ModelRow:
    """What is known of ``model``: each field from the first row that says it, ``rows`` before the catalog.

    A price that holds at other providers is left out.
    """
    known: dict[str, object] = {"match": model}
    for each in (*rows, *catalog().model):
        if matches(each, model):
            for field in each.__struct_fields__:
                value = getattr(each, field)
                if value is None or (field == "price" and each.provider not in (None, provider)):
                    continue
                known.setdefault(field, value)
    return msgspec.convert(known, ModelRow)


def matches(known: ModelRow, model: str) -> bool:
    """Whether a row is about ``model``, with or without the organisation that stands before its name."""
    whole = model.lower()
    name = _BEDROCK.sub("", whole.rsplit("/", 1)[-1])
    return any(fnmatchcase(each, known.match.lower()) for each in (whole, name))


def facts(provider: str, model: str, rows: Sequence[ModelRow] = ()) -> ModelFacts:
    """What is known of ``model`` at ``provider``; ``rows`` are the user's own."""
    return facts_of(provider, model, row(provider, model, rows))


def facts_of(provider: str, model: str, known: ModelRow) -> ModelFacts:
    window = known.window or UNKNOWN_WINDOW
    prices = None
    if known.price is not None:
        prices = Prices(
            input=known.price[0],
            output=known.price[1],
            cache_read=known.price[2],
            cache_write=known.price[3],
        )
    local = provider in ("ollama", "openai-compatible")
    return ModelFacts(
        provider=provider,
        id=model,
        context_window=window,
        max_output=min(known.output or UNKNOWN_OUTPUT, window // OUTPUT_SHARE),
        prices=prices,
        reports_cost=provider == "openrouter",
        caches=provider not in ("groq", "ollama"),
        images=known.images is not False,
        edit_format=known.edit or "replace",
        first_token_seconds=LOCAL_FIRST_TOKEN_SECONDS if local else FIRST_TOKEN_SECONDS,
    )
