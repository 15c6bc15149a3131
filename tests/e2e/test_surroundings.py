"""Machines as they are: no git, folders that cannot be written, full disks, several processes at once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Place, sound, wait_for

WRITES = 'call write {"path": "new.txt", "content": "x"}\n---\nsay done'


def test_akmon_works_without_git(place: Place) -> None:
    programs = place.folder / "bin"
    programs.mkdir()
    for name in ("bash", "sh", "cat"):
        (programs / name).symlink_to(shutil.which(name) or "")
    script = """
        call shell {"command": "cat made; command -v git"}
        call write {"path": "x", "content": "y"}
        ---
        say ok
    """
    env = {"PATH": str(programs)}
    ran = place.play(script, "go", "--permission-mode=full-auto", env=env)
    assert (ran.code, ran.out) == (0, "ok\n")
    assert (place.project / "x").exists()
    assert "warning  git       not found; akmon works without it" in place.akmon("doctor", env=env).out


def test_a_run_without_bash_tells_the_model(place: Place) -> None:
    if Path("/bin/bash").exists():
        pytest.skip("bash is found in the system's own folders, whatever PATH says")
    ran = place.play('call shell {"command": "true"}\n---\nsay ok', "go", "--allow=shell", env={"PATH": ""})
    assert "bash was not found" in ran.err


def test_a_part_of_a_repository_belongs_to_the_whole(place: Place) -> None:
    part = place.project / "part"
    part.mkdir()
    subprocess.run(["git", "init", "-q", place.project], check=True)
    (place.project / "README").write_text("whole")
    script = """
        call read {"path": "../README"}
        call write {"path": "here.txt", "content": "x"}
        call write {"path": "../there.txt", "content": "x"}
        call shell {"command": "pwd"}
        ---
        say ok
    """
    ran = place.play(script, "go", "--permission-mode=full-auto", cwd=part)
    assert ran.code == 0
    assert (part / "here.txt").exists()
    assert (place.project / "there.txt").exists()
    assert f"{part}\n" in str(sound(place.journal()).history).replace("\\n", "\n")
    assert place.akmon("sessions", "list").out.startswith(place.journal().stem)


def test_rules_name_paths_from_the_root_wherever_work_starts(place: Place) -> None:
    part = place.project / "part"
    part.mkdir()
    subprocess.run(["git", "init", "-q", place.project], check=True)
    (place.project / ".akmon").mkdir()
    (place.project / ".akmon" / "config.toml").write_text('deny = ["write(part/**)"]')
    script = """
        call write {"path": "a.txt", "content": "x"}
        call write {"path": "../b.txt", "content": "x"}
        ---
        say ok
    """
    ran = place.play(script, "go", "--permission-mode=full-auto", "--output=json", cwd=part)
    assert [denial["targets"] for denial in ran.json["permission_denials"]] == [["a.txt"]]
    assert (place.project / "b.txt").exists()


def mount(*arguments: str | Path) -> None:
    """Skips the test where mounting is not allowed."""
    if not shutil.which("mount"):
        pytest.skip("there is no mount here")
    if subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")


@pytest.fixture
def read_only(place: Place) -> Iterator[Path]:
    """The project, with a file in it, on a file system that cannot be written."""
    (place.project / "old.txt").write_text("old")
    mount("-o", "bind,ro", place.project, place.project)
    yield place.project
    subprocess.run(["umount", place.project], check=True)


def test_a_project_that_cannot_be_written_is_told_to_the_model(place: Place, read_only: Path) -> None:
    script = """
        call read {"path": "old.txt"}
        call write {"path": "new.txt", "content": "x"}
        call edit {"path": "old.txt", "old": "old", "new": "new"}
        call shell {"command": "touch other.txt"}
        ---
        say could not write
    """
    ran = place.play(script, "go", "--permission-mode=full-auto", "--output=json", cwd=read_only)
    assert (ran.code, ran.json["result"]) == (0, "could not write")
    assert [call["success"] for call in ran.json["tool_calls"]] == [True, False, False, False]
    assert "cannot write new.txt: the file system is read-only" in ran.err
    assert ran.json["files_written"] == []


@pytest.fixture
def tiny_disk(place: Place) -> Iterator[Path]:
    """A file system of 16 kB for sessions."""
    disk = place.folder / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=16k", "tmpfs", disk)
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_fills_up_ends_the_run_and_leaves_a_sound_session(place: Place, tiny_disk: Path) -> None:
    script = f"repeat forever\nsay {'word ' * 300}\ncall list {{}}"
    env = {"AKMON_STATE_DIR": str(tiny_disk)}
    ran = place.play(script, "go", "--output=json", env=env)
    assert ran.code == 1
    assert "cannot be used: No space left on device. Free some space" in ran.json["error"]
    (journal,) = tiny_disk.glob("sessions/*/*.jsonl")
    assert place.akmon("sessions", "show", env=env).code == 0
    assert journal.read_bytes().endswith(b"\n")
    subprocess.run(["mount", "-o", "remount,size=1m", tiny_disk], check=True)
    assert place.play("repeat forever\nsay ok", "go on", "-c", env=env).out == "ok\n"
    sound(journal)


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
def test_a_journal_that_may_not_grow_is_an_error_in_plain_words(place: Place, blocks: int) -> None:
    script = f"repeat 3\nsay {'word ' * 100}\ncall list {{}}\n---\nsay done"
    shell = f'ulimit -f {blocks}; exec "$@"'
    whole = {"PYTHONDONTWRITEBYTECODE": "1"}  # a compiled module that is cut off would be read by other runs
    ran = place.play(script, "go", "--output=json", shell=shell, env=whole)
    assert ran.code == 1
    assert "cannot be used: File too large. Free some space or make the folder writable" in ran.json["error"]
    assert "Traceback" not in ran.err


def test_a_state_folder_that_cannot_be_made_is_an_error_in_plain_words(place: Place) -> None:
    (place.folder / "file").write_text("")
    for folder in (place.folder / "file" / "state", Path("/proc/akmon")):
        ran = place.play("say hi", "go", env={"AKMON_STATE_DIR": str(folder)})
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"akmon: the session journal {folder}")
        assert "set AKMON_STATE_DIR to another one" in ran.err
        doctor = place.akmon("doctor", env={"AKMON_STATE_DIR": str(folder)})
        assert doctor.code == 1
        assert "failed   sessions" in doctor.out


def test_a_home_that_cannot_be_written_is_an_error_in_plain_words(place: Place) -> None:
    place.env["HOME"] = "/proc/nobody"
    ran = place.play("say hi", "go")
    assert ran.code == 1
    assert "akmon: the session journal /proc/nobody" in ran.err


def test_two_processes_in_one_project_keep_two_sessions(place: Place) -> None:
    script = place.script("pace 0.02\nsay one two three four five\ncall list {}\n---\nsay done")
    running = [place.start("-m", script, "-p", f"task {number}") for number in range(4)]
    assert [process.wait().code for process in running] == [0] * 4
    assert len(place.journals()) == 4
    for journal in place.journals():
        assert sound(journal).turn == 1


def test_a_session_in_use_cannot_be_resumed_or_deleted(place: Place) -> None:
    running = place.start("-m", place.script("say ok\ndelay 60"), "-p", "long", "--output=stream-json")
    running.until(b'"init"')
    journal = wait_for(place.journals)[0]
    wait_for(lambda: b"prompted" in journal.read_bytes())
    for arguments in (("-p", "more", "-c"), ("-p", "more", "-r", journal.stem)):
        ran = place.akmon("-m", place.script("say ok"), *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert f"session {journal.stem} is in use by another akmon process" in ran.err
    ran = place.akmon("sessions", "delete", journal.stem, "--yes")
    assert ran.code == 1
    assert "is in use by another akmon process" in ran.err
    assert place.akmon("sessions", "show", journal.stem).code == 0
    running.kill()
    assert place.play("repeat forever\nsay ok", "more", "-c").code == 0


def test_a_plug_in_that_is_broken_is_left_out_with_a_warning(place: Place) -> None:
    site = place.folder / "site"
    info = site / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[akmon.tools]\nbroken = broken_tools:tools\n")
    ran = place.play("say ok", "go", env={"PYTHONPATH": str(site)})
    assert (ran.code, ran.out) == (0, "ok\n")
    assert "the tools of broken_tools:tools are left out: ModuleNotFoundError" in ran.err


GREETS = """
import argparse

def parser():
    parser = argparse.ArgumentParser(prog="akmon greet", description="Greets.")
    parser.add_argument("name")
    return parser

def run(options, place):
    print(f"hello {options.name} in {place.root}, {place.withheld('vault/a')} {place.withheld('a')}")
    return 7
"""


def test_a_package_can_bring_a_subcommand(place: Place) -> None:
    site = place.folder / "site"
    info = site / "greets-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greets\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[akmon.commands]\ngreet = greets\n")
    (site / "greets.py").write_text(GREETS)
    settings = place.home / ".config" / "akmon" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('deny = ["read(vault/**)"]\n')
    env = {"PYTHONPATH": str(site)}
    ran = place.akmon("greet", "you", "-C", str(place.project), env=env, cwd=place.home)
    assert (ran.code, ran.out) == (7, f"hello you in {place.project}, True False\n"), ran.err
    assert "greet" in place.akmon("--help", env=env).out
    assert "greet" not in place.akmon("--help").out
    assert "greet" in place.akmon("completion", "bash", env=env).out
    wrong = place.akmon("greet", env=env)
    assert (wrong.code, wrong.err) == (
        2,
        "akmon: the following arguments are required: name. See: akmon greet --help\n",
    )
