"""What was done to a journal is found and named, whatever it is, and what can be read of it is still used."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.commands import Prompt
from akmon_core.errors import JournalError
from akmon_core.events import Envelope, ModeChanged, Noticed, PermissionDecided, Prompted, Replied, TurnEnded
from akmon_core.messages import Assistant, Text, User
from akmon_core.tools import Effect
from akmon_query.anchor import Anchored, Head, anchor_path, read_anchor
from akmon_query.integrity import Verification, describe_problem, verify_journal, verify_lines
from akmon_query.journal import FileJournal, delete_journal, read_records
from akmon_query.records import read_lines
from akmon_query.testing import FakeModel, check_well_formed, run_turn
from tests.query.fakes import Tool, asks, of, open_with


def prompted(seq: int) -> Envelope:
    return Envelope(seq, 1.0, "s", 1, "c", Prompted(User((Text(f"prompt {seq}"),))))


def replied(seq: int) -> Envelope:
    return Envelope(seq, 1.0, "s", 1, "c", Replied(Assistant((Text("fine"),))))


def written(path: Path, count: int = 6) -> list[bytes]:
    """A journal of so many records, and its lines."""
    journal = FileJournal(path)
    for seq in range(1, count + 1):
        journal.append(prompted(seq), sync=True)
    journal.close()
    return path.read_bytes().splitlines(keepends=True)


def check(data: bytes, anchored: Anchored) -> Verification:
    return verify_lines(read_lines(io.BytesIO(data)), anchored)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.jsonl"


def test_every_changed_and_every_missing_byte_is_noticed_and_every_shorter_file(path: Path) -> None:
    data = b"".join(written(path, 5))
    anchored = read_anchor(path)
    assert check(data, anchored).intact
    for at in range(len(data)):
        for changed in (
            data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :],
            data[:at] + data[at + 1 :],
            data[:at],
        ):
            assert not check(changed, anchored).intact, (at, changed)


def test_each_line_that_is_gone_doubled_exchanged_or_put_in_is_noticed(path: Path) -> None:
    lines = written(path)
    anchored = read_anchor(path)
    for at in range(len(lines)):
        before, line, after = lines[:at], lines[at], lines[at + 1 :]
        assert not check(b"".join([*before, *after]), anchored).intact
        assert not check(b"".join([*before, line, line, *after]), anchored).intact
        assert not check(b"".join([*before, b"\0" * 4096 + b"\n", line, *after]), anchored).intact
        if after:
            assert not check(b"".join([*before, after[0], line, *after[1:]]), anchored).intact


@pytest.mark.parametrize(
    ("change", "kind", "record", "line"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b"prompt 3", b"prompt X"), *lines[3:]], "changed", 3, 3),
        (lambda lines: [*lines[:5], lines[5].replace(b"prompt 6", b"prompt X")], "changed", 6, 6),
        (lambda lines: [lines[0].replace(b"prompt 1", b"prompt X"), *lines[1:]], "changed", 1, 1),
        (lambda lines: [*lines[:2], *lines[3:]], "removed", 3, 3),
        (lambda lines: [*lines[:1], *lines[4:]], "removed", 2, 2),
        (lambda lines: lines[1:], "removed", 1, 1),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "reordered", 3, 2),
        (lambda lines: [*lines[:3], lines[1], *lines[3:]], "inserted", 2, 4),
        (lambda lines: [*lines[:3], b"garbage\n", *lines[3:]], "unreadable", 0, 4),
        (lambda lines: [*lines[:3], b"\0" * 600 + b"\n", *lines[4:]], "unreadable", 0, 4),
        (lambda lines: lines[:4], "shorter", 5, 5),
        (lambda lines: [], "shorter", 1, 1),
        (lambda lines: [*lines, b'{"torn'], "torn", 0, 7),
        (lambda lines: [*lines[:5], lines[5][:-1]], "torn", 6, 6),
    ],
)
def test_the_first_broken_record_is_named_with_what_is_wrong(
    path: Path, change: object, kind: str, record: int, line: int
) -> None:
    lines = written(path)
    assert callable(change)
    changed: list[bytes] = change(lines)
    path.write_bytes(b"".join(changed))
    first = verify_journal(path).problems[0]
    assert (first.kind, first.record, first.line) == (kind, record, line)
    assert first.offset == sum(map(len, changed[: line - 1]))
    assert f"line {line}, byte {first.offset:,}" in describe_problem(first)
    assert not record or f"record {record} (" in describe_problem(first)


def test_the_anchor_names_what_is_on_the_disk_and_is_never_ahead_of_it(path: Path) -> None:
    journal = FileJournal(path)
    for seq in range(1, 9):
        journal.append(prompted(seq), sync=seq % 3 == 0)
        head = read_anchor(path).head
        assert head
        assert head.seq == seq - seq % 3
        assert verify_journal(path).intact
        assert verify_journal(path).beyond == seq % 3
    journal.close()
    head = verify_journal(path).head
    assert head.seq == 8
    assert read_anchor(path).head == head


def test_a_journal_without_an_anchor_is_intact_and_says_that_it_has_none(path: Path) -> None:
    written(path)
    anchor_path(path).unlink()
    found = verify_journal(path)
    assert (found.intact, found.anchor, found.head.seq) == (True, None, 6)
    FileJournal(path).close()
    assert verify_journal(path).anchor == found.head


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\0" * 99, b'{"seq": 1}\n'])
def test_an_anchor_that_cannot_be_read_is_said(path: Path, content: bytes) -> None:
    written(path)
    anchor_path(path).write_bytes(content)
    (problem,) = verify_journal(path).problems
    assert problem.kind == "anchor"
    journal = FileJournal(path)
    assert len(journal.damage) == 1
    assert "the anchor beside the journal cannot be read" in journal.damage[0]
    journal.close()


def test_a_journal_cut_short_is_told_once_loads_and_stays_on_record_as_such(path: Path) -> None:
    lines = written(path)
    path.write_bytes(b"".join(lines[:4]))
    journal = FileJournal(path)
    (told,) = journal.damage
    assert "its anchor names record 6, and the journal ends with record 4" in told
    assert "akmon audit verify s" in told
    assert [envelope.seq for envelope in journal.read()] == [1, 2, 3, 4]
    for seq in (5, 6, 7):
        journal.append(prompted(seq), sync=True)
    journal.close()
    again = FileJournal(path)
    assert again.damage == ()
    again.close()
    (problem,) = verify_journal(path).problems
    assert problem.kind == "earlier"
    assert "its anchor names record 6" in problem.text


def consent(path: Path) -> None:
    """A journal that says full-auto, and that a command is allowed for the session."""
    effects = (Effect("run", "make"),)
    journal = FileJournal(path)
    allowed = PermissionDecided("c1", "allow", "person", "yes", "session", "shell", effects)
    journal.append(Envelope(1, 1.0, "s", 1, "c", ModeChanged("full-auto")), sync=True)
    journal.append(Envelope(2, 1.0, "s", 1, "c", allowed), sync=True)
    journal.close()


async def resumed(path: Path) -> tuple[str, int]:
    """The mode, and how many things are allowed for the session."""
    session = open_with(FakeModel([]), journal=FileJournal(path))
    state = session.state
    await session.close()
    return state.mode, len(state.grants)


def test_nothing_is_allowed_by_what_stands_in_a_changed_journal_now_or_later(path: Path) -> None:
    consent(path)
    assert asyncio.run(resumed(path)) == ("full-auto", 1)
    path.write_bytes(path.read_bytes().replace(b'"make"', b'"rm x"'))
    assert asyncio.run(resumed(path)) == ("default", 0)
    assert asyncio.run(resumed(path)) == ("default", 0)


def test_an_end_that_was_torn_off_takes_no_consent_back(path: Path) -> None:
    consent(path)
    with path.open("ab") as file:
        file.write(b'{"seq": 3, "at')
    assert asyncio.run(resumed(path)) == ("full-auto", 1)


def test_a_torn_end_is_told_and_leaves_an_intact_journal(path: Path) -> None:
    written(path)
    with path.open("ab") as file:
        file.write(b'{"seq": 7, "at')
    journal = FileJournal(path)
    (told,) = journal.damage
    assert "half a record, 14 bytes, which are now in" in told
    journal.close()
    assert verify_journal(path).intact


def test_what_is_wrong_is_told_to_the_first_who_listens_to_the_session(path: Path) -> None:
    async def run() -> tuple[list[Envelope], list[Envelope]]:
        session = open_with(FakeModel(["fine", "fine"]), journal=FileJournal(path))
        turns = await run_turn(session, Prompt("go")), await run_turn(session, Prompt("go"))
        await session.close()
        return turns

    lines = written(path)
    path.write_bytes(b"".join([lines[0], b"\0" * 50 + b"\n", *lines[2:]]))
    first, second = asyncio.run(run())
    (told,) = of(first, Noticed)
    assert "line 2" in told.text
    assert of(second, Noticed) == []
    assert isinstance(first[-1].event, TurnEnded)


def test_who_catches_up_from_the_start_is_told_first_and_misses_nothing(path: Path) -> None:
    async def run() -> list[Envelope]:
        session = open_with(FakeModel([]), journal=FileJournal(path))
        events = session.events(after=0)
        await session.close()
        return [envelope async for envelope in events]

    written(path)
    with path.open("ab") as file:
        file.write(b"torn")
    seen = asyncio.run(run())
    assert isinstance(seen[0].event, Noticed)
    durable = [envelope.seq for envelope in seen if not isinstance(envelope.event, Noticed)]
    assert durable == list(range(1, len(durable) + 1))


def test_deleting_a_journal_takes_its_anchor_along(path: Path) -> None:
    written(path)
    delete_journal(path)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(JournalError, match="is not there"):
        verify_journal(path)


# --- laws -------------------------------------------------------------------------------------------

edits = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 10_000), st.integers(0, 7)),
        st.tuples(st.just("cut"), st.integers(0, 10_000), st.integers(1, 400)),
        st.tuples(st.just("double"), st.integers(0, 10_000), st.integers(1, 400)),
        st.tuples(st.just("put in"), st.integers(0, 10_000), st.binary(max_size=40)),
        st.tuples(st.just("end"), st.integers(0, 10_000), st.none()),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, changes: list[tuple[str, int, object]]) -> bytes:
    for kind, where, what in changes:
        at = where % (len(data) + 1)
        match kind, what:
            case "flip", int(bit) if at < len(data):
                data = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            case "cut", int(size):
                data = data[:at] + data[at + size :]
            case "double", int(size):
                data = data[: at + size] + data[at:]
            case "put in", bytes(more):
                data = data[:at] + more + data[at:]
            case "end", _:
                data = data[:at]
            case _:
                pass
    return data


def fresh(folder: Path, data: bytes, anchor: bytes) -> Path:
    path = folder / "s.jsonl"
    for old in folder.iterdir():
        old.unlink()
    path.write_bytes(data)
    anchor_path(path).write_bytes(anchor)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    """A folder for damaged journals, and a session's journal and anchor."""
    path = tmp_path_factory.mktemp("whole") / "s.jsonl"

    async def play() -> None:
        calls = asks(("look", "x"), ("look", "y"))
        session = open_with(FakeModel([calls, "fine", "fine"]), Tool("look"), journal=FileJournal(path))
        for _ in range(2):
            await run_turn(session, Prompt("go"))
        await session.close()

    asyncio.run(play())
    return tmp_path_factory.mktemp("damaged"), path.read_bytes(), anchor_path(path).read_bytes()


