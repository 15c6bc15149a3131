"""Moves bytes from one connection to another, in bounds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from akmon_core.errors import ToolError
from akmon_tools.sandbox.heads import Head

ENDS = (OSError, EOFError, ToolError, asyncio.LimitOverrunError)
"""What ends the moving: a side that has gone, or what is no request."""
_CHUNK = 65_536
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_TRAILERS = 100


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moved: Callable[[int], None]
) -> None:
    """Moves everything, and then says that it is the end; the other direction may go on."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        moved(len(data))
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def send_body(
    head: Head,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    moved: Callable[[int], None],
) -> None:
    """Moves the body of the one request, and sees to it that nothing comes after it. Raises ``ToolError``."""
    try:
        if head.length is None:
            await _send_chunks(reader, writer, moved)
        else:
            await _send(head.length, reader, writer, moved)
    except ConnectionError:  # a server may have its answer before it has read everything
        return
    if await reader.read(1):
        raise ToolError("there is a second request on the connection")


async def _send(
    count: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moved: Callable[[int], None]
) -> None:
    while count:
        data = await reader.read(min(count, _CHUNK))
        if not data:
            raise EOFError
        writer.write(data)
        moved(len(data))
        await writer.drain()
        count -= len(data)


async def _send_chunks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moved: Callable[[int], None]
) -> None:
    """Writes the lengths anew, so that both sides see the same end."""
    while size := await _size(reader):
        writer.write(b"%x\r\n" % size)
        await _send(size, reader, writer, moved)
        if await reader.readexactly(2) != b"\r\n":
            raise ToolError("a chunk is longer than it says")
        writer.write(b"\r\n")
    for _ in range(_TRAILERS):
        if await reader.readuntil(b"\r\n") == b"\r\n":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return
    raise ToolError("too much comes after the last chunk")


async def _size(reader: asyncio.StreamReader) -> int:
    match = _SIZE.fullmatch(await reader.readuntil(b"\r\n"))
    if not match:
        raise ToolError("a chunk does not say how long it is")
    return int(match[1], 16)
