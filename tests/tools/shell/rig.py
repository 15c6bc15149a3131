"""A shell with its jobs over one folder, and an own look at which processes are left of it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from akmon_core.permissions import SandboxChoice
from akmon_core.tools import ToolContext, ToolOutput
from akmon_tools.job import JobArguments, JobTool
from akmon_tools.jobs import Jobs
from akmon_tools.outputs import Outputs
from akmon_tools.sandbox.ladder import open_sandbox
from akmon_tools.shell import ShellArguments, ShellTimes, ShellTool
from akmon_tools.workspace import Workspace

QUICK = ShellTimes(foreground=60, grace=0.3, settle=5)
"""Whatever is to end by itself has the time; what stays makes every call wait for ``settle``."""


class Rig:
    """``mark`` is in the environment of everything that it starts, put there by the test itself."""

    def __init__(
        self,
        folder: Path,
        times: ShellTimes = QUICK,
        *,
        portable: bool = False,
        jobs: Jobs | None = None,
        choice: SandboxChoice = "off",
    ) -> None:
        self.root = folder / "ws"
        self.root.mkdir(parents=True)
        self.mark = uuid.uuid4().hex
        os.environ["AKMON_TEST_MARK"] = self.mark
        self.outputs = Outputs()
        self.jobs = jobs or Jobs()
        self.tool = ShellTool(
            Workspace([self.root]),
            self.jobs,
            self.outputs,
            times,
            sandbox=open_sandbox(choice, [self.root.resolve()]),
            variables=("AKMON_TEST_*", "odd.*"),
            portable=portable,
        )
        self.job_tool = JobTool(self.jobs)
        self.progress: list[str] = []
        self.show: Callable[[str], None] = self.progress.append

    def context(self, agent: str = "") -> ToolContext:
        return ToolContext(call_id="c1", files={}, progress=self.show, agent=agent)

    async def shell(
        self, command: str, timeout: float | None = None, background: bool = False, agent: str = ""
    ) -> ToolOutput:
        arguments = ShellArguments(command, timeout, background)
        return await self.tool.run(arguments, self.context(agent))

    async def job(self, id: int | None = None, wait: float = 0, kill: bool = False) -> ToolOutput:
        return await self.job_tool.run(JobArguments(id, wait, kill), self.context())

    async def close(self) -> None:
        await self.tool.close()
        self.outputs.close()

    def processes(self) -> list[str]:
        """What lives of it: by the mark, or as a child of this process."""
        return [line for path in Path("/proc").glob("[0-9]*") if (line := self._ours(path.name))]

    def _ours(self, pid: str) -> str:
        try:
            state, parent = Path("/proc", pid, "stat").read_bytes().rsplit(b") ", 1)[-1].split()[:2]
            environment = Path("/proc", pid, "environ").read_bytes()
            line = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
        if int(pid) == os.getpid() or state in (b"Z", b"X"):
            return ""
        ours = self.mark.encode() in environment or int(parent) == os.getpid()
        return f"{pid} {line}" if ours else ""


def wait_until(condition: Callable[[], object]) -> None:
    """A bound far above what it takes, for the case that the program is wrong."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
