"""What a survey tells of, what it leaves alone, and what the next process knows."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_core.files import FileChange, FileState
from akmon_core.limits import EDITABLE_BYTES, SNAPSHOT_FILE_BYTES, SNAPSHOT_TREE_BYTES
from akmon_tools.snapshots import Snapshots
from akmon_tools.snapshots.scan import Scan
from akmon_tools.snapshots.tree import Tree
from akmon_tools.textfile import hash_of
from tests.tools.snapshots.conftest import Rig, tree


def _again(rig: Rig) -> Rig:
    """The same project in another process."""
    rig.snapshots.close()
    store = rig.root.parent / "kept" / "store"
    return Rig(rig.root, rig.outside, Snapshots((rig.root,), store))


def _names(rig: Rig, changes: tuple[FileChange, ...]) -> set[str]:
    return {Path(change.path).relative_to(rig.root).as_posix() for change in changes}


def test_the_first_survey_of_a_project_tells_nothing(rig: Rig) -> None:
    (rig.root / "a").write_text("a")
    assert rig.snapshots.catch_up() == ()
    assert rig.survey() == ()
    assert rig.snapshots.catch_up() == ()


def test_the_next_process_tells_what_has_changed_since(rig: Rig) -> None:
    (rig.root / "same").write_text("s")
    (rig.root / "other").write_text("o")
    (rig.root / "gone").mkdir()
    rig.survey()
    later = _again(rig)
    (rig.root / "other").write_text("changed")
    (rig.root / "gone").rmdir()
    (rig.root / "new").write_text("n")
    changes = later.snapshots.catch_up()
    assert _names(rig, changes) == {"other", "gone", "new"}
    later.undo(changes)
    assert (rig.root / "other").read_text() == "o"
    later.snapshots.close()


def test_what_is_not_settled_is_told_to_the_next_process_again(rig: Rig) -> None:
    rig.survey()
    (rig.root / "a").write_text("a")
    changes = asyncio.run(rig.snapshots.survey(print))
    assert _names(rig, changes) == {"a"}
    later = _again(rig)
    assert later.snapshots.catch_up() == changes
    later.snapshots.settle()
    last = _again(later)
    assert last.snapshots.catch_up() == ()
    last.snapshots.close()


def test_a_change_that_was_announced_before_the_survey_is_settled_stays_so(rig: Rig) -> None:
    (rig.root / "a").write_text("one")
    rig.survey()
    rig.snapshots.plan({str(rig.root / "a"): hash_of(b"two")})
    (rig.root / "a").write_text("two")
    asyncio.run(rig.snapshots.survey(print))
    rig.snapshots.plan({str(rig.root / "a"): hash_of(b"three")})
    (rig.root / "a").write_text("three")
    rig.snapshots.settle()
    later = _again(rig)
    assert later.survey() == ()
    later.snapshots.close()


def test_a_root_that_was_not_surveyed_before_tells_nothing(rig: Rig) -> None:
    (rig.root / "sub").mkdir()
    (rig.root / "sub/a").write_text("a")
    rig.survey()
    sub = Snapshots((rig.root / "sub",), rig.root.parent / "kept" / "store")
    (rig.root / "sub/a").write_text("b")
    assert sub.catch_up() == ()
    assert asyncio.run(sub.survey(print)) == ()
    sub.close()


def test_what_a_tool_announced_is_no_change(rig: Rig) -> None:
    (rig.root / "old").write_text("old")
    (rig.root / "gone").write_text("gone")
    rig.survey()
    new = str(rig.root / "deep/er/new")
    changes = rig.snapshots.plan(
        {str(rig.root / "old"): hash_of(b"other"), str(rig.root / "gone"): None, new: hash_of(b"new")}
    )
    assert [(Path(change.path).name, change.before is None, change.after is None) for change in changes] == [
        ("old", False, False),
        ("gone", False, True),
        ("deep", True, False),
        ("er", True, False),
        ("new", True, False),
    ]
    (rig.root / "old").write_text("other")
    (rig.root / "gone").unlink()
    (rig.root / "deep/er").mkdir(parents=True)
    (rig.root / "deep/er/new").write_text("new")
    assert rig.survey() == ()
    rig.undo(changes)
    assert tree(rig.root).keys() == {"old", "gone"}
    assert (rig.root / "old").read_text() == "old"


@pytest.mark.parametrize("written", [True, False])
def test_an_announced_change_is_none_for_the_next_process_either(rig: Rig, written: bool) -> None:
    (rig.root / "a").write_text("before")
    rig.survey()
    rig.snapshots.plan({str(rig.root / "a"): hash_of(b"after")})
    if written:
        (rig.root / "a").write_text("after")
    later = _again(rig)
    assert later.survey() == ()
    (rig.root / "a").write_text("third")
    assert _names(rig, later.survey()) == {"a"}
    later.snapshots.close()


def test_an_announced_change_that_was_not_made_is_none(rig: Rig) -> None:
    (rig.root / "a").write_text("one")
    rig.survey()
    (rig.root / "a").write_text("by the person")
    rig.snapshots.plan({str(rig.root / "a"): hash_of(b"two")})
    assert rig.survey() == ()
    (rig.root / "a").write_text("three")
    (change,) = rig.survey()
    assert change.before
    assert change.before.content == hash_of(b"by the person")


def test_what_a_command_makes_of_a_written_file_is_told_from_what_was_written(rig: Rig) -> None:
    (rig.root / "a").write_text("one")
    rig.survey()
    rig.snapshots.plan({str(rig.root / "a"): hash_of(b"two")})
    (rig.root / "a").write_text("two")
    (rig.root / "a").write_text("formatted")
    (change,) = rig.survey()
    assert change.before == FileState("file", hash_of(b"two"), (rig.root / "a").stat().st_mode & 0o7777)


def test_a_file_of_any_size_up_to_the_largest_that_can_be_edited_is_kept_before_a_tool_writes(
    rig: Rig,
) -> None:
    rig.survey()
    large = rig.root / "node_modules" / "large"
    large.parent.mkdir()
    large.write_bytes(b"x" * EDITABLE_BYTES)
    changes = rig.snapshots.plan({str(large): hash_of(b"new")})
    large.write_bytes(b"new")
    rig.undo(changes)
    assert large.stat().st_size == EDITABLE_BYTES
    large.write_bytes(b"x" * (EDITABLE_BYTES + 1))
    with pytest.raises(ToolError, match="too large"):
        rig.snapshots.plan({str(large): hash_of(b"new")})


def test_a_path_outside_the_project_is_refused(rig: Rig) -> None:
    for path in (rig.outside / "a", rig.root):
        with pytest.raises(ToolError, match="outside"):
            rig.snapshots.plan({str(path): None})


# --- what is covered --------------------------------------------------------------------------------


def test_what_programs_make_again_is_not_covered(rig: Rig) -> None:
    for name in ("node_modules", ".venv", "__pycache__", ".git", "src/.hg"):
        (rig.root / name).mkdir(parents=True)
    rig.survey()
    for name in ("node_modules", ".venv", "__pycache__", ".git", "src/.hg", "src"):
        (rig.root / name / "file").write_text("x")
    assert _names(rig, rig.survey()) == {"src/file"}
    assert rig.snapshots.uncovered == ""


def test_ignored_files_are_not_covered_until_the_rules_change(rig: Rig) -> None:
    (rig.root / ".gitignore").write_text("*.log\nbuild/\n")
    (rig.root / "build").mkdir()
    (rig.root / "build/out").write_text("1")
    (rig.root / "a.log").write_text("1")
    rig.survey()
    (rig.root / "build/out").write_text("2")
    (rig.root / "a.log").unlink()
    (rig.root / "b.log").write_text("2")
    assert rig.survey() == ()
    (rig.root / ".gitignore").write_text("*.log\n")
    assert _names(rig, rig.survey()) == {".gitignore"}
    (rig.root / "build/out").write_text("3")
    assert _names(rig, rig.survey()) == {"build/out"}
    (rig.root / ".gitignore").write_text("build\n")
    assert _names(rig, rig.survey()) == {".gitignore"}
    (rig.root / "build/out").write_text("4")
    (rig.root / "b.log").unlink()
    assert _names(rig, rig.survey()) == {"b.log"}


def test_rules_from_above_the_project_and_of_its_repository_count(tmp_path: Path) -> None:
    (tmp_path / ".git/info").mkdir(parents=True)
    root = tmp_path / "sub"
    root.mkdir()
    (root / "a.tmp").write_text("1")
    (root / "b.tmp").write_text("1")
    rig = Rig(root, tmp_path, Snapshots((root,), tmp_path / "kept/store"))
    rig.survey()
    (tmp_path / ".gitignore").write_text("a.tmp\n")
    (tmp_path / ".git/info/exclude").write_text("b.tmp\n")
    (root / "a.tmp").write_text("2")
    (root / "b.tmp").write_text("2")
    assert rig.survey() == ()


def test_the_store_may_lie_in_the_project(tmp_path: Path) -> None:
    rig = Rig(
        tmp_path, tmp_path, Snapshots((tmp_path,), tmp_path / "state/kept/store", apart=[tmp_path / "state"])
    )
    (tmp_path / "a").write_text("a")
    rig.survey()
    (tmp_path / "state/journal").write_text("j")
    assert rig.survey() == ()


def test_large_files_are_named_and_neither_gone_nor_new(rig: Rig) -> None:
    (rig.root / "large").write_bytes(b"x" * (SNAPSHOT_FILE_BYTES + 1))
    rig.survey()
    assert str(rig.root / "large") in rig.snapshots.uncovered
    (rig.root / "large").write_text("small")
    assert rig.survey() == ()
    assert rig.snapshots.uncovered == ""
    (rig.root / "large").write_bytes(b"y" * (SNAPSHOT_FILE_BYTES + 1))
    changes = rig.survey()
    assert _names(rig, changes) == {"large"}, "what is covered stays so when it grows"
    rig.undo(changes)
    assert (rig.root / "large").read_text() == "small"


def test_a_project_that_is_too_large_is_covered_in_part(rig: Rig) -> None:
    for number in range(SNAPSHOT_TREE_BYTES // SNAPSHOT_FILE_BYTES + 2):
        with (rig.root / f"{number:04}").open("wb") as file:
            file.truncate(SNAPSHOT_FILE_BYTES)
    rig.survey()
    assert "2 " not in rig.snapshots.uncovered
    assert f"{SNAPSHOT_TREE_BYTES:,} bytes" in rig.snapshots.uncovered
    for path in rig.root.iterdir():
        path.write_bytes(b"x")
    assert len(rig.survey()) == SNAPSHOT_TREE_BYTES // SNAPSHOT_FILE_BYTES


def test_names_that_are_no_text_are_left_alone(rig: Rig) -> None:
    (rig.root / "folder").mkdir()
    bad = rig.root / "folder" / os.fsdecode(b"\xff\xfe")
    rig.survey()
    bad.write_bytes(b"x")
    (rig.root / "link").symlink_to(os.fsdecode(b"\xff"))
    assert rig.survey() == ()
    bad.unlink()
    assert rig.survey() == ()


def test_sockets_and_pipes_are_left_alone(rig: Rig) -> None:
    rig.survey()
    os.mkfifo(rig.root / "pipe")
    assert rig.survey() == ()
    (rig.root / "pipe").unlink()
    assert rig.survey() == ()


def test_what_cannot_be_read_is_not_gone(plain_rig: Rig) -> None:
    root = plain_rig.root
    (root / "folder").mkdir()
    (root / "folder/inner").write_text("x")
    (root / "file").write_text("x")
    plain_rig.survey()
    (root / "folder").chmod(0)
    (root / "file").chmod(0)
    changes = plain_rig.survey()
    assert _names(plain_rig, changes) == {"folder", "file"}
    assert all(change.after and change.after.mode == 0 for change in changes)
    assert str(root / "folder") in plain_rig.snapshots.uncovered
    (root / "folder").chmod(0o755)
    (root / "file").chmod(0o644)
    (root / "folder/inner").unlink()
    assert _names(plain_rig, plain_rig.survey()) == {"folder", "file", "folder/inner"}


@pytest.mark.parametrize("becomes", ["nothing", "a file", "a link"])
def test_a_root_that_is_away_is_not_empty(rig: Rig, becomes: str) -> None:
    (rig.root / "a").write_text("a")
    rig.survey()
    rig.root.rename(rig.outside / "away")
    if becomes == "a file":
        rig.root.write_text("file")
    elif becomes == "a link":
        rig.root.symlink_to(rig.outside)
    assert rig.survey() == ()
    assert str(rig.root) in rig.snapshots.uncovered
    if becomes != "nothing":
        rig.root.unlink()
    (rig.outside / "away").rename(rig.root)
    (rig.root / "a").write_text("b")
    assert _names(rig, rig.survey()) == {"a"}


# --- how it is noticed ------------------------------------------------------------------------------


def test_a_change_that_leaves_size_and_time_is_noticed(rig: Rig) -> None:
    path = rig.root / "a"
    path.write_bytes(b"1")
    rig.survey()
    for number in range(50):
        seen = path.stat()
        path.write_bytes(b"%d" % (number % 2 + 2))
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert len(rig.survey()) == 1


@pytest.mark.parametrize(("passed", "reads"), [(5_000_000, 2), (1_000_000_000, 1)])
def test_a_file_that_was_changed_just_before_it_was_seen_is_read_again(
    tmp_path: Path, passed: int, reads: int
) -> None:
    """Another change within one tick of the clock would leave it with the same time."""
    (tmp_path / "a").write_text("a")
    known = Tree()
    kept: list[bytes] = []

    def keep(data: bytes) -> str:
        kept.append(data)
        return hash_of(data)

    changed = (tmp_path / "a").stat().st_ctime_ns
    for now in (changed + passed, changed + 10_000_000_000):
        scan = Scan(tmp_path, known, keep, now=partial(int, now))
        seen = scan.run(silent=True, judge=False)
        assert seen
        known.update(seen.entries)
    assert len(kept) == reads


def test_each_kind_of_change_is_noticed_in_folders_that_are_not_listed_again(tmp_path: Path) -> None:
    for number in range(300):
        place = tmp_path / str(number % 20)
        place.mkdir(exist_ok=True)
        (place / str(number)).write_text(str(number))
    known = Tree()

    def changed() -> set[str]:
        seen = Scan(tmp_path, known, hash_of).run(silent=not known.files, judge=False)
        assert seen
        known.update(seen.entries)
        return {path for path, _, _ in seen.changes}

    for _ in range(4):
        assert changed() == set()
        time.sleep(0.05)
    folders = (1, 8, 19)
    for number in folders:
        place = tmp_path / str(number)
        (place / str(number)).write_text("other")
        (place / str(number + 20)).unlink()
        (place / str(number + 40)).chmod(0o600)
        (place / "new").write_text("new")
        (place / "made").mkdir()
        (place / "made/file").write_text("new")
    assert changed() == {
        f"{number}/{name}"
        for number in folders
        for name in (number, number + 20, number + 40, "new", "made", "made/file")
    }
    for number in folders:
        (tmp_path / str(number) / "made/file").write_text("once more")
    assert changed() == {f"{number}/made/file" for number in folders}
    for _ in range(3):
        time.sleep(0.05)
        assert changed() == set()
    for number in folders:
        (tmp_path / str(number) / "new").write_text("old")
        (tmp_path / str(number) / str(number)).chmod(0o600)
    assert changed() == {f"{number}/{name}" for number in folders for name in ("new", number)}


def test_a_file_that_may_have_changed_unnoticed_is_read_in_a_folder_that_has_not(tmp_path: Path) -> None:
    for name in ("first", "last"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("old")
        (tmp_path / name / "other").write_text("old")
    time.sleep(0.05)
    for name in ("first", "last"):
        (tmp_path / name / "file").write_text("new")
    now = (tmp_path / "last/file").stat().st_ctime_ns + 5_000_000
    known, kept = Tree(), list[bytes]()

    def keep(data: bytes) -> str:
        kept.append(data)
        return hash_of(data)

    for _ in range(4):
        kept.clear()
        seen = Scan(tmp_path, known, keep, now=partial(int, now)).run(silent=True, judge=False)
        assert seen
        known.update(seen.entries)
    assert kept == [b"new", b"new"]


def test_a_survey_that_is_cancelled_stops_and_the_next_one_tells_all(rig: Rig) -> None:
    (rig.root / "a").write_text("a")
    rig.survey()
    (rig.root / "a").write_text("b")

    async def cancelled() -> None:
        task = asyncio.ensure_future(rig.snapshots.survey(print))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert rig.state("a") == FileState("file", hash_of(b"b"), (rig.root / "a").stat().st_mode & 0o7777)
