"""Taking back what a session did, with the real program: files, conversation, and the undo of the undo."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import pytest

from akmon_core.messages import User
from tests.e2e.program import Place, kinds, sound, wait_for
from tests.e2e.test_conversation import conversation, finished

EDIT = 'call edit {"path": "a.py", "old": "one", "new": "two"}'
MAKES = "rm gone.txt; mkdir sub; echo x > sub/new.txt; chmod 755 run.sh; ln -s a.py link"
MAKE = f'call shell {{"command": "{MAKES}"}}'
WORKS = f'say I begin.\ncall read {{"path": "a.py"}}\n---\n{EDIT}\n---\n{MAKE}\n---\nsay All is changed.'

Tree = dict[str, tuple[bytes, int]]


def tree(folder: Path) -> Tree:
    """Each path below ``folder`` with its content and its permissions."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        data = bytes(path.readlink()) if path.is_symlink() else b"/" if path.is_dir() else path.read_bytes()
        found[str(path.relative_to(folder))] = (data, path.lstat().st_mode)
    return found


@pytest.fixture
def before(place: Place) -> Tree:
    """A project with some files, and what they are."""
    place.env["NO_COLOR"] = "1"
    (place.project / "a.py").write_text("x = 'one'\n")
    (place.project / "gone.txt").write_text("to be kept\r\n", newline="")
    (place.project / "run.sh").write_text("#!/bin/sh\n")
    (place.project / "mine.txt").write_text("mine\n")
    return tree(place.project)


def test_rewind_brings_the_exact_tree_back_and_its_undo_the_work(place: Place, before: Tree) -> None:
    script = f"{WORKS}\n---\nsay Something else."
    with conversation(place, script, "--permission-mode=full-auto", "change it all", plain=True) as terminal:
        terminal.sees("changed: ")
        terminal.sees("All is changed.")
        finished(place)
        after = tree(place.project)
        assert after != before
        terminal.press("/rewind\r")
        terminal.sees("1  change it all")
        terminal.press("/rewind 1\r")
        terminal.sees("restore  a.py")
        terminal.sees("/rewind 1 undoes this rewind.")
        terminal.sees("rewind: the conversation goes on from there")
        terminal.sees("> change it all")
        assert tree(place.project) == before
        terminal.press("\x03/rewind 1\r")
        terminal.until(r"> /rewind 1[\s\S]*rewind: the conversation goes on[\s\S]*\n>")
        wait_for(lambda: tree(place.project) == after or None)
        terminal.press("/rewind\r")
        terminal.sees("2  change it all")
        terminal.sees("1  undo the rewind that was made here")
        terminal.press("/rewind 2 files\r")
        terminal.until(r"/rewind 2 files[\s\S]*rewind: [\s\S]*\n>\Z")
        terminal.press("/rewind 3 conversation\r")
        terminal.until(r"/rewind 3 conversation[\s\S]*\n> change it all\Z")
        terminal.press(" but better\r")
        terminal.sees("Something else.")
        journal = finished(place, 2)
        assert terminal.leaves() == 0
    assert tree(place.project) == before
    said = [message.text for message in sound(journal).history if isinstance(message, User)]
    assert said == ["change it all but better"]


def test_what_the_user_did_in_between_is_kept_and_listed(place: Place, before: Tree) -> None:
    with conversation(place, WORKS, "--permission-mode=full-auto", "change it all", plain=True) as terminal:
        terminal.sees("All is changed.")
        finished(place)
        (place.project / "a.py").write_text("x = 'three'\n")
        (place.project / "mine.txt").write_text("still mine\n")
        terminal.press("/rewind 1 files\r")
        terminal.sees("These files would lose what someone else did to them:")
        terminal.sees("a.py: it was changed since")
        terminal.sees("A number; Enter alone keeps them as they are.")
        terminal.press("1\r")
        terminal.sees("keep     a.py (someone else changed it)")
        terminal.sees("1 left as it is")
        assert terminal.leaves() == 0
    now = tree(place.project)
    assert (now["a.py"][0], now["mine.txt"][0]) == (b"x = 'three'\n", b"still mine\n")
    others = set(before) - {"a.py", "mine.txt"}
    assert {name: now[name] for name in others} == {name: before[name] for name in others}
    assert set(now) == set(before)


