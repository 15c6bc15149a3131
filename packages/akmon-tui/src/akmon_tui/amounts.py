"""Tokens and money in a few words. Pure."""

from __future__ import annotations

from akmon_core.spending import Spent
from akmon_core.stream import Usage


def spent(what: Spent) -> str:
    """Tokens and cost in a few words."""
    usage = what.usage
    cached = f" ({usage.cache_read_tokens:,} cached)" if usage.cache_read_tokens else ""
    return f"{usage.prompt_tokens:,} in{cached}, {usage.output_tokens:,} out, {dollars(what)}"


def dollars(what: Spent) -> str:
    """What it cost, or that nobody knows."""
    if what.cost is None:
        return "unpriced"
    return "no cost" if what.usage == Usage() else f"${what.cost:.4f}"
