"""The whole screen on a terminal in memory, with time that passes only when nothing else is to be done."""

from __future__ import annotations

import asyncio
import gc
import io
import select
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from akmon_tui.app import App
from akmon_tui.services import Leave
from akmon_tui.talking import Ask, Opened
from akmon_tui.view import View
from tests.tui.emulator import Emulator
from tests.tui.fake import FakeClient
from tests.tui.office import Office
from tests.tui.virtual import VirtualLoop

KEYS = {
    "enter": "\r",
    "tab": "\t",
    "s-tab": "\x1b[Z",
    "esc": "\x1b",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "backspace": "\x7f",
    **{f"c-{letter}": chr(ord(letter) - 96) for letter in "abcdefghjklnoprstuvwxyz"},
}
QUIET = 0.5
SOON = 0.2
"""Longer than a frame, and than an Escape waits for what belongs to it; shorter than ``QUIET``."""
PATIENCE = 120.0
"""Seconds of the loop's own time."""

Person = Callable[["Play"], Awaitable[None]]


class _Stdout(io.StringIO):
    def __init__(self, screen: Emulator) -> None:
        super().__init__()
        self._screen = screen

    def write(self, text: str) -> int:
        self._screen.write(text)
        return len(text)


class Play:
    """What a person sees and can do, and what the session was told."""

    def __init__(self, loop: VirtualLoop, keys: PipeInput, size: tuple[int, int]) -> None:
        self.loop = loop
        self.screen = Emulator(*size)
        self.opened: list[str] = []
        """Ids of the sessions that were opened, in their order."""
        self.closed: list[str] = []
        self.left: list[Leave] = []
        """What was asked for when a session was left."""
        self.now = 0.0
        """The time that the screen shows."""
        self.result: Leave | None = None
        self.error: BaseException | None = None
        """What the screen raised."""
        self.complaints: list[dict[str, Any]] = []
        """What the event loop was told that went wrong."""
        self.is_over = False
        self.app: App
        self._keys = keys

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(row.rstrip() for row in self.screen.display).strip("\n")

    @property
    def all(self) -> str:
        """All that is on the screen or has scrolled away."""
        return "\n".join(self.screen.rows)

    async def press(self, *keys: str) -> None:
        """Keys by their names, or texts, one after the other; what they do at once is done then."""
        for key in keys:
            self.send(key)
            await self.pass_time(SOON)

    def send(self, key: str) -> None:
        """A key, or a text, all in one piece."""
        self._keys.send_text(KEYS.get(key, key))

    async def enter(self, text: str) -> None:
        await self.press(text, "enter")

    async def pass_time(self, seconds: float) -> None:
        """Of the loop's time; no thread works then, and no key waits to be read."""
        await asyncio.sleep(seconds)
        while not self.is_over and (self.loop.threads or self._has_keys):
            await asyncio.sleep(0.01)

    @property
    def _has_keys(self) -> bool:
        return bool(select.select([self._keys.fileno()], [], [], 0)[0])

    async def until(self, *texts: str, times: int = 1) -> None:
        """Waits until the screen shows them all, each that many times."""
        until = self.loop.time() + PATIENCE
        while not all(self.text.count(text) >= times for text in texts):
            assert self.loop.time() < until, f"waited in vain for {texts}; the screen shows:\n{self.text}"
            await self.pass_time(0.05)

    async def until_gone(self, text: str) -> None:
        until = self.loop.time() + PATIENCE
        while text in self.text:
            assert self.loop.time() < until, f"{text!r} stays on the screen:\n{self.text}"
            await self.pass_time(0.05)

    async def resize(self, columns: int, rows: int) -> None:
        self.screen.resize_to(columns, rows)
        signal.raise_signal(signal.SIGWINCH)
        await self.pass_time(SOON)

    def hang_up(self) -> None:
        """The terminal goes away."""
        self._keys.close()

    async def leave(self) -> None:
        """Ends the conversation."""
        await self.press(20 * (KEYS["c-u"] + KEYS["backspace"]), "c-d")


def opened(client: FakeClient, services: Office | None = None, **facts: Any) -> Opened:
    """A session as the program hands it to the screen."""
    view = View(model="fake/model-1", mode="default", window=100_000, folder="/p")
    return msgspec.structs.replace(
        Opened(client=client, services=services or Office(), view=view, banner="akmon 0"), **facts
    )


Opening = Callable[[Ask], Awaitable[object]]
"""What takes place before a session is there."""


def act(
    person: Person,
    *sessions: Opened | Exception,
    size: tuple[int, int] = (80, 24),
    kept: Path | None = None,
    quiet: float = QUIET,
    opening: Opening | None = None,
    closing: Callable[[], Awaitable[object]] | None = None,
    fails: bool = False,
) -> Play:
    """Runs the screen on ``sessions``, one after the other, while ``person`` reads and types.

    An exception in place of one is what opening it raises. It must be over afterwards, with nothing left
    behind. ``fails`` is whether it is to raise something.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        play = runner.run(_act(person, sessions, size, kept, quiet, opening, closing))
        gc.collect(1)  # so that a task that nobody has awaited is complained about here
    if play.error and not fails:
        raise play.error
    assert play.closed == play.opened
    if not fails:
        assert not play.complaints
    return play


async def _act(
    person: Person,
    sessions: Sequence[Opened | Exception],
    size: tuple[int, int],
    kept: Path | None,
    quiet: float,
    opening: Opening | None,
    closing: Callable[[], Awaitable[object]] | None,
) -> Play:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    waiting = [*sessions]
    with create_pipe_input() as keys:
        play = Play(loop, keys, size)
        loop.set_exception_handler(lambda _, context: play.complaints.append(context))

        @asynccontextmanager
        async def connect(leave: Leave | None, ask: Ask) -> AsyncIterator[Opened]:
            if leave:
                play.left.append(leave)
            if opening:
                await opening(ask)
            session = waiting.pop(0)
            if isinstance(session, Exception):
                raise session
            play.opened.append(session.client.id)
            try:
                yield session
            finally:
                if closing:
                    await closing()
                play.closed.append(session.client.id)

        output = Vt100_Output(
            _Stdout(play.screen), lambda: Size(play.screen.lines, play.screen.columns), term="xterm-256color"
        )
        with create_app_session(input=keys, output=output):
            play.app = App(connect, kept, quiet, lambda: play.now)
            showing = asyncio.ensure_future(play.app.run())
            showing.add_done_callback(lambda _: setattr(play, "is_over", True))
            await _both(play, showing, asyncio.ensure_future(_typing(person, play)))
    for session in sessions:
        if isinstance(session, Opened) and isinstance(session.client, FakeClient):
            await session.client.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are left: {left}"
    assert not loop.timers(), f"timers are left: {loop.timers()}"
    return play


async def _typing(person: Person, play: Play) -> None:
    await play.pass_time(SOON)
    await person(play)


async def _both(play: Play, showing: asyncio.Future[Leave], typing: asyncio.Future[None]) -> None:
    await asyncio.wait((showing, typing), return_when=asyncio.FIRST_COMPLETED)
    if not showing.done():
        await asyncio.wait((showing,), timeout=PATIENCE)
    if not showing.done():
        showing.cancel()
        await asyncio.wait((showing,))
        if not typing.exception():
            raise AssertionError(f"the screen goes on:\n{play.text}")
    if not typing.done():
        await asyncio.wait((typing,), timeout=PATIENCE)
        typing.cancel()
    if not showing.cancelled():
        play.error = showing.exception()
    await asyncio.gather(typing)
    if not play.error:
        play.result = showing.result()