def test_a_headless_run_says_what_changed_and_can_be_taken_back(place: Place, before: Tree) -> None:
    ran = place.play(WORKS, "change it all", "--permission-mode=full-auto", "--output=json")
    changed = ["a.py", "gone.txt", "link", "run.sh", "sub/new.txt"]
    assert (ran.code, sorted(ran.json["files_changed"])) == (0, changed)
    assert re.search(r"^  changed: .*gone\.txt", ran.err, re.MULTILINE)
    after = tree(place.project)
    listed = place.akmon("rewind")
    assert re.search(
        r"^  1  \d{4}-\d\d-\d\d \d\d:\d\d  change it all \(6 changed: a\.py, ", listed.out, re.MULTILINE
    )
    back = place.akmon("rewind", "1")
    assert (back.code, tree(place.project)) == (0, before)
    assert "restored  a.py\n" in back.out
    assert "removed   sub/new.txt\n" in back.out
    again = place.akmon("rewind", "1", "--json")
    assert (again.code, tree(place.project)) == (0, after)
    assert again.json["rewound"]["conversation"] is True
    assert sound(place.journal()).turn == 1


def test_files_and_conversation_can_be_taken_back_apart(place: Place, before: Tree) -> None:
    place.play(WORKS, "change it all", "--permission-mode=full-auto")
    after = tree(place.project)
    assert place.akmon("rewind", "1", "--conversation").code == 0
    assert tree(place.project) == after
    assert sound(place.journal()).history == ()
    assert place.akmon("rewind", "1", "--files").code == 0
    assert tree(place.project) == after
    assert sound(place.journal()).history == ()
    place.akmon("rewind", "2")
    assert len(sound(place.journal()).history) > 1


def test_the_model_need_not_be_there_to_take_back_what_it_did(place: Place, before: Tree) -> None:
    place.play(WORKS, "change it all", "--permission-mode=full-auto")
    for script in place.folder.glob("*.script"):
        script.unlink()
    assert place.akmon("-p", "go on", "-c").code != 0
    assert place.akmon("rewind", "1").code == 0
    assert tree(place.project) == before


def test_a_file_that_someone_else_changed_is_kept_unless_it_is_to_be_overwritten(
    place: Place, before: Tree
) -> None:
    place.play(WORKS, "change it all", "--permission-mode=full-auto")
    (place.project / "a.py").write_text("x = 'three'\n")
    kept = place.akmon("rewind", "1", "--files")
    assert (kept.code, (place.project / "a.py").read_text()) == (1, "x = 'three'\n")
    assert "left      a.py\n" in kept.out
    forced = place.akmon("rewind", "2", "--files", "--overwrite")
    assert (forced.code, tree(place.project)) == (0, before)


def test_what_could_not_be_taken_back_is_not_said_to_be(place: Place, before: Tree) -> None:
    place.play(WORKS, "change it all", "--permission-mode=full-auto")
    (place.project / "sub/mine.txt").write_text("mine\n")
    back = place.akmon("rewind", "1")
    assert back.code == 0
    assert "stays     sub\n" in back.out
    assert "removed   sub/new.txt\n" in back.out
    assert "2 removed, 1 folder stays, as not empty" in back.err
    assert set(tree(place.project)) == {*before, "sub", "sub/mine.txt"}


def test_what_is_no_longer_kept_is_not_said_to_be_restored(place: Place, before: Tree) -> None:
    place.play(WORKS, "change it all", "--permission-mode=full-auto")
    (store,) = place.home.glob(".cache/akmon/checkpoints/*.db")
    store.unlink()
    back = place.akmon("rewind", "1", "--files")
    assert (back.code, (place.project / "a.py").read_text()) == (1, "x = 'two'\n")
    assert "stays     a.py\n" in back.out
    assert "a.py: its earlier content is no longer kept." in back.err


