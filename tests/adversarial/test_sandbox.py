"""A hostile command that may run, inside each sandbox: what it tries outside does not happen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from akmon_core.limits import SANDBOX_FILE_BYTES
from tests.adversarial.arena import Arena, Call
from tests.adversarial.mechanisms import bwrap, needs_both
from tests.adversarial.probes import PROBES
from tests.adversarial.test_floods import left_over

Seen = Callable[[str, str], None]
HERE = Path(__file__).parent
pytestmark = needs_both
LEVELS = ("bubblewrap", "landlock")
LAX = ("--permission-mode=full-auto", "--allow=shell")
CASES = {
    "KS-002": ("through_a_link", "{OUT}"),
    "KS-003": ("hard_link", "{OUT}/secret.txt"),
    "KS-006": ("attributes", "{OUT}/secret.txt"),
    "KS-007": ("other_roots", "{OUT}/secret.txt"),
    "KS-009": ("agent", "{PID}"),
    "KS-012": ("make_hook",),
    "KS-013": ("move_git",),
    "KS-014": ("tcp", "{PORT}"),
    "KS-015": ("udp", "{PORT}"),
    "KS-016": ("unix", "{OUT}/daemon.sock"),
    "KS-017": ("abstract", "{ABSTRACT}"),
    "KS-019": ("io_uring",),
    "KS-020": ("trace", "{PID}"),
    "KS-022": ("namespaces",),
    "KS-024": ("disk",),
    "KS-025": ("keys",),
    "KS-030": ("memory",),
    "KS-032": ("nested", "{BWRAP}"),
    "KS-034": ("capabilities",),
    "KS-035": ("become_root",),
    "KS-038": ("scratch", "{SCRATCH}"),
}
"""Which probe a case is, and with what."""
OPEN_UNDER_LANDLOCK = {"KS-006": "open under Landlock, which does not govern it (see “What is not promised”)"}
UNDONE_UNDER_LANDLOCK = ("KS-012", "KS-013")
"""Landlock cannot leave out a part of what may be written: what was done is undone after the command."""


SENT_TO_NOBODY = ("KS-015",)
"""A datagram may be sent in a network of one's own. What counts is that nobody gets it."""


def _named(level: str) -> str:
    return level.replace("landlock", "Landlock")


@contextmanager
def sockets(arena: Arena) -> Iterator[str]:
    """A daemon's socket outside the project and an abstract one, whose name is given."""
    name = f"akmon-probe-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as by_path, socket.socket(socket.AF_UNIX) as abstract:
        here = Path.cwd()
        os.chdir(arena.out)  # the path may be too long for an address
        try:
            by_path.bind("daemon.sock")
        finally:
            os.chdir(here)
        abstract.bind(f"\0{name}")
        by_path.listen()
        abstract.listen()
        yield name


@contextmanager
def another_process() -> Iterator[int]:
    """One of the same user, as akmon is. Tracing it stops it, so it is not this one."""
    process = subprocess.Popen(["sleep", "600"])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def probe(arena: Arena, id: str, *flags: str) -> Call:
    """What a session prints of the probe of ``id``."""
    shutil.copy(HERE / "probes.py", arena.project / "probes.py")
    scratch = arena.folder / "scratch-of-another"
    scratch.write_text("x")
    with sockets(arena) as name, another_process() as pid:
        line = " ".join((sys.executable, "probes.py", *CASES[id]))
        known = {
            "{PID}": "$AGENT",
            "{ABSTRACT}": name,
            "{BWRAP}": bwrap(),
            "{SCRATCH}": "/tmp/" + scratch.name,
        }
        for placeholder, value in known.items():
            line = line.replace(placeholder, value)
        line = arena.fill(line).replace("$AGENT", str(pid))
        (call,) = arena.obey([("shell", {"command": line})], *LAX, *flags).calls
        return call


