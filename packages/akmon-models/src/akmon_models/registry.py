"""Opens a model by its id: the one place that knows every provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from akmon_core.errors import SettingsError
from akmon_core.models import Effort, Listed, Model, ModelRow
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.resolve import Choice, resolve
from akmon_models.retry import Retried
from akmon_models.scripted import ScriptedModel, read_script
from akmon_models.wire.model import Opening

PROVIDERS = {
    "bedrock": "bedrock",
    "anthropic": "anthropic",
    "openrouter": "openrouter",
    "azure": "azure",
    "openai": "openai",
    "groq": "groq",
    "openai-compatible": "openai_compatible",
    "ollama": "ollama",
}
"""By provider: its package in ``akmon_models.providers``. Its module ``client`` has
``open_model(opening) -> Model`` and, if the server lists its models,
``async list_models(backend) -> list[Listed]``."""


def open_model(
    model: str,
    backends: Mapping[str, Backend],
    *,
    provider: str = "",
    rows: Sequence[ModelRow] = (),
    effort: Effort | None = None,
    fallback: str = "",
) -> Retried:
    """The model for an id, with retries. Connects, and loads its SDK, only when it is asked something.

    ``rows`` are the user's own, which go before those of the catalog. ``fallback`` is the id of a model
    that takes over when the first one keeps failing; ``provider`` says nothing about it.
    Raises ``SettingsError`` if no provider can be chosen or a script cannot be read.
    """
    choice = resolve(model, backends, provider)
    other = resolve(fallback, backends) if fallback else None
    if other and (other.provider, other.model) == (choice.provider, choice.model):
        raise SettingsError(
            f"the fallback model {fallback} is the model itself. Name another one, or none (fallback_model)."
        )
    return Retried(
        _open(choice, backends, rows, effort), _open(other, backends, rows, effort) if other else None
    )


def _open(
    choice: Choice, backends: Mapping[str, Backend], rows: Sequence[ModelRow], effort: Effort | None
) -> Model:
    if choice.provider == "scripted":
        return ScriptedModel(read_script(choice.model))
    known = row(choice.provider, choice.model, rows)
    opening = Opening(
        facts=facts_of(choice.provider, choice.model, known),
        row=known,
        backend=backends.get(choice.provider, Backend()),
        effort=effort,
    )
    opened: Model = client(choice.provider).open_model(opening)
    return opened


async def list_models(provider: str, backend: Backend) -> list[Listed] | None:
    """What the server itself lists, in its order; None if it has no list. Raises ``ProviderError``."""
    ask = getattr(client(provider), "list_models", None)
    if ask is None:
        return None
    listed: list[Listed] = await ask(backend)
    return listed


def client(provider: str) -> Any:
    """The module of ``provider`` that opens its models; the others are not even imported."""
    return import_module(f"akmon_models.providers.{PROVIDERS[provider]}.client")
