"""A model that plays a script: a provider like any other, for demos and for tests of the whole program."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.limits import PROMPT_FILE_BYTES
from akmon_core.messages import Assistant, StopReason, Text, Thinking, ToolCall
from akmon_core.models import ModelFacts, ModelRequest
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
    """Plays ``script``: which reply is next is the request's own number, and not a matter of its history."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._attempts: Counter[tuple[str, str, int]] = Counter()
        self._summaries: dict[tuple[str, int], int] = {}
        """Which summary each one is, by who asked for it at which reply."""

    @property
    def facts(self) -> ModelFacts:
        return self._script.facts

    async def close(self) -> None:
        pass

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        attempt = self._attempt(request)
        performance = _Performance(request.number)
        for event, seconds in performance.play(attempt):
            if seconds:
                await _pause(seconds)
            if event is not None:
                yield event
        if attempt.error is not None:
            raise attempt.error.raised()
        yield performance.done(attempt.stop)

    def _attempt(self, request: ModelRequest) -> Attempt:
        """What comes when the same reply is asked for once more: its last attempt for ever after."""
        reply = self._reply(request)
        asked = (request.agent, request.purpose, request.number)
        at = self._attempts[asked]
        self._attempts[asked] += 1
        return reply.attempts[min(at, len(reply.attempts) - 1)]

    def _reply(self, request: ModelRequest) -> Reply:
        number, script = request.number, self._script
        if request.purpose == "summary":
            at = self._summaries.setdefault((request.agent, number), len(self._summaries) + 1)
            return _numbered(script.summary, at) or _SUMMARY
        if reply := _numbered(script.agent if request.agent else script.replies, number):
            return reply
        if request.agent and not script.agent:
            raise ProviderError(
                "bad_request",
                f"the script {self.facts.id} has no replies for the sub-agent {request.agent}. "
                "Add them behind a line `for agent`.",
            )
        at = sum(reply.times for reply in (script.agent if request.agent else script.replies))
        count = f"{at} repl{'y' if at == 1 else 'ies'}{' for sub-agents' if request.agent else ''}"
        raise ProviderError(
            "bad_request",
            f"the script {self.facts.id} has only {count}, and {request.agent or 'the session'} asks for "
            f"reply {number}. Add a reply to it, or end it with one that has `repeat forever`.",
        )


_SUMMARY = Reply([Attempt([Say("A scripted model says nothing of what came before.")])])
"""What is answered to a request for a summary that the script does not foresee."""


def _numbered(replies: tuple[Reply, ...], number: int) -> Reply | None:
    """The reply that plays as number ``number``, counted from 1; None if there are not so many."""
    at = 0
    for reply in replies:
        at += reply.times or number
        if number <= at:
            return reply
    return None


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
