"""A model server that misbehaves on purpose, over real sockets.

A test can have it play anything (``FaultServer.play``). Besides, it has a list of faults in two protocols.
The address of a fault is ``http://127.0.0.1:PORT/x/FAULT`` (``.../x/FAULT/v1`` for Chat Completions):
the second part of the path names the fault, the rest tells the protocol.
"""

from __future__ import annotations

import gzip
import json
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

Protocol = Literal["anthropic", "openai"]

TEXT = "Hello wörld ✓"
ARGUMENTS = '{"cmd": "ls"}'
ERRORS: dict[Protocol, dict[str, Any]] = {
    "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    "openai": {"error": {"message": "boom", "type": "server_error", "code": "x"}},
}


def anthropic_events() -> list[dict[str, Any]]:
    head = {"id": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}

    def delta(index: int, **kind: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": kind}

    tool = {"type": "tool_use", "id": "tu_1", "name": "shell", "input": {}}
    return [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(delta(0, type="text_delta", text=text) for text in ("Hel", "lo ", "wörld ✓")),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": tool},
        *(delta(1, type="input_json_delta", partial_json=json) for json in ('{"cmd":', ' "ls', '"}')),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 25}},
        {"type": "message_stop"},
    ]


def openai_events() -> list[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}

    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "shell", "arguments": ""}}
    usage = {"prompt_tokens": 10, "completion_tokens": 25, "total_tokens": 35}
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": text}) for text in ("Hel", "lo ", "wörld ✓")),
        chunk({"tool_calls": [first]}),
        *(
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            for piece in ('{"cmd":', ' "ls', '"}')
        ),
        chunk({}, "tool_calls"),
        {"object": "chat.completion.chunk", "choices": [], "usage": usage},
    ]


def encode(protocol: Protocol, events: list[dict[str, Any]] | None = None, eol: bytes = b"\n") -> list[bytes]:
    """The events on the wire, each with its blank line."""
    anthropic = protocol == "anthropic"
    if events is None:
        events = anthropic_events() if anthropic else openai_events()
    wire = []
    for event in events:
        name = b"event: " + event["type"].encode() + eol if anthropic else b""
        wire.append(name + b"data: " + json.dumps(event, ensure_ascii=False).encode() + eol + eol)
    return wire if anthropic else [*wire, b"data: [DONE]" + eol + eol]


