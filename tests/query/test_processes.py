"""Journals and real processes: two at a time, killed in the middle, and on a full disk."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from akmon_core.commands import Prompt
from akmon_core.errors import JournalError
from akmon_core.messages import ToolResult
from akmon_query.journal import FileJournal
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.chain import broken_links
from tests.query.fakes import Tool, open_with

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and resource limits")
ROOT = Path(__file__).parents[2]

START = """
import asyncio, json, resource, sys, time
from pathlib import Path
from akmon_core.commands import Prompt, SetMode
from akmon_core.errors import JournalError
from akmon_core.events import TurnEnded
from akmon_core.permissions import Policy, Rule
from akmon_core.tools import Effect
from akmon_query.journal import FileJournal
from akmon_query.testing import FakeModel, run_turn
from tests.query.fakes import Tool, asks, open_with
path = Path(sys.argv[1])
"""


def start(script: str, path: Path) -> subprocess.Popen[str]:
    program = START + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-B", "-c", program, str(path)],  # a full disk must cut off no compiled module
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_journal_is_one_processs_at_a_time_and_free_once_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    with start("journal = FileJournal(path); print('open', flush=True); input()", path) as other:
        assert line(other) == "open"
        with pytest.raises(JournalError, match="in use by another akmon process"):
            FileJournal(path)
        other.communicate("\n")
    FileJournal(path).close()


@posix
def test_a_process_killed_in_mid_call_leaves_a_session_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    script = """
        def work(text):
            print("running", flush=True)
            time.sleep(600)

        async def main():
            calls = asks(("look", "a"), ("run", "b"), ("run", "c"))
            tools = Tool("look"), Tool("run", Effect("run", "make"), work=work)
            session = open_with(
                FakeModel([calls]), *tools, journal=FileJournal(path), policy=Policy(rules=(Rule("run"),))
            )
            await run_turn(session, Prompt("go"))

        asyncio.run(main())
    """
    with start(script, path) as other:
        assert line(other) == "running"
        other.kill()

    async def go_on() -> None:
        model = FakeModel(["I see"])
        session = open_with(model, Tool("look"), Tool("run"), journal=FileJournal(path))
        state = session.state
        assert (state.running, state.outcome) == (False, "interrupted")
        look, cut, unrun = [m.text for m in state.history if isinstance(m, ToolResult)]
        assert look == "a"
        assert cut.startswith("Cut off while it ran: akmon was stopped before the turn ended.")
        assert unrun.startswith("Not run: ")
        await run_turn(session, Prompt("go on"))
        check_well_formed(model.requests[0].messages)
        assert session.state.outcome == "completed"
        await session.close()

    asyncio.run(go_on())
    assert broken_links(path) == []


FULL_DISK = """
    def leave(room):
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        limit = hard if room is None else path.stat().st_size + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))

    def fill(text):
        leave(ROOM)
        return "x" * 100_000

    async def main():
        model = FakeModel(["first", asks(("big", "x")), "second", "third"])
        session = open_with(model, Tool("big", work=fill), journal=FileJournal(path))
        ends, requests = [], []
        for turn in range(4):
            if turn == 3:
                leave(None)
            seen = await run_turn(session, Prompt("go"))
            ends += [[e.event.outcome, e.event.reason] for e in seen if isinstance(e.event, TurnEnded)]
            requests.append(len(model.requests))
        await session.close()
        print(json.dumps([ends, requests]), flush=True)

    asyncio.run(main())
"""


def on_a_full_disk(path: Path, room: int) -> tuple[list[tuple[str, str]], list[int]]:
    """How four turns ended of which the second fills the disk, and the model calls after each."""
    with start(FULL_DISK.replace("ROOM", str(room)), path) as other:
        ends, requests = json.loads(line(other))
    return [(outcome, reason) for outcome, reason in ends], requests


def reopened(path: Path) -> None:
    assert path.read_bytes().endswith(b"\n")

    async def run() -> None:
        session = open_with(FakeModel(["fine"]), journal=FileJournal(path))
        check_well_formed(session.state.history)
        await run_turn(session, Prompt("go on"))
        assert session.state.outcome == "completed"
        await session.close()

    asyncio.run(run())
    assert broken_links(path) == []
    assert not path.with_suffix(".torn").exists()


@posix
def test_where_nothing_can_be_kept_the_turn_fails_and_later_prompts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    ends, requests = on_a_full_disk(path, room=0)
    assert [outcome for outcome, _ in ends] == ["completed", "failed", "failed", "failed"]
    for _, reason in ends[1:]:
        assert str(path) in reason
        assert "File too large" in reason
        assert "Free some space" in reason
    assert requests == [1, 2, 2, 2]
    reopened(path)


@posix
def test_where_only_a_large_record_does_not_fit_its_turn_fails_and_the_next_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.jsonl"
    ends, requests = on_a_full_disk(path, room=5_000)
    assert [outcome for outcome, _ in ends] == ["completed", "failed", "completed", "completed"]
    assert "File too large" in ends[1][1]
    assert requests == [1, 2, 3, 4]
    reopened(path)