@pytest.mark.parametrize("flags", [(), ("--files",)])
def test_the_advice_on_what_was_left_takes_that_back_as_well(
    place: Place, before: Tree, flags: tuple[str, ...]
) -> None:
    place.play("say hi", "hello", "--name=other")
    place.play(WORKS, "change it all", "--permission-mode=full-auto", "--name=my work")
    (place.project / "a.py").write_text("x = 'three'\n")
    kept = place.akmon("rewind", "1", *flags, "--session=my work")
    assert kept.code == 1
    advised = re.findall(r"^akmon:   akmon (rewind .*)$", kept.err, re.MULTILINE)
    done = [place.akmon(*shlex.split(line)) for line in advised]
    assert ([ran.code for ran in done], tree(place.project)) == ([0, 0], before)


def test_after_a_kill_in_the_middle_of_a_turn_its_changes_can_be_taken_back(
    place: Place, before: Tree
) -> None:
    waits = "echo y > late.txt; until test -e ../stop; do sleep 0.1; done"
    script = WORKS.replace("say All is changed.", f'call shell {{"command": "{waits}"}}')
    running = place.start("-m", place.script(script), "-p", "change it all", "--permission-mode=full-auto")
    wait_for(lambda: (place.project / "late.txt").exists() or None)
    running.signal(signal.SIGKILL)
    (place.folder / "stop").touch()
    running.wait()
    assert place.akmon("rewind").code == 0
    back = place.akmon("rewind", "1")
    late = place.project / "late.txt"
    assert "left      late.txt\n" in back.out  # nobody saw who made it
    late.unlink()
    assert (back.code, tree(place.project)) == (1, before)
    happened = kinds(place.journal())
    assert (happened[-1], happened.count("turn_ended")) == ("rewound", 1)


def test_a_number_that_there_is_not_and_a_session_in_use_are_refused(place: Place, before: Tree) -> None:
    place.play("say hi", "hello")
    none = place.akmon("rewind", "7")
    assert none.code == 2
    assert "there is no place 7 in session" in none.err
    assert place.akmon("rewind", "1", "--files", "--conversation").code == 2
    with conversation(place, "say hi\n---\nsay Still here.", "-c", "again") as terminal:
        terminal.sees("Still here.")
        busy = place.akmon("rewind", "1")
        assert busy.code == 1
        assert "is in use by another akmon process" in busy.err
        assert place.akmon("rewind", "--json").json["places"][-1]["prompt"] == "again"


def test_doctor_says_where_earlier_states_are_kept(place: Place, before: Tree) -> None:
    place.play(WORKS, "change it all", "--permission-mode=full-auto")
    (store,) = place.home.glob(".cache/akmon/checkpoints/*.db")
    assert f"MB of earlier states of files in {store}" in place.akmon("doctor").out
    elsewhere = place.folder / "cache"
    env = {"AKMON_CACHE_DIR": str(elsewhere)}
    assert f" of files in {elsewhere}/checkpoints/" in place.akmon("doctor", env=env).out
    unwritable = place.akmon("doctor", env={"AKMON_CACHE_DIR": "/proc/nowhere"})
    assert re.search("^warning  rewind    cannot write in /proc/nowhere/", unwritable.out, re.MULTILINE)


@pytest.mark.parametrize("cache", ["/proc/nowhere", "{folder}/file"])
def test_without_a_place_for_earlier_states_files_are_changed_all_the_same(
    place: Place, before: Tree, cache: str
) -> None:
    (place.folder / "file").touch()
    env = {"AKMON_CACHE_DIR": cache.format(folder=place.folder)}
    ran = place.play(WORKS, "change it all", "--permission-mode=full-auto", env=env)
    assert (ran.code, (place.project / "a.py").read_text()) == (0, "x = 'two'\n")
    assert "akmon: nothing will be kept for a rewind: cannot write " in ran.err
    assert "Set AKMON_CACHE_DIR to a folder that can be written." in ran.err


def test_a_deleted_session_leaves_no_outputs(place: Place) -> None:
    place.play("say hi", "hello")
    journal = place.journal()
    outputs = journal.with_suffix(".outputs")
    outputs.mkdir()
    (outputs / "1").write_text("whole")
    assert place.akmon("sessions", "delete", journal.stem, "--yes").code == 0
    assert not outputs.exists()
    assert json.loads(place.akmon("sessions", "list", "--json").out) == []
