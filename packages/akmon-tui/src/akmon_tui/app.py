"""The conversation on the screen: shows what happens, takes keys, until the person or the session ends it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from traceback import format_exception_only
from typing import Any, TypeAlias

import msgspec
from prompt_toolkit.application import get_app_session
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import merge_key_bindings

from akmon_core.commands import Answer, Command, Interrupt, Prompt, Respond
from akmon_core.errors import AkmonError
from akmon_core.events import CommandRan, Envelope, Outcome, Rewound, TurnEnded
from akmon_core.limits import ANSWER_QUIET_SECONDS
from akmon_core.messages import Message
from akmon_core.ports import Events, SessionClient
from akmon_core.text import neutralise
from akmon_tui.actions import Actions
from akmon_tui.completing import Completing
from akmon_tui.completion import file_finder, image_mentions
from akmon_tui.composer.keeping import Keeping
from akmon_tui.composer.keys import bindings
from akmon_tui.composer.prompt import Composer, Sent
from akmon_tui.dialogs.base import Dialog
from akmon_tui.focus import Focus
from akmon_tui.lines import Frame, Line, line, wrap
from akmon_tui.live import needs_tick
from akmon_tui.markdown import preload
from akmon_tui.painter import Painter
from akmon_tui.places import put_back
from akmon_tui.replayed import recent
from akmon_tui.replying import enter
from akmon_tui.scene import TICK_SECONDS, scene
from akmon_tui.screen import Look
from akmon_tui.services import Leave, Services
from akmon_tui.signals import Signals
from akmon_tui.slash import SLASHES
from akmon_tui.slash.own import with_own
from akmon_tui.slash.table import Table
from akmon_tui.stage import Stage
from akmon_tui.status import Facts
from akmon_tui.terminal import terminal_of
from akmon_tui.theme import pick_theme
from akmon_tui.transcript import Transcript
from akmon_tui.view import View, Waiting

_NO_SESSION = "That takes a moment: there is no session yet. Do it again when there is."


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A session that can be talked to."""

    client: SessionClient
    services: Services
    first: Command | None = None
    """What is done before anything that is typed."""
    view: View = View()
    history: tuple[Message, ...] = ()
    """What was said in it before."""
    banner: str = ""
    warnings: tuple[str, ...] = ()
    look: Look = Look()


