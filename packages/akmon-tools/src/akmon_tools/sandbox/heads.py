"""Reads what a command asks of the proxy: one request, of which nothing is guessed."""

from __future__ import annotations

import re

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.urls import authority, host_and_port

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_LINE = re.compile(r"([A-Z]{1,20}) ([\x21-\x7e]+) HTTP/1\.[01]")
_URL = re.compile(r"(?i:http)://([^/?#]*)((?:/[^?#]*)?(?:\?[^#]*)?)")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOP = frozenset(
    (
        *("connection", "proxy-connection", "keep-alive", "proxy-authorization", "proxy-authenticate"),
        *("te", "trailer", "upgrade", "host", "content-length", "transfer-encoding"),
    )
)
"""Of this connection only, or said anew by the proxy."""


class Head(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    host: str
    """In normal form."""
    port: int
    path: str = ""
    """With the query; empty for a tunnel."""
    fields: tuple[tuple[str, str], ...] = ()
    """What is handed on, as it came."""
    length: int | None = 0
    """Bytes of the body; None comes in chunks."""

    @property
    def tunnel(self) -> bool:
        return self.method == "CONNECT"

    def sent(self, proxy_fields: tuple[tuple[str, str], ...] | None = None) -> bytes:
        """As it goes to the host, or with ``proxy_fields`` to another proxy."""
        place = authority(self.host, self.port)
        named = place.removesuffix(":80")
        target = self.path if proxy_fields is None else f"http://{place}{self.path}"
        framing = (("Transfer-Encoding", "chunked"),) if self.length is None else ()
        if self.length:
            framing = (("Content-Length", str(self.length)),)
        fields = (("Host", named), *self.fields, *framing, *(proxy_fields or ()), ("Connection", "close"))
        lines = (f"{self.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", "")
        return "\r\n".join(lines).encode("latin-1")


def read_head(data: bytes) -> Head:
    """The request that begins with ``data``, up to the empty line; ``ToolError`` for anything unusual."""
    first, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    match = _LINE.fullmatch(first)
    if not match:
        raise ToolError("the request is not one that a proxy understands.")
    fields = [_field(line) for line in lines]
    method, target = match[1], match[2]
    if method == "CONNECT":
        host, port = host_and_port(target)
        if not port:
            raise ToolError(f"{target} names no port.")
        return Head(method, host, port)
    url = _URL.fullmatch(target)
    if not url:
        raise ToolError("only http:// can be asked of the proxy, and a tunnel for everything else.")
    host, port = host_and_port(url[1])
    path = url[2] if url[2].startswith("/") else f"/{url[2]}"
    named = {name.lower() for name, _ in fields}
    dropped = _HOP | {each.strip().lower() for each in _all(fields, "connection").split(",")}
    kept = tuple((name, value) for name, value in fields if name.lower() not in dropped)
    if "content-length" in named and "transfer-encoding" in named:
        raise ToolError("the request gives its length in two ways.")
    return Head(method, host, port or 80, path, kept, _length(fields))


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ToolError("the request has a header that is not valid.")
    return name, value.strip(" \t")


def _length(fields: list[tuple[str, str]]) -> int | None:
    if coding := _all(fields, "transfer-encoding"):
        if coding.lower() != "chunked":
            raise ToolError("the request comes in an encoding that is not known.")
        return None
    length = _all(fields, "content-length") or "0"
    if not re.fullmatch("[0-9]{1,15}", length):
        raise ToolError("the length of the request is not a number.")
    return int(length)


def _all(fields: list[tuple[str, str]], wanted: str) -> str:
    return ",".join(value for name, value in fields if name.lower() == wanted)
