"""A session that was killed anywhere, also within a summary or a sub-agent's work, goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import pytest

from akmon_core.commands import Compact, Prompt
from akmon_core.errors import ProviderError
from akmon_core.events import Compacted, Envelope, ModelFailed, Replied, SummaryFailed, ToolStarted, TurnEnded
from akmon_core.limits import Limits
from akmon_core.messages import ToolResult, User
from akmon_core.models import ModelRequest
from akmon_core.spending import Spent
from akmon_core.state import State, fold
from akmon_core.tools import Delegation, Effect, ToolContext, ToolOutput
from akmon_query.journal import FileJournal, read_records
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.chain import broken_links
from tests.query.fakes import Provider, Reply, Tool, asks, open_with, until

ROOT = Path(__file__).parents[2]
MANY = Limits(max_steps=100)


async def delegate(text: str, context: ToolContext) -> ToolOutput:
    return await context.delegate(Delegation(task=text, title="t"))


def tools() -> tuple[Tool, ...]:
    big = Tool("edit", Effect("read", "a"), work=lambda text: f"{text}: words of a long result\n" * 300)
    return big, Tool("task", talks=delegate)


def busy() -> Callable[[ModelRequest], Reply]:
    """Works in long steps, every fifth of them two sub-agents; the first summary fails."""
    failure = [ProviderError("server", "no")]

    def respond(request: ModelRequest) -> Reply:
        if request.purpose == "summary":
            return failure.pop() if failure else "what was done"
        if request.agent:
            return asks(("edit", f"{request.number}")) if request.number < 3 else "found it"
        if request.number % 5 == 2:
            return asks(("task", "one"), ("task", "two"))
        return asks(("edit", f"{request.number}")) if request.number < 14 else "done"

    return respond


def records(path: Path) -> list[Envelope]:
    return [envelope for _, envelope, _ in read_records(path)]


def spent(path: Path) -> Spent:
    total = Spent()
    for envelope in records(path):
        if isinstance(envelope.event, Replied | ModelFailed | Compacted | SummaryFailed):
            total = total.and_also(envelope.event)
    return total


def test_after_any_record_of_a_long_session_it_goes_on_with_everything_counted_once(tmp_path: Path) -> None:
    path, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"

    async def record() -> None:
        session = open_with(Provider(busy(), window=24_000), *tools(), journal=FileJournal(path), limits=MANY)
        await run_turn(session, Prompt("the first words"))
        await until(session, Compacted, Compact())
        await session.close()

    asyncio.run(record())
    lines = path.read_bytes().splitlines(keepends=True)
    assert {Compacted, SummaryFailed, TurnEnded} < {type(each.event) for each in records(path)}

    async def go_on() -> State:
        session = open_with(FakeModel(["fine"]), *tools(), journal=FileJournal(cut), limits=MANY)
        before = session.state
        check_well_formed(before.history)
        assert not before.running
        await run_turn(session, Prompt("go on"))
        await session.close()
        assert session.state.outcome == "completed"
        return session.state

    for count in range(1, len(lines) + 1):
        cut.write_bytes(b"".join(lines[:count]))
        state = asyncio.run(go_on())
        check_well_formed(state.history)
        assert state.spent == spent(cut)
        people = [each.text for each in state.history if isinstance(each, User) and each.by == "person"]
        assert people in (["the first words", "go on"], ["go on"])
        kept = records(cut)
        assert reduce(fold, kept, State()) == state
        again = [each for each in kept[count:] if isinstance(each.event, ToolStarted)]
        assert again == [], "a call ran once more"


# --- real processes ---------------------------------------------------------------------------------

START = """
import asyncio, sys, time
from pathlib import Path
from akmon_core.commands import Compact, Prompt
from akmon_core.tools import Effect
from akmon_query.journal import FileJournal
from akmon_query.testing import run_turn
from tests.query.fakes import Provider, Tool, asks, open_with
from tests.query.test_crash import tools
path = Path(sys.argv[1])

def hang(*_):
    print("there", flush=True)
    time.sleep(600)

"""
IN_A_SUMMARY = """
    def respond(request):
        if request.purpose == "summary":
            hang()
        return asks(("edit", "x")) if request.number < 8 else "done"

    async def main():
        session = open_with(Provider(respond), *tools(), journal=FileJournal(path))
        await run_turn(session, Prompt("the first words"))
        await session.send(Compact())
        await asyncio.sleep(600)
"""
IN_A_SUB_AGENT = """
    def respond(request):
        return asks(("stick", "x")) if request.agent else asks(("task", "one"), ("edit", "x"))

    async def main():
        stick = Tool("stick", Effect("read", "a"), work=hang)
        session = open_with(Provider(respond), stick, *tools(), journal=FileJournal(path))
        await run_turn(session, Prompt("the first words"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("script", [IN_A_SUMMARY, IN_A_SUB_AGENT])
def test_a_process_killed_in_a_summary_or_a_sub_agent_leaves_a_session_that_goes_on(
    tmp_path: Path, script: str
) -> None:
    path = tmp_path / "s.jsonl"
    program = START + textwrap.dedent(script) + "\nasyncio.run(main())\n"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline().strip() == "there"
        other.kill()

    async def go_on() -> None:
        model = FakeModel(["I see"])
        session = open_with(model, *tools(), journal=FileJournal(path))
        assert not session.state.running
        check_well_formed(session.state.history)
        await run_turn(session, Prompt("go on"))
        assert session.state.outcome == "completed"
        cut = [each.text for each in model.requests[0].messages if isinstance(each, ToolResult)]
        if script is IN_A_SUB_AGENT:
            assert cut[0].startswith("Cut off while it ran: akmon was stopped before the turn ended.")
        await session.close()
        assert session.state.spent == spent(path)

    asyncio.run(go_on())
    assert broken_links(path) == []
