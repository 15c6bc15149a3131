"""A session whose process is killed within a compaction, or within sub-agents, goes on where it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_core.events import Compacted, Envelope, ToolFinished, TurnEnded
from akmon_query.journal import FileJournal
from tests.chain import broken_links
from tests.marathon.courses import MIDDLE, cost_of
from tests.marathon.project import lay_out
from tests.marathon.server import Provider, serving

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    (tmp_path / "project").mkdir()
    lay_out(tmp_path / "project")
    return MIDDLE.provider()


@pytest.fixture
def url(provider: Provider) -> Iterator[str]:
    with serving(provider) as address:
        yield address


def start(url: str, folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.marathon.child", url, str(folder), str(first), str(last)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed(provider: Provider, url: str, folder: Path, *, kind: str, count: int) -> int:
    """Kills the session as soon as so many requests of that kind wait; gives the turn that it was in."""
    provider.hold = kind
    with start(url, folder, 1, 60) as process:
        for _ in range(count):
            while not provider.held.acquire(timeout=0.1):
                assert process.poll() is None, "the session ended, and no such request was held"
        process.kill()
        said, _ = process.communicate()
    provider.hold = ""
    return int(said.split()[-1])


def check_goes_on(provider: Provider, url: str, folder: Path, turn: int) -> list[Envelope]:
    """Plays ten more turns, and gives the whole journal."""
    with start(url, folder, turn + 1, turn + 10) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    told = json.loads(said.splitlines()[-1])
    used = provider.used
    assert provider.violations == []
    assert told["ends"] == ["completed"] * 10
    assert told["same"]
    assert told["usage"] == {
        "input_tokens": used.input,
        "output_tokens": used.output,
        "cache_read_tokens": used.read,
        "cache_write_tokens": used.write,
    }
    assert told["cost"] == pytest.approx(cost_of(used))
    path = next((folder / "sessions").glob("*.jsonl"))
    assert not list(broken_links(path))
    journal = FileJournal(path)
    envelopes = list(journal.read())
    journal.close()
    ends = Counter(
        each.event.outcome for each in envelopes if not each.agent and isinstance(each.event, TurnEnded)
    )
    assert ends == {"completed": turn + 9, "interrupted": 1}
    return envelopes


def test_a_session_killed_while_it_asks_for_a_summary_goes_on(
    provider: Provider, url: str, tmp_path: Path
) -> None:
    turn = killed(provider, url, tmp_path, kind="summary", count=1)
    before = len(provider.asked)
    envelopes = check_goes_on(provider, url, tmp_path, turn)
    assert any(asked.summary for asked in provider.asked[before:])
    compacted = [each.turn for each in envelopes if isinstance(each.event, Compacted)]
    assert min(compacted) == turn + 1


def test_a_session_killed_while_two_sub_agents_work_goes_on(
    provider: Provider, url: str, tmp_path: Path
) -> None:
    turn = killed(provider, url, tmp_path, kind="agent", count=2)
    envelopes = check_goes_on(provider, url, tmp_path, turn)
    cut = [
        each.event.result.text
        for each in envelopes
        if each.turn == turn and isinstance(each.event, ToolFinished) and each.event.tool == "task"
    ]
    assert len(cut) == 2
    assert all("Cut off while it ran" in text for text in cut)
