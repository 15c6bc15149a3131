"""A server that gives every request one answer and keeps what it was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Received:
    """A request: its first line, its headers by name in lower case, its body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split()[1]


@dataclass
class Answering:
    url: str
    requests: list[Received] = field(default_factory=list)


Answer = Callable[[Received, socket.socket], None]


def response(body: bytes, kind: str, status: int = 200, **headers: str) -> bytes:
    fields = {"content-type": kind, "content-length": str(len(body)), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


@contextmanager
def answering(body: bytes | Answer, kind: str = "", status: int = 200, **headers: str) -> Iterator[Answering]:
    """A running server that answers with ``body``, or lets ``body`` itself do so on the socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Answering(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    received = receive(connection)
                    server.requests.append(received)
                    if callable(body):
                        body(received, connection)
                    else:
                        connection.sendall(response(body, kind, status, **headers))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def receive(connection: socket.socket) -> Received:
    """The next request. Raises ``OSError`` if the connection ends within it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Received(line, headers, body)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionError
    return data
