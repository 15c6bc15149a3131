"""The conversation on the screen: shows what happens, takes keys, until the person or the session ends it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from prompt_toolkit.application import get_app_session
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import merge_key_bindings

from akmon_core.commands import Command
from akmon_core.limits import ANSWER_QUIET_SECONDS
from akmon_core.servers import ServerStatus
from akmon_core.text import neutralise
from akmon_tui.actions import Actions
from akmon_tui.background import Background
from akmon_tui.completing import Completing
from akmon_tui.composer.keeping import Keeping
from akmon_tui.composer.keys import bindings
from akmon_tui.composer.prompt import Composer, Sent
from akmon_tui.focus import Focus
from akmon_tui.lines import Frame, Line, line, wrap
from akmon_tui.live import needs_tick
from akmon_tui.painter import Painter
from akmon_tui.scene import TICK_SECONDS, scene
from akmon_tui.screen import Look
from akmon_tui.services import Leave, Services
from akmon_tui.signals import Signals
from akmon_tui.slash import SLASHES
from akmon_tui.slash.table import Table
from akmon_tui.stage import Stage
from akmon_tui.status import Facts
from akmon_tui.talking import Connect, Talking
from akmon_tui.terminal import terminal_of
from akmon_tui.theme import pick_theme
from akmon_tui.transcript import Transcript
from akmon_tui.view import View


async def run(
    connect: Connect,
    *,
    kept: Path | None = None,
    quiet: float = ANSWER_QUIET_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Leave:
    """Shows sessions on the terminal of prompt_toolkit's app session until the person ends it.

    ``kept`` is the folder of earlier prompts and of drafts; without one they are kept in memory. ``quiet``
    counts seconds without a key, after which keys answer a question; ``clock`` gives the present as events
    do, in seconds since 1970-01-01 UTC. What goes wrong when a session is opened is raised, with the
    terminal as it was.
    """
    return await App(connect, kept, quiet, clock).run()


class App:
    """Implements ``akmon_tui.screen.Screen``, with which ``actions``, ``replying`` and ``talking`` work."""

    def __init__(self, connect: Connect, kept: Path | None, quiet: float, clock: Callable[[], float]) -> None:
        terminal = get_app_session()
        self.clock = clock
        self._output = terminal.output
        self.terminal = terminal_of(os.environ)
        self.look = Look()
        self.facts = Facts()
        self.table: Table = SLASHES
        self.servers: Sequence[ServerStatus] = ()
        self.transcript = Transcript(View())
        self.composer = Composer(kept / "history" if kept else None)
        self.follow_ups: list[Sent] = []
        self.own_commands: list[str] = []
        self.shows_todos = False
        self._theme = pick_theme("auto", os.environ)
        self._background = Background(partial(self.say, style="error"))
        self._keeping = Keeping(self.composer, kept / "drafts" if kept else None)
        self._signals = Signals(self.terminal, self.write)
        self._talking = Talking(self, connect, self._keeping, self._signals)
        self.completing = Completing(self.composer, lambda: self.start(self._talking.list_files()))
        self.focus = Focus(self.changed, self._talking.answer, quiet)
        self._pressed = asyncio.Event()
        self._mistake: Exception | None = None
        """An error of ours that ends the conversation."""
        keys = bindings(Actions(self), self.composer, Condition(lambda: not self.focus.takes_keys))
        self.stage = Stage(
            self._scene,
            Painter(self._write, self.size, self._encode, reflows=self.terminal.reflows),
            self.composer.buffer,
            merge_key_bindings([keys, self.focus.bindings()]),
            terminal.input,
            terminal.output,
        )
        self.stage.app.key_processor.before_key_press += lambda _: self.focus.typed()
        self.stage.app.key_processor.after_key_press += lambda _: self._pressed.set()

    @property
    def view(self) -> View:
        return self.transcript.view

    async def run(self) -> Leave:
        """Shows the screen at once, and then sessions on it, one after the other."""
        working = self._talking.begin()
        working.add_done_callback(lambda _: self.stage.leave())
        loop = asyncio.get_running_loop()
        before = loop.get_exception_handler()
        loop.set_exception_handler(partial(self._broken, working))
        try:
            await self.stage.run()
        except EOFError:  # the terminal is gone
            pass
        finally:
            self.focus.close()
            self._talking.take_back(self.follow_ups)  # so that they are kept with what is typed
            self._keeping.close()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await self._background.close()
            loop.set_exception_handler(before)
            self._signals.close()
            self._finish()
        if self._mistake:
            raise self._mistake
        return Leave() if working.cancelled() else working.result()

    def _broken(
        self, working: asyncio.Future[Leave], loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Ends all in order after an error in a key or a paint, which nothing waits for."""
        mistake = context.get("exception")
        if isinstance(mistake, Exception):
            self._mistake = self._mistake or mistake
            working.cancel()
        else:
            loop.default_exception_handler(context)

    def _finish(self) -> None:
        """Leaves on the terminal what was said in the end: nothing is painted after it."""
        columns, _ = self.size()
        self.transcript.end(columns)
        self.stage.painter.paint(self.transcript.take(columns), Frame([], (0, 0)))

    @property
    def is_open(self) -> bool:
        return self._talking.is_open

    @property
    def is_busy(self) -> bool:
        return self.view.since is not None

    @property
    def services(self) -> Services:
        return self._talking.session.services

    async def send(self, command: Command) -> None:
        await self._talking.send(command)

    async def prompt(self, sent: Sent) -> None:
        await self._talking.prompt(sent)

    async def next_follow_up(self) -> None:
        await self._talking.next_follow_up()

    def leave(self, leave: Leave) -> None:
        self._talking.leave(leave)

    def start(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        return self._background.start(work)

    async def key_pressed(self) -> None:
        self._pressed.clear()
        await self._pressed.wait()

    def wear(self, look: Look) -> None:
        self.look = look
        self._theme = pick_theme(look.theme, os.environ)
        self.stage.edit_as(vim=look.vim)
        self.changed()

    def set(self, name: str, value: str) -> None:
        match name:
            case "theme":
                self.wear(msgspec.structs.replace(self.look, theme=value))
                self.stage.redraw()
            case "vim":
                vim = not self.look.vim if not value else value == "on"
                self.wear(msgspec.structs.replace(self.look, vim=vim))
                self.say(f"Prompts are edited with the keys of {'vi' if vim else 'readline'}.")
            case "notify":
                self.wear(msgspec.structs.replace(self.look, notify=value))

    def changed(self) -> None:
        self.stage.changed()

    def say(self, text: str, style: str = "dim") -> None:
        columns, _ = self.size()
        self.show(row for part in neutralise(text).split("\n") for row in wrap(line(part, style), columns))

    def show(self, lines: Iterable[Line]) -> None:
        self.transcript.add(lines)
        self.changed()

    def size(self) -> tuple[int, int]:
        size = self._output.get_size()
        return max(1, size.columns), max(2, size.rows)

    def write(self, control: str) -> None:
        if control:
            self._write(control)

    def _write(self, text: str) -> None:
        self._output.write_raw(text)
        self._output.flush()

    def _encode(self, shown: Line) -> str:
        return self._theme.encode(shown)

    def _scene(self, columns: int, rows: int) -> tuple[list[Line], Frame]:
        finished = self.transcript.take(columns)
        if needs_tick(self.view):
            self.stage.changed(TICK_SECONDS)
        return finished, scene(self, columns, rows - 1)
