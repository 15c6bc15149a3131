"""Models and tools whose every pause the test decides on, and small helpers around a session of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from akmon_core.commands import Command, Prompt
from akmon_core.errors import JournalError, ProviderError, ToolError
from akmon_core.events import Envelope, Event, ModelFailed, Replied, TurnEnded
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, Image, Text, ToolCall, ToolResult, User
from akmon_core.models import Model, ModelFacts, ModelRequest, Prices
from akmon_core.operands import operands_of
from akmon_core.permissions import Mode, Policy, Target
from akmon_core.ports import CommandEnd, Journal, OwnShell, Servers
from akmon_core.servers import ServerState, ServerStatus, ServerTool
from akmon_core.stream import ReplyDone, StreamEvent, TextDelta, Usage
from akmon_core.tools import AnyTool, Effect, ToolContext, ToolOutput
from akmon_query.assembly import assemble
from akmon_query.choosing import Reopen, Wanted
from akmon_query.journal import MemoryJournal
from akmon_query.project import Project
from akmon_query.session import Session
from akmon_query.testing import FakeArguments, check_well_formed

T = TypeVar("T")
WINDOW = 100_000_000
"""Tokens: more than any fake says it has used."""
PRICES = Prices(input=1.0, output=1.0, cache_read=1.0, cache_write=1.0)


class StreamModel:
    """Plays one list per request: events are yielded, exceptions raised, ``asyncio.Event``s waited for."""

    def __init__(
        self, *streams: Sequence[StreamEvent | Exception | asyncio.Event], prices: Prices | None = None
    ) -> None:
        self._streams = iter(streams)
        self.requests: list[ModelRequest] = []
        self.closed = False
        self.facts = ModelFacts(
            provider="fake", id="stream", context_window=WINDOW, max_output=100, prices=prices
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(request)
        try:
            for step in next(self._streams, [ProviderError("bad_request", "nothing left")]):
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    await asyncio.sleep(0)
                    yield step
        finally:
            for _ in range(3):  # closing a connection takes a while
                await asyncio.sleep(0)

    async def close(self) -> None:
        self.closed = True


Reply: TypeAlias = Assistant | str | Exception | asyncio.Event
"""An answer, a failure, or something to wait for before the answer comes."""


def in_order(*replies: Reply) -> Callable[[ModelRequest], Reply]:
    """One reply after the other."""
    left = iter(replies)
    return lambda _: next(left)


class Provider:
    """Answers each request as ``respond`` says. It counts prompts in its own way, insists on histories that a
    provider would take, and refuses prompts of more than ``takes`` tokens, by default its window."""

    def __init__(
        self,
        respond: Callable[[ModelRequest], Reply],
        *,
        window: int = 40_000,
        takes: int = 0,
        **facts: object,
    ) -> None:
        self._respond = respond
        self._takes = takes or window
        self.requests: list[ModelRequest] = []
        self.usage = Usage()
        """Of all answers."""
        self.faults: list[str] = []
        """What was wrong with requests."""
        self.facts: ModelFacts = msgspec.structs.replace(
            ModelFacts(provider="fake", id="counting", context_window=window, max_output=window // 10),
            **facts,
        )

    @property
    def summaries(self) -> list[ModelRequest]:
        return [request for request in self.requests if request.purpose == "summary"]

    @staticmethod
    def count(request: ModelRequest) -> int:
        """The tokens of a prompt: one for each 3 bytes of JSON."""
        return len(msgspec.json.encode((request.system, request.messages, request.tools))) // 3

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(request)
        try:
            check_well_formed(request.messages)
            assert isinstance(request.messages[-1], User | ToolResult), "a request ends with a reply"
        except AssertionError as error:
            self.faults.append(str(error))
            raise
        count = self.count(request)
        await asyncio.sleep(0)
        if count > self._takes:
            raise ProviderError("context_overflow", f"{count} tokens are too many")
        answer = self._respond(request)
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = "at last"
        if isinstance(answer, Exception):
            raise answer
        message = Assistant((Text(answer),)) if isinstance(answer, str) else answer
        used = Usage(input_tokens=count, output_tokens=10)
        self.usage += used
        yield TextDelta(message.text)
        yield ReplyDone(message, used)

    async def close(self) -> None:
        pass


class Tool:
    """Gives what ``work`` makes of its text, or ``talks`` of it and of the context, or the text.

    ``log`` tells when calls start and end.
    """

    description = "A tool."
    arguments = FakeArguments

    def __init__(
        self,
        name: str,
        *effects: Effect,
        work: Callable[[str], object] | None = None,
        talks: Callable[[str, ToolContext], Awaitable[str | ToolOutput]] | None = None,
        hold: asyncio.Event | None = None,
    ) -> None:
        self.name = name
        self.log: list[str] = []
        self._effects = effects
        self._work = work
        self._talks = talks
        self._hold = hold

    def effects(self, arguments: FakeArguments) -> tuple[Effect, ...]:
        return self._effects

    async def run(self, arguments: FakeArguments, context: ToolContext) -> ToolOutput:
        self.log.append(f"start {arguments.text}")
        if self._hold:
            await self._hold.wait()
        else:
            await asyncio.sleep(0)
        if self._talks:
            output = await self._talks(arguments.text, context)
            return output if isinstance(output, ToolOutput) else ToolOutput(output)
        self.log.append(f"end {arguments.text}")
        return ToolOutput(str(self._work(arguments.text)) if self._work else arguments.text)


class FakeShell:
    """Runs nothing, but takes its time, and says what it was given."""

    def __init__(self, *, steps: int = 3) -> None:
        self._steps = steps
        self.ran: list[str] = []

    async def run(self, command: str, show: Callable[[str], None]) -> CommandEnd:
        self.ran.append(command)
        show(command)
        try:
            for _ in range(self._steps):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            return CommandEnd(f"half of {command}", None)
        return CommandEnd(f"output of {command}" * (command != "true"), 0)

    async def close(self) -> None:
        pass


def inside(effects: tuple[Effect, ...], folder: str = "") -> tuple[Target, ...]:
    """Every path lies in the project."""
    return tuple(_inside(effect) for effect in effects)


def _inside(effect: Effect) -> Target:
    if effect.kind != "run":
        return Target(effect, f"/p/{effect.target}", effect.target)
    return Target(
        effect, operands=tuple(_inside(Effect(op.kind, op.path)) for op in operands_of(effect.target))
    )


def open_with(
    model: Model,
    *tools: AnyTool,
    journal: Journal | None = None,
    mode: Mode | None = None,
    policy: Policy = Policy(),  # noqa: B008
    limits: Limits = Limits(),  # noqa: B008
    project: Project | None = None,
    planner: Model | None = None,
    shell: OwnShell | None = None,
    wanted: Wanted = Wanted(""),  # noqa: B008
    reopen: Reopen | None = None,
    servers: Servers | None = None,
) -> Session:
    return assemble(
        model,
        {tool.name: tool for tool in tools},
        MemoryJournal() if journal is None else journal,
        session="s",
        locate=inside,
        mode=mode,
        policy=policy,
        limits=limits,
        project=project,
        planner=planner,
        shell=shell,
        wanted=wanted,
        reopen=reopen,
        servers=servers,
    )


def done(text: str, *calls: ToolCall, usage: Usage = Usage()) -> ReplyDone:  # noqa: B008
    return ReplyDone(Assistant((Text(text), *calls), "tools" if calls else "end"), usage)


def asks(*calls: tuple[str, str]) -> Assistant:
    """A reply with calls, each as a tool and its text; their ids are 1, 2, 3 ..."""
    parts = (ToolCall(str(at), tool, f'{{"text": "{text}"}}') for at, (tool, text) in enumerate(calls, 1))
    return Assistant(tuple(parts), "tools")


class FullJournal(MemoryJournal):
    """Holds so many records and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.refused = False

    def append(self, envelope: Envelope, *, sync: bool) -> None:
        if not self.room:
            self.refused = True
            raise JournalError("the disk is full")
        self.room -= 1
        super().append(envelope, sync=sync)


