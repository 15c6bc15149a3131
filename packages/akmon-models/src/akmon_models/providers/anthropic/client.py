"""Models that speak Messages, through the ``anthropic`` SDK."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from akmon_core.limits import CONNECT_SECONDS, IDLE_SECONDS
from akmon_core.models import ModelFacts, ModelRequest
from akmon_models.backend import Backend
from akmon_models.providers.anthropic.decode import MessagesDecoder
from akmon_models.providers.anthropic.encode import encode
from akmon_models.providers.sdk import SdkModel, Wire


def messages_model(facts: ModelFacts, backend: Backend, *, idle: float = IDLE_SECONDS) -> SdkModel:
    """A model at Anthropic or behind its protocol. Connects when it is first asked something."""
    wire = Wire(
        base_url="https://api.anthropic.com",
        path="/v1/messages",
        sdk=_sdk,
        connect=_connect,
        encode=_body,
        decoder=MessagesDecoder,
    )
    return SdkModel(facts, backend, wire, idle=idle)


def _body(request: ModelRequest, facts: ModelFacts) -> bytes:
    return encode(request, model=facts.id, max_output=facts.max_output)


def _sdk() -> ModuleType:
    import anthropic

    return anthropic


def _connect(backend: Backend, idle: float) -> Any:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    from anthropic import AsyncAnthropic, Timeout

    return AsyncAnthropic(
        api_key=backend.api_key or "none",
        webhook_key="",
        base_url=backend.base_url,
        max_retries=0,
        timeout=Timeout(idle, connect=CONNECT_SECONDS),
        open_telemetry=False,
    )
