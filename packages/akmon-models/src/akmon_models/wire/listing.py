"""Asks a server for the models that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from akmon_core.errors import ProviderError
from akmon_core.models import Listed
from akmon_models.backend import Backend
from akmon_models.failures import broken_off, excerpt, failure, holds_error, stream_failure
from akmon_models.wire.link import Link
from akmon_models.wire.model import Connection
from akmon_models.wire.reply import transport_failure

LIST_BYTES = 20_000_000
"""A list of models; a larger one is none. OpenRouter's has about a megabyte."""
LIST_SECONDS = 30.0

_WINDOWS = ("context_length", "context_window", "max_model_len", "max_context_length")
"""Where servers tell a model's window: OpenRouter and Together, Groq, vLLM, Mistral."""


async def list_openai(
    provider: str, backend: Backend, connect: Callable[[Backend], Link], path: str = "/models"
) -> list[Listed]:
    """What ``GET /models`` lists, in the server's order. Raises ``ProviderError`` and ``SettingsError``."""
    entries = await fetch_entries(provider, backend, connect, path)
    return [Listed(id=entry["id"], context_window=_window(entry)) for entry in entries]


async def fetch_entries(
    provider: str, backend: Backend, connect: Callable[[Backend], Link], path: str
) -> list[dict[str, Any]]:
    """The entries of a list of models that ``GET path`` answers, each with an ``id``. Raises as above."""
    connection = Connection(provider, backend, connect, "its models")
    try:
        said = await fetch_json(connection, path)
    finally:
        await connection.close()
    entries = said.get("data") if isinstance(said, dict) else said
    if not isinstance(entries, list):
        raise failure(connection.server, "protocol", "a list of models was asked for, and none came")
    return [
        entry
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"]
    ]


async def fetch_json(connection: Connection, path: str) -> Any:
    """What ``GET path`` answers, decoded. Raises ``ProviderError`` for what is no JSON, or too long."""
    body = await _fetch(connection, path)
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise failure(
            connection.server, "protocol", f"no JSON but “{excerpt(body)}”" if body else "an empty body"
        ) from None
    if holds_error(body):
        raise stream_failure(connection.server, body)
    return said


async def _fetch(connection: Connection, path: str) -> bytes:
    import asyncio

    try:
        response = await connection.ask(lambda link: link.get(path), LIST_SECONDS)
    except ProviderError as error:
        if error.status == 404:
            raise _no_list(connection, path) from error
        raise
    body = bytearray()
    try:
        async with asyncio.timeout(LIST_SECONDS):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LIST_BYTES:
                    raise broken_off(
                        connection.server, "protocol", f"it is larger than {LIST_BYTES // 1_000_000} MB"
                    )
    except TimeoutError:
        raise broken_off(
            connection.server, "timeout", f"it did not end within {LIST_SECONDS:g} seconds"
        ) from None
    except connection.errors as error:
        raise transport_failure(connection.server, error, started=True) from error
    finally:
        await response.aclose()
    return bytes(body)


def _no_list(connection: Connection, path: str) -> ProviderError:
    server = connection.server
    return ProviderError(
        "model_not_found",
        f"{server.provider} lists no models at {server.url}{path} (404). "
        f"If that address is not right, set it ({server.url_variable}); not every server has a list.",
        status=404,
    )


def _window(entry: dict[str, Any]) -> int | None:
    """Tokens, if the entry tells them by any of the usual names."""
    found = (entry.get(name) for name in _WINDOWS)
    return next((value for value in found if type(value) is int and value > 0), None)
