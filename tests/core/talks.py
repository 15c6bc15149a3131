"""Builds conversations event by event, with numbers of records as a journal would give them."""

from __future__ import annotations

import msgspec

from akmon_core.context import Room, prompt_tokens
from akmon_core.events import DurableEvent, Prompted, Replied, ToolFinished, ToolStarted, TurnEnded
from akmon_core.messages import Assistant, Image, Pin, StopReason, Text, ToolCall, ToolResult, User
from akmon_core.state import State, apply
from akmon_core.tools import FileSeen

PICTURE = Image("image/png", "aGVsbG8=")


class Talk:
    """A conversation so far."""

    def __init__(self) -> None:
        self.events: list[DurableEvent] = []
        self.state = State()

    def add(self, *events: DurableEvent) -> Talk:
        for event in events:
            self.events.append(event)
            self.state = apply(self.state, event)
        return self

    @property
    def record(self) -> int:
        """The number of the next record."""
        return len(self.events) + 1

    def asks(self, text: str = "go", *images: Image) -> Talk:
        return self.add(Prompted(User((*images, Text(text)), record=self.record)))

    def says(self, text: str = "fine", stop: StopReason = "end") -> Talk:
        return self.add(Replied(Assistant((Text(text),), stop)))

    def ends(self) -> Talk:
        return self.add(TurnEnded("completed"))

    def calls(self, tool: str, *results: str, arguments: str = "{}", error: bool = False) -> Talk:
        """One step: as many calls of ``tool`` as there are results."""
        calls = [ToolCall(f"{self.record}-{at}", tool, arguments) for at in range(len(results))]
        self.add(Replied(Assistant(tuple(calls), "tools")))
        for call, text in zip(calls, results, strict=True):
            self.add(ToolStarted(call.id, tool))
            self.finishes(call, text, error=error)
        return self

    def finishes(
        self,
        call: ToolCall,
        text: str,
        *,
        error: bool = False,
        images: tuple[Image, ...] = (),
        files: tuple[FileSeen, ...] = (),
        pins: tuple[Pin, ...] = (),
    ) -> Talk:
        result = ToolResult(call.id, text, error, images, record=self.record)
        return self.add(ToolFinished(result, call.name, files=files, pins=pins))


def reads(count: int, size: int, tool: str = "read") -> Talk:
    """A prompt and ``count`` steps with one result of ``size`` characters each."""
    talk = Talk().asks()
    for at in range(count):
        words = f"line {at} of the file, and so on; " * (size // 20 + 1)
        talk.calls(tool, words[:size], arguments=f'{{"path": "file{at}.py"}}')
    return talk


def filled(state: State, share: float, **others: object) -> Room:
    """Room of which the next prompt of ``state`` takes that share, or a little more."""
    room = msgspec.structs.replace(Room(usable=0), **others)
    return msgspec.structs.replace(room, usable=int(prompt_tokens(state, room) / share))
