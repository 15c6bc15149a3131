"""Deployments of Azure OpenAI, through the ``openai`` SDK.

See https://learn.microsoft.com/azure/ai-foundry/openai/reference and, for the newer surface without versions,
https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle.
"""

from __future__ import annotations

from functools import partial
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from akmon_core.errors import ProviderErrorKind, SettingsError
from akmon_models.backend import ACCESS, Backend, check_backend, check_key
from akmon_models.effort import checked_effort
from akmon_models.failures import Advice
from akmon_models.protocols.chat.encode import Dialect
from akmon_models.providers.openai.client import chat_model, responses_model
from akmon_models.providers.stainless import StainlessLink, http_client
from akmon_models.wire.model import Opening, WireModel

API_VERSION = "2024-10-21"
"""The newest version of the older surface that is no preview. The setting is ``OPENAI_API_VERSION``."""


class Surface(msgspec.Struct, frozen=True):
    """Where requests go. ``v1`` names the deployment in the body, ``deployments`` in the path."""

    kind: Literal["deployments", "v1"]
    base: str
    """Up to and with ``/openai`` or ``/openai/v1``."""


def open_model(opening: Opening) -> WireModel:
    """The deployment whose name is the model's id. Connects when it is first asked something.

    An address that ends in ``/openai/v1`` is that of the newer surface, where a row may choose Responses.
    Raises ``SettingsError`` if there is no address, or for an effort that the model does not take.
    """
    if not opening.backend.base_url:
        raise SettingsError(
            f"no address of an Azure OpenAI resource is set. Set {ACCESS['azure'].url} to its endpoint, "
            "such as https://NAME.openai.azure.com."
        )
    check_backend("azure", opening.backend)
    opening = msgspec.structs.replace(opening, backend=_with_token(opening.backend))
    deployment = opening.facts.id
    surface = surface_of(opening.backend.base_url)
    advice = _advice(deployment, entra=_by_token(opening.backend))
    if surface.kind == "v1" and opening.row.api == "responses":
        return responses_model(opening, advice, cache_key=True, connect=connect)
    effort = checked_effort(opening)
    dialect = Dialect(
        # A deployment may have any name, so that its model is not known; OpenAI's all take this one.
        output_name=opening.row.output_name or "max_completion_tokens",
        parameters={"reasoning_effort": effort} if effort else {},
    )
    path = "/chat/completions"
    if surface.kind == "deployments":
        path = f"/deployments/{quote(deployment, safe='')}{path}"
    return chat_model(opening, dialect, advice, connect=connect, path=path)


def surface_of(endpoint: str) -> Surface:
    """What an endpoint means, however much of it was copied: with or without its slash, ``/openai``, or a
    deployment and a query behind that."""
    parts = urlsplit(endpoint)
    before, _, rest = f"{parts.path.rstrip('/')}/".partition("/openai/")
    v1 = rest.split("/")[0] == "v1"
    path = f"{before.rstrip('/')}/openai{'/v1' if v1 else ''}"
    return Surface("v1" if v1 else "deployments", urlunsplit((parts.scheme, parts.netloc, path, "", "")))


def connect(backend: Backend) -> StainlessLink:
    """Whatever the SDK would look up in its environment variables is given, or taken off each request."""
    import openai

    surface = surface_of(backend.base_url)
    version = backend.options.get("api_version") or API_VERSION
    client = openai.AsyncOpenAI(
        api_key=backend.key or "none",
        admin_api_key="",
        webhook_secret="",
        base_url=surface.base,
        default_query={"api-version": version} if surface.kind == "deployments" else {},
        max_retries=0,
        http_client=http_client(backend),
    )
    by_key = backend.api_key and not _by_token(backend)
    return StainlessLink(client, openai, backend, {"api-key": backend.key} if by_key else None)


def _with_token(backend: Backend) -> Backend:
    """A token of Entra goes before a key, as in Azure's own programs, and is from here on what a key is."""
    token = backend.options.get("ad_token", "").strip()
    if not token:
        return backend
    check_key(ACCESS["azure"].options["ad_token"], token)
    options = {**backend.options, "auth": "entra"}
    return msgspec.structs.replace(backend, api_key=token, fetch_key=None, options=options)


def _by_token(backend: Backend) -> bool:
    return backend.options.get("auth") == "entra"


def _advice(deployment: str, *, entra: bool) -> Advice:
    return partial(_advise, deployment, entra)


def _advise(
    deployment: str, entra: bool, kind: ProviderErrorKind, said: str
) -> tuple[ProviderErrorKind, str] | None:
    access = ACCESS["azure"]
    words = said.lower()
    if "content management policy" in words or "content_filter" in words:
        return "bad_request", (
            "Its content filter stopped this: say it in other words, start a new session if an earlier part "
            "of this one is meant, or change the filter of the deployment in Azure."
        )
    if "deployment" in words and kind == "model_not_found":
        return kind, (
            f"A model's id is the name of a deployment: check that the resource at {access.url} has one "
            f"called {deployment}. A new one takes some minutes to be found."
        )
    if kind == "model_not_found":
        version = access.options["api_version"]
        return (
            kind,
            f"Check the address ({access.url}), the deployment {deployment}, and {version} if it is set.",
        )
    if kind == "authentication" and entra:
        token = access.options["ad_token"]
        return kind, (
            f"Check {token}: a token lives for about an hour, and its account needs the role "
            "“Cognitive Services OpenAI User” on the resource."
        )
    return None
