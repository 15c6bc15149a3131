"""Reasoning items of Responses as the signatures of ``Thinking`` parts, and back."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from akmon_core.messages import Thinking

ORIGIN = "responses"
NOTHING = msgspec.Raw()
"""Of a field that is not there: only this very value is left out of what is encoded."""


class ReasoningItem(msgspec.Struct, tag_field="type", tag="reasoning", omit_defaults=True):
    """A reasoning item, as far as it must go back."""

    summary: msgspec.Raw = NOTHING
    id: str = ""
    encrypted_content: str = ""
    content: msgspec.Raw = NOTHING
    server: str = ""
    """Where it was made: only that server can read what it encrypted. Never sent."""


_decoder = msgspec.json.Decoder(ReasoningItem)
_encoder = msgspec.json.Encoder()


def server_of(url: str) -> str:
    """Host and port of an address, by which servers are told apart."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""


def signature(item: ReasoningItem) -> str:
    """``item`` as compact JSON; empty if its server could make nothing of it.

    Without encrypted content a server that stores nothing knows no more than the text of its own item.
    """
    if not item.encrypted_content and not item.content:
        return ""
    return _encoder.encode(item).decode()


def item_of(part: Thinking, server: str) -> ReasoningItem | None:
    """What to send back of ``part`` to ``server``; None if it came in another protocol or from elsewhere.

    The id of an encrypted item stays here: it names something stored, and servers that were told to store
    nothing refuse it (404 "Items are not persisted", Azure 400).
    """
    if part.origin != ORIGIN or not part.signature:
        return None
    try:
        item = _decoder.decode(part.signature)
    except (msgspec.DecodeError, RecursionError):
        return None
    if item.server and item.server != server:
        return None
    item.server = ""
    item.summary = item.summary or msgspec.Raw(b"[]")
    if item.encrypted_content:
        item.id = ""
        item.content = NOTHING
    return item
