"""The conversation: reads prompts, shows what happens, asks the person, until the person ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import assert_never

import msgspec
from prompt_toolkit.application import AppSession

from akmon_core.commands import Answer, Interrupt, Prompt, SetMode
from akmon_core.events import Envelope, Prompted, TurnEnded
from akmon_core.ports import SessionClient
from akmon_core.text import neutralise
from akmon_tui.composer import Composer, ask_line, whole
from akmon_tui.keys import Burst, Watch, answer_of, interrupts, watch
from akmon_tui.render import Span, render
from akmon_tui.screen import Screen, plain_where_dumb
from akmon_tui.slash import run_slash
from akmon_tui.view import View, show


async def converse(
    client: SessionClient,
    *,
    banner: str,
    first_prompt: str = "",
    view: View | None = None,
    history: Path | None = None,
) -> None:
    """Talks with ``client`` on the terminal until the person or the session ends it.

    ``view`` says where the session stands: its mode, and what it has cost so far.
    ``history`` is the file of earlier prompts; without one they are kept in memory.
    Input and output are those of prompt_toolkit's app session.
    """
    # The terminal is raw all the time: what is typed between prompt and turn would else be echoed, and its
    # Enter would arrive as another key.
    with plain_where_dumb() as terminal, terminal.input.raw_mode():
        conversation = Conversation(client, terminal, view or View(), history)
        try:
            await conversation.run(banner, first_prompt)
        finally:
            conversation.close()


class Conversation:
    """One person's sight of a session."""

    def __init__(self, client: SessionClient, terminal: AppSession, view: View, history: Path | None) -> None:
        self._client = client
        self._input = terminal.input
        self._screen = Screen(terminal.output)
        self._composer = Composer(self._screen, history)
        self._events = client.events()
        self._view = view
        self._ended = False
        """The session is closed: there are no more events."""

    async def run(self, banner: str, first_prompt: str) -> None:
        self._screen.write(Span(line) for line in neutralise(banner).split("\n"))
        if first_prompt:
            await self._turn(first_prompt, typed=False)
        while not self._ended:
            line = await self._composer.read()
            if line is None or not await self._handle(line):
                return

    def close(self) -> None:
        self._events.close()

    async def _handle(self, line: str) -> bool:
        """Whether the conversation goes on after ``line``."""
        match run_slash(line, self._view):
            case None if line.strip():
                await self._turn(line, typed=True)
            case None:
                pass
            case False:
                return False
            case str() as text:
                self._screen.write([Span(neutralise(text), "dim")])
            case SetMode() as command:
                await self._follow_one(await self._client.send(command))
            case other:
                assert_never(other)
        return True

    async def _follow_one(self, cause: str) -> None:
        """Shows events until one that the command ``cause`` led to."""
        async for envelope in self._events:
            self._happened(envelope)
            if envelope.cause == cause:
                return
        self._ended = True

    async def _turn(self, text: str, *, typed: bool) -> None:
        cause = await self._client.send(Prompt(whole(text)))
        self._screen.expect_pastes(True)
        try:
            with watch(self._input) as watching:
                await self._follow_turn(cause, watching, typed=typed)
        finally:
            self._screen.expect_pastes(False)

    async def _follow_turn(self, cause: str, watching: Watch, *, typed: bool) -> None:
        """Shows events until the turn of ``cause`` is over. What was typed is on the screen already."""
        while envelope := await self._next(watching):
            typed_here = typed and envelope.cause == cause and isinstance(envelope.event, Prompted)
            self._happened(envelope, shown=not typed_here)
            if _is_over(envelope, cause):
                return
        self._ended = True
        self._screen.write([Span("The session has ended.", "dim")])

    async def _next(self, watching: Watch) -> Envelope | None:
        """The next event, None after the last one. What was pressed before it comes is acted upon first.

        So no key that was pressed before a question came answers it.
        """
        event = asyncio.ensure_future(anext(self._events))
        try:
            while not event.done():
                await _either(event, watching.pressed)
                await self._press(watching)
            return event.result()
        except StopAsyncIteration:
            return None
        finally:
            event.cancel()

    async def _press(self, watching: Watch) -> None:
        for burst in watching.take():
            await self._pressed(burst, watching)

    async def _pressed(self, burst: Burst, watching: Watch) -> None:
        if interrupts(burst):
            watching.forget()
            await self._client.send(Interrupt())
            return
        asked = self._view.question
        answer = answer_of(asked, burst) if asked else None
        if asked is None or answer is None:
            watching.keep(burst)
            return
        message = await ask_line("  Why not? (Enter to say nothing) ") if answer == "deny" else ""
        self._view = msgspec.structs.replace(self._view, question=None)
        await self._client.send(Interrupt() if message is None else Answer(asked.call.id, answer, message))

    def _happened(self, envelope: Envelope, *, shown: bool = True) -> None:
        if shown:
            self._screen.write(render(self._view, envelope.event, self._screen.width))
        self._view = show(self._view, envelope.event)


async def _either(event: asyncio.Future[Envelope], pressed: asyncio.Event) -> None:
    keys = asyncio.ensure_future(pressed.wait())
    await asyncio.wait((event, keys), return_when=asyncio.FIRST_COMPLETED)
    keys.cancel()


def _is_over(envelope: Envelope, cause: str) -> bool:
    """An interrupt, whoever sent it, also drops the prompts that wait behind it."""
    match envelope.event:
        case TurnEnded(outcome):
            return envelope.cause == cause or outcome == "interrupted"
        case _:
            return False
