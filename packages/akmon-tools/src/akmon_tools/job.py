"""The tool that lists, reads and ends commands in the background."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akmon_core.limits import JOB_WAIT_MAX
from akmon_core.text import one_line
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.jobs import Jobs

if TYPE_CHECKING:
    from akmon_tools.running import Running

_COMMAND_CHARS = 80


class JobArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: int | None = None
    wait: Annotated[float, Meta(ge=0, le=JOB_WAIT_MAX, description="Seconds to wait for its end.")] = 0
    kill: bool = False


class JobTool:
    name = "job"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = JobArguments

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    @property
    def busy(self) -> bool:
        """Implements ``akmon_core.tools.Lasting``."""
        return self._jobs.busy

    def effects(self, arguments: JobArguments) -> tuple[Effect, ...]:
        """None: what a job does was judged when its command was started."""
        return ()

    async def run(self, arguments: JobArguments, context: ToolContext) -> ToolOutput:
        if arguments.id is None:
            return self._listed()
        job = self._jobs[arguments.id]
        if arguments.wait and not job.over:
            await job.wait_until_over(arguments.wait)
        if arguments.kill:
            await job.kill()
        self._jobs.told(arguments.id)
        text, _ = job.capture.new()
        state = f"job {arguments.id}: {_state(job)}"
        failed = job.over and not job.killed and job.exit_code != 0
        notes = "".join(f"\n[{note}]" for note in (*job.notes(), state))
        return ToolOutput(
            f"{text.rstrip() or '(no new output)'}{notes}",
            error=failed,
            summary=state,
            untrusted=job.untrusted(),
        )

    def _listed(self) -> ToolOutput:
        for number, _ in self._jobs.all():
            self._jobs.told(number)
        lines = [
            f"{number}  {_state(job)}  {job.capture.size:,} bytes  {one_line(job.command, _COMMAND_CHARS)}"
            for number, job in self._jobs.all()
        ]
        count = len(lines)
        return ToolOutput("\n".join(lines) or "(no jobs)", summary=f"{count} job{'s' * (count != 1)}")


def _state(job: Running) -> str:
    left = job.still_running()
    left = f", still running: {left}" if left else ""
    took = f"for {job.seconds:.0f} s" if job.outcome() == "running" else f"{job.seconds:.0f} s"
    return f"{job.outcome()}{left}, {took}"