class HasFacts(Protocol):
    facts: ModelFacts


ModelT = TypeVar("ModelT", bound=HasFacts)
CallT = TypeVar("CallT", Replied, ModelFailed)


def sized(model: ModelT, window: int = WINDOW, output: int = 100, **others: object) -> ModelT:
    """``model`` with a window and an output limit of so many tokens, and other facts."""
    model.facts = msgspec.structs.replace(model.facts, context_window=window, max_output=output, **others)
    return model


def uncounted(call: CallT) -> CallT:
    """``call`` without the size of its prompt, where that is not what the test is about."""
    if isinstance(call, Replied):
        return msgspec.structs.replace(call, prompt_tokens=0, prompt_weight=0)
    return msgspec.structs.replace(call, prompt_weight=0)


async def watch(
    session: Session,
    react: Callable[[Envelope], Iterable[Command]] = lambda _: (),
    start: Command = Prompt("go"),  # noqa: B008
) -> list[Envelope]:
    """What happens from ``start`` until the turn ends; ``react`` says what to send upon each event."""
    events = session.events()
    await session.send(start)
    seen: list[Envelope] = []
    async for envelope in events:
        seen.append(envelope)
        for command in react(envelope):
            await session.send(command)
        if isinstance(envelope.event, TurnEnded):
            break
    events.close()
    return seen


