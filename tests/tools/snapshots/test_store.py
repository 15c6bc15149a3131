"""The file that keeps it all: damaged, full, shared, too large."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_core.files import FileChange, FileState
from akmon_tools.snapshots import Snapshots
from akmon_tools.textfile import hash_of
from tests.tools.snapshots.conftest import Rig, tree


def _store(rig: Rig) -> Path:
    return rig.root.parent / "kept" / "store"


def _again(rig: Rig, capacity: int = 1_000_000_000) -> Rig:
    rig.snapshots.close()
    return Rig(rig.root, rig.outside, Snapshots((rig.root,), _store(rig), capacity=capacity))


def test_nobody_else_can_read_it(rig: Rig) -> None:
    rig.survey()
    assert stat.S_IMODE(_store(rig).stat().st_mode) == 0o600
    assert stat.S_IMODE(_store(rig).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["not a database at all " * 500, ""])
def test_a_damaged_file_is_moved_aside_and_begun_anew(rig: Rig, damage: str) -> None:
    (rig.root / "a").write_text("a")
    rig.survey()
    rig.snapshots.close()
    whole = _store(rig).read_bytes()
    _store(rig).write_bytes(damage.encode() or whole[:100] + os.urandom(len(whole) - 100))
    for leftover in _store(rig).parent.glob("store-*"):
        leftover.unlink()
    later = _again(rig)
    assert later.survey() == ()
    assert "moved to" in later.snapshots.uncovered
    assert _store(rig).with_name("store.damaged").exists()
    (rig.root / "a").write_text("b")
    later.undo(later.survey())
    assert (rig.root / "a").read_text() == "a"
    later.snapshots.close()


def test_damage_while_it_is_used_fails_one_survey_and_the_next_begins_anew(rig: Rig) -> None:
    for number in range(50):
        (rig.root / str(number)).write_bytes(os.urandom(5_000))
    rig.survey()
    with sqlite3.connect(_store(rig)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with _store(rig).open("r+b") as file:
        file.write(os.urandom(200_000))
    (rig.root / "a").write_text("a")
    with pytest.raises(ToolError, match="damaged"):
        rig.survey()
    assert rig.survey() == ()
    (rig.root / "a").unlink()
    rig.undo(rig.survey())
    assert (rig.root / "a").read_text() == "a"


def test_a_content_that_is_not_what_it_was_is_never_put_back(rig: Rig) -> None:
    (rig.root / "a").write_text("a")
    rig.survey()
    (rig.root / "a").write_text("b")
    (change,) = rig.survey()
    with sqlite3.connect(_store(rig)) as other:
        other.execute("UPDATE object SET packed = 0, data = x'63' WHERE hash = ?", (hash_of(b"a"),))
    other.close()
    with pytest.raises(ToolError, match="no longer kept whole"):
        rig.snapshots.restore(FileChange(change.path, change.after, change.before))
    assert (rig.root / "a").read_text() == "b"


@contextmanager
def _files_up_to(size: int) -> Iterator[None]:
    """As on a disk that is full: no file can grow beyond ``size``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_nothing_is_promised_and_later_nothing_is_missing(rig: Rig) -> None:
    (rig.root / "a").write_bytes(os.urandom(1_000_000))
    rig.survey()
    data = os.urandom(1_500_000)
    (rig.root / "a").write_bytes(data)
    with _files_up_to(500_000):
        with pytest.raises(ToolError, match="cannot keep"):
            rig.survey()
        with pytest.raises(ToolError, match="cannot keep"):
            rig.snapshots.plan({str(rig.root / "a"): hash_of(b"new")})
        with pytest.raises(ToolError, match="cannot keep"):
            rig.snapshots.look([str(rig.root / "a")])
    assert (rig.root / "a").read_bytes() == data
    (change,) = rig.survey()
    rig.undo([change])
    assert rig.state("a") == change.before


