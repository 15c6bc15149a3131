"""A session: takes commands, gives events, runs at most one turn at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Self, TypeAlias, assert_never

from akmon_core.commands import (
    REWOUND,
    Answer,
    ChooseModel,
    Command,
    Compact,
    Implement,
    Interrupt,
    ManageServer,
    Prompt,
    Rename,
    Respond,
    Rewind,
    RunCommand,
    SetMode,
    Steer,
    UsePrompt,
)
from akmon_core.errors import AkmonError, JournalError
from akmon_core.events import ModeChanged, Noticed, Pinned, Prompted, Reminded, Steered
from akmon_core.limits import INBOX_COMMANDS
from akmon_core.messages import Image, Pin, Text, User, note
from akmon_core.models import ModelRequest
from akmon_core.permissions import Mode, Policy
from akmon_core.prompt import carry_out, mode_note
from akmon_core.servers import ServerStatus
from akmon_core.state import State
from akmon_query.choosing import Choosing
from akmon_query.gate import Gate
from akmon_query.hub import Subscriber
from akmon_query.ids import new_id
from akmon_query.ledger import Ledger
from akmon_query.naming import rename
from akmon_query.owncommands import OwnCommands
from akmon_query.project import Project
from akmon_query.rewinding import Rewinding
from akmon_query.serving import Serving
from akmon_query.turn import Driver, Prepare

Work: TypeAlias = Prompt | UsePrompt | Compact | Implement | Rewind | ChooseModel | RunCommand
"""Commands that are carried out one after the other."""
Close: TypeAlias = Callable[[], Awaitable[None]]
_UNDONE: dict[type[Work], str] = {
    Rewind: REWOUND,
    ChooseModel: "the model stays as it is: ",
    RunCommand: "the command was not run: ",
}
"""What a client is told of work that never began, as it waits for a word of it."""
_BEFORE = "interrupted before it began"


class Session:
    """Implements ``akmon_core.ports.SessionClient``. Use it as an async context manager, or ``close`` it."""

    def __init__(
        self,
        ledger: Ledger,
        choosing: Choosing,
        gate: Gate,
        project: Project,
        rewinding: Rewinding,
        commands: OwnCommands,
        serving: Serving,
        close: Close,
    ) -> None:
        self._ledger = ledger
        self._choosing = choosing
        self._gate = gate
        self._project = project
        self._rewinding = rewinding
        self._commands = commands
        self._serving = serving
        self._close = close
        self._waiting: deque[tuple[Work, str]] = deque()
        self._turn: asyncio.Task[None] | None = None
        self._begun = False
        self._closed = False

    @property
    def id(self) -> str:
        return self._ledger.session

    @property
    def policy(self) -> Policy:
        """What is allowed, asked and denied from the start, and what holds commands in."""
        return self._gate.policy

    @property
    def state(self) -> State:
        """What the events so far add up to. A value: it does not change under the reader."""
        return self._ledger.state

    @property
    def request(self) -> ModelRequest:
        """What the model would be sent if it were called now."""
        return self._driver.request

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """What is known of each MCP server, in the order of their names."""
        return self._serving.statuses

    async def settled(self) -> None:
        """Returns when no MCP server is being connected any more: each is ready, or has failed."""
        await self._serving.settled()

    async def send(self, command: Command) -> str:
        """Hands in ``command``; gives the id that the events it causes will name as their cause."""
        if self._closed:
            raise AkmonError("the session is closed")
        cause = new_id()
        self._begin_once()
        match command:
            case Prompt() | UsePrompt() | Compact() | Implement() | Rewind() | ChooseModel() | RunCommand():
                self._wait(command, cause)
            case Steer(text):
                self._steer(text, cause)
            case Answer(call_id=call_id) | Respond(call_id=call_id):
                if not self._gate.answer(command, cause):
                    self._ledger.report(Noticed(f"no question is waiting for an answer to {call_id}"), cause)
            case Interrupt():
                self._interrupt()
            case SetMode(mode):
                change_mode(self._ledger, mode, cause)
            case Rename(name):
                rename(self._ledger, name, cause)
            case ManageServer():
                self._serving.manage(command, cause)
            case _:
                assert_never(command)
        return cause

    def events(self, after: int | None = None, *, agents: bool = False) -> Subscriber:
        """Everything from now on, or first what was durable after sequence number ``after``.

        Of sub-agents only what they ask the person, with ``agents`` all that they do.
        """
        return self._ledger.subscribe(after, agents=agents)

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
                await self._serving.close()
                await self._close()
            finally:
                self._project.handoff.leave(self.id, self.state)
                self._ledger.close()

    @property
    def _driver(self) -> Driver:
        return self._choosing.driver

    async def __aenter__(self) -> Self:
        self._begin_once()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _begin_once(self) -> None:
        """What works beside the conversation begins with its first sign of life."""
        if not self._begun:
            self._begun = True
            self._serving.begin()
            self._driver.attend()

    def _wait(self, command: Work, cause: str) -> None:
        if len(self._waiting) >= INBOX_COMMANDS:
            self._drop(command, cause, "too much is waiting already; this was dropped")
            return
        self._waiting.append((command, cause))
        self._next()

    def _steer(self, text: str, cause: str) -> None:
        if self._ledger.state.running:
            self._ledger.report(Steered(User((Text(text),), record=self._ledger.seq + 1)), cause)
        else:
            self._wait(Prompt(text), cause)

    def _interrupt(self) -> None:
        told = [each for each in self._waiting if type(each[0]) in _UNDONE]
        self._waiting.clear()
        for command, cause in told:
            self._drop(command, cause, _BEFORE)
        if self._turn:
            self._turn.cancel()

    def _drop(self, command: Work, cause: str, why: str) -> None:
        self._ledger.report(Noticed(_UNDONE.get(type(command), "") + why), cause)

    def _next(self) -> None:
        while self._waiting and not self._turn:
            command, self._ledger.cause = self._waiting.popleft()
            if work := self._work(command):
                self._turn = asyncio.get_running_loop().create_task(work)
                self._turn.add_done_callback(partial(self._done, command))

    def _work(self, command: Work) -> Coroutine[None, None, None] | None:
        """What a command has the driver do; None if that could not begin."""
        match command:
            case Compact(hint):
                return self._driver.compact(hint)
            case Rewind():
                return self._rewinding.rewind(command)
            case ChooseModel():
                return self._choosing.choose(command)
            case RunCommand():
                return self._commands.run(command)
            case Implement(path, mode):
                return self._implement(path, mode)
            case Prompt(text, images, plan_first):
                prompted = Prompted(self._message((*images, Text(text))), plan_first)
                return self._begin(prompted, partial(self._serving.attach, text))
            case UsePrompt(server, name, arguments):
                said = f"/{server}:{name} {arguments}".strip()
                prompted = Prompted(self._message((Text(said),)))
                return self._begin(prompted, partial(self._serving.use_prompt, command))

    def _message(self, parts: tuple[Text | Image, ...]) -> User:
        return User(parts, record=self._ledger.seq + 1)

    def _begin(
        self, prompted: Prompted, prepare: Prepare | None = None
    ) -> Coroutine[None, None, None] | None:
        return self._driver.drive(prepare) if self._driver.begin(prompted) else None

    def _implement(self, path: str, mode: Mode) -> Coroutine[None, None, None] | None:
        state = self._ledger.state
        try:
            plan = self._project.plans.read(path) if path or "plan" not in state.pins else state.pins["plan"]
        except (OSError, ValueError) as error:
            self._ledger.report(Noticed(f"no plan to carry out: {error}"))
            return None
        try:
            if mode != state.mode:
                change_mode(self._ledger, mode)
            if plan != state.pins.get("plan"):
                self._ledger.report(Pinned(Pin("plan", plan)))
        except JournalError as error:
            self._ledger.report(Noticed(str(error)))
            return None
        return self._begin(Prompted(self._message((Text(carry_out(plan)),))))

    def _abandon(self, command: Work) -> None:
        """Ends what was cancelled before it started."""
        match command:
            case Rewind():
                self._rewinding.abandon()
            case ChooseModel() | RunCommand():
                self._drop(command, "", _BEFORE)
            case _:
                self._driver.abandon()

    def _done(self, command: Work, turn: asyncio.Task[None]) -> None:
        self._turn = None
        if turn.cancelled():
            self._abandon(command)
        if not turn.cancelled() and (error := turn.exception()):
            turn.get_loop().call_exception_handler({"message": "a turn failed", "exception": error})
        if not self._closed:
            self._next()


def change_mode(ledger: Ledger, mode: Mode, cause: str = "") -> None:
    """Records another mode, and tells the model where that is about plan mode."""
    before = ledger.state.mode
    ledger.report(ModeChanged(mode), cause)
    if "plan" in (before, mode) and mode != before:
        ledger.report(Reminded("mode", note(mode_note(mode))), cause)
