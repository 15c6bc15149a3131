"""Servers for the tests of fetching, and a way to reach them under names of one's own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ToolError
from akmon_core.tools import ToolContext, ToolOutput
from akmon_tools.fetch import FetchArguments, FetchTool
from akmon_tools.outputs import Outputs
from tests.models.answering import Received, receive, response

CONTEXT = ToolContext(call_id="c1", files={}, progress=lambda _: None)


class Names:
    """Addresses by name; each question is kept. A name that is not there is refused."""

    def __init__(self, **known: str) -> None:
        self.known = {name.replace("_", "."): addresses.split() for name, addresses in known.items()}
        self.asked: list[str] = []

    def check(self, host: str) -> None:
        self.asked.append(host)
        if host not in self.known:
            raise ToolError(f"{host} is not for tests")

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        self.check(host)
        return tuple(self.known[host])


class Fetching:
    """The tool with a clock that stands still, over names that lead to this machine."""

    def __init__(self, outputs: Outputs | None = None, ca_file: str = "", **known: str) -> None:
        self.now = 1_000.0
        self.outputs = outputs or Outputs()
        self.names = Names(**({"pages_test": "127.0.0.1"} | known))
        self.tool = FetchTool(self.outputs, addresses=self.names, ca_file=ca_file, clock=lambda: self.now)

    def __call__(self, url: str) -> ToolOutput:
        return asyncio.run(self.tool.run(FetchArguments(url), CONTEXT))

    def refused(self, url: str) -> str:
        """The error that there is before a server has a say."""
        with pytest.raises(ToolError) as caught:
            self(url)
        return str(caught.value)

    def failed(self, url: str) -> str:
        """The error that a server has a say in, so that its words are not to be trusted."""
        output = self(url)
        assert output.error
        assert output.untrusted == "web"
        return output.text


class Site:
    """A server with a page for each path: a response as it is on the wire, or what plays on the socket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, Any] = {}
        self.requests: list[Received] = []

    def url(self, path: str, host: str = "pages.test", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def serve(self, connection: socket.socket) -> None:
        received = receive(connection)
        self.requests.append(received)
        page = self.pages.get(received.path, response(b"no such page", "text/plain", 404))
        if callable(page):
            page(connection)
        else:
            connection.sendall(page)


@contextmanager
def site(pages: Mapping[str, Any] = {}, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A running site on loopback; each connection has a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Site(listener.getsockname()[1])
    server.pages.update(pages)

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if tls:
                with tls.wrap_socket(connection, server_side=True) as secure:
                    server.serve(secure)
            elif connection.recv(1, socket.MSG_PEEK) == b"\x16":  # TLS, where only HTTP is spoken
                connection.sendall(response(b"no TLS here", "text/plain", 400))
            else:
                server.serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def page(
    body: bytes | str, kind: str = "text/html; charset=utf-8", status: int = 200, **headers: str
) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return response(data, kind, status, **headers)


def moved(to: str, status: int = 302) -> bytes:
    return response(b"", "text/plain", status, location=to)


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A new authority (its certificate's file), and a server's context for ``name`` by it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in ("throwaway", name)]
    now = datetime.now(UTC)

    def signed(which: int, extensions: list[x509.ExtensionType]) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=names[0],
            subject_name=names[which],
            public_key=keys[which].public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=1),
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        made = builder.sign(keys[0], hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    authority = folder / "ca.pem"
    authority.write_bytes(signed(0, [x509.BasicConstraints(ca=True, path_length=None)]))
    alternative: x509.GeneralName
    try:
        alternative = x509.IPAddress(ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    own = folder / "server.pem"
    own.write_bytes(
        signed(1, [x509.SubjectAlternativeName([alternative])])
        + keys[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    return authority, context
