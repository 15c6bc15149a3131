"""Models of Groq, through the ``openai`` SDK. See https://console.groq.com/docs/api-reference."""

from __future__ import annotations

from typing import Any

from akmon_core.errors import ProviderErrorKind
from akmon_core.models import Listed
from akmon_models.backend import Backend
from akmon_models.effort import checked_effort
from akmon_models.protocols.chat.encode import Dialect
from akmon_models.providers.openai.client import chat_model, connect
from akmon_models.wire.model import Opening, WireModel

_THINKING = ("qwen3", "qwq", "deepseek-r1")
"""Models that write their reasoning into the text unless told otherwise."""


def open_model(opening: Opening) -> WireModel:
    """A model by its id there, such as ``openai/gpt-oss-120b``. Connects when it is first asked something."""
    name = opening.facts.id.lower().rsplit("/", 1)[-1]
    thinks = opening.row.thinking not in (None, "none") or name.startswith(_THINKING)
    dialect = Dialect(
        output_name=opening.row.output_name or "max_completion_tokens",
        # A field that a model does not know makes Groq refuse the request.
        reasoning_back=("reasoning",) if thinks else (),
        parameters=_parameters(opening, name),
    )
    return chat_model(opening, dialect, advice)


async def list_models(backend: Backend) -> list[Listed]:
    """The models that the account may use. Raises ``ProviderError``."""
    from akmon_models.wire.listing import list_openai

    return await list_openai("groq", backend, connect)


def advice(kind: ProviderErrorKind, said: str) -> tuple[ProviderErrorKind, str] | None:
    """A request that is larger than a whole minute's tokens does not fit by waiting."""
    if kind != "rate_limit" or "request too large" not in said.lower():
        return None
    return kind, (
        "This request alone is more than the account may use in a minute, with the reply that it leaves room "
        "for: start a new session, choose another model, or raise the limit of the account."
    )


def _parameters(opening: Opening, name: str) -> dict[str, Any]:
    """Without ``disable_tool_validation`` a call of a tool that does not exist fails the whole reply; akmon
    tells the model instead."""
    parameters: dict[str, Any] = {"disable_tool_validation": True}
    if effort := checked_effort(opening):
        # Qwen's reasoning is on or off here: https://console.groq.com/docs/reasoning
        on_or_off = "none" if effort == "none" else "default"
        parameters["reasoning_effort"] = on_or_off if name.startswith("qwen") else effort
    if name.startswith(_THINKING):
        # Others show it in its own field anyway, and gpt-oss does not take the parameter.
        parameters["reasoning_format"] = "parsed"
    return parameters
