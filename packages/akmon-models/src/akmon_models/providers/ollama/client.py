"""Models that Ollama runs, through the ``ollama`` SDK."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.models import Listed, ModelFacts, ModelRequest
from akmon_core.stream import StreamEvent
from akmon_models.backend import ACCESS, Backend
from akmon_models.catalog import OUTPUT_SHARE
from akmon_models.effort import checked_effort
from akmon_models.failures import failure, quote
from akmon_models.providers.ollama.address import address
from akmon_models.providers.ollama.advice import advice
from akmon_models.providers.ollama.decode import OllamaDecoder
from akmon_models.providers.ollama.encode import Parameters, encode, think
from akmon_models.wire.link import Link
from akmon_models.wire.listing import fetch_json
from akmon_models.wire.model import Connection, Opening, Wire, WireModel
from akmon_models.wire.ndjson import NdjsonDecoder

DEFAULT_WINDOW = 32_768
"""Tokens that are asked for unless ``num_ctx`` says otherwise, or the model has fewer. The memory that a
window takes grows with it: this one takes 4 GB with Llama 3.1 8B, and the model's whole window 16 GB."""
LEAST_WINDOW = 1_024
PATIENCE = 5
"""Ollama is silent while it reads a call that a model writes: so many times longer than others may be."""
NAMES_SECONDS = 2.0
"""For the installed models that an error names."""
NAMES = 10

_DURATION = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+\Z")
_SECONDS = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")


class OllamaModel(WireModel):
    """A model at Ollama. If it is not there, the error names those that are."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        try:
            async with aclosing(super().stream(request)) as events:
                async for event in events:
                    yield event
        except ProviderError as error:
            if error.kind != "model_not_found":
                raise
            names = await self._installed()
            raise ProviderError(error.kind, f"{error}{names}", status=error.status) from error

    async def _installed(self) -> str:
        import asyncio

        try:
            async with asyncio.timeout(NAMES_SECONDS):
                entries = await _entries(self._connection)
        except (TimeoutError, ProviderError):
            return ""
        names = [listed.id for listed in map(_listed, entries)]
        if not names:
            return " No model is installed."
        more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
        return f" Installed: {quote(self._connection.server, ', '.join(names[:NAMES]))}{more}."


def open_model(opening: Opening) -> OllamaModel:
    """A model at Ollama. Connects when it is first asked something.

    The window that is asked for is the one that its facts tell.
    Raises ``SettingsError`` for a ``num_ctx`` or a ``keep_alive`` that is none, or a wrong effort.
    """
    backend = _located(opening.backend)
    num_ctx = _num_ctx(opening.facts, backend)
    facts = msgspec.structs.replace(
        opening.facts,
        context_window=num_ctx,
        max_output=min(opening.facts.max_output, num_ctx // OUTPUT_SHARE),
    )
    parameters = Parameters(
        model=facts.id,
        num_ctx=num_ctx,
        num_predict=facts.max_output,
        think=think(checked_effort(opening), facts.id),
        keep_alive=_keep_alive(backend.options.get("keep_alive", "")),
    )
    wire = Wire(
        path="/api/chat",
        connect=connect,
        encode=lambda request: encode(request, parameters),
        decoder=OllamaDecoder,
        framer=NdjsonDecoder,
        advice=advice(facts.id, num_ctx),
    )
    own = msgspec.structs.replace(opening, facts=facts, backend=backend, idle=opening.idle * PATIENCE)
    return OllamaModel(own, wire)


async def list_models(backend: Backend) -> list[Listed]:
    """The models that are installed, last used first. Raises ``ProviderError`` and ``SettingsError``."""
    connection = Connection("ollama", _located(backend), connect, advice=advice("MODEL", DEFAULT_WINDOW))
    try:
        return [_listed(entry) for entry in await _entries(connection)]
    finally:
        await connection.close()


def connect(backend: Backend) -> Link:
    from akmon_models.providers.ollama.link import OllamaLink

    return OllamaLink(backend)


async def _entries(connection: Connection) -> list[dict[str, Any]]:
    said = await fetch_json(connection, "/api/tags")
    entries = said.get("models") if isinstance(said, dict) else None
    if not isinstance(entries, list):
        raise failure(connection.server, "protocol", "a list of models was asked for, and none came")
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]


def _listed(entry: dict[str, Any]) -> Listed:
    details = entry.get("details")
    details = details if isinstance(details, dict) else {}
    window = details.get("context_length")
    kind = " ".join(
        text
        for name in ("parameter_size", "quantization_level")
        if isinstance(text := details.get(name), str) and text
    )
    return Listed(
        id=entry["name"],
        context_window=window if type(window) is int and window > 0 else None,
        detail=", ".join(filter(None, (kind, _place(entry)))),
    )


def _place(entry: dict[str, Any]) -> str:
    """How much of the disk a model takes, or where it is if it is not here."""
    remote, size = entry.get("remote_host"), entry.get("size")
    if isinstance(remote, str) and remote:
        return f"at {remote}"
    if type(size) is not int or size <= 0:
        return ""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _located(backend: Backend) -> Backend:
    return msgspec.structs.replace(backend, base_url=address(backend.base_url))


def _num_ctx(facts: ModelFacts, backend: Backend) -> int:
    text = backend.options.get("num_ctx", "").strip()
    if not text:
        return (
            facts.context_window
            if _in_cloud(facts.id, backend)
            else min(facts.context_window, DEFAULT_WINDOW)
        )
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < LEAST_WINDOW:
        raise SettingsError(
            f"the window for Ollama, {text[:20]!a}, cannot be used ({_variable('num_ctx')}): "
            f"it is a number of tokens from {LEAST_WINDOW:,}, such as {DEFAULT_WINDOW}."
        )
    return int(text)


def _in_cloud(model: str, backend: Backend) -> bool:
    """Whether a model runs in Ollama's cloud, which always gives it its whole window."""
    return model.endswith(("-cloud", ":cloud")) or backend.base_url.startswith("https://ollama.com")


def _keep_alive(text: str) -> str | float | None:
    """Ollama takes a number as seconds, but not in quotes; below zero, it keeps the model for good."""
    text = text.strip()
    if not text:
        return None
    if _SECONDS.match(text):
        return int(text) if text.lstrip("-").isdigit() else float(text)
    if _DURATION.match(text):
        return text
    raise SettingsError(
        f"the time to keep a model loaded, {text[:20]!a}, cannot be used ({_variable('keep_alive')}): "
        "write seconds, or a number with its unit such as 10m or 1h30m; -1 keeps it for good."
    )


def _variable(option: str) -> str:
    return ACCESS["ollama"].options[option]
