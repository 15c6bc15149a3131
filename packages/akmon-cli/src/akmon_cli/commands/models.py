"""``akmon models``: the models of each configured provider, as ``--model`` takes them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, MODEL, Parser
from akmon_cli.backends import backends
from akmon_cli.compose import load_settings
from akmon_cli.folders import change_folder
from akmon_cli.listing import Entry, Listing, list_all
from akmon_cli.streams import print_json
from akmon_core.text import neutralise, one_line


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
