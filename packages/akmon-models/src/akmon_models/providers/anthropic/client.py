"""Models of Anthropic, through the ``anthropic`` SDK."""

from __future__ import annotations

from akmon_models.backend import Backend
from akmon_models.protocols.messages.decode import MessagesDecoder
from akmon_models.protocols.messages.encode import encode
from akmon_models.providers.stainless import StainlessLink, http_client
from akmon_models.wire.model import Opening, Wire, WireModel


def open_model(opening: Opening) -> WireModel:
    """A model at Anthropic or behind its protocol. Connects when it is first asked something."""
    facts = opening.facts
    wire = Wire(
        path="/v1/messages",
        connect=connect,
        encode=lambda request: encode(request, model=facts.id, max_output=facts.max_output),
        decoder=MessagesDecoder,
    )
    return WireModel(opening, wire)


def connect(backend: Backend) -> StainlessLink:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    import anthropic

    client = anthropic.AsyncAnthropic(
        api_key=backend.api_key or "none",
        webhook_key="",
        base_url=backend.base_url,
        max_retries=0,
        http_client=http_client(backend),
        open_telemetry=False,
    )
    return StainlessLink(client, anthropic, backend)
