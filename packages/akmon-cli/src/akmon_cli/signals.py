"""Has what runs end in order when the system asks for it, or a person with Ctrl+C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def ending_signals(end: Callable[[signal.Signals], None]) -> Iterator[None]:
    """The first Ctrl+C or termination request calls ``end`` in the loop; a second one ends the process.

    A signal that the caller ignores, as ``nohup`` and ``&`` make it, stays ignored.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, _: object) -> None:
        # Here and not in the loop, so that the second one works even if the loop is stuck.
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        loop.call_soon_threadsafe(end, signal.Signals(number))

    wanted = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)