def test_a_file_that_cannot_be_put_back_whole_stays_as_it_is(rig: Rig) -> None:
    data = os.urandom(1_000_000)
    (rig.root / "a").write_bytes(data)
    rig.survey()
    (rig.root / "a").write_text("b")
    (change,) = rig.survey()
    with _files_up_to(500_000), pytest.raises(ToolError, match="cannot put back"):
        rig.snapshots.restore(FileChange(change.path, change.after, change.before))
    assert tree(rig.root).keys() == {"a"}
    assert (rig.root / "a").read_text() == "b"
    assert rig.survey() == ()
    rig.undo([change])
    assert (rig.root / "a").read_bytes() == data


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "kept").write_text("a file")
    snapshots = Snapshots((tmp_path / "project",), tmp_path / "kept/store")
    with pytest.raises(ToolError, match="cannot keep"):
        asyncio.run(snapshots.survey(print))


def test_the_oldest_contents_go_when_it_is_full_and_the_newest_stay(rig: Rig) -> None:
    (rig.root / "still").write_bytes(os.urandom(300_000))
    (rig.root / "a").write_bytes(b"first")
    rig.survey()
    history: list[FileChange] = []
    for _ in range(10):
        later = _again(rig, capacity=2_000_000)
        later.survey()
        for _ in range(3):
            (rig.root / "a").write_bytes(os.urandom(200_000))
            history += later.survey()
        later.snapshots.close()
    assert _store(rig).stat().st_size < 2_700_000  # the cap and what one process has used
    later = _again(rig, capacity=2_000_000)
    oldest, newest = history[1], history[-1]
    now = later.state("a")
    with pytest.raises(ToolError, match="no longer kept"):
        later.snapshots.restore(FileChange(oldest.path, now, oldest.before))
    later.snapshots.restore(FileChange(newest.path, now, newest.before))
    (rig.root / "still").unlink()
    later.undo(change for change in later.survey() if change.path.endswith("still"))
    assert (rig.root / "still").stat().st_size == 300_000
    later.snapshots.close()


def test_what_this_process_may_want_back_never_goes(rig: Rig) -> None:
    (rig.root / "a").write_bytes(b"first")
    rig.survey()
    later = _again(rig, capacity=300_000)
    later.survey()
    history: list[FileChange] = []
    for _ in range(10):
        (rig.root / "a").write_bytes(os.urandom(100_000))
        history += later.survey()
    later.undo(history)
    assert (rig.root / "a").read_bytes() == b"first"
    later.snapshots.close()


_WORKER = """
import asyncio, sys
from pathlib import Path
from akmon_tools.snapshots import Snapshots
root, store, me = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
snapshots = Snapshots((root,), store)
def survey():
    changes = asyncio.run(snapshots.survey(lambda text: None))
    snapshots.settle()
    return {change.path: change for change in changes}
survey()
for number in range(40):
    path = root / f"{me}{number % 7}"
    path.write_text(f"{me} {number}")
    change = survey()[str(path)]
    if number % 5 == 4:
        now = snapshots.look([str(path)])[str(path)]
        snapshots.restore(type(change)(change.path, now, change.before))
snapshots.close()
"""


def test_several_processes_share_one_file(rig: Rig) -> None:
    command = [sys.executable, "-c", _WORKER, str(rig.root), str(_store(rig))]
    workers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "abc"]
    for worker in workers:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
    rig.survey()
    assert rig.survey() == ()
    with sqlite3.connect(_store(rig)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()


def test_another_format_is_refused_and_left_alone(rig: Rig) -> None:
    rig.survey()
    rig.snapshots.close()
    with sqlite3.connect(_store(rig)) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    later = _again(rig)
    with pytest.raises(ToolError, match="another version"):
        later.survey()
    assert _store(rig).exists()


def test_a_state_is_that_of_the_file(rig: Rig) -> None:
    (rig.root / "a").write_bytes(b"a")
    (rig.root / "a").chmod(0o640)
    assert rig.state("a") == FileState("file", hash_of(b"a"), 0o640)
    assert rig.state("nothing") is None
    assert rig.state("a/below a file") is None
