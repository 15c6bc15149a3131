"""A session that plays events, for the screen to show: it asks, waits and obeys like a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, TypeAlias, assert_never

from akmon_core.commands import Answer, Command, Interrupt, Prompt, SetMode, Steer
from akmon_core.events import (
    Envelope,
    Event,
    ModeChanged,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    TurnEnded,
)
from akmon_core.messages import Text, User

Step: TypeAlias = Event | Literal["wait for an interrupt"]
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

    A ``PermissionAsked`` among the steps waits for its answer; ``WAIT`` waits for an interrupt. A turn
    without a ``TurnEnded`` at its end is completed.
    """

    def __init__(self, *turns: Sequence[Step], name: str = "fake") -> None:
        self.commands: list[Command] = []
        self._turns = list(turns)
        self._name = name
        self._subscribers: list[FakeEvents] = []
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._playing: asyncio.Task[None] | None = None
        self._seq = 0

    @property
    def id(self) -> str:
        return self._name

    def events(self, after: int | None = None) -> FakeEvents:
        subscriber = FakeEvents()
        self._subscribers.append(subscriber)
        return subscriber

    async def send(self, command: Command) -> str:
        self.commands.append(command)
        cause = f"c{len(self.commands)}"
        match command:
            case Prompt(text) | Steer(text):
                self._playing = asyncio.ensure_future(self._play(text, cause))
            case Answer(call_id):
                self._answers[call_id].set_result(command)
            case Interrupt():
                if self._playing:
                    self._playing.cancel()
            case SetMode(mode):
                self.publish(ModeChanged(mode), cause)
            case _:
                assert_never(command)
        return cause

    def publish(self, event: Event, cause: str = "") -> None:
        self._seq += 1
        envelope = Envelope(self._seq, 0.0, self._name, 1, cause, event)
        for subscriber in self._subscribers:
            subscriber.queue.put_nowait(envelope)

    def end(self) -> None:
        for subscriber in self._subscribers:
            subscriber.close()

    async def _play(self, text: str, cause: str) -> None:
        self.publish(Prompted(User((Text(text),))), cause)
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
        elif not isinstance(step, str):
            if isinstance(step, PermissionAsked):
                self._answers[step.call.id] = asyncio.get_running_loop().create_future()
            self.publish(step, cause)
            if isinstance(step, PermissionAsked):
                self.publish(_decided(await self._answers[step.call.id]), cause)


def _decided(answer: Answer) -> PermissionDecided:
    if answer.answer == "deny":
        return PermissionDecided(answer.call_id, "deny", "person", answer.message or "the user said no")
    return PermissionDecided(answer.call_id, "allow", "person", "the user said yes", answer.answer)
