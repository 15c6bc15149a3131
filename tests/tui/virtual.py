"""An event loop whose time passes only when nothing else is to be done, so that no test waits for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

HUNG_SECONDS = 30.0
"""Of real time, after which a thread that is waited for is taken for stuck."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock stands while a thread works, and otherwise jumps to whatever is due next."""

    def __init__(self) -> None:
        self.now = 0.0
        self.threads = 0
        """Those that work for this loop."""
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(lambda _: self._thread_ended())
        return future

    def _thread_ended(self) -> None:
        self.threads -= 1

    def timers(self) -> list[asyncio.TimerHandle]:
        """What is due some time."""
        return [handle for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(HUNG_SECONDS)
        ready = super().select(0)
        if ready or timeout <= 0:
            return ready
        if self._loop.threads:
            return super().select(HUNG_SECONDS)
        self._loop.now += timeout
        return []
