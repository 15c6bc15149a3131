"""``akmon audit`` through the real program: shown to people and programs, verified, also while it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_query.anchor import anchor_path
from tests.e2e.program import Place

SCRIPT = """
say I write.
call write {"path": "a.txt", "content": "x\\ny\\n"}
call shell {"command": "rm -r /nowhere"}
---
say done
usage input=10 output=2
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


@pytest.fixture
def played(place: Place) -> Place:
    ran = place.play(SCRIPT, "go", "--permission-mode=accept-edits", "--check=none")
    assert ran.code == 3, ran
    return place


def test_show_tells_what_was_done_when_and_on_whose_approval(played: Place) -> None:
    shown = played.akmon("audit", "show")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert len(lines) == len(played.journal().read_text().splitlines())
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  #\d+  turn [01]  ", line) for line in lines)
    said = [line.split("  ", 3)[3] for line in lines]
    assert any(line.startswith("allow write [write a.txt] by policy: ") for line in said)
    assert any(line.startswith("deny shell [run rm -r /nowhere] by policy: ") for line in said)
    (begun,) = [line for line in said if line.startswith("run write ")]
    assert re.search(r"\(approved in #\d+", begun)
    (done,) = [line for line in said if line.startswith("success write of #")]
    assert "2 lines written, wrote" in done
    assert any(line.startswith("failure shell, not run: denied: ") for line in said)


def test_filters_narrow_it_and_json_is_a_line_of_ascii_for_each_record(played: Place) -> None:
    def shown(*arguments: str) -> list[dict[str, object]]:
        ran = played.akmon("audit", "show", "--json", *arguments)
        assert ran.code == 0
        assert ran.out.isascii()
        return ran.lines

    everything = shown()
    assert {line["schema"] for line in everything} == {"akmon.audit.v1"}
    assert [line["verdict"] for line in shown("--denied")] == ["deny"]
    assert {line["tool"] for line in shown("--tool", "wr*")} == {"write"}
    assert [line["kind"] for line in shown("--kind", "tool_dispatch")] == ["tool_dispatch"]
    assert shown("--since", "1h") == everything
    assert shown("--since", "2999-01-01") == []
    middle = everything[5]
    assert shown("--since", str(middle["time"]))[0]["time"] == middle["time"]
    session = played.journal().stem
    assert shown(session) == everything
    for wrong in (["--since", "yesterday"], ["nothing-like-it"], ["--kind", "x"]):
        ran = played.akmon("audit", "show", *wrong)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("akmon: ")
    assert played.akmon("audit").code == 2


def test_nothing_on_record_steers_the_terminal(place: Place) -> None:
    name = "\x1b]0;owned\x07\u202egnp.txt\x9b31m"
    call = json.dumps({"path": name, "content": "x"})
    place.play(f"call write {call}\n---\nsay \x1b[2Jdone", "go \x1b[31m", "--permission-mode=accept-edits")
    for arguments in ((), ("--json",)):
        shown = place.akmon("audit", "show", *arguments).out
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
        assert "owned" in shown


def test_verify_says_intact_with_the_hash_of_the_last_record(played: Place) -> None:
    ran = played.akmon("audit", "verify")
    last = played.journal().read_bytes().splitlines()[-1]
    number = json.loads(last)["seq"]
    assert ran.code == 0
    assert f"{played.journal().stem}: intact, {number} records" in ran.out
    assert f"anchored at record {number}" in ran.out
    (report,) = json.loads(played.akmon("audit", "verify", "--json", "--all").out)
    assert (report["intact"], report["problems"], report["anchor"]) == (True, [], report["head"])
    assert report["head"]["hash"] in ran.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines[:3], lines[3].replace(b"go", b"no"), *lines[4:]], "record 4 (line 4, byte "),
        (lambda lines: [*lines[:4], *lines[5:]], "records were removed: record 5 should stand before it"),
        (lambda lines: lines[:-2], "the journal was cut short: its anchor names record "),
        (lambda lines: [*lines, b'{"half'], "torn off at the end: 6 bytes"),
    ],
)
def test_verify_names_the_first_broken_record(played: Place, change: object, said: str) -> None:
    journal = played.journal()
    assert callable(change)
    journal.write_bytes(b"".join(change(journal.read_bytes().splitlines(keepends=True))))
    ran = played.akmon("audit", "verify")
    assert ran.code == 1
    assert said in ran.out
    (report,) = json.loads(played.akmon("audit", "verify", "--json").out)
    assert not report["intact"]
    assert said in report["problems"][0]["text"]
    assert "chain intact" not in played.akmon("sessions", "show").out


