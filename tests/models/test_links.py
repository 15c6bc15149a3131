"""Connections over the SDKs: proxies, and what becomes of one that nobody waits for any longer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import pytest

from akmon_models.backend import Backend
from akmon_models.providers.anthropic.client import connect as anthropic
from akmon_models.providers.azure.client import connect as azure
from akmon_models.providers.openai.client import connect as openai
from akmon_models.wire.link import Link, Refused
from tests.models.answering import Received, answering
from tests.models.faults import Exchange, FaultServer

Connect = Callable[[Backend], Link]
CONNECT: tuple[Connect, ...] = (openai, anthropic, azure)


async def post(link: Link) -> None:
    try:
        response = await link.post("/path", b"{}")
        await response.aclose()
    finally:
        await link.close()


def first_line(connect: Connect, url: str) -> None:
    link = connect(Backend("k", url))
    with suppress(*link.errors, Refused):
        asyncio.run(post(link))


@pytest.mark.parametrize("connect", CONNECT)
def test_requests_go_through_the_proxy_that_the_environment_names(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(b"no", "text/plain", 403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        first_line(connect, "https://models.example/v1")
        first_line(connect, "http://models.example/v1")
    tunnel, plain = (received.line for received in proxy.requests)
    assert tunnel.startswith("CONNECT models.example:443 ")
    assert plain.startswith("POST http://models.example/v1/")


@pytest.mark.parametrize("connect", CONNECT)
def test_hosts_that_no_proxy_names_are_reached_directly(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(b"no", "text/plain", 403) as proxy, answering(b"{}", "application/json") as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        first_line(connect, server.url)
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.mark.parametrize("connect", CONNECT)
def test_a_request_that_is_cancelled_closes_its_connection(connect: Connect, server: FaultServer) -> None:
    """The server sees the end of the connection, although the client itself stays open."""
    closed: list[Exchange] = []

    def part(x: Exchange) -> None:
        x.until_closed()
        closed.append(x)

    stage = server.play(part)

    async def scenario() -> None:
        link = connect(Backend("k", stage.url))
        asking = asyncio.create_task(link.post("/path", b"{}"))
        exchange = await asyncio.to_thread(stage.arrival)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(exchange.over.wait)
        assert closed
        await link.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("connect", CONNECT)
def test_a_response_that_is_closed_early_closes_its_connection(connect: Connect, server: FaultServer) -> None:
    closed: list[Exchange] = []

    def part(x: Exchange) -> None:
        x.head()
        x.until_closed()
        closed.append(x)

    stage = server.play(part)

    async def scenario() -> None:
        link = connect(Backend("k", stage.url))
        response = await link.post("/path", b"{}")
        await response.aclose()
        await asyncio.to_thread(stage.arrival().over.wait)
        assert closed
        await link.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("connect", CONNECT)
def test_a_refusal_is_read_no_further_than_it_may_be_long(connect: Connect) -> None:
    def endless(_: Received, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 500 X\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 65_536)

    with answering(endless) as server, pytest.raises(Refused) as refused:
        asyncio.run(post(connect(Backend("k", server.url))))
    assert (refused.value.status, len(refused.value.body)) == (500, 100_000)
