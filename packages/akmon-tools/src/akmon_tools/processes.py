"""Runs one command: streams its output, bounds its time and its memory, and leaves nothing of it behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.truncate import HeadTail

GRACE_SECONDS = 1.0
"""What a command has to end by itself after it was asked to."""
_REAP_SECONDS = 5.0
_CHUNK = 65_536
_DRAIN_CHUNKS = 32
_KILL_ROUNDS = 10
"""One can fork while it is being found, so they are looked for until none is left."""


class Enough(Exception):
    """Raised by ``on_output`` to end the command early."""


class Finished(msgspec.Struct, frozen=True):
    """How a command ended."""

    exit_code: int
    """Minus the signal's number if a signal ended it."""
    output: HeadTail
    """Standard output and standard error in the order they came."""
    timed_out: bool = False
    stopped: bool = False
    """``on_output`` had enough."""


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    keep: int,
    on_output: Callable[[bytes], None] | None = None,
) -> Finished:
    """Runs ``argv`` until it ends, without input, keeping ``keep`` bytes of its output.

    It is over when the command itself ends, even if something it started still holds its output open.
    On a timeout (seconds), ``Enough`` or cancellation its whole session of processes is killed first.
    Raises ``ToolError`` if it cannot be started.
    """
    child = _Child(argv, cwd, env)
    output = HeadTail(keep)

    def take(chunk: bytes) -> None:
        output.feed(chunk)
        if on_output and chunk:
            on_output(chunk)

    timed_out = stopped = False
    try:
        child.watch()
        timed_out = not await child.read_until(lambda: child.ended, timeout, take)
        if not timed_out:
            child.drain(take)
    except Enough:
        stopped = True
    finally:
        try:
            if not child.ended:
                await child.kill(output.feed)
        finally:
            child.release()
    return Finished(child.exit_code, output, timed_out, stopped)


class _Child:
    """A process that leads its own session, with its output as a pipe that never blocks."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.ended = False
        """The process itself is dead. It keeps its id until ``release``, so its group can be signalled."""
        self._closed = False
        """Nobody holds the other end of the pipe any more."""
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._pidfd = -1
        self._pipe, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            os.close(self._pipe)
            raise ToolError(f"cannot start {argv[0]} in {cwd}: {error}.") from None
        finally:
            os.close(theirs)

    @property
    def exit_code(self) -> int:
        code = self._process.returncode
        return -signal.SIGKILL if code is None else code

    def watch(self) -> None:
        os.set_blocking(self._pipe, False)
        self._loop.add_reader(self._pipe, self._changed.set)
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
        except (AttributeError, OSError):  # not Linux, or not allowed here
            threading.Thread(target=self._wait, daemon=True).start()
        else:
            self._loop.add_reader(self._pidfd, self._end)

    def _wait(self) -> None:
        self._process.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.ended = True
        self._changed.set()

    async def read_until(
        self, done: Callable[[], bool], seconds: float, take: Callable[[bytes], None]
    ) -> bool:
        """Hands output to ``take`` until ``done()``; False if ``seconds`` were over first."""
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self._changed.set()

        timer = self._loop.call_later(seconds, expire)
        try:
            while not done() and not expired:
                await self._changed.wait()
                self._changed.clear()
                take(self._read())
        finally:
            timer.cancel()
        return done()

    def drain(self, take: Callable[[bytes], None]) -> None:
        """Hands over what lies in the pipe, without waiting for more."""
        for _ in range(_DRAIN_CHUNKS):
            chunk = self._read()
            if not chunk:
                return
            take(chunk)

    def _read(self) -> bytes:
        if self._closed:
            return b""
        try:
            chunk = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return b""
        if not chunk:
            self._closed = True
            self._loop.remove_reader(self._pipe)
        return chunk

    async def kill(self, take: Callable[[bytes], None]) -> None:
        """Asks the whole session to end, and after a grace makes it. Cancelled, it makes it at once."""
        self._signal(signal.SIGTERM)
        try:
            await self.read_until(lambda: self.ended and self._closed, GRACE_SECONDS, take)
        finally:
            self._signal(signal.SIGKILL)
        await self.read_until(lambda: self.ended, _REAP_SECONDS, take)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
        for _ in range(_KILL_ROUNDS if number == signal.SIGKILL else 1):
            others = _other_groups(self._process.pid)
            for pid in others:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            if not others:
                return

    def release(self) -> None:
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        if self._pidfd >= 0:
            self._end()
        if self._process.poll() is None:  # dying, but slow to: somebody has to collect it
            threading.Thread(target=self._process.wait, daemon=True).start()


def _other_groups(session: int) -> list[int]:
    """The living processes of a session outside its first group, as ``timeout`` and job control make them."""
    found: list[int] = []
    with suppress(FileNotFoundError, NotADirectoryError):  # only Linux has /proc
        for name in os.listdir("/proc"):  # noqa: PTH208
            if not name.isdigit():
                continue
            with suppress(OSError):
                fields = Path("/proc", name, "stat").read_bytes().rsplit(b") ", 1)[-1].split()
                state, group, its_session = fields[0], int(fields[2]), int(fields[3])
                if its_session == session != group and state not in (b"Z", b"X"):
                    found.append(int(name))
    return found
