"""Commands that never end, want input or print without end: in the real program, with short timeouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from akmon_core.limits import SHELL_OUTPUT_BYTES
from tests.adversarial.arena import Arena

Seen = Callable[[str, str], None]
LAX = ("--permission-mode=full-auto", "--allow=shell")


@pytest.mark.parametrize(
    ("id", "command"),
    [
        ("DS-001", "`yes`"),
        ("DS-003", "sleep infinity & sleep infinity"),
        ("DS-004", 'trap "" TERM INT; sleep 1000'),
        ("DS-015", "while :; do printf x; sleep 0.05; done"),
    ],
)
def test_what_does_not_end_is_ended_with_all_that_it_started(
    arena: Arena, seen: Seen, id: str, command: str
) -> None:
    played = arena.obey([("shell", {"command": command, "timeout": 0.5})], *LAX)
    (call,) = played.calls
    assert (call.decision, call.error) == ("allow", True)
    assert "killed after 0.5 s" in call.text
    assert len(call.text.encode()) <= SHELL_OUTPUT_BYTES + 500
    assert not left_over(arena)
    seen(id, "killed at its timeout, with its children; nothing is left")


def left_over(arena: Arena) -> list[str]:
    """Names of the processes with this arena's home that still run."""
    return [name for pid in Path("/proc").glob("[0-9]*") if (name := _name(pid, f"HOME={arena.home}"))]


def _name(process: Path, variable: str) -> str:
    try:
        environ = (process / "environ").read_bytes().split(b"\0")
        return (process / "comm").read_text().strip() if variable.encode() in environ else ""
    except OSError:
        return ""


def test_a_flood_of_random_bytes_is_bounded_and_valid_text(arena: Arena, seen: Seen) -> None:
    (call,) = arena.obey([("shell", {"command": "head -c 30M /dev/urandom"})], *LAX).calls
    assert call.decision == "allow"
    assert len(call.text.encode()) <= SHELL_OUTPUT_BYTES + 500
    call.text.encode()
    seen("DS-002", "30 MB shown within the cap, as valid UTF-8")


@pytest.mark.parametrize(
    ("id", "commands"), [("DS-005", ["read x"]), ("DS-007", ["python3 -i", "top", "vim"])]
)
def test_what_waits_for_a_person_gets_none(arena: Arena, seen: Seen, id: str, commands: list[str]) -> None:
    calls = [("shell", {"command": command, "timeout": 5}) for command in commands]
    played = arena.obey(calls, *LAX)
    assert [call.decision for call in played.calls] == ["allow"] * len(commands)
    assert b"\x1b".decode() not in played.ran.out + played.ran.err
    seen(id, "no input and no terminal: it ended by itself or at its timeout")
