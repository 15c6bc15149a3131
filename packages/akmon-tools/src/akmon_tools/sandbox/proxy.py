"""The proxy through which commands reach the network: outside of it, and only to what rules open."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import (
    PROXY_CONNECTIONS,
    PROXY_HEAD_BYTES,
    PROXY_HEAD_SECONDS,
    PROXY_HOSTS,
    PROXY_IDLE_SECONDS,
    REFUSED_HOSTS,
)
from akmon_core.text import one_line
from akmon_tools.sandbox.dial import Dialer, Line, Refusal
from akmon_tools.sandbox.heads import Head, read_head
from akmon_tools.sandbox.pumping import ENDS, pump, send_body

_CHUNK = 65_536
_LINGER_SECONDS = 2.0


class Traffic(msgspec.Struct, frozen=True):
    """Bytes to a host and from it."""

    sent: int = 0
    received: int = 0


class Proxy:
    """Serves one request on each connection, so that none is judged by the one before it."""

    def __init__(self, dialer: Dialer, idle: float = PROXY_IDLE_SECONDS) -> None:
        self._dialer = dialer
        self._idle = idle
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._used: dict[str, Traffic] = {}
        self._refused: dict[str, None] = {}

    async def listen(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._accept, path, limit=PROXY_HEAD_BYTES)

    async def close(self) -> None:
        """Ends all connections."""
        if self._server:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for what was closed to be told of it

    def refused(self) -> tuple[str, ...]:
        """The hosts to which commands were not let since this was asked last, as a rule would name them."""
        refused = tuple(self._refused)
        self._refused.clear()
        return refused

    def used(self) -> dict[str, Traffic]:
        """The traffic so far by host; of hosts beyond ``PROXY_HOSTS`` under an empty name."""
        return dict(self._used)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line: Line | None = None
        try:
            try:
                head = await self._head(reader)
                line = await self._dialer.dial(head.host, head.port, tunnel=head.tunnel)
            except Refusal as refusal:
                await self._refuse(reader, writer, refusal)
                return
            await self._relay(head, line, reader, writer)
        except (OSError, EOFError):  # the command has gone, or never said what it wants
            return
        except BaseException:  # nobody waits for what is still to be sent
            _abort(writer, line)
            raise
        finally:
            writer.close()
            if line is not None:
                line.writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> Head:
        if len(self._tasks) > PROXY_CONNECTIONS:
            raise Refusal(503, f"more than {PROXY_CONNECTIONS} connections at once.")
        try:
            async with asyncio.timeout(PROXY_HEAD_SECONDS):
                return read_head(await reader.readuntil(b"\r\n\r\n"))
        except TimeoutError:
            raise Refusal(408, "the request did not come in time.") from None
        except asyncio.LimitOverrunError:
            raise Refusal(400, "the head of the request is too long.") from None
        except ToolError as error:
            raise Refusal(400, str(error)) from None

    async def _refuse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: Refusal
    ) -> None:
        if refusal.place and len(self._refused) < REFUSED_HOSTS:
            self._refused[refusal.place] = None
        writer.write(_answer(refusal))
        writer.write_eof()
        await _linger(reader)

    async def _relay(
        self, head: Head, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until both sides have ended, or the answer to a plain request has."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._idle) as silence, asyncio.TaskGroup() as group:

                def sent(count: int) -> None:
                    silence.reschedule(loop.time() + self._idle)
                    self._count(head.host, Traffic(sent=count))

                def received(count: int) -> None:
                    silence.reschedule(loop.time() + self._idle)
                    self._count(head.host, Traffic(received=count))

                if head.tunnel:
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    asking = group.create_task(pump(reader, line.writer, sent))
                else:
                    line.writer.write(head.sent(line.proxy_fields))
                    asking = group.create_task(send_body(head, reader, line.writer, sent))
                await pump(line.reader, writer, received)
                if not head.tunnel:
                    asking.cancel()
            if not head.tunnel:
                await _linger(reader)
        except* ENDS:
            _abort(writer, line)

    def _count(self, host: str, more: Traffic) -> None:
        name = host if host in self._used or len(self._used) < PROXY_HOSTS else ""
        so_far = self._used.get(name, Traffic())
        self._used[name] = Traffic(so_far.sent + more.sent, so_far.received + more.received)


async def _linger(reader: asyncio.StreamReader) -> None:
    """To close while something still comes would take the answer back."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while await reader.read(_CHUNK):
                pass


def _abort(writer: asyncio.StreamWriter, line: Line | None) -> None:
    writer.transport.abort()
    if line is not None:
        line.writer.transport.abort()


def _answer(refusal: Refusal) -> bytes:
    """Says it three times, as programs show one of them: in the status, in a header and in the text."""
    said = one_line(f"{refusal}{refusal.advice}", 500)
    short = one_line(str(refusal).rstrip("."), 200)
    body = f"akmon: {said}\n".encode()
    return (
        f"HTTP/1.1 {refusal.status} akmon: {short}\r\n"
        f"X-Proxy-Error: {said}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode("ascii", "replace") + body
