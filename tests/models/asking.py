"""Asks models and collects what they say."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import msgspec

from akmon_core.errors import ProviderError
from akmon_core.messages import Message, Text, User
from akmon_core.models import Model, ModelRequest
from akmon_core.stream import ReplyDone, StreamEvent
from akmon_core.tools import ToolSpec
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.registry import client
from akmon_models.wire.model import Opening
from tests.models.faults import FaultServer, Protocol

KEY = "sk-very-secret-key"

SHELL = ToolSpec(
    name="shell",
    description="Runs a command.",
    parameters={"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
)


def request(*messages: Message, tools: tuple[ToolSpec, ...] = (SHELL,)) -> ModelRequest:
    said = messages or (User((Text("hi"),)),)
    return ModelRequest(system="Be brief.", messages=said, tools=tools, session="s1")


def model_at(url: str, protocol: Protocol, *, idle: float = 10, key: str = KEY) -> Model:
    model = "claude-x" if protocol == "anthropic" else "gpt-x"
    known = row(protocol, model)
    opening = Opening(
        facts=msgspec.structs.replace(facts_of(protocol, model, known), first_token_seconds=idle),
        row=known,
        backend=Backend(key, url),
        idle=idle,
    )
    opened: Model = client(protocol).open_model(opening)
    return opened


async def collect(model: Model, asked: ModelRequest | None = None) -> tuple[list[StreamEvent], Any]:
    """The events, and the error that ended them or None."""
    events: list[StreamEvent] = []
    seen = events.append
    try:
        stream: Any = model.stream(asked or request())
        async with aclosing(stream):
            async for event in stream:
                seen(event)
    except ProviderError as error:
        return events, error
    return events, None


async def _ask_and_close(model: Model, asked: ModelRequest | None) -> tuple[list[StreamEvent], Any]:
    try:
        return await collect(model, asked)
    finally:
        await model.close()


def ask(model: Model, asked: ModelRequest | None = None) -> tuple[list[StreamEvent], Any]:
    return asyncio.run(_ask_and_close(model, asked))


def ask_fault(
    server: FaultServer, fault: str, protocol: Protocol, *, idle: float = 10
) -> tuple[list[StreamEvent], Any]:
    return ask(model_at(server.url(fault, protocol), protocol, idle=idle))


def reply(events: list[StreamEvent]) -> ReplyDone:
    """The last event, which is the only one of its kind."""
    assert [type(event) is ReplyDone for event in events].count(True) == 1
    done = events[-1]
    assert isinstance(done, ReplyDone)
    return done