@given(changes=edits)
def test_a_damaged_journal_loads_in_order_goes_on_and_is_found_out(
    whole: tuple[Path, bytes, bytes], changes: list[tuple[str, int, object]]
) -> None:
    folder, data, anchor = whole
    path = fresh(folder, damaged(data, changes), anchor)
    originals = set(data.splitlines())
    untouched = path.read_bytes() == data
    assert verify_lines(read_lines(io.BytesIO(path.read_bytes())), read_anchor(path)).intact == untouched
    journal = FileJournal(path)
    seqs = [envelope.seq for envelope in journal.read()]
    assert seqs == sorted(set(seqs))
    intact = {line for line in path.read_bytes().splitlines() if line in originals}
    assert len(seqs) >= len(intact) - len(changes) * 2
    after = (seqs or [0])[-1] + 1
    journal.append(prompted(after), sync=True)
    assert [envelope.seq for envelope in journal.read()] == [*seqs, after]
    assert [envelope.seq for envelope in journal.read(after - 1)] == [after]
    journal.close()
    again = FileJournal(path)
    assert [envelope.seq for envelope in again.read()] == [*seqs, after]
    assert again.damage == ()
    again.close()


@given(data=st.binary(max_size=400), anchor=st.binary(max_size=200))
def test_any_bytes_at_all_open_as_a_journal(
    whole: tuple[Path, bytes, bytes], data: bytes, anchor: bytes
) -> None:
    path = fresh(whole[0], data, anchor)
    FileJournal(path).close()
    journal = FileJournal(path)
    assert journal.damage == ()
    journal.append(prompted(1), sync=True)
    journal.close()
    assert [envelope.seq for _, envelope, _ in read_records(path)][-1] == 1


