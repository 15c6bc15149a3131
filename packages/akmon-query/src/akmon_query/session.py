"""A session: takes commands, gives events, runs at most one turn at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self, assert_never

from akmon_core.commands import Answer, Command, Interrupt, Prompt, SetMode, Steer
from akmon_core.errors import AkmonError
from akmon_core.events import ModeChanged, Noticed, Prompted, Steered
from akmon_core.limits import INBOX_COMMANDS
from akmon_core.messages import Text, User
from akmon_core.state import State
from akmon_query.gate import Gate
from akmon_query.hub import Subscriber
from akmon_query.ids import new_id
from akmon_query.ledger import Ledger
from akmon_query.turn import Driver


class Session:
    """Implements ``akmon_core.ports.SessionClient``. Use it as an async context manager, or ``close`` it."""

    def __init__(self, ledger: Ledger, driver: Driver, gate: Gate) -> None:
        self._ledger = ledger
        self._driver = driver
        self._gate = gate
        self._waiting: deque[tuple[Prompt, str]] = deque()
        self._turn: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def id(self) -> str:
        return self._ledger.session

    @property
    def state(self) -> State:
        """What the events so far add up to. A value: it does not change under the reader."""
        return self._ledger.state

    async def send(self, command: Command) -> str:
        """Hands in ``command``; gives the id that the events it causes will name as their cause."""
        if self._closed:
            raise AkmonError("the session is closed")
        cause = new_id()
        match command:
            case Prompt():
                self._prompt(command, cause)
            case Steer(text):
                self._steer(text, cause)
            case Answer(call_id=call_id):
                if not self._gate.answer(command, cause):
                    self._ledger.report(Noticed(f"no question is waiting for an answer to {call_id}"), cause)
            case Interrupt():
                self._interrupt()
            case SetMode(mode):
                self._ledger.report(ModeChanged(mode), cause)
            case _:
                assert_never(command)
        return cause

    def events(self, after: int | None = None) -> Subscriber:
        """Everything from now on, or first what was durable after sequence number ``after``."""
        return self._ledger.subscribe(after)

    async def close(self) -> None:
        """Interrupts what runs, lets go of the model and the journal, and ends every client's events."""
        if self._closed:
            return
        self._closed = True
        self._interrupt()
        try:
            if self._turn:
                await asyncio.wait((self._turn,))
        finally:
            try:
                await self._driver.close()
            finally:
                self._ledger.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _prompt(self, prompt: Prompt, cause: str) -> None:
        if len(self._waiting) >= INBOX_COMMANDS:
            self._ledger.report(Noticed("too many prompts are waiting; this one was dropped"), cause)
            return
        self._waiting.append((prompt, cause))
        self._next_turn()

    def _steer(self, text: str, cause: str) -> None:
        if self._ledger.state.running:
            self._ledger.report(Steered(User((Text(text),))), cause)
        else:
            self._prompt(Prompt(text), cause)

    def _interrupt(self) -> None:
        self._waiting.clear()
        if self._turn:
            self._turn.cancel()

    def _next_turn(self) -> None:
        while self._waiting and not self._turn:
            prompt, self._ledger.cause = self._waiting.popleft()
            message = User((*prompt.images, Text(prompt.text)))
            if self._driver.begin(Prompted(message)):
                self._turn = asyncio.get_running_loop().create_task(self._driver.drive())
                self._turn.add_done_callback(self._turn_done)

    def _turn_done(self, turn: asyncio.Task[None]) -> None:
        self._turn = None
        self._driver.abandon()
        if not turn.cancelled() and (error := turn.exception()):
            turn.get_loop().call_exception_handler({"message": "a turn failed", "exception": error})
        if not self._closed:
            self._next_turn()
