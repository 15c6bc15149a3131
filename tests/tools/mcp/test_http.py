"""Connections over HTTP: to servers that mean well, and to those that do not."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_MESSAGE_BYTES
from akmon_core.redact import Redactor
from akmon_core.secret import Secret
from akmon_core.servers import Server, Transport
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.http import http_transport
from tests.tools.mcp.authority import Asked, Reply, serving, spoken
from tests.tools.mcp.running import listening
from tests.tools.webs import certificate, site

SECRET = {"Authorization": Secret("Bearer open-sesame")}
JSON = {"content-type": "application/json"}


def around(ca_file: str = "") -> Surroundings:
    return Surroundings(roots=(Path("/"),), environ={}, redactor=Redactor(()), ca_file=ca_file)


def reach(server: Server, *calls: str, ca_file: str = "") -> list[str]:
    """The names of the server's tools, or what ``calls`` of them without arguments answer."""

    async def reached() -> list[str]:
        async with Client(http_transport(server, around(ca_file)), mode="auto") as client:
            if calls:
                return [str((await client.call_tool(name, {})).content) for name in calls]
            return [tool.name for tool in (await client.list_tools()).tools]

    return asyncio.run(reached())


def at(url: str, transport: Transport = "http", **more: Any) -> Server:
    return Server(name="far", transport=transport, url=url, **more)


class Speaking:
    """A small server of the older generation; ``odd`` methods are answered in another way."""

    def __init__(self, **odd: Reply | Iterator[bytes]) -> None:
        self.odd = {name.replace("_", "/"): reply for name, reply in odd.items()}
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Reply | Iterator[bytes]:
        self.asked.append(asked)
        if asked.method != "POST":
            return 405, {}, b""
        message = json.loads(asked.body)
        return self.odd.get(message["method"]) or spoken(message)


def raw(kind: str, pieces: Iterator[bytes], *headers: str) -> Iterator[bytes]:
    lines = "".join(f"{line}\r\n" for line in headers)
    yield f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{lines}connection: close\r\n\r\n".encode()
    yield from pieces


def endless(start: bytes, piece: bytes) -> Iterator[bytes]:
    yield start
    while True:
        yield piece


@pytest.mark.parametrize(("transport", "old"), [("http", ()), ("http", ("--old",)), ("sse", ())])
def test_a_server_is_used(transport: Transport, old: tuple[str, ...]) -> None:
    with listening(transport, *old) as running:
        assert "echo" in reach(running.server)
        assert "image/png" in reach(running.server, "picture")[0]


def test_headers_are_sent_with_everything_and_to_nobody_else() -> None:
    speaking = Speaking()
    with serving(speaking) as url:
        assert reach(at(url, headers={**SECRET, "X-Team": Secret("blue")})) == ["look"]
    assert len(speaking.asked) >= 3
    for asked in speaking.asked:
        assert asked.headers["authorization"] == "Bearer open-sesame"
        assert asked.headers["x-team"] == "blue"
        assert asked.headers["user-agent"].startswith("akmon/")


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_origin_is_not_followed(transport: Transport, status: int) -> None:
    stolen: list[Asked] = []

    def thief(asked: Asked) -> Reply:
        stolen.append(asked)
        return 404, {}, b""

    with (
        serving(thief) as other,
        serving(lambda _: (status, {"location": f"{other}/mcp"}, b"")) as url,
        pytest.raises((ToolError, MCPError), match=f"{other}/mcp"),
    ):
        reach(at(url, transport, headers=SECRET))
    assert not stolen


def test_a_redirect_within_the_server_is_followed() -> None:
    speaking = Speaking()

    def moved(asked: Asked) -> Reply | Iterator[bytes]:
        return speaking(asked) if asked.path == "/mcp/" else (307, {"location": "/mcp/"}, b"")

    with serving(moved) as url:
        assert reach(at(f"{url}/mcp", headers=SECRET)) == ["look"]
    assert speaking.asked[0].headers["authorization"] == "Bearer open-sesame"


def test_an_sse_server_may_not_send_messages_elsewhere() -> None:
    stolen: list[Asked] = []

    def thief(asked: Asked) -> Reply:
        stolen.append(asked)
        return 202, {}, b""

    def event(place: str) -> Iterator[bytes]:
        return raw("text/event-stream", iter([f"event: endpoint\ndata: {place}\n\n".encode()]))

    with (
        serving(thief) as other,
        serving(lambda _: event(f"{other}/messages")) as url,
        pytest.raises(ToolError, match=f"another server, {other}/messages"),
    ):
        reach(at(url, "sse", headers=SECRET))
    assert not stolen


