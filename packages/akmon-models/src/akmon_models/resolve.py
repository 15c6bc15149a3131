"""Decides which provider answers for a model id, and says why. The order is that of docs/providers.md."""

from __future__ import annotations

import msgspec

from akmon_core.errors import SettingsError
from akmon_models.backend import ACCESS, Backend
from akmon_models.catalog import catalog
from akmon_models.modelids import has_organisation, is_claude, is_groq_hosted, is_openai_model
from akmon_models.rules import RULES, Backends, Offer, backend_of, configured, is_chosen, missing

__all__ = ["PROVIDERS", "Candidate", "Choice", "Trace", "explain", "is_openai_model", "resolve"]

PROVIDERS = (*ACCESS, "scripted")


class Choice(msgspec.Struct, frozen=True):
    """``model`` is the id as that provider knows it; for ``scripted`` it is the file."""

    provider: str
    model: str
    reason: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider was found to be for a model id."""

    provider: str
    eligible: bool
    reason: str
    missing_prerequisites: tuple[str, ...]
    """Variables that would have to be set before it could be asked."""
    priority_order: int
    """From 1; the first that is eligible is selected."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider was selected, or why none could be. Holds no secret."""

    selected_provider: str | None
    selected_reason: str | None
    model_id: str
    """As the selected provider knows it; as it was asked for if there is none."""
    resolution_error: str | None
    candidates: tuple[Candidate, ...]
    """All providers in order. A script is none of them."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, once it is read."""

    model: str
    named: str = ""
    """The provider that it must be, because of ``why``; empty leaves it to the rules."""
    why: str = ""
    routed: str = ""
    """The id at OpenRouter, if that may stand in for ``named``."""
    mistake: str = ""
    """Why nothing can be selected, whatever is configured."""


def resolve(model: str, backends: Backends, provider: str = "") -> Choice:
    """The provider for ``model``. Raises ``SettingsError`` that says what is missing and what to do."""
    trace = explain(model, backends, provider)
    if trace.selected_provider is None:
        raise SettingsError(trace.resolution_error or "no provider can be selected")
    return Choice(trace.selected_provider, trace.model_id, trace.selected_reason or "")


def explain(model: str, backends: Backends, provider: str = "") -> Trace:
    """How the provider for ``model`` is found: at ``provider`` if it is named, else by the rules."""
    asked = _read(model, backends, provider)
    offers = {name: _offer(name, asked, backends) for name in RULES}
    candidates = tuple(
        _candidate(order, name, offers[name], backend_of(name, backends))
        for order, name in enumerate(RULES, start=1)
    )
    if asked.named == "scripted" and not asked.mistake:
        return _selected("scripted", Offer(asked.why, asked.model), candidates)
    for candidate in candidates:
        if candidate.eligible:
            return _selected(candidate.provider, offers[candidate.provider], candidates)
    return Trace(
        selected_provider=None,
        selected_reason=None,
        model_id=model,
        resolution_error=asked.mistake or _lacking(asked, backends),
        candidates=candidates,
    )


def _selected(provider: str, offer: Offer, candidates: tuple[Candidate, ...]) -> Trace:
    return Trace(
        selected_provider=provider,
        selected_reason=offer.reason,
        model_id=offer.model,
        resolution_error=None,
        candidates=candidates,
    )


def _candidate(order: int, provider: str, offer: Offer, backend: Backend) -> Candidate:
    lacks = (*offer.missing, *missing(provider, backend))
    eligible = bool(offer.model) and not lacks
    unmet = ", but it is not configured" if offer.model and lacks else ""
    return Candidate(
        provider=provider,
        eligible=eligible,
        reason=offer.reason + unmet,
        missing_prerequisites=lacks,
        priority_order=order,
    )


def _offer(provider: str, asked: _Asked, backends: Backends) -> Offer:
    if asked.mistake:
        return Offer(asked.why)
    if not asked.named:
        return RULES[provider](asked.model, backends)
    if provider == asked.named:
        return Offer(asked.why, asked.model)
    if provider == "openrouter" and asked.routed and missing(asked.named, backend_of(asked.named, backends)):
        return Offer(f"{asked.named} is not configured, and OpenRouter has its models", asked.routed)
    return Offer(asked.why)


# What was asked for -------------------------------------------------------------------------------


def _read(model: str, backends: Backends, provider: str) -> _Asked:
    if provider:
        return _at_provider(model, provider, backends)
    if not model:
        return _unnamed(backends)
    if model.startswith("scripted:"):
        return _Asked(model=model.removeprefix("scripted:"), named="scripted", why="a script was named")
    prefix, slash, rest = model.partition("/")
    open_weights = model.startswith("openai/gpt-oss") and not backend_of("openai", backends).base_url
    if not slash or prefix not in PROVIDERS or open_weights:
        return _Asked(model=model)
    if not rest:
        mistake = f"{model!r} names a provider and no model. Write {prefix}/MODEL."
        return _Asked(model=model, why="no model is named", mistake=mistake)
    return _Asked(
        model=rest if prefix == "scripted" else _own_id(prefix, rest, backends),
        named=prefix,
        why=f"the id names the provider {prefix}",
        routed=model if prefix in ("anthropic", "openai") else "",
    )


