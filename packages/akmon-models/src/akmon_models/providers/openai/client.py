"""Models that speak Chat Completions, through the ``openai`` SDK."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from akmon_core.limits import CONNECT_SECONDS, IDLE_SECONDS
from akmon_core.models import ModelFacts, ModelRequest
from akmon_models.backend import Backend
from akmon_models.providers.http import certificates
from akmon_models.providers.openai.decode import ChatDecoder
from akmon_models.providers.openai.encode import Dialect, encode
from akmon_models.providers.sdk import SdkModel, Wire


def chat_model(
    facts: ModelFacts, backend: Backend, dialect: Dialect, *, idle: float = IDLE_SECONDS
) -> SdkModel:
    """A model at OpenAI or at a compatible server. Connects when it is first asked something."""

    def body(request: ModelRequest, facts: ModelFacts) -> bytes:
        return encode(request, model=facts.id, max_output=facts.max_output, dialect=dialect)

    wire = Wire(
        base_url="https://api.openai.com/v1",
        path="/chat/completions",
        sdk=_sdk,
        connect=_connect,
        encode=body,
        decoder=ChatDecoder,
    )
    return SdkModel(facts, backend, wire, idle=idle)


def _sdk() -> ModuleType:
    import openai

    return openai


def _connect(backend: Backend, idle: float) -> Any:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

    timeout = Timeout(idle, connect=CONNECT_SECONDS)
    return AsyncOpenAI(
        api_key=backend.api_key or "none",
        admin_api_key="",
        webhook_secret="",
        base_url=backend.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=DefaultAsyncHttpxClient(
            base_url=backend.base_url, timeout=timeout, verify=certificates(backend.base_url)
        ),
    )
