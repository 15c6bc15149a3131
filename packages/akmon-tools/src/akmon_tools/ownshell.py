"""Runs the command lines that the person types: with bash, in the session's folder, held in by nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from akmon_core.limits import SHELL_JOBS, SHELL_TIMEOUT_MAX
from akmon_core.ports import CommandEnd
from akmon_tools.environment import own_environment
from akmon_tools.outputs import Outputs
from akmon_tools.workspace import Workspace

if TYPE_CHECKING:
    from akmon_tools.running import Running

_GRACE = 1.0
"""Seconds between asking a command to end and making it."""
_SETTLE = 0.2
"""Seconds that what a command leaves has to end by itself."""
_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a program."""


class OwnShell:
    """Implements ``akmon_core.ports.OwnShell``.

    Each command starts anew, with the person's whole environment and without input. What it leaves running
    ends with the session, unless it has left the command's own session of processes, as services do.
    """

    def __init__(
        self, workspace: Workspace, outputs: Outputs, *, portable: bool = sys.platform == "win32"
    ) -> None:
        """``portable`` does without what only POSIX or Linux has, for tests of that."""
        self._workspace = workspace
        self._outputs = outputs
        self._portable = portable
        self._left: list[Running] = []
        """Commands that have ended, and of which something still runs."""

    async def run(self, command: str, show: Callable[[str], None]) -> CommandEnd:
        from akmon_tools.capture import Progress

        running = self._start(command)
        progress = Progress(show)
        running.show = progress.feed
        stopped = not await _ended(running)
        running.stop_showing()
        progress.close()
        notes = [] if stopped else await self._leave(running)
        text, _ = running.capture.new()
        output = "\n".join((text.rstrip("\n"), *(f"[{note}]" for note in notes))).strip("\n")
        return CommandEnd(output, None if stopped else _as_shells_say(running.exit_code))

    async def close(self) -> None:
        await asyncio.gather(*(running.kill() for running in self._left))
        self._left.clear()

    def _start(self, command: str) -> Running:
        from akmon_tools.bash import POLITE, BashCall
        from akmon_tools.capture import Capture
        from akmon_tools.processes import Launch
        from akmon_tools.programs import find_bash
        from akmon_tools.running import Running

        call = BashCall(find_bash(self._workspace), command, by_path=self._portable)
        launch = Launch(
            argv=call.argv,
            cwd=self._workspace.cwd,
            env=own_environment(os.environ),
            descriptors=call.descriptors,
            polite=POLITE,
            grace=_GRACE,
            portable=self._portable,
        )
        return Running(command, call, launch, Capture(self._outputs), _SETTLE)

    async def _leave(self, running: Running) -> list[str]:
        """Looks after what an ended command left running, and says what that is."""
        left = running.still_running()
        if not left:
            return []
        self._left = [each for each in self._left if not each.over]
        if len(self._left) >= SHELL_JOBS:
            with suppress(asyncio.CancelledError):
                await running.kill()
            return [f"ended, as {SHELL_JOBS} commands have left something running already: {left}"]
        self._left.append(running)
        return [f"still running until the session ends: {left}"]


async def _ended(running: Running) -> bool:
    """Whether the command ended by itself; if not it is ended here."""
    try:
        while not await running.wait(SHELL_TIMEOUT_MAX):
            pass  # nobody but the person says that it takes too long
    except asyncio.CancelledError:
        with suppress(asyncio.CancelledError):  # then it is ended at once
            await running.kill()
        return False
    except BaseException:
        await running.kill()
        raise
    return True


def _as_shells_say(code: int | None) -> int | None:
    return _SIGNALLED - code if code is not None and code < 0 else code
