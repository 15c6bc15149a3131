"""A growing session, whose every request begins with all that the one before it had to be cached."""

from __future__ import annotations

import asyncio
import re

import msgspec
import pytest

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import ModelRequest
from tests.models.asking import SHELL, collect
from tests.models.faults import FaultServer
from tests.models.matrix.replies import SIGNATURE, TEXT
from tests.models.matrix.table import TABLE, Row

REQUESTS = 30
PIXEL = Image("image/png", "iVBORw0KGgo=")
_CACHE_POINT = re.compile(rb',?\{"cachePoint":\{"type":"default"\}\}')


def step(at: int, origin: str) -> list[Message]:
    """What joins the session between request ``at`` and the next."""
    signature = SIGNATURE if origin in ("messages", "responses", "converse") else "reasoning_content"
    thinking = Thinking(f"thought {at}", signature, origin=origin)
    call = ToolCall(f"call_{at}", "shell", f'{{"cmd": "ls {at}"}}')
    other = ToolCall(f"call_{at}b", "no such tool!", "{broken")
    image = ToolResult(call.id, f"picture {at}", images=(PIXEL,))
    error = ToolResult(other.id, "Unknown tool.", error=True)
    steer = User((Text(f"also {at}"),))
    steps: list[list[Message]] = [
        [Assistant((thinking, Text(f"I look. {at}"), call), "tools"), ToolResult(call.id, f"out ö {at}")],
        [Assistant((call, other), "tools"), image, error],
        [Assistant((Text(f"Done {at}."),)), User((Text(f"next {at}"),))],
        [Assistant((Text("cut"),), "length"), User((Text("Go on."),))],
        [Assistant((thinking, call), "tools"), ToolResult(call.id, ""), steer],
        [Assistant((Text(""), Text("Look."))), User((Text(f"look {at}"), PIXEL)), steer],
        [Assistant((thinking, Text("I th")), "length"), User((Text(f"after a thought {at}"),))],
        [Assistant((Text(f"I see {at}."), other, call), "tools"), error, image, steer, steer],
    ]
    return steps[at % len(steps)]


def session(origin: str) -> list[ModelRequest]:
    messages: list[Message] = [User((Text("begin"), PIXEL))]
    requests = []
    for at in range(REQUESTS):
        requests.append(
            ModelRequest(system="Be brief.", messages=tuple(messages), tools=(SHELL,), session="s-1")
        )
        messages += step(at, origin)
    return requests


def sent(row: Row, server: FaultServer, requests: list[ModelRequest] | None = None) -> list[bytes]:
    """The bodies of all requests, or those of the session, as they arrive."""
    stage = server.play(
        lambda x: x.send(row.format.stream(TEXT), row.format.content_type), row.path.rpartition("/")[2]
    )

    async def scenario() -> None:
        model = row.open(stage.url)
        for request in requests or session(row.format.origin):
            _, error = await collect(model, request)
            assert error is None, error
        await model.close()

    asyncio.run(scenario())
    return [exchange.body for exchange in stage.exchanges]


def cacheable(row: Row, body: bytes) -> bytes:
    """``body`` up to the end of its last message, without the marks that say how far a cache goes."""
    if row.format.origin == "converse":
        body = _CACHE_POINT.sub(b"", body)
    prefix = body.rstrip(b" \n]}")
    closing = body[len(prefix) :]
    msgspec.json.decode(body)
    return prefix if closing else body


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_request_begins_with_all_of_the_one_before_it(row: Row, server: FaultServer) -> None:
    bodies = sent(row, server)
    assert len(bodies) == REQUESTS
    for at in range(1, REQUESTS):
        before, now = cacheable(row, bodies[at - 1]), cacheable(row, bodies[at])
        assert now.startswith(before), (at, common(before, now))
        assert len(now) > len(before)
    assert b"also" in bodies[-1]
    assert b"next 26" in bodies[-1]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
@pytest.mark.parametrize("nothing", [Assistant(()), Assistant((Thinking("hm", "", origin="x"),), "length")])
def test_a_reply_that_cannot_be_sent_costs_no_more_of_the_cache_than_the_message_before_it(
    row: Row, server: FaultServer, nothing: Assistant
) -> None:
    """Users' messages with nothing between them may become one."""
    begin = (User((Text("begin"),)), Assistant((Text("Yes?"),)), User((Text("first"),)))
    shorter = ModelRequest(system="Be brief.", messages=begin, tools=(SHELL,), session="s-1")
    longer = msgspec.structs.replace(shorter, messages=(*begin, nothing, User((Text("second"), PIXEL))))
    before, now = sent(row, server, [shorter, longer])
    until = before.index(b"Yes?")
    assert now[:until] == before[:until]
    assert now.count(b"first") == now.count(b"second") == 1


def common(before: bytes, now: bytes) -> bytes:
    """Where two bodies part, with what is around."""
    at = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), len(now))
    return before[at - 80 : at] + b" >>> " + before[at : at + 60] + b" <<< " + now[at : at + 60]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_one_request_is_written_alike_each_time(row: Row, server: FaultServer) -> None:
    first, again = sent(row, server), sent(row, server)
    assert first == again