@given(changes=edits)
def test_a_session_goes_on_from_a_damaged_journal(
    whole: tuple[Path, bytes, bytes], changes: list[tuple[str, int, object]]
) -> None:
    folder, data, anchor = whole
    path = fresh(folder, damaged(data, changes), anchor)

    async def go_on() -> None:
        model = FakeModel(["fine"])
        session = open_with(model, Tool("look"), journal=FileJournal(path))
        await run_turn(session, Prompt("go on"))
        check_well_formed(model.requests[0].messages)
        await session.close()

    asyncio.run(go_on())


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux's count of bytes read")
def test_opening_and_reading_a_long_journal_reads_it_twice_and_no_more(path: Path) -> None:
    journal = FileJournal(path)
    for seq in range(1, 3_001):
        journal.append(prompted(seq), sync=False)
    journal.close()
    size = path.stat().st_size

    def read() -> int:
        return int(Path("/proc/self/io").read_text().split("rchar:")[1].split()[0])

    before = read()
    journal = FileJournal(path)
    assert sum(1 for _ in journal.read()) == 3_000
    middle = read()
    assert middle - before < 2.5 * size
    for seq in range(2_000, 2_100):
        assert next(journal.read(seq - 1)).seq == seq
    assert read() - middle < 100 * (io.DEFAULT_BUFFER_SIZE + 1_000) < 100 * size
    journal.close()


def test_a_head_is_a_line_of_one_size(path: Path) -> None:
    journal = FileJournal(path)
    sizes = set()
    for seq in (1, 2, 10, 100):
        journal.append(prompted(seq), sync=True)
        sizes.add(anchor_path(path).stat().st_size)
        assert read_anchor(path).head == Head(seq, verify_journal(path).head.hash)
    journal.close()
    assert len(sizes) == 1
