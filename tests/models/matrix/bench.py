"""Asks one provider of the table, over a socket or with bytes at hand, and checks what comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

from akmon_core.errors import ProviderError
from akmon_core.messages import Assistant, Text, Thinking, ToolCall
from akmon_core.models import Model, ModelRequest
from akmon_core.stream import CallDelta, ReplyDone, StreamEvent, TextDelta, ThinkingDelta
from akmon_models.failures import Server
from akmon_models.wire.model import Wire, WireModel
from akmon_models.wire.reply import read_reply
from tests.models.asking import collect, request
from tests.models.faults import Exchange, Fault, FaultServer, Stage
from tests.models.matrix.formats.base import Format
from tests.models.matrix.replies import Reply
from tests.models.matrix.table import KEY, PATIENT, Row

Outcome: TypeAlias = tuple[list[StreamEvent], ProviderError | None]


class Bytes:
    """An open response whose body is at hand."""

    status_code = 200

    def __init__(self, chunks: Sequence[bytes], kind: str) -> None:
        self._chunks = chunks
        self.headers: Mapping[str, str] = {"content-type": kind}

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        pass


class Bench:
    """A provider at the server of faults."""

    def __init__(self, row: Row, server: FaultServer) -> None:
        self.row = row
        self.server = server

    @property
    def format(self) -> Format:
        return self.row.format

    @property
    def wire(self) -> Wire:
        model = self.row.open("http://localhost:1")
        assert isinstance(model, WireModel)
        return model.wire

    def stage(self, part: Fault) -> Stage:
        """A place where ``part`` is played to each request for a reply."""
        return self.server.play(part, self.row.path.rpartition("/")[2])

    def play(self, part: Fault, *, first: float = PATIENT, idle: float = PATIENT) -> tuple[Stage, Outcome]:
        """What comes of one request to a server that does ``part``."""
        stage = self.stage(part)
        return stage, ask(self.row.open(stage.url, first=first, idle=idle))

    def outcome(self, part: Fault) -> Outcome:
        return self.play(part)[1]

    def read(self, wire: bytes | Sequence[bytes]) -> Outcome:
        """What comes of ``wire`` over a socket, each part of it sent by itself."""
        parts = [wire] if isinstance(wire, bytes) else list(wire)
        return self.outcome(lambda x: x.trickle(parts, self.format.content_type))

    def whole(self, wire: bytes | Sequence[bytes]) -> list[StreamEvent]:
        events, error = self.read(wire)
        assert error is None, error
        return events

    def fold(self, streams: Iterable[Sequence[bytes]]) -> list[Outcome]:
        """What comes of each of ``streams``, given as chunks, without a socket."""
        return asyncio.run(self._fold(streams))

    async def _fold(self, streams: Iterable[Sequence[bytes]]) -> list[Outcome]:
        wire = self.wire
        server = Server(provider=self.row.provider, model="m", url="u", key_variable="K", url_variable="U")
        outcomes: list[Outcome] = []
        for chunks in streams:
            response = Bytes(chunks, self.format.content_type)
            reply = read_reply(
                server, response, wire.framer(), wire.decoder(server), (), first=PATIENT, idle=PATIENT
            )
            events: list[StreamEvent] = []
            seen = events.append
            try:
                async with aclosing(reply) as stream:
                    async for event in stream:
                        seen(event)
            except ProviderError as error:
                outcomes.append((events, error))
            else:
                outcomes.append((events, None))
        return outcomes

    def refuse(self, status: int, kind: str, message: str = "slow down", **headers: str) -> ProviderError:
        """The error that an HTTP error of this server becomes."""
        body = self.format.body(kind, message)
        events, error = self.outcome(lambda x: x.answer(status, body, **headers))
        assert events == []
        assert error is not None
        assert KEY not in str(error)
        return error


def ask(model: Model, asked: ModelRequest | None = None) -> Outcome:
    async def once() -> Outcome:
        try:
            return await collect(model, asked or request())
        finally:
            await model.close()

    return asyncio.run(once())


def done(events: Sequence[StreamEvent]) -> ReplyDone:
    """The last event, which is the only one of its kind."""
    assert [type(event) is ReplyDone for event in events].count(True) == 1
    last = events[-1]
    assert isinstance(last, ReplyDone)
    return last


def said(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def thought(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ThinkingDelta))


def check(bench: Bench, events: Sequence[StreamEvent], reply: Reply) -> ReplyDone:
    """That ``events`` are ``reply``: streamed in pieces that make up the whole, and nothing else."""
    last = done(events)
    text, thinking = "".join(reply.text), "".join(reply.thinking)
    assert last.message.text == said(events) == text
    assert "".join(part.text for part in thoughts(last.message)) == thought(events) == thinking
    check_calls(bench, last.message.calls, reply)
    check_call_deltas(events, last.message.calls)
    assert last.message.stop == reply.stop
    assert last.usage == bench.format.counted(reply.usage)
    kinds = [type(part) for part in last.message.parts]
    assert kinds == sorted(kinds, key=[Thinking, Text, ToolCall].index)
    return last


def thoughts(message: Assistant) -> list[Thinking]:
    return [part for part in message.parts if isinstance(part, Thinking)]


def check_calls(bench: Bench, calls: Sequence[ToolCall], reply: Reply) -> None:
    assert [call.name for call in calls] == [call.name for call in reply.calls]
    for got, sent in zip(calls, reply.calls, strict=True):
        if bench.format.streams_arguments:
            assert got.arguments == sent.arguments
        else:
            assert json.loads(got.arguments) == json.loads(sent.arguments)
        if sent.id and bench.format.has_ids:
            assert got.id == sent.id
    ids = [call.id for call in calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def check_call_deltas(events: Sequence[StreamEvent], calls: Sequence[ToolCall]) -> None:
    """What clients show while a call is being written becomes that call."""
    deltas = [event for event in events if isinstance(event, CallDelta)]
    for at, call in enumerate(calls):
        mine = [delta for delta in deltas if delta.index == at]
        assert "".join(delta.name for delta in mine) == call.name
        assert "".join(delta.arguments for delta in mine) in (call.arguments, "")
    assert {delta.index for delta in deltas} <= set(range(len(calls)))


def nothing_made_up(bench: Bench, message: Assistant, reply: Reply) -> None:
    """Each call is one that was sent, or has arguments that no tool accepts."""
    sent = [(call.name, parsed(call.arguments)) for call in reply.calls]
    for call in message.calls:
        arguments = parsed(call.arguments)
        assert not isinstance(arguments, dict) or (call.name, arguments) in sent


def parsed(arguments: str) -> Any:
    """None for what is not JSON."""
    try:
        return json.loads(arguments)
    except ValueError:
        return None


def answers(status: int, body: Any, kind: str = "application/json") -> Fault:
    return lambda x: x.answer(status, body, kind)


def stalls(parts: Sequence[bytes], kind: str) -> Fault:
    """Sends ``parts`` and then nothing until the client gives up."""

    def part(x: Exchange) -> None:
        x.trickle(list(parts), kind)
        x.until_closed()

    return part
