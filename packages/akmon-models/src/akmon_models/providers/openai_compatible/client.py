"""Models behind an address of the user's own, with or without a key."""

from __future__ import annotations

from akmon_models.protocols.chat.encode import Dialect
from akmon_models.providers.openai.client import chat_model
from akmon_models.wire.model import Opening, WireModel


def open_model(opening: Opening) -> WireModel:
    return chat_model(opening, Dialect(output_name=opening.row.output_name or "max_tokens"))
