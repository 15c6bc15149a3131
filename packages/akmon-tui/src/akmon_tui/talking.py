"""Talks with one session after the other: what the person says goes out, what happens comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeAlias

import msgspec

from akmon_core.commands import Answer, Command, Interrupt, Prompt, Respond
from akmon_core.errors import AkmonError
from akmon_core.events import CommandRan, Envelope, Outcome, Rewound, ServerChanged, TurnEnded
from akmon_core.limits import SERVERS_QUIET_SECONDS
from akmon_core.messages import Message
from akmon_core.ports import Events, SessionClient
from akmon_core.servers import ServerStatus
from akmon_tui.completion import Resources, file_finder, image_mentions
from akmon_tui.composer.keeping import Keeping
from akmon_tui.composer.prompt import Sent
from akmon_tui.dialogs.base import Dialog
from akmon_tui.markdown import preload
from akmon_tui.places import put_back
from akmon_tui.replayed import recent
from akmon_tui.replying import enter
from akmon_tui.screen import Look, Screen
from akmon_tui.services import Leave, Services
from akmon_tui.signals import Signals
from akmon_tui.slash import SLASHES
from akmon_tui.slash.own import with_own
from akmon_tui.slash.prompts import with_prompts
from akmon_tui.slash.table import Table
from akmon_tui.standing import is_sandboxed, sandbox_in_short
from akmon_tui.status import Facts
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


class Talking:
    """The session on ``screen``, if there is one now."""

    def __init__(self, screen: Screen, connect: Connect, keeping: Keeping, signals: Signals) -> None:
        self._screen = screen
        self._connect = connect
        self._keeping = keeping
        self._signals = signals
        self._opened: Opened | None = None
        self._left: asyncio.Future[Leave] = asyncio.get_running_loop().create_future()
        self._working: asyncio.Future[Leave] | None = None
        self._speaking = asyncio.Lock()
        """Held while a prompt is made ready, so that the next one does not overtake it."""
        self._own: Table = SLASHES
        """The commands without those of servers."""
        self._learning: asyncio.Task[None] | None = None
        """Asks for the servers, which have changed."""

    def begin(self) -> asyncio.Future[Leave]:
        """Opens sessions until the person wants no other one; what cannot be opened first is raised."""
        self._working = asyncio.ensure_future(self._sessions())
        return self._working

    @property
    def is_open(self) -> bool:
        return self._opened is not None and not self._left.done()

    @property
    def session(self) -> Opened:
        """Raises ``AkmonError`` as long as there is none."""
        if self._opened is None or not self.is_open:
            raise AkmonError(_NO_SESSION)
        return self._opened

    async def send(self, command: Command) -> None:
        await self.session.client.send(command)

    async def prompt(self, sent: Sent) -> None:
        async with self._speaking:
            images = [*sent.images]
            for path in image_mentions(sent.text, [each.name for each in self._screen.servers]):
                try:
                    images.append(await self.session.services.image(path))
                except AkmonError as error:  # then it is only text
                    self._screen.say(str(error), "warning")
            await self.send(Prompt(sent.text, tuple(images)))

    async def next_follow_up(self) -> None:
        screen, begun = self._screen, False
        while screen.follow_ups and self.is_open and not (begun or screen.is_busy):
            begun = await enter(screen.follow_ups.pop(0), screen)

    def take_back(self, said: Sequence[Sent]) -> None:
        """Puts it into the line again, before what is typed there."""
        composer = self._screen.composer
        texts = [sent.text for sent in said if sent.text.strip()]
        if texts:
            images = [image for sent in said for image in sent.images] + [*composer.images]
            composer.stage("\n".join([*texts, *filter(None, [composer.text])]), images)

    def answer(self, asked: Waiting, answer: object) -> None:
        """What the person says to a question of the session; nothing stops the turn."""
        command = answer if isinstance(answer, Answer | Respond) else Interrupt()
        self._screen.start(self.send(command))

    def leave(self, leave: Leave) -> None:
        if self._opened:
            if not self._left.done():
                self._left.set_result(leave)
        elif leave.then != "end":
            self._screen.say(_NO_SESSION, "error")
        elif self._working:
            self._working.cancel()

    async def list_files(self) -> None:
        """Gets the files for the menu."""
        files: Sequence[str] = ()
        try:
            files = await self.session.services.files() if self.is_open else ()
        finally:  # what fails is asked again when files may have changed
            self._screen.completing.know(await asyncio.to_thread(file_finder, files))
            self._screen.changed()

    async def _sessions(self) -> Leave:
        leave: Leave | None = None
        back: Leave | None = None  # to where the person was, if what they want cannot be opened
        while leave is None or leave.then != "end":
            opened: Opened | None = None
            try:
                async with self._connect(leave, self._screen.focus.ask) as opened:
                    self._left = asyncio.get_running_loop().create_future()
                    self._show(opened)
                    leave = await self._talk(opened)
                    back = Leave("resume", opened.client.id) if self._screen.view.places else Leave("new")
            except AkmonError as error:
                if opened or back is None:
                    raise
                self._screen.say(str(error), "error")
                leave, back = back, None
            self._opened = None
        return leave

    def _show(self, opened: Opened) -> None:
        """Has the session on the screen, with what came before."""
        self._opened, screen = opened, self._screen
        columns, rows = screen.size()
        screen.transcript.end(columns)
        screen.transcript.view = opened.view
        screen.focus.follow(opened.view)
        screen.own_commands.clear()
        screen.completing.forget_files()
        screen.wear(opened.look)
        if self._keeping.begin(opened.client.id):
            screen.say("What you had typed when akmon was ended is back; Ctrl+C clears it.")
        self._signals.begin(opened.view)
        screen.say(opened.banner)
        if short := sandbox_in_short(opened.view.sandbox):
            screen.say(short, "dim" if is_sandboxed(opened.view.sandbox) else "warning")
        for warning in opened.warnings:
            screen.say(warning, "warning")
        screen.show(recent(opened.history, columns, rows * 2))
        screen.start(self._look_around())
        self._serve((), Resources())
        screen.start(self._own_commands(opened.services))
        self._servers_changed(opened.services, 0.0)
        screen.start(asyncio.to_thread(preload))

    async def _talk(self, opened: Opened) -> Leave:
        """Shows what happens until the person, or the session itself, ends it."""
        events = opened.client.events(agents=True)  # before anything is sent, as it is what follows
        following = asyncio.ensure_future(self._follow(events))
        try:
            if opened.first:
                await opened.client.send(opened.first)
            self._screen.start(self.next_follow_up())
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
        self._screen.say("The session has ended.")

    def _happened(self, envelope: Envelope) -> None:
        screen, before = self._screen, self._screen.view
        screen.transcript.happened(envelope, screen.size()[0])
        self._signals.happened(envelope, before, screen.look.notify)
        screen.focus.follow(screen.view)
        if not envelope.agent:
            match envelope.event:
                case Rewound():
                    self.take_back([Sent(put_back(before.places, envelope.event))])
                case TurnEnded(outcome):
                    self._turn_ended(outcome)
                case ServerChanged() if self._opened:
                    self._servers_changed(self._opened.services, SERVERS_QUIET_SECONDS)
                case CommandRan(command) if command in screen.own_commands:
                    screen.own_commands.remove(command)
                case _:
                    pass
        screen.changed()

    def _turn_ended(self, outcome: Outcome) -> None:
        screen = self._screen
        screen.start(self._look_around())
        screen.completing.forget_files()
        if outcome == "interrupted":  # what was to be said then is to be thought over
            self.take_back(screen.follow_ups)
            screen.follow_ups.clear()
        else:
            screen.start(self.next_follow_up())

    async def _own_commands(self, services: Services) -> None:
        self._own, problems = with_own(await services.commands(), SLASHES)
        self._offer_commands()
        for problem in problems:
            self._screen.say(problem, "warning")

    def _offer_commands(self) -> None:
        screen = self._screen
        screen.table = with_prompts(screen.servers, self._own)
        screen.completing.offer(screen.table)

    def _servers_changed(self, services: Services, quiet: float) -> None:
        """Asks for the servers, once ``quiet`` seconds have passed in which more of them may change."""
        if self._learning and quiet and not self._learning.done():
            return
        if self._learning:
            self._learning.cancel()
        self._learning = self._screen.start(self._learn_servers(services, quiet))

    async def _learn_servers(self, services: Services, quiet: float) -> None:
        """What they offer, for the dialog, the commands and the menu."""
        await asyncio.sleep(quiet)
        self._learning = None  # what changes from here on is asked for anew
        servers = await services.servers()
        resources = await asyncio.to_thread(Resources, servers)
        if self._opened and self._opened.services is services:
            self._serve(servers, resources)

    def _serve(self, servers: Sequence[ServerStatus], resources: Resources) -> None:
        self._screen.servers = servers
        self._screen.completing.know_resources(resources)
        self._offer_commands()
        self._screen.changed()

    async def _look_around(self) -> None:
        """What the status line tells besides the view, which commands may have changed."""
        if self._opened is None:
            return
        branch = await self._opened.services.branch()
        self._screen.facts = Facts(branch=branch, folder=self._screen.view.folder)
        self._screen.changed()