def test_all_sessions_are_verified_also_one_of_which_only_the_anchor_is_left(played: Place) -> None:
    played.play("say hello", "another")
    assert played.akmon("audit", "verify", "--all").out.count("intact") == 2
    journal = played.newest()
    journal.unlink()
    ran = played.akmon("audit", "verify", "--all")
    assert ran.code == 1
    assert f"{journal.stem}: broken: the journal {journal} is not there" in ran.out
    assert played.akmon("audit", "verify", "--all", "x").code == 2
    assert played.akmon("audit", "verify", "nothing-like-it").code == 2


def test_without_its_anchor_a_journal_is_intact_and_that_is_said(played: Place) -> None:
    anchor_path(played.journal()).unlink()
    ran = played.akmon("audit", "verify")
    assert ran.code == 0
    assert "no anchor" in ran.out
    assert "chain intact, no anchor" in played.akmon("sessions", "show").out


def test_a_session_that_goes_on_with_a_damaged_journal_says_so_once(played: Place) -> None:
    journal = played.journal()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:-2], b"\0" * 300 + b"\n"]))
    ran = played.play("repeat forever\nsay fine", "go on", "-c")
    assert (ran.code, ran.out) == (0, "fine\n")
    assert "300 zero bytes that are no record" in ran.err
    assert "the journal was cut short" in ran.err
    again = played.play("repeat forever\nsay fine", "go on", "-c", "--output=stream-json")
    assert (again.code, "no record" in again.err, "cut short" in again.err) == (0, False, False)
    assert "found when the session was opened before" in played.akmon("audit", "verify").out


def test_a_running_session_can_be_shown_and_is_intact(place: Place) -> None:
    script = 'repeat forever\ncall list {"path": "."}\ndelay 0.01'
    running = place.start("-m", place.script(script), "-p", "go", "--output=stream-json", "--max-turns=5000")
    running.until(b'"type":"user"')
    shown = place.akmon("audit", "show", "--kind", "tool_outcome").out
    assert "success list of #" in shown
    verified = place.akmon("audit", "verify")
    assert (verified.code, "intact" in verified.out) == (0, True)
    running.kill()


@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_all_that_a_session_keeps_is_for_its_owner_only(place: Place, umask: str) -> None:
    command = "for n in $(seq 30000); do echo a long line of output $n; done"
    calls = (f"shell {json.dumps({'command': command})}", 'write {"path": "a", "content": "b"}')
    script = "\n".join(f"call {call}" for call in calls) + "\n---\nrepeat forever\nsay done"
    shell = f'umask {umask}; exec "$@"'
    flags = ("--permission-mode=full-auto", "--allow=shell", "--check=none")
    assert place.play(script, "go", *flags, shell=shell).out == "done\n"
    assert place.play(script, "go on", "-c", *flags, shell=shell).out == "done\n"
    kept = [path for root in (".local", ".cache", ".config") for path in (place.home / root).rglob("*")]
    assert any(path.suffix == ".head" for path in kept)
    assert any(path.suffix == ".db" for path in kept)
    assert any(path.parent.suffix == ".outputs" for path in kept)
    open_to_others = {
        str(path.relative_to(place.home)): oct(path.stat().st_mode & 0o777)
        for path in [*kept, place.home / ".local", place.home / ".cache"]
        if path.stat().st_mode & 0o077
    }
    assert open_to_others == {}