@dataclass
class Exchange:
    """One request and the connection that it came over."""

    socket: socket.socket
    server: FaultServer
    protocol: Protocol
    attempt: int
    path: str
    """What follows the server's own part of the path, with its query."""
    body: bytes
    headers: dict[str, str]
    wire: list[bytes]
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def cut(self) -> int:
        return len(self.wire) // 2

    def next_request(self) -> None:
        """Waits for another request on the same connection."""
        if (request := _read_request(self.socket)) is None:
            raise ConnectionError
        _, self.headers, self.body = request

    def head(self, status: int = 200, kind: str = "text/event-stream", **more: str | int) -> None:
        headers = {"content-type": kind, "connection": "close", **more}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())

    def answer(self, status: int, body: Any, kind: str = "application/json", **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.head(status, kind, content_length=len(data), **headers)
        self.socket.sendall(data)

    def send(self, parts: list[bytes], kind: str = "text/event-stream") -> None:
        self.head(200, kind)
        for part in parts:
            self.socket.sendall(part)

    def trickle(self, parts: list[bytes], kind: str = "text/event-stream") -> None:
        self.head(200, kind)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            self.socket.sendall(part)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def until_closed(self) -> None:
        """Holds the connection open until the client gives up."""
        while self.socket.recv(4_096):
            pass


Fault = Callable[[Exchange], None]
FAULTS: dict[str, Fault] = {}


def fault(make: Fault) -> Fault:
    FAULTS[make.__name__.lstrip("_")] = make
    return make


@fault
def ok(x: Exchange) -> None:
    x.send(x.wire)


@fault
def _429_then_ok(x: Exchange) -> None:
    if x.attempt == 1:
        x.answer(429, ERRORS[x.protocol], retry_after="1")
    else:
        x.send(x.wire)


@fault
def _429_seconds(x: Exchange) -> None:
    x.answer(429, ERRORS[x.protocol], retry_after="7200")


@fault
def _429_milliseconds(x: Exchange) -> None:
    x.answer(429, ERRORS[x.protocol], retry_after_ms="1500", retry_after="2")


@fault
def _429_date(x: Exchange) -> None:
    x.answer(429, ERRORS[x.protocol], retry_after="Fri, 01 Jan 2100 00:00:00 GMT")


@fault
def _429_body(x: Exchange) -> None:
    x.answer(429, {"error": {"message": "Please try again in 1.2s", "type": "rate_limit"}})


@fault
def _429_quota(x: Exchange) -> None:
    x.answer(429, {"error": {"message": "You have no credit", "type": "insufficient_quota"}})


@fault
def _529(x: Exchange) -> None:
    x.answer(529, ERRORS[x.protocol])


@fault
def _503(x: Exchange) -> None:
    x.answer(503, ERRORS[x.protocol])


@fault
def _502_html(x: Exchange) -> None:
    x.answer(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html")


@fault
def _200_html(x: Exchange) -> None:
    x.answer(200, "<html><script>track()</script><h1>Captive portal</h1></html>", "text/html")


@fault
def _200_json_error(x: Exchange) -> None:
    x.answer(200, ERRORS[x.protocol])


@fault
def _200_json(x: Exchange) -> None:
    x.answer(200, {"hello": "world"})


@fault
def _400_overflow(x: Exchange) -> None:
    x.answer(400, {"error": {"message": "prompt is too long: 300000 tokens > 200000 maximum"}})


@fault
def _400(x: Exchange) -> None:
    x.answer(400, {"error": {"message": "tools.0: bad schema", "type": "invalid_request_error"}})


@fault
def _401(x: Exchange) -> None:
    x.answer(401, {"error": {"message": f"invalid key {x.headers.get('authorization', '')}"}})


@fault
def _404(x: Exchange) -> None:
    x.answer(404, {"error": {"message": "no such model", "type": "not_found_error"}})


@fault
def _500_huge(x: Exchange) -> None:
    x.answer(500, {"error": {"message": "x" * 100_000}})


@fault
def _200_json_error_in_pieces(x: Exchange) -> None:
    x.head(200, "application/json")
    x.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in json.dumps(ERRORS[x.protocol]).encode():
        x.socket.sendall(bytes([byte]))


@fault
def _200_json_not_utf8(x: Exchange) -> None:
    x.send([b'{"error": "caf\xe9"}'], "application/json")


@fault
def _500_cut(x: Exchange) -> None:
    x.head(500, "application/json", content_length=1_000)
    x.socket.sendall(b'{"error":')


@fault
def _500_stall(x: Exchange) -> None:
    _500_cut(x)
    x.until_closed()


@fault
def fin_before_headers(x: Exchange) -> None:
    pass


@fault
def rst_before_headers(x: Exchange) -> None:
    x.reset()


@fault
def stall_before_headers(x: Exchange) -> None:
    x.until_closed()


@fault
def redirect(x: Exchange) -> None:
    rest = "v1/messages" if x.protocol == "anthropic" else "v1/chat/completions"
    x.answer(307, "", location=f"http://localhost:{x.server.port}/x/redirected/{rest}?key=1")


@fault
def redirected(x: Exchange) -> None:
    x.send(x.wire)


@fault
def fin_midstream(x: Exchange) -> None:
    x.send(x.wire[: x.cut])


@fault
def fin_mid_event(x: Exchange) -> None:
    half = x.wire[x.cut]
    x.send([*x.wire[: x.cut], half[: len(half) // 2]])


@fault
def fin_midstream_chunked(x: Exchange) -> None:
    x.head(200, transfer_encoding="chunked")
    for part in x.wire[: x.cut]:
        x.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))


@fault
def length_too_long(x: Exchange) -> None:
    body = b"".join(x.wire)
    x.head(200, content_length=len(body) + 100)
    x.socket.sendall(body)


@fault
def cut_by_length(x: Exchange) -> None:
    body = b"".join(x.wire[: x.cut])
    x.head(200, content_length=len(body) + 100)
    x.socket.sendall(body)


@fault
def gzip_truncated(x: Exchange) -> None:
    packed = gzip.compress(b"".join(x.wire))
    x.head(200, content_encoding="gzip")
    x.socket.sendall(packed[: len(packed) // 2])


@fault
def gzip_damaged(x: Exchange) -> None:
    x.head(200, content_encoding="gzip")
    x.socket.sendall(b"this is not compressed")


@fault
def error_event(x: Exchange) -> None:
    name = b"event: error\n" if x.protocol == "anthropic" else b""
    x.send([*x.wire[: x.cut], name + b"data: " + json.dumps(ERRORS[x.protocol]).encode() + b"\n\n"])


@fault
def error_event_flat(x: Exchange) -> None:
    x.send(
        [
            *x.wire[: x.cut],
            b'event: error\ndata: {"type":"error","code":"rate_limit","message":"slow down"}\n\n',
        ]
    )


@fault
def error_event_code(x: Exchange) -> None:
    x.send([*x.wire[: x.cut], b'data: {"error": {"code": 502, "message": "upstream is gone"}}\n\n'])


@fault
def error_event_text(x: Exchange) -> None:
    x.send([*x.wire[: x.cut], b'data: {"error": "something broke", "choices": 7, "delta": 7}\n\n'])


@fault
def stall_midstream(x: Exchange) -> None:
    x.send(x.wire[: x.cut])
    x.until_closed()


@fault
def keepalive_only(x: Exchange) -> None:
    x.send(x.wire[: x.cut])
    life = b'event: ping\ndata: {"type":"ping"}\n\n' if x.protocol == "anthropic" else b": keepalive\n\n"
    with suppress(OSError):
        while not x.server.stopped.wait(0.02):
            x.socket.sendall(life)


@fault
def invalid_utf8(x: Exchange) -> None:
    x.send([part.replace("ö".encode(), b"\xff") for part in x.wire])


@fault
def byte_by_byte(x: Exchange) -> None:
    x.trickle([bytes([byte]) for byte in b"".join(x.wire)])


@fault
def crlf(x: Exchange) -> None:
    x.send(encode(x.protocol, eol=b"\r\n"))


@fault
def crlf_split(x: Exchange) -> None:
    x.trickle([piece for part in encode(x.protocol, eol=b"\r\n") for piece in (part[:-1], part[-1:])])


@fault
def cr_only(x: Exchange) -> None:
    x.send(encode(x.protocol, eol=b"\r"))


@fault
def bom(x: Exchange) -> None:
    x.send([b"\xef\xbb\xbf", *x.wire])


@fault
def json_content_type(x: Exchange) -> None:
    x.send(x.wire, "application/json")


@fault
def line_separators(x: Exchange) -> None:
    x.send([part.replace(b"Hel", "a\u2028b\u0085c".encode()) for part in x.wire])


@fault
def huge_event(x: Exchange) -> None:
    x.send([part.replace(b"Hel", b"x" * 9_000_000) for part in x.wire])


@fault
def not_json(x: Exchange) -> None:
    x.send([*x.wire[: x.cut], b"data: {oops\n\n", *x.wire[x.cut :]])


@fault
def not_json_after_a_wrong_type(x: Exchange) -> None:
    x.send([*x.wire[: x.cut], b'data: {"type": "content_block_delta", "choices": 7, "delta": 7, oops\n\n'])


@fault
def no_terminal(x: Exchange) -> None:
    x.send([part for part in x.wire if b"message_stop" not in part and b"[DONE]" not in part])


@fault
def no_stop_reason(x: Exchange) -> None:
    x.send([p for p in x.wire if b"message_delta" not in p and b'finish_reason": "tool_calls' not in p])


@fault
def no_usage(x: Exchange) -> None:
    x.send([part.replace(b'"usage"', b'"other"') for part in x.wire])


@fault
def duplicated(x: Exchange) -> None:
    x.send([copy for part in x.wire for copy in (part, part)])


@fault
def unknown_event(x: Exchange) -> None:
    new = b'event: brand_new\ndata: {"type":"brand_new","delta":7,"index":"x"}\n\n'
    x.send([*x.wire[:2], new if x.protocol == "anthropic" else b'data: {"brand_new":1}\n\n', *x.wire[2:]])


@fault
def missing_index(x: Exchange) -> None:
    x.send(
        [
            part.replace(b'"index": 1, ', b"").replace(b'"tool_calls": [{"index": 0, ', b'"tool_calls": [{')
            for part in x.wire
        ]
    )


@fault
def missing_id(x: Exchange) -> None:
    x.send([p.replace(b'"id": "tu_1", ', b"").replace(b'"id": "call_1", ', b"") for p in x.wire])


@fault
def bad_arguments(x: Exchange) -> None:
    x.send([part.replace(b'"\\"}"', b'"\\"]]"') for part in x.wire])


@fault
def empty_body(x: Exchange) -> None:
    x.head(200, content_length=0)


class Stage:
    """An address at which one thing is played, and the requests that came to it.

    Requests whose path does not end with ``only`` are answered by 404.
    """

    def __init__(self, url: str, part: Fault, only: str) -> None:
        self.url = url
        self.part = part
        self.only = only
        self.exchanges: list[Exchange] = []
        self._arrivals: queue.Queue[Exchange] = queue.Queue()

    def enter(self, exchange: Exchange) -> Fault:
        """What is played to this request."""
        if not exchange.path.partition("?")[0].endswith(self.only):
            return lambda x: x.answer(404, {"error": "not found"})
        self.exchanges.append(exchange)
        self._arrivals.put(exchange)
        return self.part

    def arrival(self) -> Exchange:
        """The next request that nobody has waited for yet."""
        return self._arrivals.get(timeout=20)


class FaultServer:
    """Answers until it is stopped. ``requests`` holds what came in for each fault."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port: int = self._listener.getsockname()[1]
        self.requests: dict[str, list[Exchange]] = {}
        self._stages: dict[str, Stage] = {}
        self.stopped = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, fault: str, protocol: Protocol) -> str:
        return f"http://127.0.0.1:{self.port}/x/{fault}" + ("/v1" if protocol == "openai" else "")

    def play(self, part: Fault, only: str = "") -> Stage:
        """Plays ``part`` to each request at an address of its own whose path ends with ``only``."""
        name = f"play-{len(self._stages)}"
        self._stages[name] = Stage(f"http://127.0.0.1:{self.port}/x/{name}", part, only)
        return self._stages[name]

    def stop(self) -> None:
        self.stopped.set()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        with suppress(OSError), connection:
            if request := _read_request(connection):
                path, headers, body = request
                name, _, rest = path.removeprefix("/x/").partition("/")
                protocol: Protocol = "anthropic" if path.endswith("/messages") else "openai"
                stage = self._stages.get(name)
                seen = stage.exchanges if stage else self.requests.setdefault(f"{name} {protocol}", [])
                exchange = Exchange(
                    connection, self, protocol, len(seen) + 1, f"/{rest}", body, headers, encode(protocol)
                )
                if stage:
                    part = stage.enter(exchange)
                else:
                    seen.append(exchange)
                    part = FAULTS[name]
                try:
                    part(exchange)
                finally:
                    exchange.over.set()


def _read_request(connection: socket.socket) -> tuple[str, dict[str, str], bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65_536)
        if not received:
            return None
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin1").split("\r\n")
    headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return first.split()[1], headers, body


@contextmanager
def fault_server() -> Iterator[FaultServer]:
    server = FaultServer()
    try:
        yield server
    finally:
        server.stop()
