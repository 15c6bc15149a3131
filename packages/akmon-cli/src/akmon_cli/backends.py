"""What the settings say about providers, as the models take it: one table, from settings to backends."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akmon_config.secrets import key_source
from akmon_config.settings import Settings
from akmon_core.errors import SettingsError
from akmon_core.ports import WebSearch
from akmon_models.backend import Backend
from akmon_tools.searchengines import search_engine

if TYPE_CHECKING:
    from pydantic import SecretStr


class Fields(msgspec.Struct, frozen=True):
    """The settings of one provider: its key, its address, and by option (see ``Access.options``) the rest."""

    key: str
    url: str
    options: Mapping[str, str] = {}


FIELDS: dict[str, Fields] = {
    "bedrock": Fields(
        "bedrock_api_key",
        "bedrock_base_url",
        {"region": "aws_region", "profile": "aws_profile", "chosen": "bedrock"},
    ),
    "anthropic": Fields("anthropic_api_key", "anthropic_base_url"),
    "openrouter": Fields("openrouter_api_key", "openrouter_base_url"),
    "azure": Fields(
        "azure_openai_api_key", "azure_openai_endpoint", {"api_version": "azure_openai_api_version"}
    ),
    "openai": Fields("openai_api_key", "openai_base_url"),
    "groq": Fields("groq_api_key", "groq_base_url"),
    "openai-compatible": Fields("openai_compatible_key", "openai_compatible_url"),
    "ollama": Fields(
        "ollama_api_key",
        "ollama_base_url",
        {"num_ctx": "ollama_num_ctx", "keep_alive": "ollama_keep_alive"},
    ),
}


def backends(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, Backend]:
    """By provider, what the settings configure: a key or where it is from, an address, options.

    Fetches no key. Raises ``SettingsError`` if there is no such file as ``ca_file``.
    """
    if settings.ca_file and not Path(settings.ca_file).is_file():
        raise SettingsError(
            f"{settings.ca_file} is no file. Name one with certificates (PEM) in the setting ca_file."
        )
    found = {provider: _backend(settings, provider, environ) for provider in FIELDS}
    return {provider: backend for provider, backend in found.items() if backend != Backend()}


def web_search(settings: Settings) -> WebSearch | None:
    """The search engine that the settings name, if they do. Raises ``SettingsError``."""
    key, fetch = _key(settings.web_search_key)
    return search_engine(
        settings.web_search or "", settings.web_search_url or "", fetch or key, settings.ca_file
    )


def _backend(settings: Settings, provider: str, environ: Mapping[str, str]) -> Backend:
    fields = FIELDS[provider]
    options = {
        option: "1" if value is True else str(value)
        for option, field in fields.options.items()
        if (value := getattr(settings, field))
    }
    key, fetch = _key(getattr(settings, fields.key))
    match provider:
        case "azure" if settings.azure_openai_ad_token:
            token, fetch = _key(settings.azure_openai_ad_token)
            key, options = "", options | ({"ad_token": token} if token else {"auth": "entra"})
        case "bedrock" if environ.get("AWS_ACCESS_KEY_ID"):
            options["access_key"] = "set"
    headers = settings.headers.get(provider, {})
    backend = Backend(
        api_key=key,
        base_url=getattr(settings, fields.url) or "",
        fetch_key=fetch,
        headers={name: value.get_secret_value() for name, value in headers.items()},
        options=options,
    )
    # Bedrock can be asked though nothing is said of it: AWS has files of its own.
    if backend == Backend() and provider != "bedrock":
        return backend
    return msgspec.structs.replace(backend, ca_file=settings.ca_file)


def _key(secret: SecretStr | None) -> tuple[str, Callable[[], str] | None]:
    """A key, or what fetches it."""
    key = secret.get_secret_value() if secret else ""
    fetch = key_source(key)
    return ("", fetch) if fetch else (key, None)
