"""Which provider speaks which wire format, and what its server must see."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from akmon_core.models import Effort, Model, ModelRow
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.registry import client
from akmon_models.wire.model import Opening
from tests.models.matrix.formats.base import Format
from tests.models.matrix.formats.chat import Chat
from tests.models.matrix.formats.converse import Converse
from tests.models.matrix.formats.messages import Messages
from tests.models.matrix.formats.ollama import Ollama
from tests.models.matrix.formats.responses import Responses

KEY = "sk-very-secret-key"
BEARER = {"authorization": f"Bearer {KEY}"}
PATIENT = 60.0
"""Longer than the server holds a connection: a test that waits for this fails."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it is asked in one wire format."""

    name: str
    provider: str
    format: Format
    model: str
    base: str = ""
    """What the address of the backend has behind that of the server."""
    path: str
    """What the server must see behind its own address, without a query."""
    query: str = ""
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: BEARER)
    """What authenticates a request."""
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ("x-api-key", "api-key")
    options: Mapping[str, str] = {}
    known: ModelRow | None = None
    """A row of the user's own."""
    cost: float | None = None
    """What the server says that a reply cost."""

    def open(
        self,
        url: str,
        *,
        key: str = KEY,
        first: float = PATIENT,
        idle: float = PATIENT,
        effort: Effort | None = None,
    ) -> Model:
        """The model at a server's ``url``, without retries."""
        known = row(self.provider, self.model, (self.known,) if self.known else ())
        facts = facts_of(self.provider, self.model, known)
        opening = Opening(
            facts=msgspec.structs.replace(facts, first_token_seconds=first),
            row=known,
            backend=Backend(key, url + self.base, options=self.options),
            effort=effort,
            idle=idle,
        )
        opened: Model = client(self.provider).open_model(opening)
        return opened


COSTING = Chat("reasoning", costs=True)

TABLE = (
    Row(
        name="bedrock",
        provider="bedrock",
        format=Converse(),
        model="eu.anthropic.claude-sonnet-5-5-v1:0",
        path="/model/eu.anthropic.claude-sonnet-5-5-v1%3A0/converse-stream",
        options={"region": "eu-central-1"},
    ),
    Row(
        name="anthropic",
        provider="anthropic",
        format=Messages(),
        model="claude-x",
        path="/v1/messages",
        present=("anthropic-version",),
    ),
    Row(
        name="openrouter",
        provider="openrouter",
        format=COSTING,
        model="anthropic/claude-x",
        base="/api/v1",
        path="/api/v1/chat/completions",
        cost=COSTING.cost,
    ),
    Row(
        name="azure",
        provider="azure",
        format=Chat(),
        model="my-deployment",
        path="/openai/deployments/my-deployment/chat/completions",
        query=r"api-version=\d{4}-\d\d-\d\d",
        headers={"api-key": KEY},
        absent=("authorization",),
    ),
    Row(
        name="azure-responses",
        provider="azure",
        format=Responses(),
        model="my-deployment",
        base="/openai/v1",
        path="/openai/v1/responses",
        headers={"api-key": KEY},
        absent=("authorization",),
        known=ModelRow(match="my-deployment", api="responses"),
    ),
    Row(
        name="openai-responses",
        provider="openai",
        format=Responses(),
        model="gpt-x",
        base="/v1",
        path="/v1/responses",
        known=ModelRow(match="gpt-x", api="responses"),
    ),
    Row(
        name="openai-chat",
        provider="openai",
        format=Chat(),
        model="gpt-x",
        base="/v1",
        path="/v1/chat/completions",
        known=ModelRow(match="gpt-x", api="chat"),
    ),
    Row(
        name="groq",
        provider="groq",
        format=Chat("reasoning"),
        model="openai/gpt-oss-120b",
        base="/openai/v1",
        path="/openai/v1/chat/completions",
    ),
    Row(
        name="openai-compatible",
        provider="openai-compatible",
        format=Chat(),
        model="qwen3-coder",
        base="/v1",
        path="/v1/chat/completions",
    ),
    Row(name="ollama", provider="ollama", format=Ollama(), model="qwen3", path="/api/chat"),
)
