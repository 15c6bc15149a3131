"""Work that may take for ever, done where nothing has to wait for its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_background(work: Callable[[], T]) -> T:
    """What ``work`` gives or raises, from a thread of its own.

    When the wait is cancelled, the thread is left to itself: neither the loop nor the process waits for it
    to end, as they would for one of ``asyncio.to_thread``.
    """
    from asyncio import wrap_future
    from concurrent.futures import Future
    from threading import Thread

    done: Future[T] = Future()

    def run() -> None:
        done.set_running_or_notify_cancel()
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    return await wrap_future(done)
