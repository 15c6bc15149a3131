"""Models of OpenAI and of servers that take its place, through the ``openai`` SDK."""

from __future__ import annotations

from collections.abc import Callable

from akmon_core.models import Listed
from akmon_models.backend import ACCESS, Backend, check_backend
from akmon_models.effort import checked_effort, output_name
from akmon_models.failures import Advice
from akmon_models.protocols.chat.decode import ChatDecoder
from akmon_models.protocols.chat.encode import Dialect, encode
from akmon_models.protocols.responses.decode import ResponsesDecoder
from akmon_models.protocols.responses.encode import Dialect as ResponsesDialect
from akmon_models.protocols.responses.encode import encode as encode_responses
from akmon_models.protocols.responses.reasoning import server_of
from akmon_models.providers.stainless import StainlessLink, http_client
from akmon_models.wire.link import Link
from akmon_models.wire.model import Opening, Wire, WireModel


def open_model(opening: Opening) -> WireModel:
    """A model at OpenAI, or at the server that ``OPENAI_BASE_URL`` puts in its place.

    OpenAI itself is asked by Responses, another server by Chat Completions, which all of them speak, unless
    the model's row says otherwise. Raises ``SettingsError`` for an effort that the model does not take.
    """
    check_backend("openai", opening.backend)
    own = _is_openai(opening.backend.base_url)
    if (opening.row.api or ("responses" if own else "chat")) == "responses":
        return responses_model(opening, cache_key=own)
    effort = checked_effort(opening)
    dialect = Dialect(
        output_name=output_name(opening),
        cache_key=own,
        parameters={"reasoning_effort": effort} if effort else {},
    )
    return chat_model(opening, dialect)


async def list_models(backend: Backend) -> list[Listed]:
    """What the server lists: at OpenAI also models that take no prompts. Raises ``ProviderError``."""
    from akmon_models.wire.listing import list_openai

    return await list_openai("openai", backend, connect)


def connect(backend: Backend) -> StainlessLink:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    import openai

    client = openai.AsyncOpenAI(
        api_key=backend.key or "none",
        admin_api_key="",
        webhook_secret="",
        base_url=backend.base_url,
        max_retries=0,
        http_client=http_client(backend),
    )
    return StainlessLink(client, openai, backend)


def chat_model(
    opening: Opening,
    dialect: Dialect,
    advice: Advice | None = None,
    *,
    connect: Callable[[Backend], Link] = connect,
    path: str = "/chat/completions",
) -> WireModel:
    """A model asked by Chat Completions. Connects when it is first asked something."""
    facts = opening.facts
    wire = Wire(
        path=path,
        connect=connect,
        encode=lambda request: encode(request, model=facts.id, max_output=facts.max_output, dialect=dialect),
        decoder=ChatDecoder,
        advice=advice,
    )
    return WireModel(opening, wire)


def responses_model(
    opening: Opening,
    advice: Advice | None = None,
    *,
    cache_key: bool = False,
    connect: Callable[[Backend], Link] = connect,
) -> WireModel:
    """A model asked by Responses. Raises ``SettingsError`` for an effort that it does not take."""
    facts = opening.facts
    dialect = ResponsesDialect(
        reasons=opening.row.thinking not in (None, "none"),
        effort=checked_effort(opening),
        cache_key=cache_key,
        server=server_of(opening.backend.base_url or ACCESS[facts.provider].address),
    )
    wire = Wire(
        path="/responses",
        connect=connect,
        encode=lambda request: encode_responses(
            request, model=facts.id, max_output=facts.max_output, dialect=dialect
        ),
        decoder=ResponsesDecoder,
        advice=advice,
    )
    return WireModel(opening, wire)


def _is_openai(url: str) -> bool:
    """Whether an address is OpenAI's own, or one of its regions'."""
    host = server_of(url)
    return not url or host == "api.openai.com" or host.endswith(".api.openai.com")
