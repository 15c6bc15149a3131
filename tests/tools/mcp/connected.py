"""A connection to the misbehaving server of ``programs/raw.py``, and what it told people."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp_types import CallToolResult, TextContent

from akmon_core.redact import Redactor
from akmon_core.servers import Server
from akmon_tools.mcp.connection import Connection, Times
from akmon_tools.mcp.facts import Surroundings

RAW = Path(__file__).parent / "programs" / "raw.py"
QUICK = Times(connect=20, call=20, total=60, restart=0.01)


class Watched:
    """A connection, with what it said and how often it changed."""

    def __init__(self, server: Server, surroundings: Surroundings, times: Times) -> None:
        self.said: list[str] = []
        self.states: list[str] = []
        self.connection = Connection(server, surroundings, self._changed, self.said.append, times)

    def _changed(self) -> None:
        self.states.append(self.connection.state)

    async def text(self, tool: str, **arguments: Any) -> str:
        """The text that a tool answers."""
        return text_of(await self.connection.call(tool, arguments, lambda _: None, None))

    async def until(self, done: Callable[[], bool]) -> None:
        """Waits for what is sure to come; that it never does ends in the timeout of pytest."""
        while not done():
            await asyncio.sleep(0.01)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def surroundings(root: Path, environ: Mapping[str, str] | None = None) -> Surroundings:
    given = {"PATH": os.environ["PATH"], **(environ or {})}
    return Surroundings(roots=(root,), environ=given, redactor=Redactor(), logs=root / "logs")


def raw(*modes: str, **more: Any) -> Server:
    return Server(name="raw", transport="stdio", command=(sys.executable, str(RAW), *modes), **more)


@asynccontextmanager
async def watched(
    root: Path, server: Server, times: Times = QUICK, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Watched]:
    """Connects, and checks in the end that nothing is left of it."""
    found = Watched(server, surroundings(root, environ), times)
    found.connection.begin()
    try:
        await found.connection.settled()
        yield found
    finally:
        await found.connection.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}


def lives(pid: int) -> bool:
    """Whether there is such a process that is not dead already."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except OSError:
        return False
    return state not in "ZX"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())
