"""Which model ids each provider takes, what it needs, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from akmon_models.backend import ACCESS, Backend
from akmon_models.modelids import (
    has_organisation,
    is_bedrock_form,
    is_claude,
    is_deployment,
    is_groq_hosted,
    is_hugging_face,
    is_openai_model,
    is_tagged,
)

Backends = Mapping[str, Backend]


class Offer(msgspec.Struct, frozen=True):
    """Whether a provider would take an id, and why."""

    reason: str
    model: str = ""
    """The id as the provider knows it; empty if it does not take it."""
    missing: tuple[str, ...] = ()


def configured(provider: str, backend: Backend) -> bool:
    """Whether it is said how ``provider`` is reached, which general credentials of AWS do not say."""
    match provider:
        case "bedrock":
            return is_chosen(backend) or backend.has_key
        case "ollama":
            return backend != Backend()
        case _:
            return not missing(provider, backend)


def missing(provider: str, backend: Backend) -> tuple[str, ...]:
    """The variables without which ``provider`` cannot be asked."""
    access = ACCESS[provider]
    address = () if backend.base_url else (access.url,)
    match provider:
        case "bedrock" | "ollama":  # credentials and servers that no variable tells of may be found
            return ()
        case "azure":
            key = () if backend.has_key or backend.options.get("ad_token") else (access.key,)
            return (*address, *key)
        case "openai-compatible":
            return address
        case _:  # servers in a provider's place may ask for no key
            return () if backend.has_key or backend.base_url else (access.key,)


def backend_of(provider: str, backends: Backends) -> Backend:
    return backends.get(provider, Backend())


def is_chosen(backend: Backend) -> bool:
    return backend.options.get("chosen", "").lower() in ("1", "true")


def _has_credentials(backend: Backend) -> bool:
    return backend.has_key or bool(backend.options.keys() & {"access_key", "profile"})


def _bedrock(model: str, backends: Backends) -> Offer:
    backend = backend_of("bedrock", backends)
    if is_chosen(backend):
        return Offer("Bedrock was chosen (AKMON_BEDROCK)", model)
    if is_bedrock_form(model):
        known = _has_credentials(backend)
        found = "and AWS credentials are set" if known else "and AWS credentials may be found"
        return Offer(f"the id is of Bedrock's own form, {found}", model)
    why = "the id is not of Bedrock's own form"
    why += ", and AWS credentials alone choose nothing" if _has_credentials(backend) else ""
    return Offer(why, missing=(ACCESS["bedrock"].options["chosen"],))


def _anthropic(model: str, _: Backends) -> Offer:
    if is_claude(model):
        return Offer("claude ids are Anthropic's", model)
    return Offer("the id is not one of Anthropic's")


def _openrouter(model: str, _: Backends) -> Offer:
    if is_claude(model):
        return Offer("OpenRouter has Anthropic's models", f"anthropic/{model}")
    if has_organisation(model):
        return Offer("the id is an organisation and a name, as OpenRouter's are", model)
    return Offer("the id names no organisation, as OpenRouter's do")


def _azure(model: str, _: Backends) -> Offer:
    if is_claude(model) or is_bedrock_form(model):
        return Offer("the id is another provider's")
    if is_deployment(model):
        return Offer("a deployment may have any name", model)
    return Offer("no deployment can have this name")


def _openai(model: str, backends: Backends) -> Offer:
    if is_openai_model(model):
        return Offer("the id is one of OpenAI's", model)
    if not backend_of("openai", backends).base_url or is_claude(model):
        return Offer("the id is not one of OpenAI's")
    if is_tagged(model):
        return Offer("ids with a tag are Ollama's")
    return Offer(f"{ACCESS['openai'].url} is set", model)


def _groq(model: str, _: Backends) -> Offer:
    if is_groq_hosted(model):
        return Offer("the id is one that Groq hosts", model)
    return Offer("the id is not one that Groq hosts")


def _own_server(model: str, _: Backends) -> Offer:
    if is_claude(model):
        return Offer("claude ids are Anthropic's")
    return Offer("a server of one's own may have any model", model)


def _ollama(model: str, backends: Backends) -> Offer:
    if is_claude(model) or is_openai_model(model) or is_bedrock_form(model):
        return Offer("the id is another provider's")
    if "/" in model and not is_hugging_face(model):
        return Offer("ids with a slash are Ollama's only behind ollama/")
    server = backend_of("openai-compatible", backends)
    if server.has_key and not server.base_url and not is_tagged(model):
        return Offer("a server of one's own has a key and no address")
    return Offer("no other provider takes the id, so that it is taken for a local model", model)


RULES: dict[str, Callable[[str, Backends], Offer]] = {
    "bedrock": _bedrock,
    "anthropic": _anthropic,
    "openrouter": _openrouter,
    "azure": _azure,
    "openai": _openai,
    "groq": _groq,
    "openai-compatible": _own_server,
    "ollama": _ollama,
}
"""In order: the first that takes an id and has what it needs is selected."""