@pytest.mark.parametrize(
    "reply",
    [
        lambda: raw("application/json", endless(b'{"jsonrpc": "', b"x" * 65_536)),
        lambda: raw("text/event-stream", endless(b"data: ", b"x" * 65_536)),
        lambda: raw("text/event-stream", endless(b"data: x\n", b"data: " + b"x" * 65_536 + b"\n")),
        lambda: raw(
            "application/json", iter([gzip.compress(b" " * 4 * MCP_MESSAGE_BYTES)]), "content-encoding: gzip"
        ),
        lambda: raw(
            "text/event-stream", iter([gzip.compress(b"data: " + b"x" * 4 * MCP_MESSAGE_BYTES)]),
            "content-encoding: gzip",
        ),
        lambda: raw("application/json", iter([b"no gzip"]), "content-encoding: gzip"),
        lambda: raw("application/json", iter([b"abc"]), "content-encoding: br"),
        lambda: raw("application/json", iter([b'{"jsonrpc": "2.0", "id": 2, "res'])),
        lambda: raw("application/json", iter([b"[" * 100_000])),
        lambda: raw("text/html", iter([b"<html>"])),
        lambda: iter([b"garbage\r\n\r\n"]),
        lambda: iter([]),
    ],
    ids=["json", "line", "event", "bomb", "event bomb", "broken gzip", "brotli", "torn", "deep", "html",
         "garbage", "nothing"],
)  # fmt: skip
def test_a_bad_answer_is_the_error_of_one_request(reply: Any) -> None:
    speaking = Speaking()

    async def used(url: str) -> None:
        async with Client(http_transport(at(url), around())) as client:
            speaking.odd = {"tools/list": reply()}
            with pytest.raises(MCPError):
                await client.list_tools()
            speaking.odd = {}
            assert [tool.name for tool in (await client.list_tools()).tools] == ["look"]

    with serving(speaking) as url:
        asyncio.run(used(url))


def test_a_compressed_answer_is_read() -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 3, "result": {"tools": []}}).encode()

    def compressed(asked: Asked) -> Reply | Iterator[bytes]:
        if asked.method != "POST":
            return 405, {}, b""
        assert asked.headers["accept-encoding"] == "gzip"
        reply = spoken(json.loads(asked.body))
        return reply[0], reply[1] | {"content-encoding": "gzip"}, gzip.compress(reply[2] or body)

    with serving(compressed) as url:
        assert reach(at(url)) == ["look"]


def test_an_event_larger_than_the_usual_megabyte_is_read() -> None:
    text = "x" * 3_000_000
    result = {"content": [{"type": "text", "text": text}]}

    def large(asked: Asked) -> Reply | Iterator[bytes]:
        message = json.loads(asked.body or b"{}")
        if message.get("method") != "tools/call":
            return Speaking()(asked)
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return raw("text/event-stream", iter([f"data: {json.dumps(answer)}\n\n".encode()]))

    with serving(large) as url:
        assert text in reach(at(url), "look")[0]


def test_a_stream_that_breaks_off_is_resumed() -> None:
    def broken(asked: Asked) -> Reply | Iterator[bytes]:
        if asked.method == "GET" and asked.headers.get("last-event-id") == "7":
            answer = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "resumed"}]}}
            return raw("text/event-stream", iter([f"id: 8\ndata: {json.dumps(answer)}\n\n".encode()]))
        message = json.loads(asked.body or b"{}")
        if message.get("method") != "tools/call":
            return Speaking()(asked)
        return raw("text/event-stream", iter([b"id: 7\nretry: 1\ndata:\n\n"]))

    with serving(broken) as url:
        assert "resumed" in reach(at(url), "look")[0]


@pytest.mark.parametrize(
    ("status", "said"), [(404, "type"), (405, "type"), (400, "type"), (403, "403 Forbidden"), (503, "503")]
)
def test_a_refused_handshake_is_told_in_words(status: int, said: str) -> None:
    page = b"<b>Go\x1b[31m away</b>"
    with serving(lambda _: (status, {}, page)) as url, pytest.raises(MCPError) as caught:
        reach(at(url))
    assert said in str(caught.value)
    assert ('"type": "sse"' in str(caught.value)) == (said == "type")
    assert "away" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_an_sse_server_where_a_streamable_one_is_configured_is_recognised() -> None:
    with listening("sse") as running, pytest.raises(MCPError, match='"type": "sse"'):
        reach(at(running.server.url))


def test_a_streamable_server_where_sse_is_configured_is_an_error() -> None:
    with listening("http") as running, pytest.raises(ToolError, match='"type": "http"'):
        reach(at(running.server.url, "sse"))


