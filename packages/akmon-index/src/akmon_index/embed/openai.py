"""Embeddings of OpenAI and of servers like it: ``POST /embeddings``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec

from akmon_core.errors import SettingsError
from akmon_index.embed.remote import RemoteEmbedder
from akmon_index.embed.server import Server, is_this_machine
from akmon_index.models import KEY, Choice

ADDRESS = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"


class _Row(msgspec.Struct, frozen=True):
    embedding: list[float]
    index: int = 0


class _Reply(msgspec.Struct, frozen=True):
    data: list[_Row]


def openai_embedder(choice: Choice, learn: Callable[[str], None]) -> RemoteEmbedder:
    """``learn`` is told the key. Raises ``SettingsError`` if there is none where one is needed."""
    url = choice.url or ADDRESS
    key = find_key(url, os.environ)
    if key:
        learn(key)
    server = Server("the embedding server", url, key=key, unreachable="Check the network and the url.")
    advice = {
        401: f"Check the key: set {KEY}.",
        403: f"Check the key: set {KEY}.",
        404: f"Check the url, and that it has the model {choice.name}.",
    }

    def ask(texts: list[str], patient: bool) -> Sequence[Sequence[float]]:
        body = {"model": choice.name, "input": texts, "encoding_format": "float"}
        rows = server.post("/embeddings", body, _Reply, advice, patient=patient).data
        return [row.embedding for row in sorted(rows, key=lambda row: row.index)]

    return RemoteEmbedder(choice.spec, server.name, ask)


def find_key(url: str, environ: Mapping[str, str]) -> str:
    """The key for the server at ``url``; empty where it may do without one.

    A key of OpenAI is sent to OpenAI only, and no key goes to another machine unencrypted. Raises
    ``SettingsError``.
    """
    own = environ.get(KEY, "").strip()
    key = own or (environ.get(OPENAI_KEY, "").strip() if url.rstrip("/") == ADDRESS else "")
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(
            f"{KEY if own else OPENAI_KEY} cannot be sent: a key is one line of printable ASCII."
        )
    if not key and url.rstrip("/") == ADDRESS:
        raise SettingsError(f"no key for OpenAI's embeddings is known: set {OPENAI_KEY} or {KEY}.")
    if key and url.lower().startswith("http://") and not is_this_machine(url):
        raise SettingsError(f"{KEY} would be sent unencrypted: use an https:// url, or unset it.")
    return key
