"""A session that plays events, for the screen to show: it asks, waits and obeys like a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Literal, TypeAlias, assert_never

import msgspec

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
from akmon_core.events import (
    CommandRan,
    Compacted,
    Compacting,
    Envelope,
    Event,
    ModeChanged,
    ModelChosen,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Renamed,
    Rewound,
    Steered,
    TurnEnded,
)
from akmon_core.messages import Text, User
from akmon_core.permissions import Scope

Step: TypeAlias = Event | tuple[str, Event] | Literal["wait for an interrupt"]
"""An event of the main agent, or of the sub-agent named with it."""
WAIT: Step = "wait for an interrupt"


class FakeEvents:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[Envelope | None] = asyncio.Queue()

    def __aiter__(self) -> FakeEvents:
        return self

    async def __anext__(self) -> Envelope:
        envelope = await self.queue.get()
        if envelope is None:
            raise StopAsyncIteration
        return envelope

    def close(self) -> None:
        self.queue.put_nowait(None)


class FakeClient:
    """Implements ``akmon_core.ports.SessionClient``. Each prompt plays the next of ``turns``.

    A question among the steps waits for its answer; ``WAIT`` waits for an interrupt. A turn without a
    ``TurnEnded`` at its end is completed. Each rewind plays the next of ``rewinds``, and then ends; each
    command line of the person's own the next of ``own``, or else it ends at once.
    """

    def __init__(
        self,
        *turns: Sequence[Step],
        name: str = "fake",
        rewinds: Sequence[Sequence[Step]] = (),
        own: Sequence[Sequence[Step]] = (),
    ) -> None:
        self.commands: list[Command] = []
        self.at = 0.0
        """When events happen."""
        self._own = list(own)
        self._turns = list(turns)
        self._rewinds = list(rewinds)
        self._name = name
        self._subscribers: list[FakeEvents] = []
        self._answers: dict[tuple[str, str], asyncio.Future[Answer | Respond]] = {}
        self._playing: asyncio.Task[None] | None = None
        self._plays: list[asyncio.Task[None]] = []
        """Those that wait, too, when a test has ended their turn: a task that nobody holds is destroyed."""
        self._seq = 0

    @property
    def id(self) -> str:
        return self._name

    def events(self, after: int | None = None, *, agents: bool = False) -> FakeEvents:
        assert agents, "the screen shows what sub-agents do"
        subscriber = FakeEvents()
        self._subscribers.append(subscriber)
        return subscriber

    async def send(self, command: Command) -> str:
        self.commands.append(command)
        cause = f"c{len(self.commands)}"
        match command:
            case Steer(text) if self._playing and not self._playing.done():
                self.publish(Steered(User((Text(text),))), cause)
            case Prompt(text) | Steer(text):
                self._start(text, cause)
            case Implement(path):
                self._start(f"Carry out {path or 'the plan'}", cause)
            case Compact():
                self.publish(Compacting(9_000), cause)
                self.publish(Compacted(summary="s", kept=1, said=1, before=9_000, after=1_000), cause)
            case Rewind():
                self._run(self._rewind(command, cause))
            case Answer(call_id) | Respond(call_id):
                self._answers[command.agent, call_id].set_result(command)
            case Interrupt():
                if self._playing:
                    self._playing.cancel()
            case SetMode(mode):
                self.publish(ModeChanged(mode), cause)
            case ChooseModel(model, provider, effort):
                self.publish(ModelChosen(provider or "fake", model or "model-1", 100_000, effort), cause)
            case RunCommand(line, hidden):
                self._run(self._run_own(line, cause, hidden))
            case Rename(name):
                self.publish(Renamed(name), cause)
            case UsePrompt(server, prompt, arguments):
                self._start(f"/{server}:{prompt} {arguments}".rstrip(), cause)
            case ManageServer(server, what):
                self.publish(Noticed(f"{server}: {what}"), cause)
            case _:
                assert_never(command)
        return cause

    def publish(self, event: Event, cause: str = "", agent: str = "") -> None:
        self._seq += 1
        envelope = Envelope(self._seq, self.at, self._name, 1, cause, event, agent)
        for subscriber in self._subscribers:
            subscriber.queue.put_nowait(envelope)

    def end(self) -> None:
        for subscriber in self._subscribers:
            subscriber.close()

    async def close(self) -> None:
        """Stops what still plays, without a word."""
        for play in self._plays:
            play.cancel()
        await asyncio.gather(*self._plays, return_exceptions=True)

    def _start(self, text: str, cause: str) -> None:
        self._run(self._play(text, cause))

    def _run(self, play: Coroutine[None, None, None]) -> None:
        self._playing = asyncio.ensure_future(play)
        self._plays.append(self._playing)

    async def _run_own(self, line: str, cause: str, hidden: bool) -> None:
        told = None if hidden else User((Text(f"I ran {line}"),))
        steps = self._own.pop(0) if self._own else [CommandRan(line, f"output of {line}", 0, told)]
        try:
            for step in steps:
                await self._step(step, cause)
        except asyncio.CancelledError:
            self.publish(CommandRan(line, ""), cause)

    async def _rewind(self, command: Rewind, cause: str) -> None:
        steps = self._rewinds.pop(0) if self._rewinds else ()
        conversation = command.what != "files"
        try:
            for step in steps or [Rewound(record=0, to=command.to, conversation=conversation)]:
                await self._step(step, cause)
        except asyncio.CancelledError:
            self.publish(Noticed(f"{REWOUND}interrupted"), cause)
            return
        self.publish(Noticed(f"{REWOUND}that is all"), cause)

    async def _play(self, text: str, cause: str) -> None:
        self.publish(Prompted(User((Text(text),), record=self._seq + 1)), cause)
        steps = self._turns.pop(0) if self._turns else [Noticed("nothing left to play")]
        try:
            for step in steps:
                await self._step(step, cause)
        except asyncio.CancelledError:
            self.publish(TurnEnded("interrupted", "interrupted by the user"), cause)
            return
        if not isinstance(steps[-1], TurnEnded):
            self.publish(TurnEnded("completed"), cause)

    async def _step(self, step: Step, cause: str) -> None:
        if step == WAIT:
            await asyncio.get_running_loop().create_future()
        elif isinstance(step, tuple):
            await self._happen(step[1], cause, step[0])
        elif not isinstance(step, str):
            await self._happen(step, cause)

    async def _happen(self, event: Event, cause: str, agent: str = "") -> None:
        match event:
            case PermissionAsked(call):
                question = (agent, call.id)
            case QuestionAsked(call_id):
                question = (agent, call_id)
            case Rewound():
                self.publish(msgspec.structs.replace(event, record=self._seq + 1), cause)
                return
            case _:
                self.publish(event, cause, agent)
                return
        self._answers[question] = asyncio.get_running_loop().create_future()
        self.publish(event, cause, agent)
        self.publish(_settled(await self._answers[question]), cause, agent)


def _settled(answer: Answer | Respond) -> PermissionDecided | QuestionAnswered:
    match answer:
        case Respond(call_id, text):
            return QuestionAnswered(call_id, text)
        case Answer(call_id, "deny", message):
            return PermissionDecided(call_id, "deny", "person", message or "the user said no")
        case Answer(call_id, answered):
            scope: Scope = "once" if answered == "deny" else answered
            return PermissionDecided(call_id, "allow", "person", "the user said yes", scope)