def _at_provider(model: str, provider: str, backends: Backends) -> _Asked:
    why = f"the provider {provider} was named"
    if provider not in PROVIDERS:
        mistake = f"there is no provider {provider!r}. Use one of {', '.join(PROVIDERS)}."
        return _Asked(model=model, named=provider, why=why, mistake=mistake)
    if provider == "scripted":
        own, what = model.removeprefix("scripted:"), "a file, as in --model scripted:FILE"
    else:
        own = _own_id(provider, model, backends) or catalog().defaults.get(provider, "")
        what = "its model with --model"
    mistake = "" if own else f"the provider {provider} has no default model. Name {what}."
    return _Asked(model=own, named=provider, why=why, mistake=mistake)


def _own_id(provider: str, model: str, backends: Backends) -> str:
    """``model`` as ``provider`` knows it: without the provider's name before it if that is no part of it.

    What comes out goes in again when a session is resumed, and must then stay as it is.
    """
    if provider == "openai" and backend_of(provider, backends).base_url:
        return model  # another server may have ids that begin so
    own = model
    while own.startswith(f"{provider}/") and own != f"{provider}/":
        own = own.removeprefix(f"{provider}/")
    match provider:
        case "groq" if own in ("compound", "compound-mini"):
            return f"groq/{own}"
        case "openrouter" if is_claude(own):
            return f"anthropic/{own}"
        case "openrouter" if is_openai_model(own):
            return f"openai/{own}"
        case "openrouter" if own and "/" not in own:  # such as openrouter/auto
            return f"openrouter/{own}"
        case _:
            return own


def _unnamed(backends: Backends) -> _Asked:
    """The default model of the first provider that has one and is configured."""
    ready = [name for name in RULES if name in backends and _is_ready(name, backends[name])]
    defaults = ["bedrock"] if "bedrock" in ready else list(catalog().defaults)
    for provider in defaults:
        # An OpenAI address of one's own says nothing about the models there.
        if provider in ready and not (provider == "openai" and backends[provider].base_url):
            why = f"no model was named, and {provider} is configured"
            return msgspec.structs.replace(_at_provider("", provider, backends), why=why)
    mistake = f"no model is configured: {_SET_A_KEY}"
    if ready:
        mistake = (
            f"no model is named, and what is configured ({', '.join(ready)}) has no default. "
            "Name a model with --model."
        )
    return _Asked(model="", why="no model is named", mistake=mistake)


_SET_A_KEY = (
    "set ANTHROPIC_API_KEY or OPENAI_API_KEY for a model of those providers, or name one that runs "
    "on this machine with --model ollama/NAME. `akmon demo` needs no key at all."
)


def _is_ready(provider: str, backend: Backend) -> bool:
    """Whether ``provider`` may give the model when none is named: AWS credentials may be there for others."""
    return is_chosen(backend) if provider == "bedrock" else configured(provider, backend)


# What to do when none can be selected -------------------------------------------------------------


def _lacking(asked: _Asked, backends: Backends) -> str:
    """What is missing for the provider that the id is meant for, and what else would do."""
    model = asked.model
    provider = asked.named or _meant(model)
    return " ".join([_needs(provider, model, backends), *_instead(provider, asked, backends)])


def _meant(model: str) -> str:
    if is_claude(model):
        return "anthropic"
    if is_openai_model(model):
        return "openai"
    return "openrouter" if has_organisation(model) else "openai-compatible"


def _needs(provider: str, model: str, backends: Backends) -> str:
    access = ACCESS[provider]
    match provider:
        case "openai-compatible":
            return (
                f"the model {model} needs the address of an OpenAI-compatible server. "
                f"Set {access.url}, and {access.key} if it asks for a key."
            )
        case "azure":
            lacks = " and ".join(missing(provider, backend_of(provider, backends)))
            token = access.options["ad_token"]
            return (
                f"the deployment {model} needs the address of your Azure resource, and a key or a token. "
                f"Set {lacks} ({token} may stand for the key)."
            )
        case _:
            return f"the model {model} needs a key for {provider}. Set {access.key}."


def _instead(provider: str, asked: _Asked, backends: Backends) -> list[str]:
    model = asked.model
    ways = []
    router = ACCESS["openrouter"].key
    if provider in ("anthropic", "openai"):
        routed = asked.routed or f"{provider}/{model}"
        have = not missing("openrouter", backend_of("openrouter", backends))
        ways.append(f"Or {'' if have else f'set {router} and '}ask OpenRouter for it: openrouter/{routed}.")
    if is_groq_hosted(model) and provider == "openrouter":
        ways.append(f"Or set {ACCESS['groq'].key}: Groq hosts it.")
    if provider == "openrouter" and not asked.named:
        ways.append(f"A model of Ollama's is named ollama/{model}.")
    if provider != "openai-compatible" and backend_of("openai-compatible", backends).base_url:
        ways.append(f"To ask your own server instead, name it: openai-compatible/{model}.")
    elif provider == "openrouter" and not asked.named:
        ways.append(f"For a server of your own set {ACCESS['openai-compatible'].url}.")
    return ways
