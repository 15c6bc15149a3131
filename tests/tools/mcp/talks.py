"""A connection to a server, for tests that are not coroutines themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mcp_types import CallToolResult, TextContent

from akmon_core.errors import ToolError
from akmon_core.redact import Redactor
from akmon_core.servers import Server
from akmon_tools.mcp.connection import Connection, Times
from akmon_tools.mcp.facts import Ask, Surroundings

PATIENCE = 60.0
"""Seconds after which something that should have happened long ago counts as never happening."""
TIMES = Times(connect=PATIENCE, call=PATIENCE)
ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "SECRET_TOKEN": "hidden"}

T = TypeVar("T")


def around(root: Path) -> Surroundings:
    return Surroundings(roots=(root,), environ=ENVIRON, redactor=Redactor(()))


class Answers:
    """A person who gives the answers in turn, and notes what was asked."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._answers = list(answers)

    async def __call__(self, question: str, options: tuple[str, ...]) -> str:
        self.asked.append((question, options))
        return self._answers.pop(0)


class Talk:
    """A ``Connection`` on an event loop of its own, which runs while something is waited for."""

    def __init__(self, server: Server, root: Path) -> None:
        self._runner = asyncio.Runner()
        self._changed = asyncio.Event()
        self.root = root
        self.said: list[str] = []
        self.connection = Connection(server, around(root), self._note, self.said.append, TIMES)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(self._bounded(doing))

    async def _bounded(self, doing: Coroutine[Any, Any, T]) -> T:
        async with asyncio.timeout(PATIENCE):
            return await doing

    def _note(self) -> None:
        self._changed.set()

    def connect(self) -> None:
        self.run(self._connect())

    async def _connect(self) -> None:
        self.connection.begin()
        await self.connection.settled()

    async def calling(
        self,
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        progress: Callable[[str], None] = lambda line: None,
        ask: Ask | None = None,
    ) -> CallToolResult:
        return await self.connection.call(tool, arguments or {}, progress, ask)

    def call(
        self,
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        progress: Callable[[str], None] = lambda line: None,
        ask: Ask | None = None,
    ) -> CallToolResult:
        return self.run(self.calling(tool, arguments, progress=progress, ask=ask))

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits until the connection has become what ``holds`` looks for."""
        self.run(self._until(holds))

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def eventually(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """The first result that is no error, of calls that may fail before the server can serve them."""
        return self.run(self._eventually(tool, arguments))

    async def _eventually(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        while True:
            with suppress(ToolError):
                result = await self.calling(tool, arguments)
                if not result.is_error:
                    return result
            await asyncio.sleep(0.05)

    def close(self) -> None:
        self.run(self.connection.close())
        self._runner.close()


@contextmanager
def talking(server: Server, root: Path) -> Iterator[Talk]:
    """A connection that is ready."""
    talk = Talk(server, root)
    try:
        talk.connect()
        assert talk.connection.state == "ready", talk.connection.detail
        yield talk
    finally:
        talk.close()


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
