"""Where the prompt comes from: words, --task, and what is piped in."""

from __future__ import annotations

import os
import subprocess

import pytest

from akmon_core.messages import Text, User
from tests.e2e.program import Place, sound


def prompted(place: Place) -> str:
    """The first thing that was asked in the only session."""
    first = sound(place.journal()).history[0]
    assert isinstance(first, User)
    (part,) = first.parts
    assert isinstance(part, Text)
    return part.text


@pytest.mark.parametrize(
    ("arguments", "prompt"),
    [
        (["-p", "do this"], "do this"),
        (["do this"], "do this"),
        (["-p", "do", "this"], "do this"),
        (["-t", "do this"], "do this"),
        (["--task=do this"], "do this"),
        (["--print", "--task", "do this"], "do this"),
        (["-p", "--", "--do this"], "--do this"),
        (["-p", "demo"], "demo"),
        (["--", "demo"], "demo"),
        (["demonstrate"], "demonstrate"),
        (["sessions are nice"], "sessions are nice"),
        (["-p", "explain", "--max-turns", "3", "config"], "explain config"),
    ],
)
def test_words_are_the_prompt(place: Place, arguments: list[str], prompt: str) -> None:
    ran = place.akmon(*arguments, env={"AKMON_MODEL": place.script("say ok")})
    assert (ran.code, ran.out, ran.err) == (0, "ok\n", "")
    assert prompted(place) == prompt


def test_what_is_piped_in_is_the_prompt_if_there_are_no_words(place: Place) -> None:
    assert place.play("say ok", piped="Grüße\n".encode()).out == "ok\n"
    assert prompted(place) == "Grüße\n"


def test_what_is_piped_in_is_context_beside_words(place: Place) -> None:
    assert place.play("say ok", "explain", piped=b"line one\nline two\n").code == 0
    assert prompted(place) == "explain\n\n<stdin>\nline one\nline two\n\n</stdin>"


def test_an_empty_pipe_is_nothing(place: Place) -> None:
    assert place.play("say ok", "explain", piped=b"").code == 0
    assert prompted(place) == "explain"
    ran = place.play("say ok", piped=b"  \n")
    assert ran.code == 2
    assert "nothing to do" in ran.err


def test_a_file_on_stdin_is_read(place: Place) -> None:
    (place.project / "notes").write_text("from a file")
    assert place.play("say ok", shell='exec "$@" <notes').code == 0
    assert prompted(place) == "from a file"


@pytest.mark.parametrize(
    ("piped", "problem"),
    [
        (b"x" * 1_000_001, "stdin holds more than 1000000 bytes"),
        (b"PNG \xff\xfe\x00", "what is piped in is not UTF-8 text"),
    ],
)
def test_what_cannot_be_a_prompt_is_refused_before_anything_begins(
    place: Place, piped: bytes, problem: str
) -> None:
    ran = place.play("say ok", "explain", piped=piped)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert "Put it into a file and name the file in the prompt." in ran.err
    assert place.journals() == []


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(place: Place) -> None:
    reader, writer = os.pipe()
    try:
        ran = place.start("-m", place.script("say ok"), "-p", "explain", stdin=reader).wait()
    finally:
        os.close(reader)
        os.close(writer)
    assert (ran.code, ran.out) == (0, "ok\n")
    assert "nothing came through the pipe on stdin; going on without it" in ran.err


@pytest.mark.parametrize("arguments", [(b"-p", b"\xff"), (b"-p", b"x", b"--name", b"\xff"), (b"\xff",)])
def test_an_argument_that_is_not_utf8_is_refused(place: Place, arguments: tuple[bytes, ...]) -> None:
    ran = place.akmon(*arguments, env={"AKMON_MODEL": place.script("say ok")})
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("akmon: the argument '\\udcff' is not UTF-8 text.")


def test_stdin_without_end_is_refused_and_not_collected(place: Place) -> None:
    ran = place.play("say ok", shell='exec "$@" </dev/zero')
    assert ran.code == 2
    assert "stdin holds more than" in ran.err


def test_without_a_prompt_and_a_terminal_there_is_nothing_to_do(place: Place) -> None:
    for arguments in ((), ("-p",), ("-t", ""), ("-p", " ")):
        ran = place.akmon(*arguments, env={"AKMON_MODEL": place.script("say ok")})
        assert ran.code == 2
        assert ran.err == 'akmon: nothing to do. Give a prompt: akmon -p "what to do", or pipe one in\n'


def test_the_environment_of_the_run_does_not_reach_into_the_journal(place: Place) -> None:
    place.play("say ok", "hi", env={"ANTHROPIC_API_KEY": "sk-ant-canary-0123456789"})
    assert b"canary" not in place.journal().read_bytes()
    assert subprocess.run(["grep", "-rl", "canary", place.home], check=False).returncode == 1
