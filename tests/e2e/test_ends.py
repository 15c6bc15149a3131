"""How a run ends when it is interrupted or killed, at any point, and how its session goes on."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from akmon_core.messages import Assistant
from tests.e2e.program import Place, Running, alive, kinds, sound, wait_for

LIVELY = """
pace 0.004
think I think about it for a while.
say I begin with a look around.
call list {}
call shell {"command": "echo begun >> log; sleep 0.02; echo ended >> log"}
---
pace 0.004
say Now I write.
call write {"path": "new.txt", "content": "new"}
call read {"path": "absent"}
call shell {"command": "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.01; done"}
---
pace 0.004
say All of that is done now.
---
repeat forever
say Resumed.
"""
STREAM = ("--permission-mode=full-auto", "--output=stream-json", "--include-partial-messages")


def start(place: Place, script: str, *arguments: str) -> Running:
    """Without a sandbox, in which processes have numbers of their own."""
    freely = ("--sandbox", "off", "--allow", "shell")
    return place.start("-m", place.script(script), "-p", "go", *STREAM, *freely, *arguments)


def check_resumable(place: Place, journal: Path) -> None:
    """The session is fit to be shown and to go on."""
    shown = place.akmon("sessions", "show", journal.stem)
    assert shown.code == 0
    assert "(chain intact)" in shown.out
    ran = place.play("repeat forever\nsay Resumed.", "go on", "-r", journal.stem)
    assert (ran.code, ran.out) == (0, "Resumed.\n")
    state = sound(journal)
    assert state.outcome == "completed"
    last = state.history[-1]
    assert isinstance(last, Assistant)
    assert last.text == "Resumed."
    assert "torn" not in {path.suffix for path in journal.parent.iterdir()}


# --- kill -9 ------------------------------------------------------------------------------------------

POINTS = 16
"""The lines of output of a run are divided into so many parts, and it is killed in each."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The lines of output of a run that nothing stops."""
    lines = start(Place(tmp_path_factory.mktemp("whole")), LIVELY).wait().lines
    assert lines[-1]["exit_reason"] == "completed"
    return len(lines)


