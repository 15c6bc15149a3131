"""A model that plays a script: a provider like any other, for demos and for tests of the whole program."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.limits import PROMPT_FILE_BYTES
from akmon_core.messages import Assistant, Message, StopReason, Text, Thinking, ToolCall
from akmon_core.models import ModelFacts, ModelRequest
from akmon_core.prompt import RESUME
from akmon_core.stream import (
    CallDelta,
    ReplyDone,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    Usage,
    UsageSeen,
)
from akmon_models.script import Attempt, Call, Delay, Pace, Reply, Say, Script, Think, Tokens, parse_script


def read_script(path: str) -> Script:
    """The script in a file. Raises ``SettingsError`` with the file, and the line if it is a line's fault."""
    if not path:
        raise SettingsError("scripted: names no file. Write --model scripted:FILE.")
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise SettingsError(
            f"the script {path} cannot be read ({error.strerror or error}). Name a file after scripted:"
        ) from error
    if len(data) > PROMPT_FILE_BYTES:
        raise SettingsError(
            f"the script {path} is larger than {PROMPT_FILE_BYTES // 1_000_000} MB. Shorten it."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}, line {line}: this is not UTF-8. Save the script as UTF-8 text."
        ) from error
    return parse_script(text, path)


class ScriptedModel:
    """Plays ``script``: which reply is next follows from how many the request's history already has."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._attempts: dict[int, int] = {}

    @property
    def facts(self) -> ModelFacts:
        return self._script.facts

    async def close(self) -> None:
        pass

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        number = _reply_asked_for(request.messages)
        attempt = self._attempt(number)
        performance = _Performance(number)
        for event, seconds in performance.play(attempt):
            if seconds:
                await _pause(seconds)
            if event is not None:
                yield event
        if attempt.error is not None:
            raise attempt.error.raised()
        yield performance.done(attempt.stop)

    def _attempt(self, number: int) -> Attempt:
        """What comes when reply ``number`` is asked for once more: its last attempt for ever after."""
        reply = self._reply(number)
        at = self._attempts.get(number, 0)
        self._attempts[number] = at + 1
        return reply.attempts[min(at, len(reply.attempts) - 1)]

    def _reply(self, number: int) -> Reply:
        at = 0
        for reply in self._script.replies:
            at += reply.times or number
            if number <= at:
                return reply
        count = "1 reply" if at == 1 else f"{at} replies"
        raise ProviderError(
            "bad_request",
            f"the script {self.facts.id} has only {count}, and the session asks for reply {number}. "
            "Add a reply to it, or end it with one that has `repeat forever`.",
        )


def _reply_asked_for(messages: tuple[Message, ...]) -> int:
    """Counted from 1; the rest of a reply that broke off is still the same one."""
    number = sum(isinstance(message, Assistant) for message in messages) + 1
    return number - 1 if messages and messages[-1] == RESUME else number


async def _pause(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


class _Performance:
    """One attempt at a reply: its events with the seconds to wait before each, and what they add up to."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._parts: list[Text | Thinking | ToolCall] = []
        self._usage = Usage()
        self._calls = 0

    def play(self, attempt: Attempt) -> Iterator[tuple[StreamEvent | None, float]]:
        pace = 0.0
        for line in attempt.lines:
            match line:
                case Delay(seconds):
                    yield None, seconds
                case Pace(seconds):
                    pace = seconds
                case Tokens(usage):
                    self._usage = usage
                    yield UsageSeen(usage), 0.0
                case Say(text):
                    for word in _words(self._joined(Text, text)):
                        yield TextDelta(word), pace
                case Think(text):
                    for word in _words(self._joined(Thinking, text)):
                        yield ThinkingDelta(word), pace
                case Call():
                    yield self._call(line), pace

    def done(self, stop: StopReason | None) -> ReplyDone:
        return ReplyDone(
            Assistant(tuple(self._parts), stop or ("tools" if self._calls else "end")), self._usage
        )

    def _joined(self, kind: type[Text] | type[Thinking], text: str) -> str:
        """What is new: lines of one kind in a row are one part."""
        if self._parts and isinstance(last := self._parts[-1], kind):
            self._parts[-1] = kind(f"{last.text}\n{text}")
            return f"\n{text}"
        self._parts.append(kind(text))
        return text

    def _call(self, call: Call) -> CallDelta:
        self._calls += 1
        call_id = f"call_{self._number}_{self._calls}"
        self._parts.append(ToolCall(call_id, call.name, call.arguments))
        return CallDelta(self._calls - 1, call.name, call.arguments)


def _words(text: str) -> Iterator[str]:
    """``text`` in pieces of a word and the space after it."""
    start = 0
    while start < len(text):
        space = text.find(" ", start)
        end = len(text) if space < 0 else space + 1
        yield text[start:end]
        start = end
