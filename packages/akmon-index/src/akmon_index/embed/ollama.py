"""Embeddings of an Ollama server: ``POST /api/embed`` (docs.ollama.com/api/embed, autumn of 2026)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from akmon_index.embed.remote import RemoteEmbedder
from akmon_index.embed.server import Server
from akmon_index.models import Choice

ADDRESS = "http://127.0.0.1:11434"


class _Reply(msgspec.Struct, frozen=True):
    embeddings: list[list[float]]


def ollama_embedder(choice: Choice) -> RemoteEmbedder:
    """Raises ``SettingsError`` for an address that cannot be used."""
    fetch = f"ollama pull {choice.name}"
    server = Server(
        "Ollama",
        choice.url or ADDRESS,
        unreachable=f"Start it (ollama serve), and fetch the model once ({fetch}); or set the url.",
    )

    def ask(texts: list[str], patient: bool) -> Sequence[Sequence[float]]:
        body = {"model": choice.name, "input": texts, "truncate": True}
        advice = {404: f"Fetch the model: {fetch}"}
        return server.post("/api/embed", body, _Reply, advice, patient=patient).embeddings

    return RemoteEmbedder(choice.spec, server.name, ask)
