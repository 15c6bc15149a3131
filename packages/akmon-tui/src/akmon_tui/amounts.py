"""Tokens, money and time in a few words. Pure."""

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


def short(tokens: int) -> str:
    """A number of tokens in about four characters: ``840``, ``1.2k``, ``84k``, ``1.3M``."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if tokens >= size:
            number = tokens / size
            return f"{number:.1f}{unit}" if number < 9.95 else f"{number:.0f}{unit}"
    return str(tokens)


def elapsed(seconds: float) -> str:
    """A time such as ``12 s``, ``3 min 05 s``, ``2 h 07 min``; whole units, none below 0."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
