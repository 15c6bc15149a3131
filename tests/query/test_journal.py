"""The journal on the disk: damage is passed over or set aside, and nothing that was kept is lost."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from akmon_core.commands import Prompt, SetMode
from akmon_core.errors import JournalError
from akmon_core.events import (
    DurableEvent,
    Envelope,
    ModeChanged,
    Prompted,
    ToolStarted,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import Text, User
from akmon_core.state import State, replay
from akmon_query.journal import FileJournal, MemoryJournal, delete_journal, read_records
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.chain import broken_links
from tests.query.fakes import Tool, asks, of, open_with


def prompted(seq: int, text: str = "go") -> Envelope:
    return Envelope(seq, 1.0, "s", 1, "c", Prompted(User((Text(text),))))


def write(path: Path, *envelopes: Envelope) -> None:
    journal = FileJournal(path)
    for envelope in envelopes:
        journal.append(envelope, sync=True)
    journal.close()


def read(path: Path) -> list[int]:
    journal = FileJournal(path)
    try:
        return [envelope.seq for envelope in journal.read()]
    finally:
        journal.close()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    old = os.umask(0)  # the journal is private whatever the umask is
    yield tmp_path / "sessions" / "s.jsonl"
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_journal_is_readable_by_its_owner_only(path: Path) -> None:
    write(path, prompted(1))
    with path.open("ab") as file:
        file.write(b'{"torn')
    FileJournal(path).close()
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert mode(path.with_suffix(".torn")) == 0o600


@pytest.mark.parametrize("torn", [b'{"seq":2,"at":1.0,"ses', b"{", b"\0\0\0\0", b"\xff\xfe", b" "])
def test_a_torn_tail_is_set_aside_and_the_chain_goes_on(path: Path, torn: bytes) -> None:
    write(path, prompted(1))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    write(path, prompted(2))
    assert path.read_bytes().startswith(whole)
    assert path.with_suffix(".torn").read_bytes() == torn + b"\n"
    assert read(path) == [1, 2]
    assert broken_links(path) == []


def test_a_whole_last_line_without_its_newline_is_kept(path: Path) -> None:
    write(path, prompted(1), prompted(2))
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    write(path, prompted(3))
    assert read(path) == [1, 2, 3]
    assert broken_links(path) == []
    assert not path.with_suffix(".torn").exists()


@pytest.mark.parametrize(
    "damage", [b"\0" * 4096, b"garbage", b"", b'{"seq": "x"}', b"\xff\xfe\xfd", b"[1, 2]"]
)
def test_damage_in_the_middle_is_passed_over(path: Path, damage: bytes) -> None:
    write(path, prompted(1))
    with path.open("ab") as file:
        file.write(damage + b"\n")
    write(path, prompted(2))
    assert read(path) == [1, 2]
    assert broken_links(path) == []


def test_a_changed_removed_or_inserted_record_breaks_the_chain(path: Path) -> None:
    write(path, *[prompted(seq, f"prompt {seq}") for seq in range(1, 5)])
    lines = path.read_bytes().splitlines(keepends=True)
    for changed, broken in (
        ([lines[0], lines[1].replace(b"prompt 2", b"prompt X"), *lines[2:]], [3]),
        ([lines[0], *lines[2:]], [3]),
        ([*lines[:2], lines[1], *lines[2:]], [2]),
        ([lines[1], lines[0], *lines[2:]], [2, 1, 3]),
    ):
        path.write_bytes(b"".join(changed))
        assert broken_links(path) == broken


def test_a_record_of_an_unknown_kind_is_kept_and_given_out_but_changes_nothing(path: Path) -> None:
    raw = b'{"type":"invented_later","n":1.50}'
    unknown = UnknownEvent("invented_later", msgspec.Raw(raw))
    write(
        path,
        prompted(1),
        Envelope(2, 1.0, "s", 1, "c", unknown),
        Envelope(3, 1.0, "s", 1, "c", TurnEnded("failed")),
    )

    async def run() -> tuple[State, list[Envelope]]:
        session = open_with(FakeModel(["fine"]), journal=FileJournal(path))
        events = session.events(after=0)
        await run_turn(session, Prompt("go"))
        await session.close()
        return session.state, [envelope async for envelope in events]

    state, seen = asyncio.run(run())
    assert of(seen, UnknownEvent) == [unknown]
    assert state.outcome == "completed"
    assert sum(raw in line for line, _, _ in read_records(path)) == 1
    assert broken_links(path) == []


def test_a_second_opening_of_a_journal_is_refused_while_the_first_lasts(path: Path) -> None:
    first = FileJournal(path)
    with pytest.raises(JournalError, match="in use by another akmon process"):
        FileJournal(path)
    with pytest.raises(JournalError, match="in use"):
        delete_journal(path)
    first.close()
    FileJournal(path).close()


def test_deleting_a_journal_takes_what_was_set_aside_along(path: Path) -> None:
    write(path, prompted(1))
    path.write_bytes(path.read_bytes() + b"{torn")
    FileJournal(path).close()
    delete_journal(path)
    assert list(path.parent.iterdir()) == []


def test_a_journal_that_cannot_be_made_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match=r"file/s\.jsonl cannot be used: .*AKMON_STATE_DIR"):
        FileJournal(tmp_path / "file" / "s.jsonl")
    with pytest.raises(JournalError, match="cannot be used"):
        list(read_records(tmp_path / "missing.jsonl"))


def test_a_session_goes_on_whatever_single_line_of_its_journal_is_lost(path: Path) -> None:
    async def play() -> None:
        calls = asks(("look", "x"), ("look", "y"))
        session = open_with(
            FakeModel([calls, "fine", calls, "fine"]), Tool("look"), journal=FileJournal(path)
        )
        for _ in range(2):
            await run_turn(session, Prompt("go"))
        await session.close()

    async def go_on() -> None:
        model = FakeModel(["fine"])
        session = open_with(model, Tool("look"), journal=FileJournal(path))
        await run_turn(session, Prompt("go on"))
        check_well_formed(model.requests[0].messages)
        assert session.state.outcome == "completed"
        await session.close()

    asyncio.run(play())
    lines = path.read_bytes().splitlines(keepends=True)
    for at in range(len(lines)):
        path.write_bytes(b"".join([*lines[:at], b"\0\0\0\n", *lines[at + 1 :]]))
        asyncio.run(go_on())


class FullFor(MemoryJournal):
    """A journal without room for events of one kind."""

    def __init__(self, kind: type[object]) -> None:
        super().__init__()
        self._kind = kind

    def append(self, envelope: Envelope, *, sync: bool) -> None:
        if isinstance(envelope.event, self._kind):
            raise JournalError("no room")
        super().append(envelope, sync=sync)


def test_what_a_client_says_and_cannot_be_kept_has_not_happened_and_the_rest_is_kept() -> None:
    async def run() -> None:
        journal = FullFor(ModeChanged)
        session = open_with(FakeModel(["one", "two"]), journal=journal)
        await run_turn(session, Prompt("go"))
        with pytest.raises(JournalError, match="no room"):
            await session.send(SetMode("plan"))
        assert session.state.mode == "default"
        await run_turn(session, Prompt("go on"))
        assert session.state.outcome == "completed"
        kept = list(journal.read())
        assert [envelope.seq for envelope in kept] == list(range(1, len(kept) + 1))
        assert replay(cast("DurableEvent", envelope.event) for envelope in kept) == session.state
        await session.close()

    asyncio.run(run())


def test_a_tool_does_not_run_if_its_start_cannot_be_kept() -> None:
    async def run() -> None:
        tool = Tool("look")
        session = open_with(FakeModel([asks(("look", "x"))]), tool, journal=FullFor(ToolStarted))
        seen = await run_turn(session, Prompt("go"))
        assert of(seen, TurnEnded) == [TurnEnded("failed", "no room")]
        assert tool.log == []
        check_well_formed(session.state.history)
        await session.close()

    asyncio.run(run())
