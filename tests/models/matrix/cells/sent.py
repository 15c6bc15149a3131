"""Cells: what a provider's server is sent, and over how many connections."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.models.asking import collect
from tests.models.faults import Exchange, Fault
from tests.models.matrix.bench import Bench, answers, ask, check
from tests.models.matrix.cells.names import cell
from tests.models.matrix.replies import FULL
from tests.models.matrix.table import KEY

STRAY = "stray-secret"
VARIABLES = {
    **dict.fromkeys(
        (
            "OPENAI_API_KEY",
            "OPENAI_ADMIN_KEY",
            "OPENAI_ORG_ID",
            "OPENAI_PROJECT_ID",
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "AZURE_OPENAI_API_KEY",
            "AZURE_OPENAI_AD_TOKEN",
            "OPENROUTER_API_KEY",
            "GROQ_API_KEY",
            "OLLAMA_API_KEY",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_BEARER_TOKEN_BEDROCK",
        ),
        STRAY,
    ),
    "OPENAI_CUSTOM_HEADERS": f"X-Stray: {STRAY}\nAuthorization: {STRAY}",
    "ANTHROPIC_CUSTOM_HEADERS": f"X-Stray: {STRAY}\nAuthorization: {STRAY}",
    "OPENAI_BASE_URL": f"http://localhost:1/{STRAY}",
    "ANTHROPIC_BASE_URL": f"http://localhost:1/{STRAY}",
    "OLLAMA_HOST": f"http://localhost:1/{STRAY}",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://localhost:1/{STRAY}",
    "AZURE_OPENAI_ENDPOINT": f"http://localhost:1/{STRAY}",
    "AWS_REGION": "us-west-2",
}


def whole(bench: Bench) -> Fault:
    return lambda x: x.send(bench.format.stream(FULL), bench.format.content_type)


def check_sent(bench: Bench, exchange: Exchange) -> None:
    path, _, query = exchange.path.partition("?")
    assert path.replace(":", "%3A") == bench.row.path.replace(":", "%3A")
    assert re.fullmatch(bench.row.query, query)
    for name, value in bench.row.headers.items():
        assert exchange.headers.get(name) == value, name
    assert set(bench.row.present) <= set(exchange.headers)
    assert not set(bench.row.absent) & set(exchange.headers)


@cell("address and key")
def address(bench: Bench) -> None:
    stage, (events, error) = bench.play(whole(bench))
    assert error is None, error
    check(bench, events, FULL)
    (exchange,) = stage.exchanges
    check_sent(bench, exchange)
    assert exchange.headers["content-type"] == "application/json"
    assert isinstance(json.loads(exchange.body), dict)
    assert KEY not in exchange.path
    assert KEY.encode() not in exchange.body


@cell("nothing from the environment")
def environment(bench: Bench) -> None:
    """An SDK takes keys, addresses and headers from variables that are meant for other programs."""
    with variables(VARIABLES):
        stage, (_, error) = bench.play(whole(bench))
    assert error is None, error
    (exchange,) = stage.exchanges
    check_sent(bench, exchange)
    assert STRAY not in f"{exchange.path} {exchange.headers}"


@contextmanager
def variables(more: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@cell("no key")
def no_key(bench: Bench) -> None:
    """A server of one's own is asked without one; another says that it misses it."""
    stage = bench.stage(whole(bench))
    _, error = ask(bench.row.open(stage.url, key=""))
    for exchange in stage.exchanges:
        assert error is None
        assert not {"authorization", "x-api-key", "api-key"} & set(exchange.headers)
    assert stage.exchanges or error is not None


@cell("one connection")
def one_connection(bench: Bench) -> None:
    """Three requests after one another go over one connection."""
    body = b"".join(bench.format.stream(FULL))

    def part(x: Exchange) -> None:
        for left in (2, 1, 0):
            x.head(200, bench.format.content_type, connection="keep-alive", content_length=len(body))
            x.socket.sendall(body)
            if left:
                x.next_request()

    stage = bench.stage(part)

    async def scenario() -> None:
        model = bench.row.open(stage.url)
        for _ in range(3):
            events, error = await collect(model)
            assert error is None, error
            check(bench, events, FULL)
        await model.close()

    asyncio.run(scenario())
    assert len(stage.exchanges) == 1


@cell("two at once")
def two_at_once(bench: Bench) -> None:
    stage = bench.stage(whole(bench))

    async def scenario() -> None:
        model = bench.row.open(stage.url)
        for events, error in await asyncio.gather(collect(model), collect(model)):
            assert error is None, error
            check(bench, events, FULL)
        await model.close()

    asyncio.run(scenario())
    assert len(stage.exchanges) == 2


@cell("no retries of its own")
def no_retries(bench: Bench) -> None:
    """One layer retries, and it is not the SDK."""
    for status in (429, 500, 503):
        stage, (_, error) = bench.play(answers(status, bench.format.body("overloaded", "busy")))
        assert error is not None
        assert len(stage.exchanges) == 1
