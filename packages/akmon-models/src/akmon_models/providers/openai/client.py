"""Models of OpenAI and of servers that take its place, through the ``openai`` SDK."""

from __future__ import annotations

from akmon_models.backend import Backend
from akmon_models.protocols.chat.decode import ChatDecoder
from akmon_models.protocols.chat.encode import Dialect, encode
from akmon_models.providers.stainless import StainlessLink, http_client
from akmon_models.wire.model import Opening, Wire, WireModel


def open_model(opening: Opening) -> WireModel:
    """A model at OpenAI, or at the server that ``OPENAI_BASE_URL`` puts in its place."""
    own = not opening.backend.base_url
    return chat_model(opening, Dialect(output_name="max_completion_tokens", cache_key=own))


def chat_model(opening: Opening, dialect: Dialect) -> WireModel:
    """A model asked by Chat Completions. Connects when it is first asked something."""
    facts = opening.facts
    wire = Wire(
        path="/chat/completions",
        connect=connect,
        encode=lambda request: encode(request, model=facts.id, max_output=facts.max_output, dialect=dialect),
        decoder=ChatDecoder,
    )
    return WireModel(opening, wire)


def connect(backend: Backend) -> StainlessLink:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    import openai

    client = openai.AsyncOpenAI(
        api_key=backend.api_key or "none",
        admin_api_key="",
        webhook_secret="",
        base_url=backend.base_url,
        max_retries=0,
        http_client=http_client(backend),
    )
    return StainlessLink(client, openai, backend)
