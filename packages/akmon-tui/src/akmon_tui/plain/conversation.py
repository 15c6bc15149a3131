"""The conversation: reads prompts, shows what happens, asks the person, until the person ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prompt_toolkit.application import AppSession

from akmon_core.commands import (
    Answer,
    Answered,
    Command,
    Interrupt,
    ManageServer,
    Prompt,
    Respond,
    Steer,
)
from akmon_core.errors import AkmonError
from akmon_core.events import Envelope, PermissionAsked, QuestionAsked, Rewound
from akmon_core.limits import ANSWER_QUIET_SECONDS
from akmon_core.ports import SessionClient
from akmon_core.text import neutralise
from akmon_tui.asking import answer_text
from akmon_tui.cells import whole
from akmon_tui.places import put_back
from akmon_tui.plain.answering import Lines
from akmon_tui.plain.following import Following
from akmon_tui.plain.keys import Burst, Watch, answer_of, interrupts, is_text, watch
from akmon_tui.plain.offering import Offer
from akmon_tui.plain.output import Screen, text_only
from akmon_tui.plain.prompt import Composer, ask_line
from akmon_tui.plain.questions import answers
from akmon_tui.plain.render import render
from akmon_tui.plain.spans import Span
from akmon_tui.servers import changes_text
from akmon_tui.services import Leave, Services
from akmon_tui.slash import SLASHES, run_slash
from akmon_tui.slash.fetching import fetched, to_approve
from akmon_tui.slash.own import with_own
from akmon_tui.slash.plainly import Approve, in_plain
from akmon_tui.slash.prompts import with_prompts
from akmon_tui.slash.replies import Fetch, Say, Send, Typed
from akmon_tui.slash.table import Table
from akmon_tui.standing import sandbox_in_short
from akmon_tui.view import View, Waiting, show


async def converse(
    client: SessionClient,
    *,
    banner: str,
    first_prompt: str | Command = "",
    view: View | None = None,
    history: Path | None = None,
    quiet: float = ANSWER_QUIET_SECONDS,
    services: Services | None = None,
) -> Leave:
    """Talks with ``client`` on the terminal until the person or the session ends it; says what comes then.

    ``first_prompt`` is done before anything is read.
    ``view`` says where the session stands: its mode, its window, its pins, and what it has cost so far.
    ``history`` is the file of earlier prompts; without one they are kept in memory.
    ``services`` are what some slash commands show or do; without them these say so.
    ``quiet`` counts seconds without a key, after which keys answer a question for permission.
    Input and output are those of prompt_toolkit's app session.
    """
    # The terminal is raw all the time: what is typed between prompt and turn would else be echoed, and its
    # Enter would arrive as another key.
    with text_only() as terminal, terminal.input.raw_mode():
        conversation = Conversation(client, terminal, view or View(), history, quiet, services)
        try:
            return await conversation.run(banner, first_prompt)
        finally:
            conversation.close()


class Conversation:
    """One person's sight of a session."""

    def __init__(
        self,
        client: SessionClient,
        terminal: AppSession,
        view: View,
        history: Path | None,
        quiet: float,
        services: Services | None,
    ) -> None:
        self._services = services
        self._own: Table | None = None
        """The commands without those of servers; None is not asked for yet."""
        self._table: Table = SLASHES
        self._client = client
        self._input = terminal.input
        self._screen = Screen(terminal.output)
        self._composer = Composer(self._screen, history)
        self._events = client.events(agents=True)
        self._view = view
        self._answered: Waiting | None = None
        """The question whose answer is on its way."""
        self._offer = Offer(quiet)
        self._lines = Lines(terminal.input, self._screen)
        self._ended = False
        """The session is closed: there are no more events."""

    async def run(self, banner: str, first_prompt: str | Command) -> Leave:
        self._screen.write(Span(line) for line in neutralise(banner).split("\n"))
        if short := sandbox_in_short(self._view.sandbox):
            self._screen.write([Span(short)])
        if first_prompt:
            await self._do(Prompt(whole(first_prompt)) if isinstance(first_prompt, str) else first_prompt)
        while not self._ended:
            line = await self._composer.read()
            if line is None:
                break
            if leave := await self._handle(line):
                return leave
        return Leave()

    def close(self) -> None:
        self._events.close()

    async def _handle(self, line: str) -> Leave | None:
        """What comes after the conversation, if ``line`` ends it."""
        if line.startswith("/"):
            await self._learn_commands()
        reply = run_slash(line, self._view, self._table)
        if reply is None:
            if line.strip():
                await self._do(Prompt(whole(line)), typed=True)
            return None
        if isinstance(reply, Say) and reply.stays:
            self._composer.stage(f"{line.rstrip()} ")
        done = in_plain(reply, self._view, self._table)
        if isinstance(done, Fetch):
            done = await self._fetch(done)
        elif isinstance(done, Approve):
            done = await self._approve(done.server)
        match done:
            case Leave():
                return done
            case Say(text):
                self._note(neutralise(text))
            case Typed(text):
                await self._do(Prompt(whole(text)))
            case Send(commands):
                for command in commands:
                    if not self._ended:
                        await self._do(command)
        return None

    async def _learn_commands(self) -> None:
        """Those of the person's own, when the first command is entered, and those of servers, which come
        and go."""
        if self._services is None:
            return
        notes: list[str] = []
        try:
            if self._own is None:
                self._own = SLASHES
                self._own, notes = with_own(await self._services.commands(), SLASHES)
            self._table = with_prompts(await self._services.servers(), self._own)
        except AkmonError as error:
            notes = [str(error)]
        for text in notes:
            self._note(neutralise(text))

    async def _approve(self, server: str) -> Say | Send:
        """What the person agrees to: all that is new of a server, if it is still the same then."""
        asked = await to_approve(server, self._services)
        if isinstance(asked, Say):
            return asked
        self._note(changes_text(asked))
        answer = await ask_line("Do you accept that? (y/N) ")
        if (answer or "").strip().lower() not in ("y", "yes"):
            return Say("Nothing is approved.")
        return Send((ManageServer(server, "approve", asked.unapproved),))

    async def _fetch(self, fetch: Fetch) -> Say | Leave:
        """What the services give, unless Ctrl+C is pressed before."""
        fetching = asyncio.ensure_future(fetched(fetch, self._services, self._view))
        with watch(self._input) as watching:
            while not fetching.done():
                await _either(fetching, watching.pressed, None)
                for burst in watching.take():
                    if interrupts(burst) and fetching.cancel():
                        return Say("Interrupted.")
                    watching.keep(burst)
        return fetching.result()

    async def _do(self, command: Command, *, typed: bool = False) -> None:
        """Has ``command`` carried out. A prompt that was ``typed`` is on the screen already."""
        following = Following(command, await self._client.send(command))
        with watch(self._input) as watching:
            await self._follow(following, watching, typed=typed)

    async def _follow(self, following: Following, watching: Watch, *, typed: bool) -> None:
        """Shows events until all of the command is done."""
        while envelope := await self._next(following, watching):
            before = self._view.question
            self._happened(envelope, shown=not (typed and following.begins(envelope)))
            if following.ends_with(envelope):
                return
            await self._turned(before, following, watching)
        self._ended = True
        self._note("The session has ended.")

    async def _next(self, following: Following, watching: Watch) -> Envelope | None:
        """The next event, None after the last one. What was pressed before it comes is acted upon first.

        Where a question waits for its keys, it gets them when the person types nothing else.
        """
        event = asyncio.ensure_future(anext(self._events))
        try:
            while not event.done():
                await _either(event, watching.pressed, self._offer.due(watching.begun))
                bursts = watching.take()
                for burst in bursts:
                    await self._pressed(burst, following, watching)
                if not bursts and self._offer.due(watching.begun) == 0.0:
                    await self._open(following, watching)
            return event.result()
        except StopAsyncIteration:
            return None
        finally:
            event.cancel()

    async def _turned(self, before: Waiting | None, following: Following, watching: Watch) -> None:
        """Acts upon another question, or none, taking the place of the one ``before``."""
        asked = self._view.question
        if asked is before:
            return
        self._offer = self._offer.of(asked)
        if asked is None:
            await self._say(following, watching)
        elif watching.begun:
            self._note(_BEGUN)

    async def _open(self, following: Following, watching: Watch) -> None:
        """Lets the person answer the question on the screen."""
        asked = self._question()
        self._offer.made = True
        match asked and asked.event:
            case PermissionAsked() as permission:
                self._screen.write([answers(permission)])
            case QuestionAsked():
                await self._ask(following, watching)

    async def _pressed(self, burst: Burst, following: Following, watching: Watch) -> None:
        if interrupts(burst):
            await self._interrupt(following, watching)
            return
        asked = self._question()
        if asked is None:
            watching.keep(burst)
            await self._say(following, watching)
            return
        answer = answer_of(asked.event, burst) if isinstance(asked.event, PermissionAsked) else None
        if answer is None or watching.begun:
            self._typed(burst, watching)
        elif not self._offer.made:
            self._offer.restart()
            self._note(f"{burst[0].key} came before there was time to read; press it again.")
        else:
            await self._give(asked, answer, following, watching)

    def _typed(self, burst: Burst, watching: Watch) -> None:
        """Keeps what answers nothing. A line is finished before any of its letters could be an answer."""
        begun = watching.begun
        if begun or is_text(burst):
            watching.keep(burst)
            self._offer.restart()
        if watching.begun and not begun:
            self._note(_BEGUN)

    async def _give(self, asked: Waiting, answer: Answered, following: Following, watching: Watch) -> None:
        """Sends ``answer``, with what else the person has to say for it."""
        message: str | None = ""
        rule: str | None = ""
        match asked.event, answer:
            case _, "deny":
                message = await self._lines.why_not(watching)
            case PermissionAsked() as permission, "always":
                rule = await self._lines.rule(permission, watching)
        if message is None:
            await self._interrupt(following, watching)
            return
        if rule is None:
            self._offer.restart()
            return
        self._answered = asked
        await self._client.send(Answer(asked.call_id, answer, message, rule, asked.agent))

    def _question(self) -> Waiting | None:
        """What the person is asked and has not answered."""
        asked = self._view.question
        return None if asked is self._answered else asked

    async def _ask(self, following: Following, watching: Watch) -> None:
        """Reads the answer to the question of the model that is on the screen."""
        asked = self._question()
        if asked is None or not isinstance(asked.event, QuestionAsked):
            return
        line = await self._lines.words(watching)
        self._answered = asked
        if line is None:
            await self._interrupt(following, watching)
        else:
            await self._client.send(Respond(asked.call_id, answer_text(asked.event, line), asked.agent))

    async def _interrupt(self, following: Following, watching: Watch) -> None:
        self._answered = self._view.question
        self._offer = self._offer.of(None)
        watching.forget()
        following.interrupted()
        await self._client.send(Interrupt())

    async def _say(self, following: Following, watching: Watch) -> None:
        """Tells the running turn what was typed and entered, but for commands, which wait."""
        if not following.hears:
            return
        said, waits = watching.said(lambda text: run_slash(text, self._view, self._table) is None)
        for line in said:
            if line.strip():
                following.steered(await self._client.send(Steer(whole(line))))
        if waits:
            self._note("▸ kept until the turn is over")

    def _happened(self, envelope: Envelope, *, shown: bool = True) -> None:
        event, agent = envelope.event, envelope.agent
        if isinstance(event, Rewound) and not agent:
            self._composer.stage(put_back(self._view.places, event))
        if shown:
            self._screen.write(render(self._view, event, self._screen.width, agent))
        self._view = show(self._view, event, agent)

    def _note(self, text: str) -> None:
        self._screen.write([Span(text)])


_BEGUN = (
    "You have begun a line, so no key answers yet:\n"
    "Enter keeps it for after your answer, Backspace takes it back."
)


async def _either(event: asyncio.Future[Any], pressed: asyncio.Event, patience: float | None) -> None:
    keys = asyncio.ensure_future(pressed.wait())
    await asyncio.wait((event, keys), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    keys.cancel()
