"""A session that begins like another one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from akmon_core.commands import Prompt, Rename
from akmon_core.errors import JournalError
from akmon_query import find_session, open_session
from akmon_query.forking import fork_session
from akmon_query.store import SessionInfo, list_sessions
from akmon_query.testing import FakeModel, run_turn
from tests.chain import broken_links


def talked(folder: Path, *prompts: str, name: str = "", resumed: SessionInfo | None = None) -> list[str]:
    """Has a session say something to each of ``prompts``; gives all that was said in it, by whom ever."""

    async def talk() -> list[str]:
        model = FakeModel([f"answer to {prompt}" for prompt in prompts])
        session = open_session(model, cwd=folder, sessions=folder / "sessions", resumed=resumed)
        async with session:
            for prompt in prompts:
                await run_turn(session, Prompt(prompt))
            if name:
                await session.send(Rename(name))
        return [message.text for message in session.state.history if hasattr(message, "text")]

    return asyncio.run(talk())


def test_a_fork_goes_on_where_its_original_stands_which_stays_as_it_is(tmp_path: Path) -> None:
    talked(tmp_path, "one", "two")
    original = find_session(tmp_path / "sessions")
    before = original.path.read_bytes()
    fork = fork_session(original)
    said = talked(tmp_path, "three", resumed=fork)
    assert said == ["one", "answer to one", "two", "answer to two", "three", "answer to three"]
    assert original.path.read_bytes() == before
    assert broken_links(fork.path) == broken_links(original.path) == []


def test_a_fork_can_leave_out_the_end(tmp_path: Path) -> None:
    talked(tmp_path, "one", "two")
    original = find_session(tmp_path / "sessions")
    second = next(
        number
        for number, line in enumerate(original.path.read_text().splitlines(), start=1)
        if '"type":"prompted"' in line and '"two"' in line
    )
    fork = fork_session(original, record=second - 1)
    assert talked(tmp_path, "else", resumed=fork) == ["one", "answer to one", "else", "answer to else"]


def test_a_fork_from_the_middle_of_a_turn_can_go_on(tmp_path: Path) -> None:
    talked(tmp_path, "one", "two")
    original = find_session(tmp_path / "sessions")
    lines = original.path.read_text().splitlines()
    first = next(number for number, line in enumerate(lines, start=1) if '"type":"prompted"' in line)
    for record in range(first, len(lines)):
        fork = fork_session(original, record=record)
        assert talked(tmp_path, "more", resumed=fork)[-2:] == ["more", "answer to more"]
    with pytest.raises(JournalError, match="nothing up to there"):
        fork_session(original, record=first - 1)
    assert len(list_sessions(original.path.parent)) == len(lines) - first + 1


def test_a_fork_has_a_name_of_its_own_and_its_own_outputs(tmp_path: Path) -> None:
    talked(tmp_path, "one", name="work")
    original = find_session(tmp_path / "sessions", "work")
    outputs = original.path.with_suffix(".outputs")
    outputs.mkdir()
    (outputs / "1").write_text("long")
    fork = fork_session(original)
    assert fork.name == "work (fork)"
    assert (fork.path.with_suffix(".outputs") / "1").read_text() == "long"
    assert find_session(tmp_path / "sessions", "work").id == original.id
