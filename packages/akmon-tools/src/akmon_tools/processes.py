"""Runs one command: streams its output, bounds its time and its memory, and leaves nothing of it behind."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.tree import tree_of
from akmon_tools.truncate import HeadTail

GRACE_SECONDS = 1.0
"""What a command has to end by itself after it was asked to."""
_REAP_SECONDS = 5.0
_LOOK_SECONDS = 0.02
"""Between two looks at which processes of a command that is being ended still live."""
_CHUNK = 65_536
_DRAIN_CHUNKS = 32
_QUEUED_CHUNKS = 8

Take = Callable[[bytes], None]


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


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How a command is started."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    tag: str = ""
    """Is in its environment, and finds what leaves its session."""
    descriptors: tuple[int, ...] = ()
    """What it inherits besides the standard three."""
    inner: Sequence[str] = ()
    """The command itself, if ``argv`` is what holds it in."""
    handed: tuple[int, ...] = ()
    """Those of the descriptors that are closed here once it has inherited them."""
    polite: int = 0
    """The signal that asks the program itself to end; 0 is SIGTERM."""
    grace: float = GRACE_SECONDS
    makes_repository: bool = False
    """It says itself that it begins a git repository, so that there may be one."""
    portable: bool = sys.platform == "win32"
    """Reads and waits in threads, as event loops cannot watch pipes and processes on every system."""


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    keep: int,
    on_output: Take | None = None,
) -> Finished:
    """Runs ``argv`` until it ends, without input, keeping ``keep`` bytes of its output.

    It is over when the command itself ends, even if something it started still holds its output open.
    On a timeout (seconds), ``Enough`` or cancellation its whole session of processes is killed first.
    Raises ``ToolError`` if it cannot be started.
    """
    child = start(Launch(argv=argv, cwd=cwd, env=env))
    output = HeadTail(keep)

    def take(chunk: bytes) -> None:
        output.feed(chunk)
        if on_output and chunk:
            on_output(chunk)

    timed_out = stopped = False
    try:
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


def start(launch: Launch) -> Child:
    """Starts a command. Raises ``ToolError`` if it cannot be started. The child must be released."""
    return ThreadChild(launch) if launch.portable else PipeChild(launch)


class Child:
    """A process that leads its own session, whose output is read without blocking."""

    def __init__(self, launch: Launch) -> None:
        self.ended = False
        """The process itself is dead. It keeps its id until it is reaped."""
        self.closed = False
        """Nobody holds the other end of the pipe any more."""
        self.last_cwd: str | None = None
        """Where it was when it had to be killed."""
        self._grace = launch.grace
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._released = False
        self._pipe, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                launch.argv,
                cwd=launch.cwd,
                env=launch.env,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                pass_fds=launch.descriptors,
            )
        except (OSError, ValueError) as error:
            os.close(self._pipe)
            raise ToolError(f"cannot start {launch.argv[0]} in {launch.cwd}: {error}.") from None
        finally:
            for descriptor in (theirs, *launch.handed):
                os.close(descriptor)
        self.tree = tree_of(
            self._process.pid, launch.tag, launch.argv, launch.inner, launch.polite, portable=launch.portable
        )
        self._watch()

    @property
    def exit_code(self) -> int:
        """Known once it is reaped."""
        code = self._process.returncode
        return -signal.SIGKILL if code is None else code

    def _watch(self) -> None:
        raise NotImplementedError

    def _read(self) -> bytes:
        """What is there now; sets ``closed`` at the end."""
        raise NotImplementedError

    def _unwatch(self) -> None:
        raise NotImplementedError

    async def read_until(self, done: Callable[[], bool], seconds: float | None, take: Take) -> bool:
        """Hands output to ``take`` until ``done()``; False if ``seconds`` were over first."""
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self._changed.set()

        timer = self._loop.call_later(seconds, expire) if seconds is not None else None
        try:
            while not done() and not expired:
                await self._changed.wait()
                self._changed.clear()
                take(self._read())
        finally:
            if timer:
                timer.cancel()
        return done()

    def drain(self, take: Take) -> None:
        """Hands over what lies in the pipe, without waiting for more."""
        for _ in range(_DRAIN_CHUNKS):
            chunk = self._read()
            if not chunk:
                return
            take(chunk)

    async def kill(self, take: Take) -> None:
        """Asks all its processes to end, and after a grace makes them. Cancelled, it makes them at once."""
        self.tree.ask()
        try:
            await self._until_gone(self._grace, take, lambda: None)
        finally:
            if not self.ended:
                self.last_cwd = self.tree.folder()
            self.tree.kill()
        await self._until_gone(_REAP_SECONDS, take, self.tree.kill)
        self.drain(take)

    async def _until_gone(self, seconds: float, take: Take, insist: Callable[[], None]) -> None:
        end = self._loop.time() + seconds
        await self.read_until(lambda: self.ended, seconds, take)
        while self.tree.find() and (left := end - self._loop.time()) > 0:
            await self.read_until(lambda: False, min(left, _LOOK_SECONDS), take)
            insist()  # a process cannot be recognised in the moment in which it becomes another program

    def reap(self) -> None:
        """Collects the dead process. Its id may now be given to another."""
        if self._process.poll() is not None:
            self.tree.reaped()

    def release(self) -> None:
        """Closes what is held of it. Whatever still lives goes on."""
        if self._released:
            return
        self._released = True
        self._unwatch()
        self.reap()
        if self._process.returncode is None:  # dying, but slow to: somebody has to collect it
            threading.Thread(target=self._process.wait, daemon=True).start()


class PipeChild(Child):
    """Watched by the event loop: the pipe, and where there is one the process's own descriptor."""

    _pidfd = -1

    def _watch(self) -> None:
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
        self._forget_pidfd()
        self.ended = True
        self._changed.set()

    def _forget_pidfd(self) -> None:
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _read(self) -> bytes:
        if self.closed:
            return b""
        try:
            chunk = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return b""
        if not chunk:
            self.closed = True
            self._loop.remove_reader(self._pipe)
            self._changed.set()
        return chunk

    def _unwatch(self) -> None:
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        self._forget_pidfd()


class ThreadChild(Child):
    """Watched by two threads, one that reads and one that waits."""

    def _watch(self) -> None:
        self._chunks: queue.Queue[bytes] = queue.Queue(_QUEUED_CHUNKS)
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self._process.wait()
        self.ended = True
        self._wake()

    def _read_all(self) -> None:
        """Owns the pipe. It may be held open long after the command, which must not keep anybody."""
        while chunk := os.read(self._pipe, _CHUNK):
            if self._released:
                break
            self._chunks.put(chunk)
            self._wake()
        os.close(self._pipe)
        self._chunks.put(b"")
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._changed.set)

    def _read(self) -> bytes:
        if self.closed:
            return b""
        try:
            chunk = self._chunks.get_nowait()
        except queue.Empty:
            return b""
        self.closed = not chunk
        self._changed.set()  # there may be more
        return chunk

    def _unwatch(self) -> None:
        with suppress(queue.Empty):  # the reader may wait for room, and is to see that nobody reads any more
            while True:
                self._chunks.get_nowait()
