"""Whatever commands do to files, undoing it gives the same bytes, modes, links and folders again."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_core.files import FileChange, FileState
from akmon_tools.snapshots import Snapshots
from tests.tools.snapshots.conftest import Rig, tree


def _populate(root: Path) -> None:
    def put(name: str, data: bytes, mode: int = 0o644) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)

    put("crlf.txt", b"one\r\ntwo\r\n")
    put("mixed.txt", b"one\r\ntwo\nthree\r")
    put("bom.txt", b"\xef\xbb\xbfhi\n")
    put("utf16.txt", "hi\n".encode("utf-16"))
    put("binary", bytes(range(256)) * 40)
    put("random", os.urandom(5000))
    put("empty", b"")
    put("no newline", b"x")
    put("private", b"p", 0o600)
    put("tool.sh", b"#!/bin/sh\n", 0o755)
    put("readonly", b"r", 0o444)
    put("sticky", b"s", 0o4755)
    put("ünï/日本/файл 🙂.txt", b"names")
    put("a\nb", b"a name with a line end")
    put("-dash", b"-")
    put("/".join(f"level{n}" for n in range(30)) + "/deep", b"d")
    put("nested/.git/HEAD", b"ref: refs/heads/main\n")
    put("nested/work.c", b"int x;\n")
    put("sub/.git", b"gitdir: ../elsewhere\n")
    put("sub/module.py", b"m = 1\n")
    put("one", b"linked")
    os.link(root / "one", root / "other")
    (root / "hollow/inner").mkdir(parents=True)
    (root / "shut").mkdir()
    (root / "shut").chmod(0o700)
    (root / "dangling").symlink_to("nowhere")
    (root / "to folder").symlink_to("hollow")
    (root / "absolute").symlink_to("/etc/hostname")
    (root / "relative").symlink_to("../out/secret")
    (root / "circle").symlink_to("circle")


def _delete(root: Path) -> None:
    for path in sorted(root.rglob("*"), reverse=True):
        if ".git" in path.parts:
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink()


def _overwrite(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and ".git" not in path.parts:
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n") + b"more")


def _modes(root: Path) -> None:
    for path in root.rglob("*"):
        if not path.is_symlink() and ".git" not in path.parts:
            path.chmod(stat.S_IMODE(path.stat().st_mode) ^ 0o111)


def _rename(root: Path) -> None:
    for path in root.iterdir():
        if path.name not in (".git", "nested", "sub"):
            path.rename(root / f"{path.name}.new")


def _case(root: Path) -> None:
    for path in root.iterdir():
        if path.name not in (".git", "nested", "sub") and path.name != path.name.upper():
            path.rename(root / path.name.upper())


def _kinds(root: Path) -> None:
    """Files become folders, folders files, links files, and files links."""
    for path in list(root.iterdir()):
        if path.name in ("nested", "sub"):
            continue
        if path.is_symlink():
            path.unlink()
            path.write_text("was a link")
        elif path.is_dir():
            _delete(path)
            path.rmdir()
            path.write_text("was a folder")
        elif len(path.name) % 2:
            path.unlink()
            path.symlink_to("hollow")
        else:
            path.unlink()
            (path / "deeper").mkdir(parents=True)
            (path / "deeper/file").write_text("was a file")


def _relink(root: Path) -> None:
    for path in root.iterdir():
        if path.is_symlink():
            path.unlink()
            path.symlink_to("somewhere/else")


@pytest.mark.parametrize("happens", [_delete, _overwrite, _modes, _rename, _case, _kinds, _relink])
def test_what_commands_did_is_undone_and_done_again_exactly(
    rig: Rig, happens: Callable[[Path], None]
) -> None:
    _populate(rig.root)
    assert rig.survey() == ()
    before = tree(rig.root)
    happens(rig.root)
    after = tree(rig.root)
    assert after != before
    changes = rig.survey()
    undone = rig.undo(changes)
    assert tree(rig.root) == before
    assert rig.survey() == ()
    rig.undo(undone)
    assert tree(rig.root) == after
    assert rig.survey() == ()


def test_hard_links_are_found_and_put_back_under_both_names(rig: Rig) -> None:
    _populate(rig.root)
    rig.survey()
    (rig.root / "one").write_bytes(b"through either name")
    changes = rig.survey()
    assert {Path(change.path).name for change in changes} == {"one", "other"}
    rig.undo(changes)
    assert (rig.root / "one").read_bytes() == (rig.root / "other").read_bytes() == b"linked"


def test_version_control_is_never_touched(rig: Rig) -> None:
    _populate(rig.root)
    rig.survey()
    (rig.root / "nested/.git/HEAD").write_text("ref: refs/heads/other\n")
    (rig.root / "sub/.git").unlink()
    (rig.root / "nested/work.c").write_text("int y;\n")
    changes = rig.survey()
    assert [change.path for change in changes] == [str(rig.root / "nested/work.c")]


def test_a_folder_in_which_someone_put_something_stays(rig: Rig) -> None:
    rig.survey()
    (rig.root / "made/by/agent").mkdir(parents=True)
    (rig.root / "made/by/agent/file").write_text("agent")
    changes = rig.survey()
    (rig.root / "made/by/mine").write_text("user")
    rig.undo(changes)
    assert tree(rig.root).keys() == {"made", "made/by", "made/by/mine"}


def test_a_file_that_someone_changed_since_is_not_put_back(rig: Rig) -> None:
    (rig.root / "a").write_text("one")
    rig.survey()
    (rig.root / "a").write_text("two")
    (change,) = rig.survey()
    (rig.root / "a").write_text("mine")
    undo = FileChange(change.path, change.after, change.before)
    with pytest.raises(ToolError, match="no longer what it was"):
        rig.snapshots.restore(undo)
    assert (rig.root / "a").read_text() == "mine"
    assert [seen.after for seen in rig.survey()] == [rig.state("a")]


def test_nothing_is_put_back_through_a_link(rig: Rig) -> None:
    (rig.root / "folder").mkdir()
    (rig.root / "folder/file").write_text("inside")
    rig.survey()
    (rig.root / "folder/file").unlink()
    (change,) = rig.survey()
    (rig.root / "folder").rmdir()
    (rig.root / "folder").symlink_to(rig.outside)
    with pytest.raises(ToolError, match="cannot put back"):
        rig.snapshots.restore(FileChange(change.path, None, change.before))
    assert list(rig.outside.iterdir()) == []


def test_what_lies_behind_a_link_is_no_part_of_the_project(rig: Rig) -> None:
    (rig.outside / "secret").write_text("s")
    (rig.root / "link").symlink_to(rig.outside)
    rig.survey()
    (rig.outside / "secret").write_text("other")
    (rig.outside / "new").write_text("new")
    assert rig.survey() == ()
    assert rig.snapshots.look([str(rig.root / "link/secret")]) == {str(rig.root / "link/secret"): None}


def test_a_content_that_is_not_kept_is_refused(rig: Rig) -> None:
    rig.survey()
    change = FileChange(str(rig.root / "a"), None, FileState("file", "ab" * 32, 0o644))
    with pytest.raises(ToolError, match="no longer kept"):
        rig.snapshots.restore(change)
    assert tree(rig.root) == {}


def test_a_pipe_is_never_replaced(rig: Rig) -> None:
    rig.survey()
    (rig.root / "a").write_text("a")
    (change,) = rig.survey()
    (rig.root / "a").unlink()
    os.mkfifo(rig.root / "a")
    (now,) = rig.snapshots.look([change.path]).values()
    with pytest.raises(ToolError, match="cannot be kept"):
        rig.snapshots.restore(FileChange(change.path, now, change.after))


def test_files_go_back_into_a_folder_that_is_marked_read_only(plain_rig: Rig) -> None:
    folder = plain_rig.root / "sealed"
    folder.mkdir()
    (folder / "file").write_text("x")
    folder.chmod(0o555)
    plain_rig.survey()
    before = tree(plain_rig.root)
    folder.chmod(0o755)
    (folder / "file").unlink()
    folder.rmdir()
    plain_rig.undo(plain_rig.survey())
    assert tree(plain_rig.root) == before
    folder.chmod(0o755)


def test_two_folders_of_a_project_are_apart(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    snapshots = Snapshots((one, two), tmp_path / "kept/store")
    rig = Rig(one, tmp_path, snapshots)
    rig.survey()
    (one / "a").write_text("1")
    (two / "a").write_text("2")
    changes = rig.survey()
    assert {change.path for change in changes} == {str(one / "a"), str(two / "a")}
    rig.undo(changes)
    assert tree(one) == tree(two) == {}
