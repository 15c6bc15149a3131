"""A server that is a child process gets little of us, holds nobody up, and ends with its connection."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from akmon_core.limits import MCP_LOG_BYTES
from akmon_core.secret import Secret
from akmon_tools.mcp.stdio import server_environment
from akmon_tools.tree import TAG
from tests.tools.mcp.connected import QUICK, Watched, lives, raw, run, surroundings, watched

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


def test_a_loop_that_ends_without_closing_leaves_no_server(tmp_path: Path) -> None:
    pids: list[int] = []

    async def test() -> None:
        it = Watched(raw("stubborn"), surroundings(tmp_path), QUICK)
        it.connection.begin()
        pids.append(int(await it.text("pid")))

    run(test)
    assert not lives(pids[0])


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.tools.mcp.connected import QUICK, Watched, raw, surroundings

async def main():
    it = Watched(raw(), surroundings(Path(sys.argv[2])), QUICK)
    it.connection.begin()
    print(await it.text("pid"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_server_that_reads_its_input_ends_when_we_are_killed(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    ours = subprocess.run(
        [sys.executable, "-c", _KILLED, root, str(tmp_path)], stdout=subprocess.PIPE, check=False
    )
    assert ours.returncode == -9
    pid = int(ours.stdout)
    while lives(pid):  # its end of the pipe closes with us; that it never ends would be the timeout of pytest
        time.sleep(0.01)