async def until(session: Session, kind: type[object], command: Command) -> list[Envelope]:
    """What happens from ``command`` until the first event of ``kind``."""
    events = session.events(agents=True)
    await session.send(command)
    seen: list[Envelope] = []
    async for envelope in events:
        seen.append(envelope)
        if isinstance(envelope.event, kind):
            break
    events.close()
    return seen


def of(seen: Iterable[Envelope], kind: type[T]) -> list[T]:
    """The events of one kind."""
    return [envelope.event for envelope in seen if isinstance(envelope.event, kind)]


class FakeServers:
    """Two servers: ``docs`` has a resource and a prompt, ``shop`` has none. ``tools`` are what they offer."""

    def __init__(self, *tools: AnyTool) -> None:
        self.tools = tools
        self.report: Callable[[Event], None] | None = None
        self.managed: list[tuple[str, str]] = []
        self.state: ServerState = "ready"
        self.closed = False

    @property
    def statuses(self) -> tuple[ServerStatus, ...]:
        shown = tuple(ServerTool(name=tool.name, about="") for tool in self.tools)
        docs = ServerStatus(name="docs", where="docs", state=self.state, tools=shown)
        return (docs, ServerStatus(name="shop", where="shop", state="failed", detail="it is closed"))

    def begin(self, report: Callable[[Event], None]) -> None:
        self.report = self.report or report

    async def settled(self) -> None:
        await asyncio.sleep(0)

    def offered(self, tokens: int, allowed: Callable[[str], bool]) -> tuple[AnyTool, ...]:
        return tuple(tool for tool in self.tools if allowed(tool.name))

    async def resource(self, server: str, uri: str) -> tuple[Text | Image, ...]:
        await asyncio.sleep(0)
        if (server, uri) != ("docs", "x://notes"):
            raise ToolError(f"{server} has no {uri}.")
        return (Text("what the notes say"),)

    async def prompt(self, server: str, name: str, arguments: str) -> tuple[Text | Image, ...]:
        await asyncio.sleep(0)
        if (server, name) != ("docs", "review"):
            raise ToolError(f"{server} has no prompt {name}.")
        return (Text(f"Review this: {arguments}"),)

    async def manage(self, server: str, what: str, seen: str = "") -> str:
        await asyncio.sleep(0)
        if server != "docs":
            raise ToolError(f"there is no server {server}.")
        self.managed.append((server, what))
        return f"{server}: {what} is done"

    async def close(self) -> None:
        self.closed = True
