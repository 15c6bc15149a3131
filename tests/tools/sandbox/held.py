"""A shell tool in a sandbox, for tests that need the mechanism itself."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from akmon_core.tools import ToolContext, ToolOutput
from akmon_tools.job import JobArguments, JobTool
from akmon_tools.jobs import Jobs
from akmon_tools.outputs import Outputs
from akmon_tools.sandbox.ladder import open_sandbox, rungs
from akmon_tools.shell import ShellArguments, ShellTimes, ShellTool
from akmon_tools.workspace import Workspace

CHOICES = [rung.name for rung in rungs([]) if not rung.problem and rung.name != "seatbelt"]
"""What works here."""
in_a_sandbox = pytest.mark.skipif(
    sys.platform != "linux" or not CHOICES, reason="no sandbox works on this machine"
)


class Held:
    """Calls the shell tool. ``aside`` is where things go that were put in the place of protected files."""

    def __init__(self, choice: Any, root: Path, aside: Path, **more: Any) -> None:
        self.root = root
        self.aside = aside
        self.sandbox = open_sandbox(choice, [root], aside=aside, **more)
        self.jobs = Jobs()
        times = ShellTimes(foreground=60, grace=0.3, settle=0.2)
        self.tool = ShellTool(Workspace([root]), self.jobs, Outputs(), times, sandbox=self.sandbox)
        self.job_tool = JobTool(self.jobs)

    async def shell(self, command: str, **more: Any) -> ToolOutput:
        context = ToolContext(call_id="c1", files={}, progress=lambda _: None)
        return await self.tool.run(ShellArguments(command, **more), context)

    async def job(self, number: int, **more: Any) -> ToolOutput:
        context = ToolContext(call_id="c1", files={}, progress=lambda _: None)
        return await self.job_tool.run(JobArguments(number, **more), context)

    def __call__(self, command: str) -> str:
        return asyncio.run(self.shell(command)).text


@contextmanager
def held(choice: str, root: Path, **more: Any) -> Iterator[Held]:
    with tempfile.TemporaryDirectory() as aside:
        box = Held(choice, root, Path(aside), **more)
        try:
            yield box
        finally:
            asyncio.run(box.tool.close())
