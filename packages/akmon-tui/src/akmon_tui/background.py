"""Work that goes on beside the screen, and what becomes of its failures: nothing vanishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from traceback import format_exception_only
from typing import Any

from akmon_core.errors import AkmonError


class Background:
    """Tasks that end with the screen at the latest. ``say`` tells the person why one has failed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(self._reported(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reported(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except AkmonError as error:
            self._say(str(error))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (mistake := task.exception()):
            what = "".join(format_exception_only(mistake)).strip()
            self._say(f"That failed by an error in akmon itself: {what}")
