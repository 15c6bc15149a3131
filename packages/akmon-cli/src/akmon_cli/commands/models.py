"""``akmon models``: the models of each configured provider, as ``--model`` takes them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, MODEL, Parser
from akmon_cli.backends import backends
from akmon_cli.compose import change_folder, load_settings
from akmon_cli.streams import print_json
from akmon_core.errors import AkmonError, SettingsError
from akmon_core.models import Listed, ModelRow, Prices
from akmon_core.text import neutralise, one_line
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
    detail: str


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    entries: tuple[Entry, ...] = ()
    note: str = ""
    """Why the list comes from the catalog, or is empty."""
    problem: str = ""
    """Why there is none."""


def parser() -> Parser:
    parser = Parser(prog="akmon models", description="List the models of the providers that are configured.")
    parser.add((*COMMON, *(option for option in MODEL if option[0][-1] in _TAKEN)))
    parser.add_argument("filter", nargs="?", default="", help="only models with this in their name")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


_TAKEN = ("--provider", "--bedrock", "--openai-compatible-url", "--openai-compatible-key")


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    loaded = load_settings(options)
    for warning in loaded.warnings:
        print(f"akmon: {warning}", file=sys.stderr)
    settings = loaded.settings
    listings = asyncio.run(list_all(backends(settings), options.provider or "", rows=settings.models))
    for listing in listings:
        if said := listing.problem or listing.note:
            print(f"akmon: {neutralise(said)}", file=sys.stderr)
    wanted = options.filter.lower()
    entries = [each for listing in listings for each in listing.entries if wanted in each.model.lower()]
    if options.json:
        print_json(entries)
    elif entries:
        print(neutralise("\n".join(_table(entries))))
    return exitcodes.OK if any(listing.entries for listing in listings) else _nothing(listings)


def _nothing(listings: Sequence[Listing]) -> int:
    if not listings:
        print(
            "akmon: no provider is configured, and no Ollama answers here. Set a key, such as "
            "ANTHROPIC_API_KEY, or see what is known: akmon models --provider anthropic",
            file=sys.stderr,
        )
    return exitcodes.ERROR


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
        return _from_catalog(provider, rows, why)
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
        return _from_catalog(provider, rows, "its server lists none")
    entries = sorted((_entry(provider, each, rows, "live") for each in listed), key=lambda each: each.model)
    note = "" if entries else f"{provider} lists no models."
    return Listing(provider=provider, entries=tuple(entries), note=note)


def _from_catalog(provider: str, rows: Sequence[ModelRow], why: str) -> Listing:
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
        detail=listed.detail,
    )


def _table(entries: Sequence[Entry]) -> list[str]:
    head = ("model", "window", "output", "$ per million in / out", "takes", "from", "")
    rows = [head, *map(_row, entries)]
    widths = [max(len(each[column]) for each in rows) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip()
        for each in rows
    ]


def _row(entry: Entry) -> tuple[str, ...]:
    prices = entry.prices
    able = ("images" if entry.images else "", "thinking" if entry.thinking not in (None, "none") else "")
    return (
        one_line(entry.model, 200),
        _count(entry.context_window),
        _count(entry.max_output),
        f"{prices.input:g} / {prices.output:g}" if prices else "unpriced",
        ", ".join(filter(None, able)),
        entry.source,
        one_line(entry.detail, 100),
    )


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"
