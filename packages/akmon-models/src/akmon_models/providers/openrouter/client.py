"""Models behind OpenRouter, through the ``openai`` SDK. See https://openrouter.ai/docs/api-reference."""

from __future__ import annotations

from typing import Any

import msgspec

from akmon_core.models import Listed
from akmon_models.backend import Backend
from akmon_models.effort import checked_effort
from akmon_models.failures import Server
from akmon_models.protocols.chat.decode import ChatDecoder
from akmon_models.protocols.chat.encode import Dialect
from akmon_models.providers.openai.client import chat_model
from akmon_models.providers.openai.client import connect as connect_openai
from akmon_models.providers.stainless import StainlessLink
from akmon_models.wire.model import Opening, WireModel

APP = {"X-Title": "akmon"}
"""How OpenRouter names the program in the user's own list of requests."""


def open_model(opening: Opening) -> WireModel:
    """A model by its id there, such as ``anthropic/claude-sonnet-5-5``, or ``...:free``, ``...:nitro``, or
    ``@preset/NAME``. Connects when it is first asked something."""
    dialect = Dialect(
        output_name=opening.row.output_name or "max_tokens",
        session_id=True,
        reasoning_back=("reasoning_content", "reasoning", "reasoning_details"),
        parameters=_parameters(opening),
    )
    wire = chat_model(opening, dialect, connect=connect).wire
    return WireModel(opening, msgspec.structs.replace(wire, decoder=_decoder))


def connect(backend: Backend) -> StainlessLink:
    return connect_openai(msgspec.structs.replace(backend, headers={**APP, **backend.headers}))


async def list_models(backend: Backend) -> list[Listed]:
    """All models with their windows and prices, in OpenRouter's order. Raises ``ProviderError``."""
    from akmon_models.wire.listing import fetch_entries

    return [_listed(entry) for entry in await fetch_entries("openrouter", backend, connect, "/models")]


def _decoder(server: Server) -> ChatDecoder:
    return ChatDecoder(server, blocks=True, dollars=True)


def _parameters(opening: Opening) -> dict[str, Any]:
    """``cache_control`` makes Claude cache up to the last block of each request, as at Anthropic itself.

    OpenRouter then only asks Anthropic's own servers. Breakpoints in the messages would do at others too,
    but move from request to request; other models cache by themselves, or not at all.
    """
    parameters: dict[str, Any] = {"usage": {"include": True}}
    if effort := checked_effort(opening):
        parameters["reasoning"] = {"effort": effort}
    if opening.facts.id.lower().lstrip("~").startswith("anthropic/"):
        parameters["cache_control"] = {"type": "ephemeral"}
    return parameters


def _listed(entry: dict[str, Any]) -> Listed:
    window = entry.get("context_length")
    return Listed(
        id=entry["id"],
        context_window=window if type(window) is int and window > 0 else None,
        detail=_price(entry.get("pricing")),
    )


def _price(pricing: Any) -> str:
    """Empty if none is given, or none can be: routers to other models have a price of -1."""
    try:
        prompt, completion = (float(pricing[name]) * 1_000_000 for name in ("prompt", "completion"))
    except (TypeError, KeyError, ValueError):
        return ""
    if not (prompt >= 0 and completion >= 0):
        return ""
    if prompt == completion == 0:
        return "free"
    return f"${prompt:.4g} in, ${completion:.4g} out per million tokens"