def test_configured_credentials_that_are_refused_are_said_to_be() -> None:
    with serving(lambda _: (401, {"www-authenticate": "Bearer"}, b"open-sesame?")) as url:
        with pytest.raises(ToolError, match="refused the credentials that are configured") as caught:
            reach(at(url, headers=SECRET))
        with pytest.raises(ToolError, match="refused the credentials that are configured"):
            reach(at(url, "sse", headers=SECRET))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_nobody_there_is_told_in_words(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ToolError, match=f"127.0.0.1, port {port} cannot be reached"):
        reach(at(f"http://127.0.0.1:{port}/mcp?key=sesame", transport))


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "Cookie"])
def test_no_secret_goes_to_another_machine_in_clear_text(transport: Transport, header: str) -> None:
    server = at("http://mcp.invalid/mcp", transport, headers={header: Secret("open-sesame")})
    with pytest.raises(ToolError, match=r"not sent to http://mcp\.invalid/mcp.*https") as caught:
        reach(server)
    assert header in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_credentials_in_the_address_do_not_either() -> None:
    with pytest.raises(ToolError, match=r"not sent to http://mcp\.invalid/") as caught:
        reach(at("http://me:sesame@mcp.invalid/"))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("X-A", "open\r\nsesame"), ("X-A", "sesame\x00"), ("a b", "x")])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ToolError) as caught:
        reach(at("http://127.0.0.1:1/", headers={name: Secret(value)}))
    assert "sesame" not in str(caught.value)


def test_whom_to_trust_can_be_set(tmp_path: Path) -> None:
    ca_file, tls = certificate(tmp_path, "127.0.0.1")
    with site(tls=tls) as secure:
        server = at(secure.url("/mcp", host="127.0.0.1", scheme="https"), headers=SECRET)
        with pytest.raises(ToolError, match="no secure connection"):
            reach(server)
        assert not secure.requests
        with pytest.raises(MCPError, match="404"):  # it has no such page, but is reached
            reach(server, ca_file=str(ca_file))
        assert secure.requests[0].headers["authorization"] == "Bearer open-sesame"


def test_what_is_wrong_with_the_certificates_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no certificates can be read from"):
        reach(at("https://127.0.0.1:1/"), ca_file=str(tmp_path / "missing.pem"))


def test_the_proxy_of_the_environment_is_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    through: list[Asked] = []

    def proxy(asked: Asked) -> Reply:
        through.append(asked)
        return spoken(json.loads(asked.body)) if asked.method == "POST" else (405, {}, b"")

    with serving(proxy) as url, serving(Speaking()) as here:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert reach(at(here)) == ["look"]
        assert not through
        assert reach(at("http://mcp.invalid/mcp")) == ["look"]
        assert through


def test_a_server_that_does_not_answer_the_farewell_is_left() -> None:
    closed = threading.Event()

    def waiting() -> Iterator[bytes]:
        closed.wait()
        yield b""

    def silent(asked: Asked) -> Reply | Iterator[bytes]:
        if asked.method == "DELETE":
            return raw("text/plain", waiting())
        reply = Speaking()(asked)
        assert isinstance(reply, tuple)
        return reply[0], reply[1] | {"mcp-session-id": "one"}, reply[2]

    with serving(silent) as url:
        try:
            assert reach(at(url)) == ["look"]
        finally:
            closed.set()


class Listener(logging.Handler):
    """What a program would print that prints all that is logged."""

    def __init__(self) -> None:
        super().__init__(0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def test_nothing_of_the_sdk_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    listener, root = Listener(), logging.getLogger()
    root.addHandler(listener)
    try:
        with (
            serving(Speaking(tools_list=(200, JSON, b"sesame"))) as url,
            pytest.raises(MCPError),
        ):
            reach(at(url))
    finally:
        root.removeHandler(listener)
    assert capfd.readouterr() == ("", "")
    assert not [line for line in listener.lines if "sesame" in line]


def test_a_session_that_the_server_has_forgotten_is_told_from_an_unknown_page() -> None:
    speaking = Speaking()

    def forgetting(asked: Asked) -> Reply | Iterator[bytes]:
        reply = speaking(asked)
        if asked.method != "POST" or not isinstance(reply, tuple):
            return reply
        return reply[0], reply[1] | {"mcp-session-id": "one"}, reply[2]

    gone = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "who are you?"}}
    speaking.odd = {"tools/list": (404, JSON, json.dumps(gone).encode())}
    with serving(forgetting) as url, pytest.raises(MCPError, match="Session terminated"):
        reach(at(url))


def test_an_sse_server_that_does_not_take_a_message_ends_the_connection() -> None:
    closed = threading.Event()

    def waiting() -> Iterator[bytes]:
        yield b"event: endpoint\ndata: /messages\n\n"
        closed.wait()

    def deaf(asked: Asked) -> Reply | Iterator[bytes]:
        if asked.method == "POST":
            return 503, {}, b"too busy"
        return raw("text/event-stream", waiting())

    with serving(deaf) as url:
        try:
            with pytest.raises(ToolError, match=r"503 Service Unavailable.*too busy"):
                reach(at(url, "sse"))
        finally:
            closed.set()


@pytest.mark.parametrize("place", ["http://[bad/", "//other.invalid/m", "https://127.0.0.1/m", "file:///m"])
def test_a_strange_place_for_messages_is_refused(place: str) -> None:
    event = f"event: endpoint\ndata: {place}\n\n".encode()
    with serving(lambda _: raw("text/event-stream", iter([event]))) as url, pytest.raises(ToolError):
        reach(at(url, "sse", headers=SECRET))
