"""What the engine keeps in, and reads from, the project beside what the tools do."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from akmon_core.ports import Commits, Instructions, Plans
from akmon_query.handoff import Handoff


class MemoryPlans:
    """Plans of a session that has no project: they last as long as the process."""

    def __init__(self) -> None:
        self._plans: list[str] = []

    def save(self, text: str) -> str:
        self._plans.append(text)
        return ""

    def read(self, path: str) -> str:
        if path or not self._plans:
            raise FileNotFoundError("there is no plan yet; make one in plan mode")
        return self._plans[-1]


class Project(msgspec.Struct, frozen=True):
    """The project as the engine knows it."""

    plans: Plans = msgspec.field(default_factory=MemoryPlans)
    handoff: Handoff = Handoff(None)
    check: Callable[[], str] = str
    """Gives the command that checks a change of the project; empty if there is none."""
    instructions: Instructions | None = None
    """What finds instruction files of folders that work comes to."""
    commits: Commits | None = None
    """What commits the changes of each turn, if that is wanted."""
