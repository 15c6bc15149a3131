"""Plays random sessions through the real engine: failing tools, answers, interrupts, steering."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from akmon_core.commands import Answer, Answered, Interrupt, Prompt, Steer
from akmon_core.errors import ProviderError, ToolError
from akmon_core.events import Envelope, PermissionAsked, TurnEnded
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, Text, ToolCall
from akmon_core.permissions import Policy
from akmon_core.ports import Journal
from akmon_core.tools import Effect
from akmon_query.assembly import assemble
from akmon_query.session import Session
from akmon_query.testing import FakeModel, FakeTool

TOOLS = (
    FakeTool("look"),
    FakeTool("slow_look", steps=5),
    FakeTool("boom", error=ValueError("boom")),
    FakeTool("refuse", error=ToolError("no such thing")),
    FakeTool("run", effects=(Effect("run", "make"),)),
    FakeTool("slow_run", effects=(Effect("run", "make all"),), steps=5),
)
NAMES = (*(tool.name for tool in TOOLS), "missing")
ARGUMENTS = ("{}", '{"text": "x"}', '{"text": 3}', "{not json", "")


@dataclass
class Script:
    """What happens in one session: per turn a prompt, and what clients do meanwhile."""

    replies: list[Assistant | Exception]
    turns: int = 1
    answers: list[Answered] = field(default_factory=list)
    interrupt_after: int | None = None
    """Rounds of the event loop after which each turn is interrupted."""
    steer_after: int | None = None


calls = st.builds(
    ToolCall, st.sampled_from(["a", "b", "c", ""]), st.sampled_from(NAMES), st.sampled_from(ARGUMENTS)
)
replies = st.one_of(
    st.builds(
        lambda text, calls, stop: Assistant((Text(text), *calls), stop),
        st.sampled_from(["", "hello", "two words", "three more words"]),
        st.lists(calls, max_size=4),
        st.sampled_from(["end", "tools", "length", "refused"]),
    ),
    st.builds(ProviderError, st.sampled_from(["server", "protocol"]), st.just("it broke")),
)
scripts = st.builds(
    Script,
    replies=st.lists(replies, max_size=8),
    turns=st.integers(1, 3),
    answers=st.lists(st.sampled_from(["once", "session", "writes", "deny"]), max_size=4),
    interrupt_after=st.one_of(st.none(), st.integers(0, 30)),
    steer_after=st.one_of(st.none(), st.integers(0, 15)),
)


def open_fake_session(model: FakeModel, journal: Journal, *, max_steps: int = 5) -> Session:
    return assemble(
        model,
        {tool.name: tool for tool in TOOLS},
        journal,
        session="s",
        policy=Policy(),
        limits=Limits(max_steps=max_steps),
    )


async def play(script: Script, journal: Journal) -> tuple[Session, list[Envelope]]:
    """The session after the script, still open, and all that one client saw."""
    session = open_fake_session(FakeModel(script.replies), journal)
    seen: list[Envelope] = []
    events = session.events(after=0)
    answers = iter(script.answers)
    for _ in range(script.turns):
        await session.send(Prompt("go"))
        helpers = [
            asyncio.create_task(_after(script.interrupt_after, session, Interrupt())),
            asyncio.create_task(_after(script.steer_after, session, Steer("and this"))),
        ]
        async for envelope in events:
            seen.append(envelope)
            match envelope.event:
                case PermissionAsked(call):
                    command = Answer(call.id, answer) if (answer := next(answers, None)) else Interrupt()
                    await session.send(command)
                case TurnEnded():
                    break
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
    return session, seen


async def _after(rounds: int | None, session: Session, command: Interrupt | Steer) -> None:
    if rounds is None:
        return
    for _ in range(rounds):
        await asyncio.sleep(0)
    if session.state.running:
        await session.send(command)


def journal_path(folder: Path) -> Path:
    return folder / "s.jsonl"