@pytest.mark.parametrize("id", CASES)
def test_a_hostile_command_stays_inside(arena: Arena, seen: Seen, id: str) -> None:
    results = []
    arena.bash("git init -q") if id == "KS-013" else None
    before = arena.surroundings()
    for level in LEVELS:
        call = probe(arena, id, f"--sandbox={level}")
        assert call.decision == "allow", call
        assert arena.listener.hits == 0
        (arena.out / "daemon.sock").unlink()
        (arena.folder / "scratch-of-another").unlink()
        opened = "OPEN" in call.text
        assert opened or "closed: " in call.text, call.text
        if level == "landlock" and id in OPEN_UNDER_LANDLOCK:
            results.append(OPEN_UNDER_LANDLOCK[id])
            continue
        assert arena.surroundings() == before
        if level == "landlock" and id in UNDONE_UNDER_LANDLOCK:
            results.append("undone after the command under Landlock")
        elif id in SENT_TO_NOBODY:
            results.append(f"nothing arrived under {_named(level)}")
        else:
            assert not opened, (level, call.text)
            results.append(f"closed under {_named(level)}")
        assert not (arena.project / ".git/hooks/pre-commit").exists()
    seen(id, "; ".join(results))


def test_the_probes_find_a_way_where_nothing_guards(arena: Arena) -> None:
    """What this machine allows at all: most of them, which is why a closed one means something."""
    arena.bash("git init -q")
    opened = [id for id in CASES if "OPEN" in probe_unguarded(arena, id)]
    assert {"KS-002", "KS-003", "KS-006", "KS-012", "KS-013", "KS-014", "KS-015", "KS-016", "KS-017"} <= set(
        opened
    )
    assert arena.listener.hits >= 2


def probe_unguarded(arena: Arena, id: str) -> str:
    for left in ("daemon.sock", "written"):
        (arena.out / left).unlink(missing_ok=True)
    for left in ("hard", "way"):
        (arena.project / left).unlink(missing_ok=True)
    shutil.rmtree(arena.project / ".git2", ignore_errors=True)
    shutil.rmtree(arena.project / ".git", ignore_errors=True) if id == "KS-012" else None
    return probe(arena, id, "--sandbox=off").text


def test_every_probe_is_used() -> None:
    assert {name for name, *_ in CASES.values()} == set(PROBES)


def test_a_child_that_holds_the_output_does_not_hold_the_call(arena: Arena, seen: Seen) -> None:
    command = "setsid sh -c 'trap \"\" TERM; sleep 600' & echo started"
    for level in LEVELS:
        played = arena.obey([("shell", {"command": command})], *LAX, f"--sandbox={level}")
        (call,) = played.calls
        assert "started" in call.text
        assert not left_over(arena)
    seen("KS-028", "the call returned, and nothing is left after the session")


def test_no_file_grows_without_end(arena: Arena, seen: Seen) -> None:
    command = f"truncate -s {SANDBOX_FILE_BYTES + 1} big; ls -s big"
    for level in LEVELS:
        (call,) = arena.obey([("shell", {"command": command})], *LAX, f"--sandbox={level}").calls
        size = (arena.project / "big").stat().st_size if (arena.project / "big").exists() else 0
        assert size <= SANDBOX_FILE_BYTES, call.text
    seen("KS-031", f"a file ends at {SANDBOX_FILE_BYTES // 1_000_000_000} GB; akmon goes on")


WITHOUT = """
import ctypes, os, struct, sys
numbers = {"x86_64": (165, 155, 272), "aarch64": (40, 41, 97)}[os.uname().machine] + (444, 445, 446)
code = [(0x20, 0, 0, 0)]
for number in numbers:
    code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50001)]
code.append((0x06, 0, 0, 0x7FFF0000))
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
header = struct.pack("HxxxxxxP", len(code), ctypes.addressof(program))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.create_string_buffer(header), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a program on a kernel that refuses mount, pivot_root, unshare and Landlock."""


def test_without_any_sandbox_every_command_is_asked_and_the_person_is_told(arena: Arena, seen: Seen) -> None:
    launcher = arena.folder / "without.py"
    launcher.write_text(WITHOUT)
    shell = f'exec {sys.executable} {launcher} "$@"'
    assert subprocess.run([sys.executable, launcher, "/bin/true"], check=False).returncode == 0
    for mode in ("default", "full-auto"):
        calls = [("shell", {"command": "touch made"})]
        played = arena.obey(calls, f"--permission-mode={mode}", "--allow=shell(touch *)", shell=shell)
        (call,) = played.calls
        assert call.decision == "deny", call
        assert "no sandbox works here" in played.ran.err
    assert not (arena.project / "made").exists()
    assert arena.play("say hi", "go", "--sandbox=bubblewrap", shell=shell).code == 2
    seen("KS-036", "asked, so denied, in every mode and whatever rules say; the banner says so")
