"""The shell tool: a real bash, its environment, its output and its end."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ArgumentsError
from akmon_core.limits import SHELL_OUTPUT_BYTES
from akmon_tools.environment import is_secret


def test_a_command_gives_its_output_and_exit_code(hands: Any) -> None:
    output = hands("shell", command="echo 'a  b' | tr a-z A-Z && pwd >&2")
    assert output.text == f"A  B\n{hands.root}\n[exit 0]"
    assert output.summary == "exit 0, 2 lines"
    assert not output.error


def test_a_failure_is_an_error_that_keeps_its_output(hands: Any) -> None:
    output = hands("shell", command="echo before; exit 3")
    assert output.text == "before\n[exit 3]"
    assert output.summary == "exit 3, 1 line"
    assert output.error


def test_silence_and_signals_are_said(hands: Any) -> None:
    assert hands("shell", command="true").text == "(no output)\n[exit 0]"
    assert hands("shell", command="kill -9 $$").text == "(no output)\n[killed by SIGKILL]"
    assert hands("shell", command="kill -40 $$").text == "(no output)\n[killed by signal 40]"


def test_it_is_bash_and_a_leading_dash_is_no_option(hands: Any) -> None:
    assert hands("shell", command="x=(1 2); echo ${x[1]} <(true)").text.startswith("2 /dev/fd/")
    assert "command not found" in hands("shell", command="-x").text


def test_output_is_streamed_in_whole_lines_and_neutralised(hands: Any) -> None:
    output = hands(
        "shell", command=r"printf 'one\n\033[31mtw'; sleep 0.05; printf 'o\033]0;title\a\n10%%\r100%%'"
    )
    assert "".join(hands.progress) == "one\ntwo\n100%"
    assert output.text == "one\ntwo\n100%\n[exit 0]"


def test_a_character_cut_between_two_reads_is_whole(hands: Any) -> None:
    hands("shell", command=r"printf '\xe2\x82'; sleep 0.05; printf '\xac\n'")
    assert "".join(hands.progress) == "€\n"


def test_a_flood_is_cut_in_the_middle(hands: Any) -> None:
    output = hands("shell", command="seq 1 2000000")
    assert len(output.text.encode()) <= SHELL_OUTPUT_BYTES + 20
    assert output.text.startswith("1\n2\n3\n")
    assert output.text.endswith("1999999\n2000000\n[exit 0]")
    assert "bytes left out" in output.text
    assert output.summary == "exit 0, 2000000 lines"
    assert "2000000\n" in hands.progress[-1]


def test_binary_output_stays_within_the_cap(hands: Any) -> None:
    output = hands("shell", command="head -c 1000000 /dev/urandom")
    assert len(output.text.encode()) <= SHELL_OUTPUT_BYTES + 20
    assert "\x1b" not in output.text


def test_a_timeout_kills_and_keeps_what_was_said(hands: Any) -> None:
    output = hands("shell", command="echo started; sleep 300", timeout=0.5)
    assert output.text == "started\n[killed after 0.5 s]"
    assert output.error


def wait_for_lines(progress: list[str], count: int) -> None:
    end = time.monotonic() + 20
    while "".join(progress).count("\n") < count:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_interrupt_leaves_no_process(hands: Any) -> None:
    async def scenario() -> None:
        task = asyncio.create_task(hands.start("shell", command="echo $$; sleep 300 & echo $!; wait"))
        await asyncio.to_thread(wait_for_lines, hands.progress, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    for pid in "".join(hands.progress).split():
        end = time.monotonic() + 20
        stat = Path(f"/proc/{pid}/stat")
        while stat.exists() and b") Z" not in stat.read_bytes():
            assert time.monotonic() < end
            time.sleep(0.005)


def test_only_what_programs_need_is_in_the_environment_and_prompts_are_off(
    hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "OPENAI_API_KEY",
        "GH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "PGPASSWORD",
        "db_password",
    ):
        monkeypatch.setenv(name, "CANARY")
    monkeypatch.setenv("SOMETHING_ELSE", "CANARY")
    monkeypatch.setenv("JAVA_HOME", "/usr/lib/jvm")
    text = hands("shell", command="env").text
    assert "CANARY" not in text
    for line in (
        "JAVA_HOME=/usr/lib/jvm",
        "AKMON=1",
        "GIT_TERMINAL_PROMPT=0",
        "PAGER=cat",
        "GIT_PAGER=cat",
        "TERM=dumb",
        "NO_COLOR=1",
    ):
        assert f"\n{line}\n" in f"\n{text}"
    assert f"PATH={os.environ['PATH']}\n" in text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("ANTHROPIC_API_KEY", True),
        ("API_KEY", True),
        ("AKMON_OPENAI_COMPATIBLE_KEY", True),
        ("RAILS_MASTER_KEY", True),
        ("MYSQL_PWD", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("AWS_BEARER_TOKEN_BEDROCK", True),
        ("GITHUB_TOKEN", True),
        ("CLIENT_SECRET", True),
        ("MYSQL_PASSWORD_FILE", True),
        ("AWS_REGION", False),
        ("AWS_PROFILE", False),
        ("PATH", False),
        ("OLDPWD", False),
        ("HOME", False),
        ("SSH_AUTH_SOCK", False),
        ("VIRTUAL_ENV", False),
        ("MAX_TOKENS", False),
    ],
)
def test_which_names_are_secrets(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


@pytest.mark.parametrize(
    "arguments", [{"command": ""}, {"command": "x", "timeout": 601}, {"command": "x", "timeout": 0}]
)
def test_arguments_that_do_not_fit_are_refused(hands: Any, arguments: dict[str, object]) -> None:
    with pytest.raises(ArgumentsError):
        hands("shell", **arguments)


def test_a_command_that_cannot_be_started_is_said_plainly(hands: Any) -> None:
    assert "NUL" in hands.refused("shell", command="a\0b")
    hands.root.rmdir()
    assert "is gone" in hands.refused("shell", command="true")
