"""The commands of a session that go on in the background, by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akmon_core.errors import ToolError
from akmon_core.limits import SHELL_JOBS

if TYPE_CHECKING:
    from akmon_tools.running import Running


class Jobs:
    """Holds those that run, and of those that are over the latest, ``SHELL_JOBS`` in all."""

    def __init__(self, most: int = SHELL_JOBS) -> None:
        self._most = most
        self._jobs: dict[int, Running] = {}
        self._last = 0
        self._told: set[int] = set()
        """Those of which the model was told that they are over."""

    @property
    def busy(self) -> bool:
        """Whether any runs, or has ended without a word of it: what it changed is to be looked for."""
        return any(not job.over or number not in self._told for number, job in self._jobs.items())

    def told(self, number: int) -> None:
        """The model learns how this job stands."""
        if self._jobs[number].over:
            self._told.add(number)

    @property
    def full(self) -> bool:
        """As many run as may."""
        return sum(not job.over for job in self._jobs.values()) >= self._most

    def add(self, running: Running) -> int:
        """Its number. The oldest one that is over makes room."""
        over = [number for number, job in self._jobs.items() if job.over]
        for number in over[: max(len(self._jobs) + 1 - self._most, 0)]:
            del self._jobs[number]
        self._last += 1
        self._jobs[self._last] = running
        return self._last

    def __getitem__(self, number: int) -> Running:
        """Raises ``ToolError``."""
        if job := self._jobs.get(number):
            return job
        numbers = ", ".join(map(str, self._jobs)) or "none"
        raise ToolError(f"there is no job {number}. The jobs are: {numbers}.")

    def all(self) -> list[tuple[int, Running]]:
        return list(self._jobs.items())

    async def close(self) -> None:
        """Ends all that still runs."""
        import asyncio

        await asyncio.gather(*(job.kill() for job in self._jobs.values()))
        self._jobs.clear()
