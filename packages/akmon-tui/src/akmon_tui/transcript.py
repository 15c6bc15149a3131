"""What has happened, as lines that are final, and what of the reply is still being said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from akmon_core.events import CommandRan, Envelope, Event, ModelFailed, Replied, ToolFinished, TurnEnded
from akmon_core.messages import ToolCall
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_tui.blocks import blocks
from akmon_tui.lines import Line, line
from akmon_tui.markdown import Stream
from akmon_tui.view import View, call_key, show


class Output(NamedTuple):
    """What a call, or a command of the person's own, has given."""

    event: ToolFinished | CommandRan
    call: ToolCall | None = None


_KEPT_OUTPUTS = 50
"""Calls whose whole output can be looked at again."""
_KEPT_CHARS = 2_000_000
"""Characters of these together."""


class Transcript:
    """Folds events into ``view`` and into lines, each of which is given out once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._finished: list[Line] = []
        self._stream: Stream | None = None
        self._thinking = False
        self._said = ""
        """The text of the reply that streamed before the one that is streaming now."""
        self.last_reply = ""
        self._outputs: deque[Output] = deque(maxlen=_KEPT_OUTPUTS)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What ended last, the oldest first."""
        return tuple(self._outputs)

    def add(self, lines: Iterable[Line]) -> None:
        """Says something that is no event."""
        self._finished += lines

    def happened(self, envelope: Envelope, width: int) -> None:
        event, agent = envelope.event, envelope.agent
        if not agent:
            self._hear(event, width)
        match event:
            case ToolFinished(result):
                self._keep(Output(event, self.view.calls.get(call_key(agent, result.call_id))))
            case CommandRan():
                self._keep(Output(event))
            case _:
                pass
        self._finished += blocks(self.view, event, width, agent, envelope.at)
        self.view = show(self.view, event, agent, envelope.at)

    def end(self, width: int) -> None:
        """Nothing more is said in this turn: what was is final."""
        self._end(width)
        self._said = ""

    def take(self, width: int) -> list[Line]:
        """The lines that have become final since the last time."""
        if self._stream:
            self._finished += self._styled(self._stream.finished(width))
        finished, self._finished = self._finished, []
        return finished

    def tail(self, width: int, height: int) -> list[Line]:
        """The end of what is being said and may still change its looks."""
        return self._styled(self._stream.tail(width, height)) if self._stream else []

    def _hear(self, event: Event, width: int) -> None:
        match event:
            case TextDelta(text):
                self._speak(text, width, thinking=False)
            case ThinkingDelta(text):
                self._speak(text, width, thinking=True)
            case Replied(message):
                self.last_reply = message.text or self.last_reply
                self._complete(message.text, width)
            case ModelFailed(said=said):
                self._complete(said, width)
            case Retrying():
                if self._thinking:
                    self._end(width)
            case TurnEnded():
                self.end(width)
            case _:
                pass

    def _speak(self, text: str, width: int, *, thinking: bool) -> None:
        if self._stream is None or self._thinking != thinking:
            self._end(width)
            self._finished.append(())
            self._stream, self._thinking = Stream(), thinking
        self._stream.feed(text)

    def _complete(self, whole: str, width: int) -> None:
        """The reply is whole: what of it did not arrive in time is shown now."""
        said = self._said + (self._stream.text if self._stream and not self._thinking else "")
        if whole.startswith(said):
            if rest := whole[len(said) :]:
                self._speak(rest, width, thinking=False)
            self._end(width)
        elif whole.strip():
            self._end(width)
            said = "Parts of the reply did not arrive in time. Here it is whole:"
            self._finished += [(), line(said, "dim")]
            self._speak(whole, width, thinking=False)
            self._end(width)
        else:
            self._end(width)
        self._said = ""

    def _end(self, width: int) -> None:
        if self._stream:
            self._finished += self._styled(self._stream.end(width))
            if not self._thinking:
                self._said += self._stream.text
        self._stream = None

    def _styled(self, lines: list[Line]) -> list[Line]:
        if not self._thinking:
            return lines
        return [tuple(each._replace(style=f"thinking {each.style}".strip()) for each in row) for row in lines]

    def _keep(self, output: Output) -> None:
        self._outputs.append(output)
        while len(self._outputs) > 1 and sum(map(_size, self._outputs)) > _KEPT_CHARS:
            self._outputs.popleft()


def _size(output: Output) -> int:
    event = output.event
    return len(event.output if isinstance(event, CommandRan) else event.result.text)