@pytest.mark.parametrize("part", range(POINTS))
def test_a_session_survives_being_killed_anywhere(place: Place, whole: int, part: int) -> None:
    after = random.Random(part).randrange(whole * part // POINTS, whole * (part + 1) // POINTS)
    running = start(place, LIVELY)
    for _ in range(after + 1):
        running.out.readline()
    running.kill()
    (journal,) = place.journals()
    if "prompted" not in kinds(journal):
        assert journal.stem not in place.akmon("sessions", "list").out
        return
    check_resumable(place, journal)


@pytest.mark.parametrize("size", [1, 400, 700, 1000, 1300, 1600, 1900, 2200])
def test_a_session_survives_being_killed_while_its_journal_grows(place: Place, size: int) -> None:
    running = start(place, LIVELY)
    journal = wait_for(place.journals)[0]
    wait_for(lambda: journal.stat().st_size >= size and b'"prompted"' in journal.read_bytes())
    running.kill()
    check_resumable(place, journal)


def test_what_a_killed_run_had_begun_is_told_to_the_model(place: Place) -> None:
    running = start(
        place, 'call shell {"command": "echo $$ > pid; exec sleep 1000"}\ncall list {}\n---\nsay no'
    )
    pid = place.project / "pid"
    wait_for(lambda: pid.exists() and pid.read_text().strip())
    running.kill()
    os.kill(int(pid.read_text()), signal.SIGKILL)  # nobody else ends what a killed process had begun
    place.play("repeat forever\nsay Resumed.", "go on", "-c")
    history = str(sound(place.journal()).history)
    assert "Cut off while it ran: akmon was stopped before the turn ended." in history
    assert "Not run: akmon was stopped before the turn ended." in history


def test_a_resume_that_is_killed_can_be_resumed(place: Place) -> None:
    for _ in range(3):
        running = start(
            place, "repeat forever\npace 0.01\nsay one two three", *(["-c"] if place.journals() else [])
        )
        running.until(b'"text_delta"')
        running.kill()
    check_resumable(place, place.journal())
    assert sound(place.journal()).turn == 4


# --- signals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_in_mid_reply_keeps_what_was_said(place: Place, number: signal.Signals) -> None:
    running = start(place, "pace 0.005\nsay Some words that were said. " + "More. " * 5000)
    running.until(b"said")
    running.signal(number)
    ran = running.wait()
    report = ran.lines[-1]
    assert ran.code == 130
    assert (report["exit_reason"], report["status"]) == ("interrupted", "error")
    assert report["result"].startswith("Some words that were said.")
    last = sound(place.journal()).history[-1]
    assert isinstance(last, Assistant)
    assert (last.text, last.stop) == (report["result"], "interrupted")
    assert kinds(place.journal())[-1] == "turn_ended"
    check_resumable(place, place.journal())


def test_an_interrupt_in_text_mode_prints_what_was_said(place: Place) -> None:
    running = place.start("-m", place.script("say Half\ndelay 60\nsay whole"), "-p", "go")
    journal = wait_for(place.journals)[0]
    wait_for(lambda: b"prompted" in journal.read_bytes())
    running.signal(signal.SIGINT)
    ran = running.wait()
    assert ran.code == 130
    assert ran.out in ("Half\n", "")
    assert (
        ran.err == f"akmon: interrupted by the user\nakmon: go on with: akmon -r {journal.stem} -p 'go on'\n"
    )


RUNS_LONG = """
call shell {"command": "trap '' TERM; (sleep 1000 & echo $! >> pids; wait) & echo $$ $! >> pids; wait"}
call write {"path": "never", "content": "x"}
---
repeat forever
say no
"""


def pids(place: Place) -> list[int]:
    """The three processes of ``RUNS_LONG``, once they are there."""
    file = place.project / "pids"
    wait_for(lambda: file.exists() and len(file.read_text().split()) == 3)
    return [int(pid) for pid in file.read_text().split()]


def test_an_interrupt_in_mid_tool_ends_the_command_and_what_it_started(place: Place) -> None:
    running = start(place, RUNS_LONG)
    children = pids(place)
    running.signal(signal.SIGINT)
    ran = running.wait()
    assert ran.code == 130
    assert not [pid for pid in children if alive(pid)]
    assert not (place.project / "never").exists()
    shell, write = ran.lines[-1]["tool_calls"]
    assert "Cut off while it ran" in shell["message"]
    message = "Not run: interrupted by the user."
    assert write == {"name": "write", "success": False, "message": message, "agent": ""}
    check_resumable(place, place.journal())


def test_a_second_interrupt_ends_the_process_at_once(place: Place) -> None:
    running = start(place, RUNS_LONG)
    children = pids(place)
    running.signal(signal.SIGINT)
    wait_for(lambda: not _catches_interrupts(running.process.pid))
    running.signal(signal.SIGINT)
    assert running.wait().code in (-signal.SIGINT, 130)
    for pid in children:  # they ignore the request to end, and nobody is left who would insist
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    check_resumable(place, place.journal())


def _catches_interrupts(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGINT."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
    return bool(int(caught, 16) & 1 << signal.SIGINT - 1)


def test_an_interrupt_while_waiting_to_try_again_ends_the_wait(place: Place) -> None:
    running = start(place, "error 429 retry_after=60 slow down\nsay no")
    running.until(b'"retry"')
    running.signal(signal.SIGINT)
    assert running.wait().code == 130


@pytest.mark.parametrize("output", ["text", "json"])
def test_an_interrupt_while_waiting_for_stdin_ends_the_program(place: Place, output: str) -> None:
    running = place.start(
        "-m", place.script("say ok"), "-p", f"--output={output}", stdin=-1, shell='echo up; exec "$@"'
    )
    running.until(b"up")
    wait_for(lambda: _reads_stdin(running))
    running.signal(signal.SIGINT)
    ran = running.wait()
    assert ran.code == 130
    assert ran.err == "akmon: interrupted\n"
    if output == "json":
        assert ran.json["exit_reason"] == "interrupted"
    assert place.journals() == []


def _reads_stdin(running: Running) -> bool:
    """Whether the process is in ``read(0, …)``, which x86 numbers 0 and ARM 63."""
    try:
        call = Path(f"/proc/{running.process.pid}/syscall").read_text().split()
    except OSError:
        return False
    return len(call) > 1 and call[0] in ("0", "63") and call[1] == "0x0"


def test_an_ignored_signal_stays_ignored(place: Place) -> None:
    script = place.script("pace 0.02\nsay one two three\ndelay 0.3\nsay four")
    running = place.start("-m", script, "-p", "go", *STREAM, shell="trap '' HUP INT; exec \"$@\"")
    running.until(b"text_delta")
    running.signal(signal.SIGHUP)
    running.signal(signal.SIGINT)
    assert running.wait().code == 0