Ask: TypeAlias = Callable[[Dialog], Awaitable[object]]
Connect: TypeAlias = Callable[[Leave | None, Ask], AbstractAsyncContextManager[Opened]]
"""Opens the first session (None), or the one that a ``Leave`` asks for. May ask the person first."""


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
    """Implements ``akmon_tui.screen.Screen``; what is done with it is in ``actions`` and ``replying``."""

    def __init__(self, connect: Connect, kept: Path | None, quiet: float, clock: Callable[[], float]) -> None:
        terminal = get_app_session()
        self._connect = connect
        self.clock = clock
        self._output = terminal.output
        self.terminal = terminal_of(os.environ)
        self.opened: Opened | None = None
        self.look = Look()
        self.table: Table = SLASHES
        self.transcript = Transcript(View())
        self.composer = Composer(kept / "history" if kept else None)
        self._keeping = Keeping(self.composer, kept / "drafts" if kept else None)
        self.completing = Completing(self.composer, lambda: self.start(self._list_files()))
        self.focus = Focus(self.changed, self._answered, quiet)
        self.follow_ups: list[Sent] = []
        self.own_commands: list[str] = []
        self.shows_todos = False
        self.theme = pick_theme("auto", os.environ)
        self._facts = Facts()
        self._pressed = asyncio.Event()
        self._signals = Signals(self.terminal, self.write)
        self._left: asyncio.Future[Leave] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._working: asyncio.Future[Leave] | None = None
        self._speaking = asyncio.Lock()
        """Held while a prompt is made ready, so that the next one does not overtake it."""
        self._mistake: Exception | None = None
        """An error of ours that ends the conversation."""
        typing = Condition(lambda: not self.focus.takes_keys)
        keys = bindings(Actions(self), self.composer, typing)
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
        self._working = working = asyncio.ensure_future(self._sessions())
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
            self._take_back(self.follow_ups)  # so that they are kept with what is typed
            self._keeping.close()
            for task in (working, *self._tasks):
                task.cancel()
            await asyncio.gather(working, *self._tasks, return_exceptions=True)
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
        return self.opened is not None and not self._left.done()

    @property
    def is_busy(self) -> bool:
        return self.view.since is not None

    @property
    def services(self) -> Services:
        return self._session.services

    @property
    def _session(self) -> Opened:
        if self.opened is None or not self.is_open:
            raise AkmonError(_NO_SESSION)
        return self.opened

    async def send(self, command: Command) -> None:
        await self._session.client.send(command)

    def leave(self, leave: Leave) -> None:
        if self.opened:
            if not self._left.done():
                self._left.set_result(leave)
        elif leave.then != "end":
            self.say(_NO_SESSION, "error")
        elif self._working:
            self._working.cancel()

    def start(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(self._reported(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (mistake := task.exception()):
            what = "".join(format_exception_only(mistake)).strip()
            self.say(f"That failed by an error in akmon itself: {what}", "error")

    async def key_pressed(self) -> None:
        self._pressed.clear()
        await self._pressed.wait()

    def set(self, name: str, value: str) -> None:
        match name:
            case "theme":
                self.theme = pick_theme(value, os.environ)
                self.look = msgspec.structs.replace(self.look, theme=value)
                self.stage.redraw()
            case "vim":
                vim = not self.look.vim if not value else value == "on"
                self.look = msgspec.structs.replace(self.look, vim=vim)
                self.stage.edit_as(vim=vim)
                self.say(f"Prompts are edited with the keys of {'vi' if vim else 'readline'}.")
            case "notify":
                self.look = msgspec.structs.replace(self.look, notify=value)

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

    async def _sessions(self) -> Leave:
        leave: Leave | None = None
        back: Leave | None = None  # to where the person was, if what they want cannot be opened
        while leave is None or leave.then != "end":
            opened: Opened | None = None
            try:
                async with self._connect(leave, self.focus.ask) as opened:
                    self._left = asyncio.get_running_loop().create_future()
                    self._begin(opened)
                    leave = await self._talk(opened)
                    back = Leave("resume", opened.client.id) if self.view.places else Leave("new")
            except AkmonError as error:
                if opened or back is None:
                    raise
                self.say(str(error), "error")
                leave, back = back, None
            self.opened = None
        return leave

    def _begin(self, opened: Opened) -> None:
        self.opened, self.look = opened, opened.look
        self.transcript.end(self.size()[0])
        self.transcript.view = opened.view
        self.focus.follow(opened.view)
        self.own_commands.clear()
        self.completing.forget_files()
        self.theme = pick_theme(opened.look.theme, os.environ)
        self.stage.edit_as(vim=opened.look.vim)
        if self._keeping.begin(opened.client.id):
            self.say("What you had typed when akmon was ended is back; Ctrl+C clears it.")
        self._signals.begin(opened.view)
        columns, rows = self.size()
        self.say(opened.banner)
        for warning in opened.warnings:
            self.say(warning, "warning")
        self.show(recent(opened.history, columns, rows * 2))
        self.start(self._look_around())
        self.start(self._own_commands(opened.services))
        self.start(asyncio.to_thread(preload))

    async def _talk(self, opened: Opened) -> Leave:
        """Shows what happens until the person, or the session itself, ends it."""
        events = opened.client.events(agents=True)  # before anything is sent, as it is what follows
        following = asyncio.ensure_future(self._follow(events))
        try:
            if opened.first:
                await opened.client.send(opened.first)
            self.start(self.next_follow_up())
            await asyncio.wait((following, self._left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            events.close()
        return self._left.result() if self._left.done() else Leave()

    async def _follow(self, events: Events) -> None:
        async for envelope in events:
            self._happened(envelope)
        self.say("The session has ended.")

    def _happened(self, envelope: Envelope) -> None:
        before = self.view
        self.transcript.happened(envelope, self.size()[0])
        self._signals.happened(envelope, before, self.look.notify)
        self.focus.follow(self.view)
        if not envelope.agent:
            match envelope.event:
                case Rewound():
                    self._take_back([Sent(put_back(before.places, envelope.event))])
                case TurnEnded(outcome):
                    self._turn_ended(outcome)
                case CommandRan(command) if command in self.own_commands:
                    self.own_commands.remove(command)
                case _:
                    pass
        self.changed()

    def _turn_ended(self, outcome: Outcome) -> None:
        self.start(self._look_around())
        self.completing.forget_files()
        if outcome == "interrupted":  # what was to be said then is to be thought over
            self._take_back(self.follow_ups)
            self.follow_ups = []
        else:
            self.start(self.next_follow_up())

    def _take_back(self, said: Sequence[Sent]) -> None:
        """Puts it into the line again, before what is typed there."""
        texts = [sent.text for sent in said if sent.text.strip()]
        if texts:
            images = [image for sent in said for image in sent.images] + [*self.composer.images]
            self.composer.stage("\n".join([*texts, *filter(None, [self.composer.text])]), images)

    async def next_follow_up(self) -> None:
        begun = False
        while self.follow_ups and self.is_open and not (begun or self.is_busy):
            begun = await enter(self.follow_ups.pop(0), self)

    async def prompt(self, sent: Sent) -> None:
        async with self._speaking:
            images = [*sent.images]
            for path in image_mentions(sent.text):
                try:
                    images.append(await self.services.image(path))
                except AkmonError as error:  # then it is only text
                    self.say(str(error), "warning")
            await self.send(Prompt(sent.text, tuple(images)))

    async def _list_files(self) -> None:
        files: Sequence[str] = ()
        try:
            files = await self.services.files() if self.is_open else ()
        finally:  # what fails is asked again when files may have changed
            self.completing.know(await asyncio.to_thread(file_finder, files))
            self.changed()

    def _answered(self, asked: Waiting, answer: object) -> None:
        """What the person says to a question of the session; nothing stops the turn."""
        command = answer if isinstance(answer, Answer | Respond) else Interrupt()
        self.start(self.send(command))

    async def _own_commands(self, services: Services) -> None:
        self.table, problems = with_own(await services.commands(), SLASHES)
        self.completing.offer(self.table)
        for problem in problems:
            self.say(problem, "warning")

    async def _reported(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except AkmonError as error:
            self.say(str(error), "error")

    def _write(self, text: str) -> None:
        self._output.write_raw(text)
        self._output.flush()

    def _encode(self, shown: Line) -> str:
        return self.theme.encode(shown)

    async def _look_around(self) -> None:
        """What the status line tells besides the view, which commands may have changed."""
        if self.opened is None:
            return
        branch = await self.opened.services.branch()
        self._facts = Facts(branch=branch, folder=self.view.folder)
        self.changed()

    def _scene(self, columns: int, rows: int) -> tuple[list[Line], Frame]:
        finished = self.transcript.take(columns)
        if needs_tick(self.view):
            self.stage.changed(TICK_SECONDS)
        return finished, scene(self, self._facts, columns, rows - 1)
