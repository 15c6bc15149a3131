"""Connects to what commands ask for where rules allow it: looked up once, and every address checked."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import CONNECT_SECONDS, PROXY_HEAD_BYTES
from akmon_core.text import one_line
from akmon_tools.addresses import LookUp, environment_proxy, literal, look_up
from akmon_tools.sandbox.hosts import TOOL, Hosts, Ruling, is_local, pattern_for
from akmon_tools.urls import authority

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect: TypeAlias = Callable[[str, int], Awaitable[Connection]]


async def connect_to(address: str, port: int) -> Connection:
    return await asyncio.open_connection(address, port, limit=PROXY_HEAD_BYTES)


class Refusal(Exception):
    """The command gets no connection."""

    def __init__(self, status: int, why: str, place: str = "", *, pattern: str = "") -> None:
        """``place`` is the host that was not allowed, ``pattern`` what a rule would have to name."""
        super().__init__(why)
        self.status = status
        self.place = place
        self.advice = f" To allow it: akmon permissions add '{TOOL}({pattern})'" if pattern else ""


class Line(msgspec.Struct, frozen=True):
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    proxy_fields: tuple[tuple[str, str], ...] | None = None
    """What a proxy wants to be sent with every plain request; None where there is no proxy between."""


class Dialer:
    def __init__(self, hosts: Hosts, find: LookUp = look_up, connect: Connect = connect_to) -> None:
        """``find`` gives the addresses of a name or raises ``ToolError``, ``connect`` goes to one of them."""
        self._hosts = hosts
        self._find = find
        self._connect = connect

    async def dial(self, host: str, port: int, *, tunnel: bool) -> Line:
        """A connection to ``host``, which is in normal form. Raises ``Refusal``."""
        ruling = self._hosts.ruling(host, port)
        if not ruling.allowed:
            raise _closed(host, port, ruling)
        here = ruling.named and (literal(host) or is_local(host))
        proxy = "" if here else environment_proxy("https" if tunnel else "http", host)
        if proxy:
            self._check_name(host, port)
            return await _through(proxy, host, port, tunnel=tunnel)
        addresses = await self._addresses(host, port)
        failed = "it has no address"
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return Line(*await self._connect(address, port))
            except OSError as error:  # also the timeout
                failed = error.strerror or type(error).__name__
        raise Refusal(502, f"{authority(host, port)} cannot be reached: {failed}.")

    def _check_name(self, host: str, port: int) -> None:
        """For another proxy, which looks names up itself."""
        address = host if literal(host) else "127.0.0.1" if is_local(host) else ""
        if address and (unfit := self._hosts.unfit(host, port, address)):
            raise _unfit(host, port, address, unfit)

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        if literal(host):
            found: tuple[str, ...] = (host,)
        elif is_local(host):
            found = ("127.0.0.1", "::1")
        else:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    found = await self._find(host, port)
            except (ToolError, TimeoutError) as error:
                raise Refusal(502, str(error) or f"looking up {host} takes too long.") from None
        for address in found:
            if unfit := self._hosts.unfit(host, port, address):
                raise _unfit(host, port, address, unfit)
        return found


def _closed(host: str, port: int, ruling: Ruling) -> Refusal:
    pattern = pattern_for(host, port)
    why = f"the rule {ruling.rule} closes it" if ruling.rule else "no rule opens it"
    said = f" {ruling.message}" if ruling.message else ""
    what = f"{authority(host, port)} may not be reached: {why}.{said}"
    return Refusal(403, what, pattern, pattern="" if ruling.rule else pattern)


def _unfit(host: str, port: int, address: str, why: str) -> Refusal:
    """A rule helps where what it names cannot be moved by somebody else."""
    place = authority(host, port)
    where = "it is" if address == host else f"it leads to {address},"
    fixed = is_local(host) or (literal(host) and why == "a private address")
    helps = fixed or (not literal(host) and why == "a private address")
    what = f"{place} may not be reached: {where} {why}."
    return Refusal(403, what, pattern_for(host, port), pattern=place if helps else "")


async def _through(proxy: str, host: str, port: int, *, tunnel: bool) -> Line:
    """A connection by way of the proxy that the person's environment names."""
    try:
        parts = urlsplit(proxy)
        secure = parts.scheme == "https"
        at = parts.port or (443 if secure else 80)
    except ValueError:
        raise Refusal(502, "the proxy of the environment cannot be used: it is no URL.") from None
    shown = f"the proxy {parts.hostname} of the environment"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refusal(502, f"{shown} cannot be used: only http:// and https:// ones can.")
    fields = _credentials(parts.username, parts.password)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                parts.hostname, at, ssl=secure or None, limit=PROXY_HEAD_BYTES
            )
    except (OSError, UnicodeError) as error:
        raise Refusal(502, f"{shown} cannot be reached: {one_line(str(error), 200)}.") from None
    if not tunnel:
        return Line(reader, writer, fields)
    try:
        await _open_tunnel(reader, writer, authority(host, port), fields)
    except BaseException as error:
        writer.transport.abort()
        if isinstance(error, OSError | EOFError | asyncio.LimitOverrunError | ToolError):
            why = str(error) if isinstance(error, ToolError) else type(error).__name__
            raise Refusal(502, f"{shown} did not connect to {authority(host, port)}: {why}.") from None
        raise
    return Line(reader, writer)


async def _open_tunnel(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    place: str,
    fields: tuple[tuple[str, str], ...],
) -> None:
    lines = (f"CONNECT {place} HTTP/1.1", *(f"{name}: {value}" for name, value in (("Host", place), *fields)))
    writer.write("\r\n".join((*lines, "", "")).encode("latin-1"))
    async with asyncio.timeout(CONNECT_SECONDS * 3):
        answer = await reader.readuntil(b"\r\n\r\n")
    status = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(status) < 2 or status[1] != b"200":
        raise ToolError(f"it answered {one_line(b' '.join(status[1:]).decode('latin-1'), 100)}")


def _credentials(user: str | None, password: str | None) -> tuple[tuple[str, str], ...]:
    if not user:
        return ()
    both = f"{unquote(user)}:{unquote(password or '')}".encode()
    return (("Proxy-Authorization", f"Basic {b64encode(both).decode('ascii')}"),)
