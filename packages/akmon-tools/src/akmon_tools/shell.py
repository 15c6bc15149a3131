"""The tool that runs a bash command line, in the folder and with the variables that the last one left."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import SHELL_COMMAND_CHARS, SHELL_JOBS, SHELL_SECONDS, SHELL_TIMEOUT_MAX
from akmon_core.permissions import Sandboxing
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.environment import command_environment
from akmon_tools.jobs import Jobs
from akmon_tools.outputs import Outputs
from akmon_tools.shellstate import ShellMemory
from akmon_tools.workspace import Workspace

if TYPE_CHECKING:
    from akmon_tools.running import Running
    from akmon_tools.sandbox.box import Sandbox

_BEGINS_REPOSITORY = re.compile(r"\bgit\b[^;&|\n]*\binit\b")
_COMMAND = Meta(min_length=1, max_length=SHELL_COMMAND_CHARS)
_TIMEOUT = Meta(gt=0, le=SHELL_TIMEOUT_MAX, description="Seconds.")


class ShellArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    command: Annotated[str, _COMMAND]
    timeout: Annotated[float, _TIMEOUT] | None = None
    background: bool = False


class ShellTimes(msgspec.Struct, frozen=True):
    """Seconds: until a command becomes a job; between asking and killing; for what a command leaves."""

    foreground: float = SHELL_SECONDS
    grace: float = 1.0
    settle: float = 0.2


_TIMES = ShellTimes()


class ShellTool:
    name = "shell"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = ShellArguments

    def __init__(
        self,
        workspace: Workspace,
        jobs: Jobs,
        outputs: Outputs,
        times: ShellTimes = _TIMES,
        *,
        sandbox: Sandbox | None = None,
        variables: Sequence[str] = (),
        portable: bool = sys.platform == "win32",
    ) -> None:
        """``sandbox`` holds commands in; None leaves them free. ``variables`` are names, or patterns of such,
        of variables that commands get besides the usual ones. ``portable`` does without what only POSIX or
        Linux has, for tests of that."""
        self._workspace = workspace
        self._jobs = jobs
        self._outputs = outputs
        self._times = times
        self._sandbox = sandbox
        self._variables = tuple(variables)
        self._portable = portable
        self._session = os.urandom(8).hex()
        self._calls = 0
        self._memories: dict[str, ShellMemory] = {}

    @property
    def sandbox(self) -> Sandboxing:
        """Implements ``akmon_core.tools.Contained``."""
        return self._sandbox.level if self._sandbox else "off"

    def folder(self, agent: str) -> str:
        """Implements ``akmon_core.tools.Standing``."""
        if agent not in self._memories:
            return str(self._workspace.cwd)
        return str(self._memories[agent].next(self._workspace, *self._outside))

    @property
    def _outside(self) -> tuple[Callable[[Path], Path | None], ...]:
        return (self._sandbox.outside,) if self._sandbox else ()

    def effects(self, arguments: ShellArguments) -> tuple[Effect, ...]:
        return (Effect("run", arguments.command),)

    async def run(self, arguments: ShellArguments, context: ToolContext) -> ToolOutput:
        from akmon_tools.capture import Progress

        memory = self._memory(context.agent)
        notes: list[str] = []
        if self._sandbox:
            await self._sandbox.ready()
        cwd = memory.folder(self._workspace, notes, *self._outside)
        running = self._start(arguments, cwd, memory.exported)
        if arguments.background:
            return self._as_job(running, notes, "started")
        progress = Progress(context.progress)
        running.show = progress.feed
        try:
            timely = await running.wait(arguments.timeout or self._times.foreground)
            running.stop_showing()
            progress.close()
            if not timely and arguments.timeout is None and not self._jobs.full:
                return self._as_job(running, notes, f"still running after {self._times.foreground:g} s")
            if not timely:
                await running.kill()
        except BaseException:
            running.show = None
            await running.kill()
            raise
        finally:
            if running.answered.is_set():
                notes += memory.keep(running.state)
                notes += running.notes()
        if timely:
            notes += await self._leave(running)
            ended = running.outcome()
        elif arguments.timeout:
            ended = f"killed after {arguments.timeout:g} s"
        else:
            ended = f"killed after {self._times.foreground:g} s, as {SHELL_JOBS} jobs run already"
        return self._answer(running, notes, ended, memory)

    async def close(self) -> None:
        """Ends all jobs and whatever else was left running."""
        await self._jobs.close()
        if self._calls:
            from akmon_tools.tree import kill_tagged

            kill_tagged(self._session)
        if self._sandbox:
            await self._sandbox.close()

    def _memory(self, agent: str) -> ShellMemory:
        if agent not in self._memories:
            environment = command_environment(os.environ, self._variables)
            if self._sandbox:
                environment |= self._sandbox.environment
            self._memories[agent] = ShellMemory(self._workspace.cwd, environment)
        return self._memories[agent]

    def _start(self, arguments: ShellArguments, cwd: Path, exported: dict[str, str]) -> Running:
        from akmon_tools.bash import POLITE, BashCall
        from akmon_tools.capture import Capture
        from akmon_tools.processes import Launch
        from akmon_tools.programs import find_bash
        from akmon_tools.running import Running
        from akmon_tools.tree import TAG

        if arguments.background and self._jobs.full:
            raise ToolError(f"{SHELL_JOBS} jobs run already. End one with `job`.")
        self._calls += 1
        tag = f"{self._session}.{self._calls}"
        outer = os.environ.get(TAG)
        call = BashCall(
            find_bash(self._workspace),
            arguments.command,
            by_path=self._portable,
            before=self._sandbox.prelude if self._sandbox else b"",
            own=self._sandbox.own if self._sandbox else 0,
            linger=self._times.settle,
        )
        launch = Launch(
            argv=call.argv,
            makes_repository=bool(_BEGINS_REPOSITORY.search(arguments.command)),
            cwd=cwd,
            env=exported | {TAG: f"{outer}/{tag}" if outer else tag},
            tag=tag,
            descriptors=call.descriptors,
            polite=POLITE,
            grace=self._times.grace,
            portable=self._portable,
        )
        capture = Capture(self._outputs)
        return Running(arguments.command, call, launch, capture, self._times.settle, self._sandbox)

    def _as_job(self, running: Running, notes: list[str], how: str) -> ToolOutput:
        number = self._jobs.add(running)
        text, _ = running.capture.new()
        state = f"{how}: job {number}"
        return ToolOutput(_joined(text, notes, state), summary=state, untrusted=running.untrusted())

    async def _leave(self, running: Running) -> tuple[str, ...]:
        """Makes a job of what an ended command left running."""
        left = running.still_running()
        if not left:
            return ()
        if self._jobs.full:
            await running.kill()
            return (f"ended, as {SHELL_JOBS} jobs run already: {left}",)
        return (f"still running: {left}; job {self._jobs.add(running)}",)

    def _answer(self, running: Running, notes: list[str], ended: str, memory: ShellMemory) -> ToolOutput:
        text, lines = running.capture.new()
        place = memory.place(self._workspace)
        return ToolOutput(
            _joined(text, notes, f"{ended}, in {place}" if place else ended),
            error=running.exit_code != 0,
            summary=f"{ended}, {lines} line{'s' * (lines != 1)}",
            untrusted=running.untrusted(),
        )


def _joined(text: str, notes: list[str], last: str) -> str:
    return "\n".join((text.rstrip("\n") or "(no output)", *(f"[{note}]" for note in (*notes, last))))
