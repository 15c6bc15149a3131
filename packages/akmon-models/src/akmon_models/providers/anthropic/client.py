"""Models of Anthropic, through the ``anthropic`` SDK."""

from __future__ import annotations

from typing import Any

import msgspec

from akmon_core.models import Listed
from akmon_models.backend import Backend
from akmon_models.effort import checked_effort
from akmon_models.protocols.messages.decode import MessagesDecoder
from akmon_models.protocols.messages.encode import encode
from akmon_models.protocols.messages.thinking import beta_headers, binds, reasoning, unbound
from akmon_models.providers.stainless import StainlessLink, http_client
from akmon_models.wire.model import Opening, Wire, WireModel


def open_model(opening: Opening) -> WireModel:
    """A model at Anthropic or behind its protocol. Connects when it is first asked something.

    Raises ``SettingsError`` for an effort that the model does not take.
    """
    facts = opening.facts
    parameters = reasoning(opening.row, checked_effort(opening), facts.max_output)
    backend = opening.backend
    if backend.base_url:
        parameters = unbound(parameters)
    if binds(parameters):
        backend = msgspec.structs.replace(backend, headers=beta_headers(backend.headers))
    wire = Wire(
        path="/v1/messages",
        connect=connect,
        encode=lambda request: encode(
            request, model=facts.id, max_output=facts.max_output, parameters=parameters
        ),
        decoder=MessagesDecoder,
    )
    return WireModel(msgspec.structs.replace(opening, backend=backend), wire)


def connect(backend: Backend) -> StainlessLink:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    import anthropic

    client = anthropic.AsyncAnthropic(
        api_key=backend.key or "none",
        webhook_key="",
        base_url=backend.base_url,
        max_retries=0,
        http_client=http_client(backend),
        open_telemetry=False,
    )
    return StainlessLink(client, anthropic, backend)


async def list_models(backend: Backend) -> list[Listed]:
    """The models that the account may use, newest first. Raises ``ProviderError``."""
    from akmon_models.wire.listing import fetch_entries

    entries = await fetch_entries("anthropic", backend, connect, "/v1/models?limit=1000")
    return [_listed(entry) for entry in entries if entry.get("lifecycle") != "retired"]


def _listed(entry: dict[str, Any]) -> Listed:
    window = entry.get("max_input_tokens")
    name = entry.get("display_name")
    return Listed(
        id=entry["id"],
        context_window=window if type(window) is int and window > 0 else None,
        detail=name if isinstance(name, str) else "",
    )
