"""What each provider lists, live or from the catalog: for ``akmon models`` and for the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from akmon_core.errors import AkmonError, SettingsError
from akmon_core.models import Effort, Listed, ModelRow, Prices
from akmon_models.backend import ACCESS, Backend
from akmon_models.catalog import catalog, facts_of, row
from akmon_models.registry import list_models
from akmon_models.rules import RULES, configured, missing

LIST_SECONDS = 10.0
"""How long a provider may take to list its models."""
PROBE_SECONDS = 2.0
"""How long an Ollama of which nothing is said may take to show that it is there."""

Ask = Callable[[str, Backend], Awaitable[list[Listed] | None]]
"""Gives what a provider lists, None if it has no list. Raises ``AkmonError``."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it is shown. What nobody knows is None."""

    model: str
    """As ``--model`` takes it."""
    provider: str
    id: str
    source: Literal["live", "catalog"]
    context_window: int | None
    max_output: int | None
    prices: Prices | None
    """US dollars per million tokens; None is unpriced, which is not free."""
    images: bool | None
    thinking: str | None
    """How reasoning is asked for."""
    efforts: tuple[Effort, ...] | None
    """What may be chosen of it."""
    detail: str


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    entries: tuple[Entry, ...] = ()
    note: str = ""
    """Why the list comes from the catalog, or is empty."""
    problem: str = ""
    """Why there is none."""


async def list_all(
    known: Mapping[str, Backend],
    provider: str = "",
    *,
    rows: Sequence[ModelRow] = (),
    ask: Ask = list_models,
    local: str = ACCESS["ollama"].address,
    seconds: float = LIST_SECONDS,
) -> list[Listing]:
    """What ``provider``, or else each configured one, has: all are asked at the same time.

    An Ollama at ``local`` is asked as well if it runs, though nothing is said of it.
    Raises ``SettingsError`` for a provider that has no models to list.
    """
    if provider and provider not in ACCESS:
        raise SettingsError(f"{provider} has no list of models. Use one of {', '.join(ACCESS)}.")
    if provider:
        asked = {provider: known.get(provider, Backend())}
    else:
        asked = {name: known[name] for name in ACCESS if name in known and configured(name, known[name])}
        if "ollama" not in asked and await _listens(local):
            asked["ollama"] = Backend(base_url=local)
    return await asyncio.gather(
        *(_list(name, backend, rows, ask, seconds) for name, backend in asked.items())
    )


async def _listens(address: str) -> bool:
    """Whether a server takes connections at ``address``: found out without loading what speaks to it."""
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _list(
    provider: str, backend: Backend, rows: Sequence[ModelRow], ask: Ask, seconds: float
) -> Listing:
    if unset := missing(provider, backend):
        why = f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set"
        return from_catalog(provider, rows, why)
    try:
        async with asyncio.timeout(seconds):
            listed = await ask(provider, backend)
    except TimeoutError:
        problem = (
            f"{provider} did not list its models within {seconds:g} seconds. "
            f"Check the network and the address ({ACCESS[provider].url})."
        )
        return Listing(provider=provider, problem=problem)
    except AkmonError as error:
        return Listing(provider=provider, problem=f"the models of {provider} cannot be listed: {error}")
    if listed is None:
        return from_catalog(provider, rows, "its server lists none")
    entries = sorted((_entry(provider, each, rows, "live") for each in listed), key=lambda each: each.model)
    note = "" if entries else f"{provider} lists no models."
    return Listing(provider=provider, entries=tuple(entries), note=note)


def from_catalog(provider: str, rows: Sequence[ModelRow], why: str) -> Listing:
    """The ids that rows about ``provider`` name, or the beginnings of ids; other patterns name none."""
    names = [
        known.match.removesuffix("*") for known in (*rows, *catalog().model) if known.provider == provider
    ]
    default = [catalog().defaults[provider]] if provider in catalog().defaults else []
    ids = [name for name in names if not set(name) & set("*?[") and RULES[provider](name, {}).model]
    entries = [
        _entry(provider, Listed(id=each), rows, "catalog") for each in sorted(dict.fromkeys([*default, *ids]))
    ]
    what = f"the models of {provider} are taken from the catalog of {catalog().date}"
    if not entries:
        what = f"no models of {provider} are known, name one all the same as {provider}/ID"
    return Listing(provider=provider, entries=tuple(entries), note=f"{what} ({why})")


def _entry(
    provider: str, listed: Listed, rows: Sequence[ModelRow], source: Literal["live", "catalog"]
) -> Entry:
    known = row(provider, listed.id, rows)
    return Entry(
        model=f"{provider}/{listed.id}",
        provider=provider,
        id=listed.id,
        source=source,
        context_window=listed.context_window or known.window,
        max_output=known.output,
        prices=facts_of(provider, listed.id, known).prices,
        images=known.images,
        thinking=known.thinking,
        efforts=known.efforts,
        detail=listed.detail,
    )
