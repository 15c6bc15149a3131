"""Shows a session that talks by itself: ``python -m benchmarks.screen_play RATE SECONDS MESSAGES``.

It streams RATE deltas a second for SECONDS, after that many MESSAGES, which have gone over the screen, too.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from akmon_core.commands import Command
from akmon_core.events import Envelope, Event, Prompted, Replied, ToolFinished, ToolStarted, TurnEnded
from akmon_core.messages import Assistant, Text, ToolCall, ToolResult, User
from akmon_core.stream import TextDelta
from akmon_tui.app import run
from akmon_tui.talking import Opened
from akmon_tui.view import View
from benchmarks.screen_words import WORDS


class Events:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[Envelope] = asyncio.Queue()

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Envelope:
        return await self.queue.get()

    def close(self) -> None:
        pass


class Talker:
    """A session that says what it is told to."""

    id = "talker"

    def __init__(self, rate: float, seconds: float, messages: int) -> None:
        self._rate, self._seconds, self._messages = rate, seconds, messages
        self._events = Events()
        self._seq = itertools.count(1)
        self._task: asyncio.Task[None] | None = None

    def events(self, after: int | None = None, *, agents: bool = False) -> Events:
        self._task = asyncio.ensure_future(self._talk())
        return self._events

    async def send(self, command: Command) -> str:
        return "c1"

    def _say(self, event: Event) -> None:
        self._events.queue.put_nowait(Envelope(next(self._seq), 0.0, "talker", 1, "c1", event))

    async def _talk(self) -> None:
        for number in range(self._messages // 4):
            for event in _exchange(number):
                self._say(event)
            if number % 50 == 0:
                await asyncio.sleep(0)
        self._say(Prompted(User((Text("tell me"),))))
        loop = asyncio.get_running_loop()
        began, words, said = loop.time(), _words(), 0
        while said < self._rate * self._seconds:
            due = int((loop.time() - began) * self._rate) + 1
            for _ in range(min(due, int(self._rate * self._seconds)) - said):
                self._say(TextDelta(next(words)))
                said += 1
            await asyncio.sleep(1 / self._rate)


def _words() -> Iterator[str]:
    for number, word in enumerate(itertools.cycle(WORDS), 1):
        yield word + ("\n\n" if number % 80 == 0 else " ")


def _exchange(number: int) -> Iterator[Event]:
    """A turn of four messages."""
    call = ToolCall(f"c{number}", "shell", '{"command": "pytest -q"}')
    yield Prompted(User((Text(f"question {number}"),), record=number + 1))
    yield Replied(Assistant((Text("I look."), call), "tools"))
    yield ToolStarted(call.id, "shell")
    yield ToolFinished(ToolResult(call.id, "3 passed"), "shell", "3 passed")
    yield Replied(Assistant((Text(f"Answer {number}: " + " ".join(WORDS)),)))
    yield TurnEnded("completed")


class Nothing:
    """Services that have nothing to offer."""

    def __getattr__(self, name: str) -> Any:
        async def none(*_: object) -> Any:
            return "" if name == "branch" else ()

        return none


async def main(rate: float, seconds: float, messages: int) -> None:
    @asynccontextmanager
    async def connect(*_: object) -> AsyncIterator[Opened]:
        yield Opened(client=Talker(rate, seconds, messages), services=Nothing(), view=View(), banner="talks")

    await run(connect)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
