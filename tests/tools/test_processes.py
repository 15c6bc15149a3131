"""Real processes: their output, their ends, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ToolError
from akmon_tools.processes import Child, Enough, Finished, Launch, PipeChild, ThreadChild, run

BASH = "/bin/bash"


async def bash(command: str, timeout: float = 60, keep: int = 10_000, **more: Any) -> Finished:
    argv = [BASH, "-c", command]
    return await run(argv, cwd=Path("/"), env=os.environ, timeout=timeout, keep=keep, **more)


def alive(pid: int) -> bool:
    """A zombie that its new parent has not collected yet is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rsplit(b") ", 1)[-1][:1] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Any) -> None:
    """A bound far above what it takes, for the case that the program is wrong."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def pids_in(file: Path, count: int) -> list[int]:
    wait_until(lambda: file.exists() and len(file.read_text().split()) >= count)
    return [int(pid) for pid in file.read_text().split()]


def test_output_and_errors_come_in_order_with_the_exit_code() -> None:
    finished = asyncio.run(bash("echo one; echo two >&2; echo three; exit 3"))
    assert finished.output.head == b"one\ntwo\nthree\n"
    assert (finished.exit_code, finished.output.lines, finished.timed_out) == (3, 3, False)


def test_a_command_killed_by_a_signal_has_its_negative_number() -> None:
    assert asyncio.run(bash("kill -SEGV $$")).exit_code == -11


def test_input_is_empty() -> None:
    assert asyncio.run(bash("cat; read x || echo none")).output.head == b"none\n"


def test_only_the_standard_descriptors_are_inherited() -> None:
    with open("/dev/null", "rb") as secret:  # noqa: PTH123
        os.set_inheritable(secret.fileno(), True)
        finished = asyncio.run(bash("ls /proc/self/fd"))
    assert set(finished.output.head.split()) <= {b"0", b"1", b"2", b"3"}  # 3 is the folder that ls reads


def test_a_program_that_is_missing_or_not_startable_is_a_tool_error() -> None:
    for argv in (["/nowhere/program"], ["/bin/true", "a\0b"], ["/bin/true", "x" * 5_000_000]):
        with pytest.raises(ToolError, match="cannot start"):
            asyncio.run(run(argv, cwd=Path("/"), env={}, timeout=5, keep=100))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left_open() -> None:
    before = open_descriptors()
    asyncio.run(bash("echo x"))
    with pytest.raises(ToolError):
        asyncio.run(run(["/nowhere/program"], cwd=Path("/"), env={}, timeout=5, keep=100))
    assert open_descriptors() == before


def test_a_flood_is_kept_within_its_bound_with_head_and_tail() -> None:
    flood = "head -c 30000000 /dev/zero | tr '\\0' x"
    finished = asyncio.run(bash(f"echo begin; {flood}; echo; echo end", keep=1_000))
    assert finished.output.head.startswith(b"begin\nxxx")
    assert finished.output.tail.endswith(b"xxx\nend\n")
    assert len(finished.output.head) + len(finished.output.tail) <= 1_000
    assert finished.output.size == 30_000_000 + len(b"begin\n\nend\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes that can be made larger")
def test_what_lies_in_the_pipe_when_the_command_ends_is_still_read(tmp_path: Path) -> None:
    script = """
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1_000_000)
print(os.getpid(), flush=True)
os.read(os.open(GO, os.O_RDONLY), 1)
os.write(1, b"x" * 500_000)
""".replace("GO", repr(f"{tmp_path}/go"))
    os.mkfifo(tmp_path / "go")

    def slow_reader(chunk: bytes) -> None:
        if chunk[:1].isdigit():
            (tmp_path / "go").write_text("x")
            wait_until(lambda: not alive(int(chunk)))

    argv = [sys.executable, "-c", script]
    running = run(argv, cwd=tmp_path, env=os.environ, timeout=60, keep=100, on_output=slow_reader)
    output = asyncio.run(running).output
    assert output.size > 500_000


def test_a_daemon_that_holds_the_output_open_does_not_hold_us(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    finished = asyncio.run(bash(f"sleep 300 & echo $! > {pid_file}; echo started", timeout=200))
    (pid,) = pids_in(pid_file, 1)
    assert alive(pid)
    os.kill(pid, 9)
    assert (finished.exit_code, finished.output.head) == (0, b"started\n")


STUBBORN = (
    "trap '' TERM; echo $$ >> {pids}; "
    "bash -c 'trap \"\" TERM; echo $$ >> {pids}; while :; do sleep 0.05; done' & "
)


@pytest.mark.parametrize(
    "command",
    [
        "echo $$ >> {pids}; (echo $BASHPID >> {pids}; sleep 300) & sleep 300",
        STUBBORN + "while :; do sleep 0.05; done",
        "set -m; echo $$ >> {pids}; bash -c 'echo $$ >> {pids}; sleep 300' & wait",
        "echo $$ >> {pids}; timeout 300 bash -c 'echo $$ >> {pids}; sleep 300'; true",
    ],
    ids=["plain", "ignores SIGTERM", "job control", "the timeout program"],
)
class TestNothingOfACommandSurvives:
    def test_its_timeout(self, tmp_path: Path, command: str) -> None:
        pid_file = tmp_path / "pids"
        for timeout in (0.5, 5, 50):  # long enough for it to have started all it starts
            pid_file.write_text("")
            finished = asyncio.run(bash(command.format(pids=pid_file), timeout=timeout))
            assert finished.timed_out
            if len(pid_file.read_text().split()) == 2:
                break
        for pid in pids_in(pid_file, 2):
            wait_until(lambda pid=pid: not alive(pid))

    def test_its_cancellation(self, tmp_path: Path, command: str) -> None:
        pid_file = tmp_path / "pids"

        async def scenario() -> None:
            task = asyncio.create_task(bash(command.format(pids=pid_file)))
            await asyncio.to_thread(pids_in, pid_file, 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(scenario())
        for pid in pids_in(pid_file, 2):
            wait_until(lambda pid=pid: not alive(pid))

    def test_a_reader_that_has_enough(self, tmp_path: Path, command: str) -> None:
        pid_file = tmp_path / "pids"
        both = f"""
            ( {command.format(pids=pid_file)} ) &
            until [ -e {pid_file} ] && [ "$(wc -l < {pid_file})" -ge 2 ]; do sleep 0.01; done
            echo x; wait
        """

        def enough(_: bytes) -> None:
            raise Enough

        finished = asyncio.run(bash(both, on_output=enough))
        assert finished.stopped
        assert not finished.timed_out
        for pid in pids_in(pid_file, 2):
            wait_until(lambda pid=pid: not alive(pid))


def test_a_second_cancellation_kills_at_once(tmp_path: Path) -> None:
    pid_file = tmp_path / "pids"

    async def scenario() -> None:
        task = asyncio.create_task(bash(STUBBORN.format(pids=pid_file) + "wait"))
        await asyncio.to_thread(pids_in, pid_file, 2)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    for pid in pids_in(pid_file, 2):
        wait_until(lambda pid=pid: not alive(pid))


def test_a_command_may_tidy_up_in_its_grace_and_is_heard(tmp_path: Path) -> None:
    mark = tmp_path / "tidied"
    inner = f'trap "echo bye; touch {mark}; exit" TERM; echo up; while :; do sleep 0.01; done'

    def enough(_: bytes) -> None:
        raise Enough

    finished = asyncio.run(bash(f"bash -c '{inner}'; true", on_output=enough))
    assert mark.exists()
    assert finished.output.head.endswith(b"bye\n")


def test_an_error_in_the_reader_ends_the_command_and_comes_through(tmp_path: Path) -> None:
    def broken(_: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(bash(f"echo $$ > {tmp_path}/pid; echo x; sleep 300", on_output=broken))
    (pid,) = pids_in(tmp_path / "pid", 1)
    wait_until(lambda: not alive(pid))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux can wait for many at once")
def test_many_at_once_do_not_need_a_thread_each() -> None:
    async def scenario() -> list[Finished]:
        tasks = [asyncio.create_task(bash(f"echo {number}; sleep 0.2")) for number in range(30)]
        await asyncio.sleep(0)
        assert threading.active_count() == before
        return await asyncio.gather(*tasks)

    before = threading.active_count()
    finished = asyncio.run(scenario())
    assert [int(one.output.head) for one in finished] == list(range(30))


class WithoutPidfd(PipeChild):
    """A child as it is watched where the system cannot hand out a descriptor for it."""

    def _watch(self) -> None:
        os.set_blocking(self._pipe, False)
        self._loop.add_reader(self._pipe, self._changed.set)
        threading.Thread(target=self._wait, daemon=True).start()


@pytest.mark.parametrize("kind", [WithoutPidfd, ThreadChild])
def test_where_the_loop_cannot_watch_threads_do(kind: type[Child]) -> None:
    async def scenario() -> tuple[int, bytes]:
        child = kind(Launch(argv=[BASH, "-c", "echo hi; exit 4"], cwd=Path("/"), env=os.environ))
        pieces: list[bytes] = []
        assert await child.read_until(lambda: child.ended and child.closed, 60, pieces.append)
        child.release()
        return child.exit_code, b"".join(pieces)

    assert asyncio.run(scenario()) == (4, b"hi\n")
