"""Decides which provider answers for a model id, and says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from akmon_core.errors import SettingsError
from akmon_models.backend import ACCESS, Backend
from akmon_models.catalog import catalog

PROVIDERS = (*ACCESS, "scripted")

_OPENAI = re.compile(r"(gpt-(?!oss)|chatgpt-|codex-|o[134](-|\Z)|ft:(gpt-|o[134]-))")

Backends = Mapping[str, Backend]


class Choice(msgspec.Struct, frozen=True):
    """``model`` is the id as that provider knows it; for ``scripted`` it is the file."""

    provider: str
    model: str
    reason: str


def is_openai_model(model: str) -> bool:
    """Whether ``model`` looks like an id of OpenAI's own models."""
    return bool(_OPENAI.match(model))


def resolve(model: str, backends: Backends, provider: str = "") -> Choice:
    """The provider for ``model``: the first rule that has an answer.

    Raises ``SettingsError`` that says what is missing and what to do.
    """
    if provider:
        return _at_provider(model, backends, provider)
    for rule in RULES:
        if choice := rule(model, backends):
            return choice
    raise SettingsError(
        f"no configured provider is known to have the model {model!r}. "
        f"Name one before it, as in openai/{model}, set {ACCESS['openai-compatible'].url} "
        f"to the address of your own server, or {_SET_A_KEY}"
    )


_SET_A_KEY = (
    "set ANTHROPIC_API_KEY or OPENAI_API_KEY for a model of those providers. "
    "`akmon demo` needs no key at all."
)


def _at_provider(model: str, backends: Backends, provider: str) -> Choice:
    if provider not in PROVIDERS:
        raise SettingsError(f"there is no provider {provider!r}. Use one of {', '.join(PROVIDERS)}.")
    model = model or catalog().defaults.get(provider, "")
    if not model:
        what = "a file, as in --model scripted:FILE" if provider == "scripted" else "its model with --model"
        raise SettingsError(f"the provider {provider} has no default model. Name {what}.")
    if provider != "scripted":
        _require(provider, model, backends)
    return Choice(provider, model.removeprefix("scripted:"), f"the provider {provider} was named")


def _require(provider: str, model: str, backends: Backends) -> None:
    """Raises if what ``provider`` needs is missing: an address for a compatible server, a key otherwise."""
    key, url = ACCESS[provider].key, ACCESS[provider].url
    if provider == "openai-compatible":
        if not backends.get(provider, Backend()).base_url:
            raise SettingsError(
                f"the model {model} needs the address of an OpenAI-compatible server. Set {url}, and {key} "
                "if it asks for a key."
            )
        return
    if provider in backends:
        return
    elsewhere = ""
    if "openai-compatible" in backends:
        elsewhere = f" To ask your own server instead, name it: openai-compatible/{model}."
    raise SettingsError(f"the model {model} needs a key for {provider}. Set {key}.{elsewhere}")


def _unnamed(model: str, backends: Backends) -> Choice | None:
    if model:
        return None
    for provider, default in catalog().defaults.items():
        # An OpenAI address of one's own says nothing about the models there.
        if provider in backends and not (provider == "openai" and backends[provider].base_url):
            return Choice(provider, default, f"no model was named, and {provider} is configured")
    if backends:
        raise SettingsError(
            f"no model is named, and a server of your own ({', '.join(backends)}) has no default. "
            "Name its model with --model."
        )
    raise SettingsError(f"no model is configured: {_SET_A_KEY}")


def _scripted(model: str, _: Backends) -> Choice | None:
    if not model.startswith("scripted:"):
        return None
    return Choice("scripted", model.removeprefix("scripted:"), "a script was named")


def _prefixed(model: str, backends: Backends) -> Choice | None:
    provider, slash, rest = model.partition("/")
    if not slash or provider not in PROVIDERS:
        return None
    if not rest:
        raise SettingsError(f"{model!r} names a provider and no model. Write {provider}/MODEL.")
    if provider != "scripted":
        _require(provider, rest if provider == "openai-compatible" else model, backends)
    return Choice(provider, rest, f"the id names the provider {provider}")


def _claude(model: str, backends: Backends) -> Choice | None:
    if not model.startswith("claude"):
        return None
    _require("anthropic", model, backends)
    return Choice("anthropic", model, "claude models are Anthropic's")


def _own_server(model: str, backends: Backends) -> Choice | None:
    if "openai-compatible" not in backends or (is_openai_model(model) and "openai" in backends):
        return None
    _require("openai-compatible", model, backends)
    return Choice("openai-compatible", model, f"{ACCESS['openai-compatible'].url} is set")


def _openai(model: str, backends: Backends) -> Choice | None:
    if not is_openai_model(model):
        return None
    _require("openai", model, backends)
    return Choice("openai", model, "the id is one of OpenAI's")


def _openai_elsewhere(model: str, backends: Backends) -> Choice | None:
    backend = backends.get("openai")
    if backend is None or not backend.base_url:
        return None
    return Choice("openai", model, f"{ACCESS['openai'].url} is set")


RULES: tuple[Callable[[str, Backends], Choice | None], ...] = (
    _unnamed,
    _scripted,
    _prefixed,
    _claude,
    _own_server,
    _openai,
    _openai_elsewhere,
)
"""In order: each gives its choice, None if it does not apply, or the error that what it needs is missing."""
