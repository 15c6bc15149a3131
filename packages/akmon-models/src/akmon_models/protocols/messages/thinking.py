"""What a request says about reasoning: the same for Claude at Anthropic and at Bedrock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from akmon_core.models import Effort, ModelRow

BUDGETS: dict[Effort, int] = {
    "minimal": 1_024,
    "low": 4_096,
    "medium": 10_240,
    "high": 20_480,
    "xhigh": 32_768,
    "max": 65_536,
}
"""Tokens of thought by effort, for models that are given a budget. The limit of a reply holds for its
thoughts too, so they are given at most three quarters of it."""
BUDGET_LEAST = 1_024
"""The server takes no smaller one."""

BINDING_BETA = "thinking-binding-controls-2026-08-01"
"""The name under which servers take ``block_binding``."""


def reasoning(row: ModelRow, effort: Effort | None, max_output: int) -> dict[str, Any]:
    """The parameters of a body that ask for reasoning as the model's ``row`` takes it.

    ``thinking.block_binding`` is only for servers that know ``BINDING_BETA`` (see ``unbound``).
    """
    if row.thinking == "none":
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    wanted: dict[str, Any] = {"output_config": {"effort": effort}} if effort else {}
    match row.thinking:
        case "adaptive":
            return {"thinking": {"type": "adaptive", "display": "summarized"}, **wanted}
        case "bound":
            return {"thinking": _BOUND, **wanted}
        case "budget":
            return _budget(effort, max_output)
        case _:
            return wanted


_BOUND: dict[str, Any] = {
    "type": "adaptive",
    "display": "summarized",
    # A thought is only good for the conversation that it was had in. Once akmon clears or summarises an
    # old part of it, thoughts behind that part are to be left out: by default the request is refused.
    "block_binding": {"prefix_mismatch_behavior": "drop_block"},
}


def unbound(parameters: dict[str, Any]) -> dict[str, Any]:
    """``parameters`` for a server that may not know ``block_binding``, and would refuse it."""
    thinking = {key: value for key, value in parameters.get("thinking", {}).items() if key != "block_binding"}
    return {**parameters, "thinking": thinking} if thinking else parameters


def binds(parameters: dict[str, Any]) -> bool:
    """Whether a request with ``parameters`` must name ``BINDING_BETA``."""
    return "block_binding" in parameters.get("thinking", {})


def beta_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """``headers`` with ``BINDING_BETA`` beside whatever else they name as a beta."""
    others = {name: value for name, value in headers.items() if name.lower() != "anthropic-beta"}
    named = [value for name, value in headers.items() if name not in others]
    return {**others, "anthropic-beta": ",".join([*named, BINDING_BETA])}


def _budget(effort: Effort | None, max_output: int) -> dict[str, Any]:
    """Nothing without an effort, and nothing if a reply is too short to leave room for any thought."""
    budget = min(BUDGETS.get(effort, 0), max_output * 3 // 4) if effort else 0
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= BUDGET_LEAST else {}
