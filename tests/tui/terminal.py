"""A terminal in memory: what was written is on its screen, and keys can be pressed."""

from __future__ import annotations

import asyncio
import io
import select
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from akmon_core.commands import Command
from akmon_core.ports import SessionClient
from akmon_tui.plain.conversation import converse
from akmon_tui.services import Leave, Services
from akmon_tui.view import View

COLUMNS, ROWS = 100, 200
PATIENCE = 30.0
"""Seconds after which a test that waits for something has failed."""


class Screen(pyte.Screen):
    """Answers where its cursor is, as terminals do."""

    def __init__(self, columns: int, rows: int, reply: Callable[[str], object]) -> None:
        super().__init__(columns, rows)
        self._reply = reply

    def write_process_input(self, data: str) -> None:
        self._reply(data)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.display).rstrip()


class Terminal(io.StringIO):
    """Takes the place of stdout."""

    def __init__(self, keys: PipeInput) -> None:
        super().__init__()
        self.screen = Screen(COLUMNS, ROWS, keys.send_text)
        self.raw = ""
        self._written = asyncio.Event()
        self._stream = pyte.Stream(self.screen)
        self._keys = keys

    def write(self, text: str) -> int:
        self.raw += text
        self._stream.feed(text)
        self._written.set()
        return len(text)

    @property
    def text(self) -> str:
        return self.screen.text

    def press(self, keys: str) -> None:
        self._keys.send_text(keys)

    async def until_read(self) -> None:
        """Waits until what was pressed is read, so that what comes next does not arrive together with it."""
        while select.select([self._keys.fileno()], [], [], 0)[0]:
            await asyncio.sleep(0)

    def hang_up(self) -> None:
        self._keys.close()

    async def until(self, text: str, times: int = 1) -> None:
        """Waits until the screen shows ``text`` that many times."""
        while self.text.count(text) < times:
            await self._next_write()

    async def until_prompt(self) -> None:
        """Waits until the last line is an empty prompt."""
        while not self.text.endswith("\n>"):
            await self._next_write()

    async def _next_write(self) -> None:
        self._written.clear()
        await self._written.wait()


@contextmanager
def open_terminal() -> Iterator[Terminal]:
    with create_pipe_input() as keys:
        terminal = Terminal(keys)
        output = Vt100_Output(terminal, lambda: Size(ROWS, COLUMNS), term="xterm-256color")
        with create_app_session(input=keys, output=output):
            yield terminal


def talk(
    client: SessionClient,
    person: Callable[[Terminal], Awaitable[None]],
    *,
    first_prompt: str | Command = "",
    view: View | None = None,
    history: Path | None = None,
    quiet: float = 0.0,
    services: Services | None = None,
) -> Terminal:
    """Runs a whole conversation in which ``person`` reads and types; it must be over afterwards."""

    async def both(terminal: Terminal) -> None:
        conversation = asyncio.ensure_future(
            converse(
                client,
                banner="akmon 0",
                first_prompt=first_prompt,
                view=view,
                history=history,
                quiet=quiet,
                services=services,
            )
        )
        typing = asyncio.ensure_future(person(terminal))
        try:
            await _first(conversation, typing)
            await conversation
        finally:
            conversation.cancel()
            typing.cancel()

    async def within_patience() -> Terminal:
        with open_terminal() as terminal:
            try:
                await asyncio.wait_for(both(terminal), PATIENCE)
            except TimeoutError:
                raise AssertionError(f"waited in vain; the screen shows:\n{terminal.text}") from None
            return terminal

    return asyncio.run(within_patience())


async def _first(conversation: asyncio.Future[Leave], person: asyncio.Future[None]) -> None:
    """Waits for the person, but not for longer than the conversation goes well."""
    await asyncio.wait((conversation, person), return_when=asyncio.FIRST_COMPLETED)
    if conversation.done():
        conversation.result()
    await person
