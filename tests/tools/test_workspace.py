"""Which paths lie inside, whatever links, dots and strange names say."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import SettingsError, ToolError
from akmon_core.tools import Effect
from akmon_tools.anchored import open_file, replace_file
from akmon_tools.workspace import Workspace


def relative(workspace: Workspace, path: str) -> str | None:
    (target,) = workspace.locate((Effect("write", path),))
    return target.relative


ESCAPES = [
    "../out/secret.txt",
    "{ws}/../out/secret.txt",
    "{out}/secret.txt",
    "{ws}-evil/secret.txt",
    "sub/../../out/secret.txt",
    "nowhere/../../out/new.txt",
    "./././../out/secret.txt",
    "~/../../../../etc/passwd",
    "link",
    "chain",
    "dangling",
    "dirlink/secret.txt",
    "dirlink/new/deeper.txt",
    "sub/../dirlink/secret.txt",
    "/proc/self/root/etc/passwd",
    "/proc/self/cwd/../../../../../../../../../etc/passwd",
    "/proc/self/environ",
    "/dev/tty",
    "/dev/fd/0",
    "file:///../../out/secret.txt",
]


@pytest.fixture
def traps(hands: Any) -> Any:
    (hands.root / "sub").mkdir()
    evil = Path(f"{hands.root}-evil")
    evil.mkdir()
    (evil / "secret.txt").write_text("CANARY")
    (hands.root / "link").symlink_to(hands.out / "secret.txt")
    (hands.root / "chain").symlink_to("link")
    (hands.root / "dangling").symlink_to(hands.out / "new.txt")
    (hands.root / "dirlink").symlink_to(hands.out)
    return hands


@pytest.mark.parametrize("path", ESCAPES)
def test_a_path_that_leads_out_is_refused_by_every_tool_and_located_outside(traps: Any, path: str) -> None:
    path = path.format(ws=traps.root, out=traps.out)
    assert relative(traps.workspace, path) is None
    assert "--add-dir" in traps.refused("read", path=path)
    assert "--add-dir" in traps.refused("write", path=path, content="pwn")
    assert "--add-dir" in traps.refused("edit", path=path, old="CANARY", new="pwn")
    assert "--add-dir" in traps.refused("search", path=path, pattern="CANARY")
    assert "--add-dir" in traps.refused("list", path=path)
    assert (traps.out / "secret.txt").read_text() == "CANARY\n"
    assert not (traps.out / "new.txt").exists()
    assert not (traps.out / "new").exists()


def test_the_message_names_where_a_link_leads(traps: Any) -> None:
    assert str(traps.out / "secret.txt") in traps.refused("write", path="link", content="x")


def test_a_link_that_stays_inside_is_followed_to_its_file(hands: Any) -> None:
    (hands.root / "real.txt").write_text("one\n")
    (hands.root / "alias.txt").symlink_to("real.txt")
    assert relative(hands.workspace, "alias.txt") == "real.txt"
    hands("edit", path="alias.txt", old="one", new="two")
    assert (hands.root / "real.txt").read_text() == "two\n"
    assert (hands.root / "alias.txt").is_symlink()


@pytest.mark.parametrize(
    "path", ["loop", "loop/x", "nowhere/../loop", "a\0b", "x" * 5_000, "\udcff", "x\ud800"]
)
def test_a_path_that_cannot_be_resolved_counts_as_outside_and_never_raises(hands: Any, path: str) -> None:
    (hands.root / "loop").symlink_to("loop")
    (hands.root / "deep").mkdir()
    (target,) = hands.workspace.locate((Effect("read", path),))
    assert target.relative is None
    assert target.problem
    with pytest.raises(ToolError):
        hands.workspace.resolve(path)


def test_a_link_that_leads_in_a_circle_is_said_to(hands: Any) -> None:
    (hands.root / "loop").symlink_to("loop")
    (target,) = hands.workspace.locate((Effect("write", "loop"),))
    assert "in a circle" in target.problem
    assert "in a circle" in hands.refused("read", path="loop")


def test_a_long_chain_of_links_leads_to_its_end_or_is_refused(hands: Any) -> None:
    """Python 3.13 follows any number of links, earlier versions do not."""
    (hands.root / "l0").write_text("end")
    for number in range(1, 1_200):
        (hands.root / f"l{number}").symlink_to(f"l{number - 1}")
    place = relative(hands.workspace, "l1199")
    assert place in (None, "l0")
    if place:
        assert hands.workspace.resolve("l1199") == hands.root / "l0"
    else:
        with pytest.raises(ToolError):
            hands.workspace.resolve("l1199")


def test_a_root_inside_another_is_seen_from_the_first_that_contains_it(hands: Any) -> None:
    (hands.root / ".git" / "hooks").mkdir(parents=True)
    workspace = Workspace([hands.root, hands.root / ".git", hands.out])
    assert relative(workspace, ".git/hooks/x") == ".git/hooks/x"
    assert relative(workspace, str(hands.out / "new" / "x.txt")) == "new/x.txt"
    assert relative(workspace, ".") == "."


def test_effects_that_are_no_paths_pass_through(hands: Any) -> None:
    effects = (Effect("run", "cat /etc/passwd"), Effect("fetch", "http://x/"))
    targets = hands.workspace.locate(effects)
    assert tuple(target.effect for target in targets) == effects
    assert [target.path for target in targets] == [str(hands.workspace.cwd), ""]
    assert all(target.relative is None for target in targets)


def test_paths_start_from_the_cwd(hands: Any) -> None:
    (hands.root / "sub").mkdir()
    workspace = Workspace([hands.root], hands.root / "sub")
    assert workspace.resolve("a.txt") == hands.root / "sub" / "a.txt"
    assert relative(workspace, "../b.txt") == "b.txt"
    assert workspace.show(hands.root / "sub" / "a.txt") == "a.txt"


def test_a_cwd_outside_every_root_or_a_missing_root_is_refused(hands: Any) -> None:
    with pytest.raises(SettingsError):
        Workspace([hands.root], hands.out)
    with pytest.raises(SettingsError):
        Workspace([hands.root / "missing"])
    with pytest.raises(SettingsError):
        Workspace([])


def test_pipes_and_sockets_are_refused_without_waiting(hands: Any) -> None:
    os.mkfifo(hands.root / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(hands.root / "sock"))
    for name in ("fifo", "sock"):
        assert "only regular files" in hands.refused("read", path=name)
        assert "only regular files" in hands.refused("write", path=name, content="x")


def test_a_pipe_put_in_place_after_the_check_is_refused_without_waiting(hands: Any) -> None:
    os.mkfifo(hands.root / "fifo")
    with pytest.raises(OSError, match="regular"):
        open_file(hands.root, ("fifo",))


def test_a_link_put_in_place_of_a_file_after_the_check_is_not_followed(hands: Any) -> None:
    path = hands.workspace.resolve("note.txt")
    path.symlink_to(hands.out / "secret.txt")
    with pytest.raises(ToolError, match="link"):
        hands.workspace.read_text(path)
    with pytest.raises(ToolError, match="link"):
        hands.workspace.write_text(path, "pwn")
    assert (hands.out / "secret.txt").read_text() == "CANARY\n"


def test_a_link_put_in_place_of_a_folder_after_the_check_is_not_followed(hands: Any) -> None:
    path = hands.workspace.resolve("folder/secret.txt")
    (hands.root / "folder").symlink_to(hands.out)
    with pytest.raises(ToolError):
        hands.workspace.read_text(path)
    with pytest.raises(ToolError):
        hands.workspace.write_text(path, "pwn")
    with pytest.raises(ToolError):
        hands.workspace.write_text(hands.root / "folder" / "deep" / "new.txt", "pwn")
    assert (hands.out / "secret.txt").read_text() == "CANARY\n"
    assert not (hands.out / "deep").exists()


def test_a_hard_link_elsewhere_keeps_its_content(hands: Any) -> None:
    os.link(hands.out / "secret.txt", hands.root / "hard.txt")
    hands("edit", path="hard.txt", old="CANARY", new="changed")
    assert (hands.root / "hard.txt").read_text() == "changed\n"
    assert (hands.out / "secret.txt").read_text() == "CANARY\n"


PARTS = st.sampled_from(["a", "b", "f", "in", "up", "out", "self", "..", ".", "new", "", "ü"])


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=7), absolute=st.booleans())
def test_nothing_is_located_inside_whose_real_path_is_outside(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], absolute: bool
) -> None:
    base = tmp_path_factory.mktemp("law").resolve()
    root = base / "ws"
    (root / "a" / "b").mkdir(parents=True)
    (base / "out" / "a").mkdir(parents=True)
    (root / "f").write_text("x")
    (root / "in").symlink_to("a/b")
    (root / "a" / "up").symlink_to("../../out")
    (root / "out").symlink_to(base / "out" / "missing")
    (root / "self").symlink_to("self")
    workspace = Workspace([root])
    text = "/".join(parts)
    path = f"{root}/{text}" if absolute else text
    (target,) = workspace.locate((Effect("read", path),))
    real = os.path.realpath(root / path)
    inside = real == str(root) or real.startswith(f"{root}/")
    assert target.relative is None or inside
    if target.relative is not None:
        assert target.path == real
        assert (root / target.relative) == Path(real)


# --- writing ----------------------------------------------------------------------------------------


def test_writing_keeps_the_mode_and_makes_new_files_by_the_umask(hands: Any) -> None:
    script = hands.root / "run.sh"
    script.write_text("old")
    script.chmod(0o754)
    hands.workspace.write_text(script, "new")
    assert script.stat().st_mode & 0o7777 == 0o754
    umask = os.umask(0o027)
    try:
        hands.workspace.write_text(hands.root / "fresh", "x")
    finally:
        os.umask(umask)
    assert (hands.root / "fresh").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_writing_keeps_the_owner(hands: Any) -> None:
    path = hands.root / "theirs"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    hands.workspace.write_text(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_file_marked_read_only_is_left_alone_also_by_root(hands: Any) -> None:
    path = hands.root / "frozen"
    path.write_text("old")
    path.chmod(0o444)
    assert "read-only" in hands.refused("edit", path="frozen", old="old", new="new")
    assert path.read_text() == "old"
    assert hands.names() == ["frozen"]


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_other(hands: Any) -> None:
    resource = pytest.importorskip("resource")
    path = hands.root / "big.txt"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(ToolError, match=r"cannot write big\.txt: the file would be larger"):
            hands.workspace.write_text(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old"
    assert hands.names() == ["big.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_in_plain_words() -> None:
    from akmon_tools.oserrors import tool_error

    with pytest.raises(OSError, match="space") as caught, open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123
        full.write(b"x")
    assert str(tool_error("cannot write a", caught.value)) == "cannot write a: the disk is full."


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder where not even root can write")
def test_a_folder_that_cannot_be_written_gives_a_plain_message() -> None:
    workspace = Workspace(["/sys/kernel"])
    with pytest.raises(ToolError, match=r"cannot write akmon-test: .*(denied|read-only)"):
        workspace.write_text(workspace.resolve("akmon-test"), "x")


def test_a_path_below_a_file_gives_a_plain_message(hands: Any) -> None:
    (hands.root / "file").write_text("x")
    assert "a file, not a folder" in hands.refused("write", path="file/below.txt", content="x")


def test_a_name_that_is_too_long_gives_a_plain_message(hands: Any) -> None:
    assert "too long" in hands.refused("write", path="n" * 300, content="x")
    hands("write", path="n" * 255, content="x")
    assert hands.names() == ["n" * 255]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of this kind")
def test_a_write_that_fails_leaves_no_folders_behind(hands: Any) -> None:
    import resource

    (hands.root / "old").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))  # as on a full disk: it ends in the middle
    try:
        assert "cannot write" in hands.refused("write", path="new/deep/a.txt", content="x" * 5_000)
        assert "cannot write" in hands.refused("write", path="old/new/a.txt", content="x" * 5_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [str(path.relative_to(hands.root)) for path in hands.root.rglob("*")] == ["old"]


def test_replacing_a_folder_is_refused(hands: Any) -> None:
    (hands.root / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(hands.root, ("folder",), b"x")


def test_a_folder_inside_another_is_no_root_of_its_own(hands: Any) -> None:
    inner = hands.root / "inner"
    inner.mkdir()
    for folders in ((inner, hands.root), (hands.root, inner), (inner, hands.root, inner)):
        workspace = Workspace(folders)
        assert workspace.roots == (hands.root,)
        assert workspace.cwd == folders[0]
        assert relative(workspace, str(inner / "a.txt")) == "inner/a.txt"
