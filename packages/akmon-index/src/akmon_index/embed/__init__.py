"""Embedding models: what turns text into vectors. Each kind has a module, loaded when it is used."""

from __future__ import annotations

from akmon_core.plugins import Workplace
from akmon_index.models import Choice, installed, missing
from akmon_index.values import OpenEmbedder


def open_embedder(place: Workplace, choice: Choice, *, download: bool = False) -> OpenEmbedder:
    """The model that ``choice`` names, to be closed. Large ones are loaded, and servers asked, at first use.

    ``download`` lets weights be fetched that are not here. Raises ``SettingsError`` that says what to do.
    """
    match choice.kind:
        case "sentence-transformers":
            from akmon_index.embed.apart import ApartEmbedder

            if not installed(choice.kind):
                raise missing(choice)
            return ApartEmbedder(choice, download=download)
        case "static":
            from akmon_index.embed.static import StaticEmbedder

            return StaticEmbedder(choice, download=download)
        case "ollama":
            from akmon_index.embed.ollama import ollama_embedder

            return ollama_embedder(choice)
        case "openai":
            from akmon_index.embed.openai import openai_embedder

            return openai_embedder(choice, place.learn)
        case "hashed":
            from akmon_index.embed.hashed import HashedEmbedder

            return HashedEmbedder()
