"""Opens a model by its id: the one place that knows every provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from akmon_core.models import Model
from akmon_models.backend import Backend
from akmon_models.catalog import facts, row
from akmon_models.providers.anthropic.client import messages_model
from akmon_models.providers.openai.client import chat_model
from akmon_models.providers.openai.encode import Dialect
from akmon_models.resolve import is_openai_model, resolve
from akmon_models.retry import Retried
from akmon_models.scripted import ScriptedModel, read_script


def open_model(model: str, backends: Mapping[str, Backend], *, provider: str = "") -> Model:
    """The model for an id, with retries. Connects, and loads its SDK, only when it is asked something.

    Raises ``SettingsError`` if no provider can be chosen or a script cannot be read.
    """
    choice = resolve(model, backends, provider)
    opened = PROVIDERS[choice.provider](choice.model, backends.get(choice.provider, Backend()))
    return Retried(opened)


def _anthropic(model: str, backend: Backend) -> Model:
    return messages_model(facts("anthropic", model), backend)


def _openai(model: str, backend: Backend) -> Model:
    if backend.base_url:
        return _chat("openai", model, backend)
    known = row(model)
    effort = known.chat_effort if known else ""
    dialect = Dialect(own=True, completion_tokens=True, effort_with_tools=effort)
    return chat_model(facts("openai", model), backend, dialect)


def _compatible(model: str, backend: Backend) -> Model:
    return _chat("openai-compatible", model, backend)


def _chat(provider: str, model: str, backend: Backend) -> Model:
    """A server of the user's own, which may pass requests on to OpenAI and its parameters."""
    openai_id = is_openai_model(model.rsplit("/", 1)[-1])
    return chat_model(facts(provider, model), backend, Dialect(completion_tokens=openai_id))


def _scripted(model: str, _: Backend) -> Model:
    return ScriptedModel(read_script(model))


PROVIDERS: dict[str, Callable[[str, Backend], Model]] = {
    "anthropic": _anthropic,
    "openai": _openai,
    "openai-compatible": _compatible,
    "scripted": _scripted,
}
