"""Ends waits that last too long: one timer for all the waits of a reply, where thousands of chunks come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Watch:
    """``asyncio.timeout`` for many short waits, one after the other. Each may run in another task."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._deadline = 0.0
        self._over = False

    async def wait(self, awaitable: Awaitable[T], seconds: float) -> T:
        """What ``awaitable`` gives. Raises ``TimeoutError`` after ``seconds``."""
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self.close()
            self._timer = self._loop.call_at(self._deadline, self._check)
        self._task = task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        try:
            return await awaitable
        except asyncio.CancelledError:
            if self._over and task.uncancel() <= before:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        self._timer = None
        if self._task is None:  # nobody waits: the next wait sets a timer
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._check)
            return
        self._over = True
        self._task.cancel()
