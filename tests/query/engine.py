"""Plays random sessions through the real engine.

In them tools fail, people answer, deny, interrupt, steer and change the mode, windows fill, summaries fail,
and sub-agents and planners do the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from hypothesis import strategies as st

from akmon_core.commands import (
    Answer,
    Answered,
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
from akmon_core.errors import ProviderError, SettingsError, ToolError
from akmon_core.events import Envelope, Noticed, PermissionAsked, QuestionAsked, TurnEnded
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, Pin, Text, ToolCall
from akmon_core.models import Model, ModelRequest
from akmon_core.permissions import Policy
from akmon_core.ports import Journal
from akmon_core.tools import Delegation, Effect, FileSeen, ToolContext, ToolOutput
from akmon_query.assembly import assemble
from akmon_query.choosing import Fitted, Reopen, Wanted
from akmon_query.project import Project
from akmon_query.session import Session
from akmon_query.testing import FakeTool
from tests.query.fakes import FakeServers, FakeShell, Provider, Reply, Tool, inside

T = TypeVar("T")
READ, WRITE, RUN = Effect("read", "a"), Effect("write", "a"), Effect("run", "make")
CALL = Effect("call", "something of docs")


async def _ask(text: str, context: ToolContext) -> str:
    return await context.ask(text, ("yes", "no"))


async def _delegate(text: str, context: ToolContext) -> ToolOutput:
    return await context.delegate(Delegation(task=text or "work", title="work", reads_only=not text))


async def _write(text: str, context: ToolContext) -> ToolOutput:
    """Writes a file in a folder with instructions, and pins what it did."""
    return ToolOutput("ok", files=(FileSeen(f"/{text}/file", "0", written=True),), pins=(Pin("todos", text),))


async def _recall(text: str, context: ToolContext) -> str:
    return context.recall(4) or "nothing"


TOOLS = (
    FakeTool("look"),
    FakeTool("slow_look", steps=5),
    FakeTool("boom", error=ValueError("boom")),
    FakeTool("refuse", error=ToolError("no such thing")),
    FakeTool("run", effects=(RUN,)),
    FakeTool("slow_run", effects=(RUN,), steps=5),
    Tool("read", READ, work=lambda text: f"{text}: a line of a large file\n" * 800),
    Tool("edit", READ, work=lambda text: f"{text}: a line of a large result that stays\n" * 800),
    Tool("write", WRITE, talks=_write),
    Tool("recall", READ, talks=_recall),
    Tool("ask", Effect("ask", "?"), talks=_ask),
    Tool("task", talks=_delegate),
)
NAMES = (*(tool.name for tool in TOOLS), "mcp__docs__look", "mcp__docs__write", "missing")
LARGE = ("read", "edit", "read", "edit", "task", "write", "run")
ARGUMENTS = ("{}", '{"text": "x"}', '{"text": "web"}', '{"text": 3}', "{not json", "")


class Folders:
    """Every folder but one has instructions."""

    def near(self, path: str, known: Collection[str]) -> tuple[Pin, ...]:
        pin = Pin(f"instructions of {path}", f"Mind {path}.")
        return () if path == "//file" or pin.name in known else (pin,)


@dataclass(frozen=True)
class GoBack:
    """A rewind to one of the places that there are then, counted from the last."""

    place: int
    what: Literal["both", "conversation", "files"]

    def command(self, session: Session) -> Rewind:
        marks = session.state.marks
        to = marks[-1 - self.place % len(marks)].record if marks else 1
        return Rewind(to, self.what)


@dataclass
class Turn:
    """One turn: what starts it, and what clients do meanwhile and after it, each after so many rounds of the
    event loop."""

    start: Command
    meanwhile: list[tuple[int, Command | GoBack]] = field(default_factory=list)
    after: list[tuple[int, Command | GoBack]] = field(default_factory=list)


@dataclass
class Script:
    """What happens in one session."""

    replies: list[Assistant | Exception]
    """Of the model, its sub-agents and its planner, as they come."""
    turns: list[Turn]
    answers: list[Answered] = field(default_factory=list)
    """To questions, permissions and others; after them all are interrupted."""
    summaries: list[Assistant | str | Exception] = field(default_factory=list)
    window: int = 100_000
    auto: bool = True
    clears: bool = False
    """Whether old results go at once, and early."""


def mostly(usual: st.SearchStrategy[T], other: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """One of five is another one."""
    return st.integers(0, 4).flatmap(lambda number: usual if number else other)


calls = mostly(
    st.builds(
        ToolCall, st.sampled_from("abc"), st.sampled_from(LARGE), st.sampled_from(['{"text": "x"}', "{}"])
    ),
    st.builds(ToolCall, st.sampled_from(["a", "b", ""]), st.sampled_from(NAMES), st.sampled_from(ARGUMENTS)),
)
texts = mostly(st.sampled_from(["hello", "two words", ""]), st.just("long words " * 900))
working = st.builds(
    lambda text, calls: Assistant((Text(text), *calls), "tools"),
    texts,
    st.lists(calls, min_size=1, max_size=4),
)
ending = st.builds(
    lambda text, calls, stop: Assistant((Text(text), *calls), stop),
    texts,
    st.lists(calls, max_size=2),
    st.sampled_from(["end", "tools", "length", "refused"]),
)
failing = st.builds(
    ProviderError, st.sampled_from(["server", "protocol", "context_overflow"]), st.just("it broke")
)
replies: st.SearchStrategy[Assistant | Exception] = mostly(working, mostly(ending, failing))
summaries = st.one_of(
    st.just("a summary"),
    st.sampled_from(["long " * 40_000, "", Assistant((Text("half"),), "length")]),
    st.just(ProviderError("server", "no summary")),
)
modes = st.builds(SetMode, st.sampled_from(["default", "plan", "accept-edits", "full-auto"]))
hints = st.builds(Compact, st.sampled_from(["", "the port"]))
prompts = st.one_of(
    st.builds(Prompt, st.sampled_from(["go", "see @docs:x://notes", "see @docs:y", "more words " * 700])),
    st.builds(UsePrompt, st.sampled_from(["docs", "shop"]), st.sampled_from(["review", "other"])),
)
starts = mostly(
    prompts, st.sampled_from([Prompt("go", plan_first=True), Steer("go on"), Implement(), Implement()])
)
backs = st.builds(
    GoBack, st.integers(0, 4), st.sampled_from(["conversation", "conversation", "files", "both"])
)
others: st.SearchStrategy[Command] = st.one_of(
    st.builds(RunCommand, st.sampled_from(["make", "true", "cat " + "long " * 3_000, " "]), st.booleans()),
    st.builds(ManageServer, st.sampled_from(["docs", "none"]), st.sampled_from(["connect", "approve"])),
    st.builds(Rename, st.sampled_from(["a name", "", "two\nlines"])),
    st.builds(
        ChooseModel,
        st.sampled_from(["small", "large", "missing", ""]),
        effort=st.sampled_from([None, "high"]),
    ),
)
words: st.SearchStrategy[Command] = st.sampled_from([Interrupt(), Steer("and")])
turns = st.builds(
    Turn,
    start=starts,
    meanwhile=st.lists(
        st.tuples(st.integers(0, 100), st.one_of(words, modes, hints, backs, others)), max_size=2
    ),
    after=st.lists(
        st.tuples(st.integers(0, 10), st.one_of(hints, backs, backs, modes, others, st.just(Interrupt()))),
        max_size=3,
    ),
)
scripts = st.builds(
    Script,
    replies=st.lists(replies, min_size=3, max_size=25),
    turns=st.lists(turns, min_size=1, max_size=4),
    answers=st.lists(st.sampled_from(["once", "session", "writes", "deny"]), max_size=12),
    summaries=st.lists(summaries, max_size=4),
    window=st.sampled_from([20_000, 20_000, 20_000, 6_000, 100_000]),
    auto=mostly(st.just(True), st.just(False)),
    clears=st.booleans(),
)


class Playing:
    """The models of a script. They refuse what exceeds their windows, and list what no provider takes."""

    def __init__(self, script: Script) -> None:
        self._replies, self._summaries = iter(script.replies), iter(script.summaries)
        self._clears = script.clears
        self.models = [self._model("first", script.window)]

    @property
    def faults(self) -> list[str]:
        return [fault for model in self.models for fault in model.faults]

    def reopen(self, wanted: Wanted) -> Fitted:
        if wanted.model == "missing":
            raise SettingsError("there is no such model")
        self.models.append(self._model(wanted.model, 10_000 if wanted.model == "small" else 100_000))
        return Fitted(self.models[-1], {tool.name: tool for tool in TOOLS if tool.name != "boom"})

    def _model(self, name: str, window: int) -> Provider:
        provider = "groq" if self._clears else "fake"
        return Provider(self._respond, window=window, provider=provider, id=name, caches=not self._clears)

    def _respond(self, request: ModelRequest) -> Reply:
        return next(self._summaries if request.purpose == "summary" else self._replies, "all is done")


def open_fake_session(
    model: Model,
    journal: Journal,
    *,
    max_steps: int = 8,
    auto: bool = True,
    reopen: Reopen | None = None,
) -> Session:
    return assemble(
        model,
        {tool.name: tool for tool in TOOLS},
        journal,
        session="s",
        locate=inside,
        policy=Policy(),
        limits=Limits(max_steps=max_steps, auto_compact=auto, check_command="make check"),
        project=Project(instructions=Folders()),
        wanted=Wanted("first"),
        reopen=reopen,
        shell=FakeShell(),
        servers=FakeServers(Tool("mcp__docs__look", CALL), Tool("mcp__docs__write", CALL, work=str.upper)),
    )


async def play(script: Script, journal: Journal) -> tuple[Session, list[Envelope]]:
    """The session after the script, closed, and all that one client saw."""
    playing = Playing(script)
    session = open_fake_session(playing.models[0], journal, auto=script.auto, reopen=playing.reopen)
    events = session.events(after=0, agents=True)
    seen = [await anext(events), await anext(events)]  # a client that has caught up gets notices too
    answers = iter(script.answers)
    for turn in script.turns:
        await session.send(turn.start)
        helpers = [asyncio.create_task(_later(rounds, session, act)) for rounds, act in turn.meanwhile]
        async for envelope in _until_ended(events):
            seen.append(envelope)
            if isinstance(envelope.event, PermissionAsked | QuestionAsked):
                await session.send(_reaction(envelope, next(answers, None)))
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        for rounds, act in turn.after:
            for _ in range(rounds):
                await asyncio.sleep(0)
            await session.send(act.command(session) if isinstance(act, GoBack) else act)
    await session.close()
    seen += [envelope async for envelope in events]
    assert playing.faults == []
    return session, seen


async def _until_ended(events: AsyncIterator[Envelope]) -> AsyncIterator[Envelope]:
    """Up to the end of the main agent's turn, or the notice that there will be none."""
    async for envelope in events:
        yield envelope
        match envelope.event:
            case TurnEnded() if not envelope.agent:
                return
            case Noticed(text) if text.startswith("no plan to carry out"):
                return
            case _:
                pass


def _reaction(envelope: Envelope, answer: Answered | None) -> Command:
    match envelope.event:
        case PermissionAsked(call) if answer:
            return Answer(call.id, answer, agent=envelope.agent)
        case QuestionAsked(call_id=call_id) if answer:
            return Respond(call_id, answer, envelope.agent)
        case _:
            return Interrupt()


async def _later(rounds: int, session: Session, act: Command | GoBack) -> None:
    """An interrupt or a word is for a turn: a prompt that still waits would be dropped or come twice."""
    for _ in range(rounds):
        await asyncio.sleep(0)
    command = act.command(session) if isinstance(act, GoBack) else act
    if session.state.running or not isinstance(command, Interrupt | Steer):
        await session.send(command)


def journal_path(folder: Path) -> Path:
    return folder / "s.jsonl"
