"""Names and texts with escape sequences reach no terminal, whatever command shows them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import msgspec
import pytest

from akmon_core.commands import Prompt
from akmon_query import open_session
from akmon_query.testing import FakeModel, run_turn
from tests.e2e.program import Place, Ran

HOSTILE = "x\x1b]52;c;aGk=\x07\x1b[2J\x9b2J\u202e\u200b\u2028\U000e0041y"
STEERING = frozenset("\x1b\x07\x08\x7f\r\u202e\u200b\u2028\U000e0041") | frozenset(
    map(chr, range(0x80, 0xA0))
)
COMMAND = "printf '\\x1b[2J\\x9b2J\\x1b]0;t\\x07safe\\rEVIL'; git branch"
CALLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("write", {"path": HOSTILE, "content": HOSTILE}),
    (HOSTILE.replace("\u2028", ""), {}),
    ("memory", {"action": "save", "title": HOSTILE, "content": HOSTILE}),
    ("shell", {"command": COMMAND}),
)
SAID = HOSTILE.replace("\u2028", "")
SCRIPT = "\n---\n".join(
    [*(f"call {name} {json.dumps(arguments)}" for name, arguments in CALLS), f"say {SAID}"]
)


def harmless(ran: Ran) -> None:
    assert "Traceback" not in ran.err
    for text in (ran.out, ran.err):
        assert not set(text) & STEERING


def played(place: Place, *arguments: str) -> Ran:
    git = ["git", "-C", str(place.project), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q", "-b", "x\u202ey"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", HOSTILE], check=True)
    allowed = (f"--allow={tool}" for tool in ("write", "shell", "memory"))
    return place.play(SCRIPT, HOSTILE, *allowed, *arguments)


def named(place: Place) -> None:
    """A session with a name that akmon itself refuses, as another program may record it."""

    async def talk() -> None:
        folder = place.newest().parent
        async with open_session(
            FakeModel(["hi"]), cwd=place.project, sessions=folder, name=HOSTILE
        ) as session:
            await run_turn(session, Prompt("hi"))

    asyncio.run(talk())


@pytest.mark.parametrize(
    "output", [(), ("--output=json",), ("--output=stream-json", "--include-partial-messages")]
)
def test_a_run_shows_nothing_that_a_terminal_would_obey(place: Place, output: tuple[str, ...]) -> None:
    ran = played(place, *output)
    harmless(ran)
    assert place.journals()
    refused = place.akmon("-p", "hi", "--name", HOSTILE, *output)
    harmless(refused)
    assert refused.code == 2
    if output:
        said = [msgspec.json.decode(line) for line in ran.out.splitlines()][-1]["result"]
        assert said == SAID


def test_no_command_that_lists_shows_names_as_they_are(place: Place) -> None:
    played(place)
    named(place)
    for arguments in (
        ("sessions", "list"),
        ("sessions", "list", "--json"),
        ("sessions", "show"),
        ("sessions", "export"),
        ("sessions", "export", "--format", "json"),
        ("sessions", "export", "--format", "html"),
        ("stats",),
        ("stats", "--json"),
        ("rewind",),
        ("rewind", "--json"),
        ("memory", "list"),
        ("memory", "show", HOSTILE),
        ("config",),
        ("doctor",),
        ("permissions", "list"),
    ):
        harmless(place.akmon(*arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        (f"--{HOSTILE}",),
        ("--help", HOSTILE),
        ("-C", HOSTILE, "-p", "x"),
        ("-m", HOSTILE, "-p", "x"),
        ("-p", "x", "-r", HOSTILE),
        ("-p", "x", "--allow", HOSTILE),
        ("-p", "x", "--add-dir", HOSTILE),
        ("sessions", HOSTILE),
        ("sessions", "show", HOSTILE),
        ("memory", "show", HOSTILE),
        ("spec", HOSTILE),
        ("rewind", HOSTILE),
        ("-p", "x", "--output=json", "-m", HOSTILE),
    ],
)
def test_an_argument_that_is_quoted_in_an_error_steers_nothing(
    place: Place, arguments: tuple[str, ...]
) -> None:
    harmless(place.akmon(*arguments))


def test_an_environment_variable_of_a_hostile_name_or_value_steers_nothing(place: Place) -> None:
    env = {
        f"AKMON_{HOSTILE.replace(chr(61), '')}": HOSTILE,
        "AKMON_MODE": HOSTILE,
        "AKMON_MAX_TURNS": HOSTILE,
        "AKMON_MODEL": HOSTILE,
    }
    for arguments in (("config",), ("doctor",), ("-p", "x")):
        harmless(place.akmon(*arguments, env=env))


CRASH = """
import sys
sys.argv = ["akmon", "doctor"]
from akmon_cli import program
def crash(_arguments):
    raise RuntimeError("with \\x1b[2J and the key " + KEY)
program._dispatch = crash
program.run(["doctor"])
"""


def test_the_traceback_of_a_crash_shows_no_key_and_steers_nothing(place: Place) -> None:
    key = "sk-canary-Q7w8E9r0T1y2U3i4"
    ran = subprocess.run(
        [sys.executable, "-c", f"KEY = {key!r}\n{CRASH}"],
        env={**place.env, "OPENAI_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "RuntimeError: with  and the key [redacted]" in ran.stderr
    assert key not in ran.stderr
    assert "\x1b" not in ran.stderr
