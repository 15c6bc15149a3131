"""The models to choose from: what the providers list, and what the catalog knows of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from akmon_cli.listing import Ask, Entry, Listing, from_catalog, list_all
from akmon_core.models import ModelRow, Prices
from akmon_core.text import one_line
from akmon_models.backend import ACCESS, Backend
from akmon_models.registry import list_models
from akmon_models.rules import missing
from akmon_tui.services import ModelChoice

LIST_SECONDS = 8.0
"""How long a provider may take: a person waits."""


async def model_choices(
    known: Mapping[str, Backend],
    rows: Sequence[ModelRow] = (),
    *,
    ask: Ask = list_models,
    local: str = ACCESS["ollama"].address,
    seconds: float = LIST_SECONDS,
) -> list[ModelChoice]:
    """The models of all providers: first those that can be asked, then what the catalog has of the others.

    All are asked at the same time. Of a provider that does not list its models ``detail`` says why, and of
    one that cannot be used ``missing``.
    """
    listings = await list_all(known, rows=rows, ask=ask, local=local, seconds=seconds)
    asked = {listing.provider for listing in listings}
    others = [
        _unlisted(name, known.get(name, Backend()), rows)
        for name in ACCESS
        if name not in asked and name != "ollama"
    ]
    usable = [each for listing in listings if listing.entries for each in _choices(listing)]
    failed = [
        each
        for listing in listings
        if not listing.entries
        for each in _choices(from_catalog(listing.provider, rows, ""), listing.problem or listing.note)
    ]
    return [*usable, *failed, *(each for choices in others for each in choices)]


def _unlisted(provider: str, backend: Backend, rows: Sequence[ModelRow]) -> list[ModelChoice]:
    """What is known of a provider that was not asked, and what it lacks."""
    unset = missing(provider, backend)
    lacks = f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set" if unset else ""
    return [
        _choice(entry, "" if lacks else "not chosen", lacks)
        for entry in from_catalog(provider, rows, "").entries
    ]


def _choices(listing: Listing, why: str = "") -> list[ModelChoice]:
    return [_choice(entry, why) for entry in listing.entries]


def _choice(entry: Entry, why: str, lacks: str = "") -> ModelChoice:
    thinks = entry.thinking not in (None, "none")
    able = (("images", bool(entry.images)), ("thinking", thinks))
    return ModelChoice(
        provider=entry.provider,
        id=one_line(entry.id, 200),
        window=entry.context_window or 0,
        price=_price(entry.prices),
        abilities=tuple(name for name, has in able if has),
        efforts=entry.efforts or (),
        detail=one_line(why or entry.detail, 200),
        missing=lacks,
    )


def _price(prices: Prices | None) -> str:
    return f"${prices.input:g} in, ${prices.output:g} out" if prices else ""
