"""A call of a server that runs: how long it may, and whom its server may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from akmon_core.limits import MCP_QUESTIONS
from akmon_tools.mcp.facts import Ask

if TYPE_CHECKING:
    import mcp_types as types


class Call:
    """Implements ``client.Running``. While a person is asked, no time passes for the server."""

    def __init__(
        self, server: str, seconds: float, total: float, progress: Callable[[str], None], ask: Ask | None
    ) -> None:
        """``seconds`` may pass without a sign of life, and ``total`` in all."""
        self.ask = ask
        self._server = server
        self._seconds = seconds
        self._progress = progress
        self._now = asyncio.get_running_loop().time
        self._quiet = self._now() + seconds
        self._end = self._now() + total
        self._question: asyncio.Task[types.ElicitResult] | None = None
        self._asked = 0

    @property
    def left(self) -> float:
        """Seconds until it has taken too long, if it goes on like this."""
        if self._question:
            return self._seconds
        return min(self._quiet, self._end) - self._now()

    def progress(self, text: str) -> None:
        self._quiet = self._now() + self._seconds
        self._progress(text)

    async def elicit(self, params: types.ElicitRequestParams) -> types.ElicitResult:
        """What the person says; it is declined if one is asked already, or was asked too often."""
        from mcp_types import ElicitResult

        from akmon_tools.mcp.asking import answer

        self._asked += 1
        if self._question or self._asked > MCP_QUESTIONS:
            return ElicitResult(action="decline")
        began = self._now()
        self._question = asyncio.create_task(answer(params, self._server, self.ask))
        try:
            await asyncio.wait({self._question})
            return ElicitResult(action="cancel") if self._question.cancelled() else self._question.result()
        finally:
            self._question.cancel()
            self._question = None
            self._end += self._now() - began
            self._quiet = self._now() + self._seconds

    def over(self) -> None:
        """Nobody waits for its result any more, so that nobody is to be asked for it."""
        if self._question:
            self._question.cancel()
