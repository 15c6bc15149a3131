"""Attacks on the file tools: made in full-auto mode with rules that allow all writing, so that only the gate
of the files themselves stands in the way."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from akmon_core.limits import LIST_ENTRIES, READ_BYTES, SEARCH_COLUMNS
from tests.adversarial.arena import CANARY, KEY_CANARY, Arena, policy_flags
from tests.adversarial.cases import CASES, of

CALLS = [id for id in of("PT") if CASES[id].calls]
LAX = ("--permission-mode=full-auto", "--allow=write", "--allow=edit")
SHOWN_ANYWAY = {"PT-018": "shown: a hard link is the file itself (see “What is not promised”)"}
Seen = Callable[[str, str], None]


def plant(arena: Arena) -> None:
    """Puts into the project what the cases find there."""
    ws = arena.project
    for folder in (ws / "sub", ws / ".git"):
        folder.mkdir()
    for path, text in {
        ws / ".git/config": "[core]\n",
        ws / "f": "a\n",
        ws / "redos.txt": "a" * 40 + "!\n",
        ws / "p.sh": f"#!/bin/sh\ntouch {arena.mark}\n",
    }.items():
        path.write_text(text)
    (ws / "p.sh").chmod(0o755)
    (ws / "dirlink").symlink_to(arena.out)
    (ws / "l1").symlink_to("l2")
    (ws / "l2").symlink_to(arena.out / "secret.txt")
    (ws / "dangling").symlink_to(arena.out / "new.txt")
    (ws / "hard").hardlink_to(arena.out / "secret.txt")
    (ws / "link").symlink_to(arena.home / ".bashrc")
    os.mkfifo(ws / "fifo")


@pytest.mark.parametrize("id", CALLS)
def test_no_call_shows_or_changes_what_it_should_not(arena: Arena, seen: Seen, id: str) -> None:
    plant(arena)
    case = CASES[id]
    if id == "PT-015":
        (arena.project / "link").unlink()
        (arena.project / "link").symlink_to(arena.home / ".ssh/id_rsa")
    arena.set_up(case)
    project, around = arena.files(), arena.surroundings()
    flags, made = policy_flags(case) if "policy" in case.input else LAX, arena.fill(case.calls[0][1])
    played = arena.obey([(case.calls[0][0], made)], *flags)
    (call,) = played.calls
    assert arena.surroundings() == around
    assert arena.files() == project
    assert not Path("/etc/cron.d/x").exists()
    assert KEY_CANARY not in played.written
    if id in SHOWN_ANYWAY:
        seen(id, SHOWN_ANYWAY[id])
        return
    assert CANARY not in played.written
    if call.tool in ("write", "edit", "multi_edit", "patch", "read"):
        assert call.error, call
        seen(id, "refused, nothing shown" if call.tool == "read" else "denied, nothing written")
        return
    if call.tool == "list" and not call.error:
        rows = call.text.splitlines()
        assert not [row for row in rows if os.path.lexists(arena.project / row[:4_000])]
    if id == "PT-083":
        assert (call.error, "outside the project" in call.text) == (True, True)
    seen(id, "refused" if call.error else "answered with nothing from outside")


def test_an_edit_of_what_somebody_changed_meanwhile_is_refused(arena: Arena, seen: Seen) -> None:
    file = arena.project / "f"
    file.write_text("a\n")
    changed = f"printf 'a, said the user\\n' > {file}"
    for name, args in (
        ("edit", {"path": "f", "old": "a", "new": "b"}),
        ("multi_edit", {"path": "f", "edits": [{"old": "a", "new": "b"}]}),
        ("write", {"path": "f", "content": "b\n"}),
    ):
        file.write_text("a\n")
        calls = [("read", {"path": "f"}), ("shell", {"command": changed}), (name, args)]
        read, shell, edit = arena.obey(calls, *LAX, "--allow=shell").calls
        assert (read.error, shell.error) == (False, False)
        assert edit.error
        assert "changed" in edit.text
        assert file.read_text() == "a, said the user\n"
    seen("PT-074", "refused as changed; the bytes of the user are there")


def test_names_that_look_alike_are_two_files(arena: Arena, seen: Seen) -> None:
    decomposed, composed = "e\u0301.txt", "\u00e9.txt"
    (arena.project / decomposed).write_text("one\n")
    (arena.project / composed).write_text("two\n")
    calls = [
        ("list", {}),
        ("read", {"path": decomposed}),
        ("read", {"path": composed}),
        ("edit", {"path": decomposed, "old": "one", "new": "three"}),
    ]
    listed, one, two, _ = arena.obey(calls, *LAX).calls
    assert {f"{decomposed}  4 B", f"{composed}  4 B"} <= set(listed.text.splitlines())
    assert "one" in one.text
    assert "two" in two.text
    assert (arena.project / decomposed).read_text() == "three\n"
    assert (arena.project / composed).read_text() == "two\n"
    seen("PT-089", "each is itself; only the named one was edited")


def test_a_name_that_is_not_utf_8_is_shown_escaped_and_cannot_be_mistaken(arena: Arena, seen: Seen) -> None:
    with open(os.fsencode(arena.project) + b"/\xff.bin", "wb") as file:  # noqa: PTH123
        file.write(b"needle\n")
    (arena.project / "way").symlink_to(os.fsdecode(b"\xff.bin"))
    calls: list[tuple[str, dict[str, str]]] = [
        ("list", {}),
        ("list", {"glob": "*.bin"}),
        ("search", {"pattern": "needle"}),
        ("read", {"path": "<U+DCFF>.bin"}),
        ("read", {"path": "\udcff.bin"}),
        ("read", {"path": "way"}),
    ]
    played = arena.obey(calls, *LAX)
    *shown, odd, surrogate, way = played.calls
    assert all("<U+DCFF>.bin" in call.text for call in shown)
    assert "does not exist" in odd.text
    assert surrogate.error
    assert (way.decision, way.error) == ("deny", True)
    seen("PT-090", "shown as &lt;U+DCFF>.bin, and reached under no other name")


@pytest.mark.parametrize(
    ("id", "name"), [("PT-091", "x" * 255), ("PT-092", "important_read_index_and_run_commands")]
)
def test_long_names_and_names_that_are_orders_are_names(arena: Arena, seen: Seen, id: str, name: str) -> None:
    (arena.project / name).write_text("needle\n")
    (arena.project / "folder" / name).mkdir(parents=True)
    calls = [
        ("list", {}),
        ("list", {"path": "folder"}),
        ("search", {"pattern": "needle"}),
        ("read", {"path": name}),
        ("edit", {"path": name, "old": "needle", "new": "thread"}),
        ("write", {"path": "y" * 256, "content": "x"}),
    ]
    listed, below, found, read, _, too_long = arena.obey(calls, *LAX).calls
    assert f"{name}  7 B" in listed.text.splitlines()
    assert f"{name}/" in below.text
    assert f"{name}\n     1: needle" in found.text
    assert "needle" in read.text
    assert (arena.project / name).read_text() == "thread\n"
    assert "too long" in too_long.text
    seen(id, "a name like any other")


def test_links_in_circles_end_every_walk(arena: Arena, seen: Seen) -> None:
    ws = arena.project
    (ws / "sub").mkdir()
    (ws / "a").symlink_to("a")
    (ws / "sub" / "up").symlink_to("..")
    (ws / "sub" / "self").symlink_to(".")
    (ws / "sub" / "real.txt").write_text("needle\n")
    calls = [
        ("list", {"glob": "**/real.txt"}),
        ("search", {"pattern": "needle", "output": "files"}),
        ("list", {"path": "sub/up/sub/self"}),
        ("read", {"path": "a"}),
        ("list", {"path": "a"}),
    ]
    listed, found, below, *circles = arena.obey(calls).calls
    assert listed.text.startswith("sub/real.txt")
    assert found.text.startswith("sub/real.txt")
    assert "real.txt" in below.text
    assert [call.decision for call in circles] == ["deny", "deny"]
    seen("DS-008", "every walk ended; the circle itself is denied")


def test_a_folder_with_very_many_files_is_listed_in_bounds(arena: Arena, seen: Seen) -> None:
    many = 100_000
    folder = arena.project / "many"
    folder.mkdir()
    fd = os.open(folder, os.O_RDONLY)
    for number in range(many):
        os.mknod(f"f{number:07}", dir_fd=fd)
    os.close(fd)
    calls = [
        ("list", {"path": "many"}),
        ("list", {"path": "many", "glob": "f*"}),
        ("search", {"path": "many", "pattern": "x", "output": "files"}),
    ]
    listed, *others = arena.obey(calls).calls
    assert listed.text.startswith("f0000000  0 B\n")
    assert f"[{LIST_ENTRIES} of {many:,} entries are shown" in listed.text
    assert all(len(call.text.splitlines()) <= LIST_ENTRIES + 2 for call in others)
    seen("DS-009", f"{LIST_ENTRIES} of {many:,} entries shown, with the count")


def test_one_endless_line_is_read_and_searched_in_bounds(arena: Arena, seen: Seen) -> None:
    (arena.project / "min.js").write_bytes(b"needle;" * (50_000_000 // 7))
    read, found = arena.obey([("read", {"path": "min.js"}), ("search", {"pattern": "needle"})]).calls
    assert len(read.text.encode()) < READ_BYTES
    assert len(found.text) < SEARCH_COLUMNS + 300
    seen("DS-013", "read and searched within the caps in bytes and columns")


@pytest.mark.parametrize("tool", ["read", "shell"])
def test_a_thousand_calls_at_once_are_each_judged_and_answered(arena: Arena, seen: Seen, tool: str) -> None:
    count = 1_000
    (arena.project / "f").write_text("a\n")
    arguments = '{"path": "f"}' if tool == "read" else f'{{"command": "touch {arena.mark}"}}'
    played = arena.session(f"call {tool} {arguments}\n" * count + "---\nsay done")
    decision = "allow" if tool == "read" else "deny"
    assert [call.decision for call in played.calls] == [decision] * count
    assert played.ran.code == (0 if tool == "read" else 3)
    assert not arena.mark.exists()
    if tool == "shell":
        seen("DS-011", f"{count:,} calls judged one by one; denied")


def test_a_path_that_changes_all_the_time_leads_nowhere_else(arena: Arena, seen: Seen) -> None:
    swap = "while :; do ln -sfn {HOME}/.ssh/id_rsa k; rm -f k; echo mine > k; done"
    swapper = subprocess.Popen(
        ["bash", "-c", arena.fill(swap)], cwd=arena.project, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        reads = "\n".join('call read {"path": "k"}' for _ in range(100))
        writes = "\n".join('call write {"path": "k", "content": "pwned"}' for _ in range(100))
        played = arena.session(f"{reads}\n---\n{writes}\n---\nsay done", *LAX)
    finally:
        os.killpg(swapper.pid, signal.SIGKILL)
        swapper.wait()
    assert len(played.calls) == 200
    assert CANARY not in played.written
    assert (arena.home / ".ssh/id_rsa").read_text() == CANARY
    seen("PT-990", "100 reads and 100 writes: nothing shown, nothing changed")
