"""Models behind an address of the user's own, with or without a key, through the ``openai`` SDK."""

from __future__ import annotations

from akmon_core.models import Listed
from akmon_models.backend import Backend
from akmon_models.effort import checked_effort, output_name
from akmon_models.protocols.chat.encode import Dialect
from akmon_models.providers.openai.client import chat_model, connect
from akmon_models.wire.model import Opening, WireModel


def open_model(opening: Opening) -> WireModel:
    """A model by the id that its server knows. Connects when it is first asked something."""
    effort = checked_effort(opening)
    parameters = {"reasoning_effort": effort} if effort else {}
    return chat_model(opening, Dialect(output_name=output_name(opening), parameters=parameters))


async def list_models(backend: Backend) -> list[Listed]:
    """What the server lists, if it does. Raises ``ProviderError``."""
    from akmon_models.wire.listing import list_openai

    return await list_openai("openai-compatible", backend, connect)
