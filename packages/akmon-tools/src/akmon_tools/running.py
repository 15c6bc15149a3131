"""A command line while it runs and after: its output, its end, and what it left running."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akmon_tools.bash import BashCall
from akmon_tools.capture import Capture
from akmon_tools.processes import Child, Launch, start
from akmon_tools.shellstate import ShellState
from akmon_tools.tree import Process, command_line

if TYPE_CHECKING:
    from akmon_tools.sandbox.box import Sandbox

NETWORK = "network"
"""What the model is told of where output comes from that may be made of what came over the network."""
_LOOK_SECONDS = 0.02
_SIGNALLED = 128
"""What a shell, and a sandbox, add to the number of the signal that ended a program."""
_WATCH_SECONDS = 1.0
"""Between two looks at whether what a command left still runs."""


class Running:
    """A started command. A task reads its output, and ends when none of its processes is left.

    ``answered`` is set when the command itself has ended: ``exit_code``, ``left`` and ``state`` are known.
    """

    def __init__(
        self,
        command: str,
        call: BashCall,
        launch: Launch,
        capture: Capture,
        settle: float,
        sandbox: Sandbox | None = None,
    ) -> None:
        """Starts it. ``settle`` is what the processes that it leaves have to end by themselves, as those of
        ``> >(tee log)`` do, in seconds. Raises ``ToolError``, and closes ``call`` then."""
        self.command = command
        self.capture = capture
        self.answered = asyncio.Event()
        self.exit_code: int | None = None
        self.left: list[Process] = []
        self.state: ShellState | None = None
        self.killed = False
        self.show: Callable[[bytes], None] | None = None
        """Sees the output as it comes."""
        self._began = time.monotonic()
        self._took: float | None = None
        self._call = call
        self._settle = settle
        self._sandbox = sandbox
        self._received = sandbox.received if sandbox else 0
        self._networked = False
        self._notes: list[str] = []
        try:
            self._child: Child = self._started(launch)
        except BaseException:
            call.close()
            raise
        self._task = asyncio.create_task(self._follow())
        self._task.add_done_callback(lambda _: self._finish())  # also if it was cancelled before it began

    def _started(self, launch: Launch) -> Child:
        if self._sandbox is None:
            return start(launch)
        launch = self._sandbox.wrapped(launch)
        try:
            return start(launch)
        except BaseException:
            self._sandbox.settle()
            raise

    def notes(self) -> list[str]:
        """What the sandbox did about it, since it was last asked."""
        notes, self._notes = self._notes, []
        return notes

    def untrusted(self) -> str:
        """Where its output may be from, if anybody may have written that: it has got something over the
        network, or another command has meanwhile."""
        self._look_at_network()
        if not self._networked:
            return ""
        self.capture.mark(NETWORK)
        return NETWORK

    def _look_at_network(self) -> None:
        if self._sandbox and self._took is None:
            self._networked = self._networked or self._sandbox.received > self._received

    @property
    def over(self) -> bool:
        """None of its processes is left."""
        return self._task.done()

    def stop_showing(self) -> None:
        """Nobody sees what comes from here on; the line that is open is shown once more."""
        if self.show:
            self.show(self.capture.flush())
            self.show = None

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return time.monotonic() - self._began if self._took is None else self._took

    async def wait(self, seconds: float) -> bool:
        """Whether the command itself ended within ``seconds``. Raises what went wrong in reading it."""
        try:
            await asyncio.wait_for(self.answered.wait(), seconds)
        except TimeoutError:
            return False
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        return True

    async def wait_until_over(self, seconds: float) -> None:
        await asyncio.wait({self._task}, timeout=seconds)

    async def kill(self) -> None:
        """Asks all its processes to end, and after a grace makes them. Cancelled, it makes them at once."""
        if self._task.done():
            return
        self.killed = True
        self._task.cancel()
        try:
            await asyncio.wait({self._task})
        finally:
            if not self._task.done():
                self._task.cancel()
                self._child.tree.kill()

    def outcome(self) -> str:
        """How the command stands, in a few words."""
        if self.killed and (self.exit_code is None or not 0 <= self.exit_code <= _SIGNALLED):
            return "killed"
        if self.exit_code is None:
            return "running"
        if self.exit_code < 0:
            number = -self.exit_code
            name = next((known.name for known in signal.Signals if known == number), f"signal {number}")
            return f"killed by {name}"
        return f"exit {self.exit_code}"

    def still_running(self) -> str:
        """What the command left running, in words; empty if nothing."""
        if self.over or not self.answered.is_set():
            return ""
        self.left = self._child.tree.find()
        if not self.left:
            return ""
        count = len(self.left)
        line = command_line(self.left[0])
        return f"{count} process{'es' * (count > 1)}" + (f", such as `{line}`" if line else "")

    async def _follow(self) -> None:
        child = self._child
        over = False
        try:
            await child.read_until(lambda: child.ended, None, self._take)
            await self._settled()
            self._answer()
            while self.left:
                await child.read_until(lambda: False, _WATCH_SECONDS, self._take)
                self.left = child.tree.find()
            over = True
        finally:
            try:
                if not over:
                    await child.kill(self._take)
            finally:
                self._finish()

    def _finish(self) -> None:
        if self._took is not None:
            return
        self._look_at_network()
        self._took = self.seconds
        if not self._child.ended:
            self._child.tree.kill()
        self._child.release()
        self._answer()
        self.left = []
        self._look_after(over=True)
        self.stop_showing()
        self.capture.close()
        self._call.close()

    async def _settled(self) -> None:
        child = self._child
        child.drain(self._take)
        end = time.monotonic() + self._settle
        while (left := child.tree.find()) and time.monotonic() < end:
            await child.read_until(lambda: False, _LOOK_SECONDS, self._take)
        child.drain(self._take)
        self.left = left

    def _answer(self) -> None:
        """Takes down how the command itself ended, once."""
        if self.answered.is_set():
            return
        self._child.reap()
        self.exit_code = self._child.exit_code
        self.state = self._call.ended()
        if self.state and self.killed:  # it was told to end with all that it had started
            self.state = msgspec.structs.replace(self.state, ended=0)
        if self.state is None and self._child.last_cwd:
            self.state = ShellState(Path(self._child.last_cwd), None)
        self._look_after(over=False)
        self.answered.set()

    def _look_after(self, *, over: bool) -> None:
        if self._sandbox:
            self._notes += self._sandbox.settle(over=over)

    def _take(self, chunk: bytes) -> None:
        if chunk:
            sure = self.capture.feed(chunk)
            if self.show:
                self.show(sure)
