"""A server that is a child process gets little of us, holds nobody up, and ends with its connection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akmon_core.limits import MCP_LOG_BYTES
from akmon_core.secret import Secret
from akmon_tools.mcp.stdio import server_environment
from akmon_tools.tree import TAG
from tests.tools.mcp.connected import lives, raw, run, surroundings, watched

ENVIRON = {
    "HOME": "/home/me",
    "LANG": "C.UTF-8",
    "HTTPS_PROXY": "http://proxy:1",
    "ANTHROPIC_API_KEY": "sk-1",
    "GITHUB_TOKEN": "ghp",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_REGION": "eu",
    "NPM_CONFIG__AUTH_TOKEN": "npm",
    "LD_PRELOAD": "x.so",
    "OTHER": "1",
}


def test_a_server_gets_what_programs_need_and_what_is_declared(tmp_path: Path) -> None:
    server = raw(env={"MY_TOKEN": Secret("declared-value"), "LANG": Secret("declared-value")})

    async def test() -> None:
        async with watched(tmp_path, server, environ=ENVIRON) as it:
            seen = json.loads(await it.text("env"))
        assert seen["MY_TOKEN"] == seen["LANG"] == "declared-value"
        assert seen["HOME"] == "/home/me"
        names = set(seen) - {"LC_CTYPE", "PWD", TAG}
        assert names == {"PATH", "HOME", "LANG", "HTTPS_PROXY", "TERM", "NO_COLOR", "MY_TOKEN"}

    run(test)


def test_what_is_not_declared_of_the_environment_is_not_given(tmp_path: Path) -> None:
    given = server_environment(raw(), surroundings(tmp_path, ENVIRON))
    assert not {name for name in given if "TOKEN" in name or "KEY" in name or name.startswith("AWS")}


@pytest.mark.parametrize(("cwd", "where"), [("", "."), ("sub", "sub")])
def test_a_server_runs_in_the_project_or_where_it_is_told_to(tmp_path: Path, cwd: str, where: str) -> None:
    (tmp_path / "sub").mkdir()

    async def test() -> None:
        async with watched(tmp_path, raw(cwd=cwd)) as it:
            assert await it.text("cwd") == str(tmp_path / where)

    run(test)


def test_standard_error_is_drained_into_a_bounded_log_without_secrets(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            assert await it.text("stderr", megabytes=20) == "done"

    run(test)
    text = (tmp_path / "logs" / "raw.log").read_text()
    assert text.endswith("the last\n")
    assert len(text) <= MCP_LOG_BYTES
    assert "sk-ant-aaaa" not in text
    assert "\x1b" not in text


def test_a_server_that_ends_when_its_input_closes_ends_in_peace(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            pid = int(await it.text("pid"))
        assert not lives(pid)

    run(test)


def test_a_server_that_ignores_everything_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw("stubborn")) as it:
            pids = [int(await it.text(tool)) for tool in ("pid", "grandchild")]
            assert all(map(lives, pids))
        assert not any(map(lives, pids))

    run(test)


def test_what_a_server_that_died_has_started_does_not_live_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            child = int(await it.text("grandchild"))
        assert not lives(child)

    run(test)
