"""Counts the tokens and the cost of one reply from what servers report, however often they do. Pure."""

from __future__ import annotations

from typing import Any

from akmon_core.stream import Usage


class Tally:
    """The largest count of each kind: reports are cumulative, come in any chunk, and may be all zero.

    ``dollars`` says that ``usage.cost`` is in US dollars, as it is at OpenRouter; elsewhere nobody knows.
    """

    def __init__(self, *, dollars: bool = False) -> None:
        self._dollars = dollars
        self._prompt = 0
        self._output = 0
        self._read = 0
        self._written = 0
        self.cost: float | None = None

    @property
    def usage(self) -> Usage:
        """``prompt_tokens`` includes what the cache gave or took; ``completion_tokens`` the reasoning."""
        return Usage(
            input_tokens=max(0, self._prompt - self._read - self._written),
            output_tokens=self._output,
            cache_read_tokens=self._read,
            cache_write_tokens=self._written,
        )

    def take(self, said: Any) -> bool:
        """Whether ``said``, a ``usage`` object or whatever stands in its place, told anything new."""
        if not isinstance(said, dict):
            return False
        known = (self._prompt, self._output, self._read, self._written, self.cost)
        self._prompt = max(self._prompt, _count(said, "prompt_tokens"))
        self._output = max(self._output, _output(said))
        self._read = max(self._read, _read(said))
        self._written = max(self._written, _written(said))
        if self._dollars and (cost := _cost(said)) is not None:
            self.cost = cost if self.cost is None else max(self.cost, cost)
        return known != (self._prompt, self._output, self._read, self._written, self.cost)


def _output(said: dict[str, Any]) -> int:
    """Reasoning is part of the completion, except at servers such as xAI, whose total gives them away."""
    output = _count(said, "completion_tokens")
    reasoning = _count(_details(said, "completion_tokens_details"), "reasoning_tokens")
    apart = _count(said, "total_tokens") == _count(said, "prompt_tokens") + output + reasoning
    return output + reasoning if apart else output


def _read(said: dict[str, Any]) -> int:
    """OpenAI and most others, DeepSeek, Moonshot."""
    return max(
        _count(_details(said, "prompt_tokens_details"), "cached_tokens"),
        _count(said, "prompt_cache_hit_tokens"),
        _count(said, "cached_tokens"),
    )


def _written(said: dict[str, Any]) -> int:
    """OpenRouter and OpenAI, LiteLLM."""
    details = _details(said, "prompt_tokens_details")
    return max(_count(details, "cache_write_tokens"), _count(details, "cache_creation_tokens"))


def _cost(said: dict[str, Any]) -> float | None:
    """What the account is charged: a credit is a dollar.

    If the user's own key was used at the provider ("BYOK"), that is only OpenRouter's fee, and the provider's
    bill comes on top. In other replies an upstream cost is part of what is charged.
    """
    cost = _amount(said.get("cost"))
    if said.get("is_byok") is not True:
        return cost
    upstream = _amount(_details(said, "cost_details").get("upstream_inference_cost"))
    return cost if upstream is None else (cost or 0.0) + upstream


def _details(said: dict[str, Any], name: str) -> dict[str, Any]:
    details = said.get(name)
    return details if isinstance(details, dict) else {}


def _count(said: dict[str, Any], name: str) -> int:
    return int(_amount(said.get(name)) or 0)


def _amount(value: Any) -> float | None:
    """None for what is no amount; booleans are numbers in Python."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number and value >= 0 else None
