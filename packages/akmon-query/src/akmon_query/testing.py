"""Fakes and checks for those who test what they build on akmon: no network, no key, no disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence

import msgspec

from akmon_core.commands import Command
from akmon_core.errors import ProviderError
from akmon_core.events import Envelope, TurnEnded
from akmon_core.messages import Assistant, Message, Text, ToolCall, ToolResult, User
from akmon_core.models import ModelFacts, ModelRequest, Prices
from akmon_core.stream import ReplyDone, StreamEvent, TextDelta, Usage
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_query.session import Session


class FakeModel:
    """A model that gives ``replies`` one after the other; an exception among them is raised instead.

    ``requests`` holds what it was asked. Texts are streamed word by word, with a pause for other tasks.
    """

    def __init__(
        self,
        replies: Iterable[Assistant | str | Exception],
        *,
        usage: Usage = Usage(input_tokens=10, output_tokens=5),  # noqa: B008 - a frozen value
        prices: Prices | None = None,
    ) -> None:
        self._replies = iter(replies)
        self._usage = usage
        self.requests: list[ModelRequest] = []
        self.facts = ModelFacts(
            provider="fake", id="fake", context_window=100_000, max_output=10_000, prices=prices
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(request)
        reply = next(self._replies, None)
        if reply is None:
            raise ProviderError("bad_request", "the fake model has no reply left")
        if isinstance(reply, Exception):
            raise reply
        message = Assistant((Text(reply),)) if isinstance(reply, str) else reply
        for word in message.text.split(" "):
            await asyncio.sleep(0)
            yield TextDelta(word)
        yield ReplyDone(message, self._usage)

    async def close(self) -> None:
        pass


class FakeArguments(msgspec.Struct, frozen=True):
    text: str = ""


class FakeTool:
    """A tool that returns its text, after ``steps`` pauses, or raises ``error``."""

    description = "Returns its text."
    arguments = FakeArguments

    def __init__(
        self,
        name: str = "echo",
        *,
        effects: Sequence[Effect] = (),
        steps: int = 1,
        error: Exception | None = None,
    ) -> None:
        self.name = name
        self._effects = tuple(effects)
        self._steps = steps
        self._error = error

    def effects(self, arguments: FakeArguments) -> tuple[Effect, ...]:
        return self._effects

    async def run(self, arguments: FakeArguments, context: ToolContext) -> ToolOutput:
        for _ in range(self._steps):
            await asyncio.sleep(0)
        if self._error:
            raise self._error
        context.progress(arguments.text)
        return ToolOutput(arguments.text)


def call(tool: str, arguments: str = "{}", *, call_id: str = "call_1") -> Assistant:
    """A reply that consists of one call."""
    return Assistant((ToolCall(call_id, tool, arguments),), "tools")


async def run_turn(session: Session, command: Command) -> list[Envelope]:
    """Sends ``command`` and gives everything that happened until the turn it started ended."""
    events = session.events()
    await session.send(command)
    seen: list[Envelope] = []
    async for envelope in events:
        seen.append(envelope)
        if isinstance(envelope.event, TurnEnded):
            break
    events.close()
    return seen


def check_well_formed(history: Sequence[Message]) -> None:
    """Raises ``AssertionError`` unless a provider would accept ``history``.

    A user speaks first, and every call has exactly one result, right behind its reply and in its order.
    """
    assert not history or isinstance(history[0], User), (
        f"the history begins with a {type(history[0]).__name__}"
    )
    waiting: list[str] = []
    for message in history:
        match message:
            case ToolResult(call_id=call_id):
                assert waiting, f"a result without a call: {call_id}"
                assert call_id == waiting.pop(0), f"the result of {call_id} is out of order"
            case User() | Assistant():
                assert not waiting, f"calls without results: {waiting}"
                waiting = [call.id for call in message.calls] if isinstance(message, Assistant) else []
                assert len(set(waiting)) == len(waiting), f"two calls with one id: {waiting}"
    assert not waiting, f"calls without results: {waiting}"
