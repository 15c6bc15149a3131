"""Commands in the background: by themselves, by wish, read, waited for, ended, closed with the session."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_tools.jobs import Jobs
from akmon_tools.shell import ShellTimes
from tests.tools.shell.rig import Rig, wait_until

SOON = ShellTimes(foreground=0.3, grace=0.3, settle=0.05)


def play(
    folder: Path, body: Callable[[Rig], Awaitable[None]], *, portable: bool = False, most: int = 20
) -> None:
    async def whole() -> None:
        rig = Rig(folder, SOON, portable=portable, jobs=Jobs(most))
        try:
            await body(rig)
        finally:
            await rig.close()
        wait_until(lambda: not rig.processes())

    asyncio.run(whole())


async def read_until(rig: Rig, id: int, wanted: str) -> str:
    """Reads a job until it has said ``wanted``."""
    text = ""
    while wanted not in text:
        text += (await rig.job(id)).text
        await asyncio.sleep(0.01)
    return text


def test_a_command_that_takes_long_becomes_a_job_with_what_it_said_so_far(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        command = f"echo one; until [ -e {rig.root}/go ]; do sleep 0.01; done; echo two; exit 3"
        output = await rig.shell(command)
        assert output.text.endswith("[still running after 0.3 s: job 1]")
        assert not output.error
        (rig.root / "go").touch()
        ended = await rig.job(1, wait=60)
        assert ended.error
        assert "one\n" in output.text + ended.text
        assert "two\n[job 1: exit 3, " in ended.text
        assert (await rig.job(1)).text.startswith("(no new output)\n[job 1: exit 3, ")

    play(tmp_path, body)


@pytest.mark.parametrize("portable", [False, True])
def test_a_job_is_started_listed_read_and_killed(tmp_path: Path, portable: bool) -> None:
    async def body(rig: Rig) -> None:
        output = await rig.shell("echo up; sleep 1000", background=True)
        assert output.text == "(no output)\n[started: job 1]"
        await read_until(rig, 1, "up\n")
        assert "(no new output)\n[job 1: running, for " in (await rig.job(1)).text
        listed = (await rig.job()).text
        assert listed.startswith("1  running, for ")
        assert listed.endswith(" s  3 bytes  echo up; sleep 1000")
        killed = await rig.job(1, kill=True)
        assert "[job 1: killed, " in killed.text
        assert not killed.error
        assert not rig.processes()
        assert "1  killed, " in (await rig.job()).text

    play(tmp_path, body, portable=portable)


def test_two_jobs_at_once_keep_their_output_apart(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.shell("echo a; sleep 1000", background=True)
        await rig.shell("echo b; sleep 1000", background=True)
        (await rig.shell("echo c")).text.startswith("c\n")
        first, second = (
            await read_until(rig, 1, "[job 1: running"),
            await read_until(rig, 2, "[job 2: running"),
        )
        assert "b" not in first.replace("job", "")
        assert "a\n" not in second

    play(tmp_path, body)


def test_what_a_job_exports_and_where_it_goes_is_its_own(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.shell("cd /usr; export A=1", background=True)
        await rig.job(1, wait=60)
        assert (await rig.shell('pwd; echo "<$A>"')).text == f"{rig.root}\n<>\n[exit 0]"

    play(tmp_path, body)


def test_waiting_is_over_when_the_time_is(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.shell("sleep 1000", background=True)
        assert "[job 1: running" in (await rig.job(1, wait=0.05)).text

    play(tmp_path, body)


def test_what_a_command_leaves_can_be_read_and_ended_as_a_job(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        serve = f"(until [ -e {rig.root}/go ]; do sleep 0.01; done; echo served; sleep 1000) & echo up"
        output = await rig.shell(serve)
        assert output.text.startswith("up\n[still running: ")
        assert output.text.endswith("; job 1]\n[exit 0]")
        (rig.root / "go").touch()
        assert "[job 1: exit 0, still running: " in await read_until(rig, 1, "served\n")
        assert "[job 1: exit 0, " in (await rig.job(1, kill=True)).text
        assert not rig.processes()

    play(tmp_path, body)


def test_there_are_only_so_many_at_once_and_those_that_are_over_make_room(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.shell("sleep 1000", background=True)
        await rig.shell("true", background=True)
        await rig.job(2, wait=60)
        await rig.shell("sleep 1000", background=True)
        assert [number for number, _ in rig.jobs.all()] == [1, 3]
        with pytest.raises(ToolError, match="jobs run already"):
            await rig.shell("true", background=True)
        assert "[killed after 0.3 s, as " in (await rig.shell("sleep 1000")).text
        assert "[ended, as " in (await rig.shell("sleep 1000 &")).text
        assert (await rig.shell("echo a")).text == "a\n[exit 0]"

    play(tmp_path, body, most=2)


def test_a_job_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        assert (await rig.job()).text == "(no jobs)"
        with pytest.raises(ToolError, match=r"no job 1\. The jobs are: none"):
            await rig.job(1)

    play(tmp_path, body)


@pytest.mark.parametrize("portable", [False, True])
def test_closing_ends_jobs_that_do_not_want_to(tmp_path: Path, portable: bool) -> None:
    async def body(rig: Rig) -> None:
        stubborn = "trap '' TERM HUP; echo ready; while :; do sleep 1000; done"
        for _ in range(2):
            await rig.shell(stubborn, background=True)
        while not all(job.capture.size for _, job in rig.jobs.all()):
            await asyncio.sleep(0.01)

    play(tmp_path, body, portable=portable)


def test_a_loop_that_ends_without_closing_takes_the_jobs_with_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, SOON)
    asyncio.run(rig.shell("setsid sleep 1000 & sleep 1000", background=True))
    wait_until(lambda: not rig.processes())
    asyncio.run(rig.close())


def test_closing_ends_what_was_overlooked(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        tag = (await rig.shell("echo $AKMON_CALL")).text.partition("\n")[0]
        environment = {**os.environ, "AKMON_CALL": tag}
        left = subprocess.Popen(  # noqa: ASYNC220
            ["/bin/sleep", "1000"], env=environment, start_new_session=True
        )
        wait_until(lambda: rig.mark.encode() in Path(f"/proc/{left.pid}/environ").read_bytes())
        await rig.close()
        assert await asyncio.to_thread(left.wait) == -9

    play(tmp_path, body)


def cancelled(folder: Path, command: str, times: int) -> Rig:
    async def whole() -> Rig:
        rig = Rig(folder, SOON)
        call = asyncio.create_task(rig.shell(command, timeout=60))
        while "ready" not in "".join(rig.progress):
            await asyncio.sleep(0.01)
        for _ in range(times):
            call.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await call
        return rig

    return asyncio.run(whole())


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancelled_call_leaves_nothing(tmp_path: Path, times: int) -> None:
    stubborn = "trap '' TERM; (setsid sleep 1000 &) ; echo ready; while :; do sleep 1000; done"
    rig = cancelled(tmp_path, stubborn, times)
    wait_until(lambda: not rig.processes())


def test_a_cancelled_call_keeps_where_it_was(tmp_path: Path) -> None:
    rig = cancelled(tmp_path, "cd /usr; export A=1; echo ready; sleep 1000", 1)
    assert asyncio.run(rig.shell("pwd; echo $A")).text == "/usr\n1\n[exit 0, in /usr]"
    asyncio.run(rig.close())
