"""Records what calls do to the project's files, and keeps what those were before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from akmon_core.errors import ToolError
from akmon_core.events import FilesChanged, Noticed, Rewound, ToolProgress
from akmon_core.files import FileChange, FileState, same
from akmon_core.ports import Snapshots
from akmon_core.rewinding import changed_paths
from akmon_query.ledger import Ledger

T = TypeVar("T")


def _quietly(_text: str) -> None:
    """Where nobody looks on."""


class Checkpoints:
    """One for all agents of a session. Without ``snapshots`` nothing is kept."""

    def __init__(self, snapshots: Snapshots | None = None) -> None:
        self._snapshots = snapshots
        self._survey = asyncio.Lock()
        self._told: set[str] = set()
        self._watched = 0
        """Calls that are being watched now."""

    @property
    def kept(self) -> bool:
        return self._snapshots is not None

    def tidy(self, changes: Iterable[FileChange]) -> None:
        """After a process that was killed: removes what it had begun to write beside changed files."""
        if self._snapshots:
            self._snapshots.tidy(changed_paths(changes))

    def recover(self, ledger: Ledger, began: int) -> None:
        """After a process that ended while a call was watched: what has changed since may be the call's.

        ``began`` is the record that began the turn.
        """
        if self._snapshots is None:
            return
        try:
            changes = self._snapshots.catch_up()
        except ToolError as error:
            self._tell(ledger, f"what the last command changed cannot be taken back: {error}")
            return
        recorded = {change.path: change.after for change in changes_in(ledger, began)}
        if news := tuple(_news(changes, recorded)):
            ledger.report(FilesChanged(_doubtful(news)))
        self._settle(ledger)

    def changing(self, ledger: Ledger, call_id: str) -> Callable[[Mapping[str, str | None]], None]:
        """For ``ToolContext.changing``: what a tool is about to write goes on record first."""

        def changing(writes: Mapping[str, str | None]) -> None:
            if self._snapshots and (changes := self._snapshots.plan(writes)):
                ledger.report(FilesChanged(changes, call_id))

        return changing

    @asynccontextmanager
    async def watched(self, ledger: Ledger, call_id: str, *, others: bool) -> AsyncIterator[None]:
        """Around a call that may change any file: what it changes goes on record.

        ``others`` says that something else that was started earlier is at work as well, to which the changes
        up to now are put down; nobody can tell them from those of a person.
        """
        if self._snapshots is None:
            yield
            return

        def progress(text: str) -> None:
            ledger.report(ToolProgress(call_id, text))

        await self.catch_up(ledger, progress, others=others)
        self._watched += 1
        try:
            yield
        finally:
            await to_its_end(self._take_in(ledger, call_id, progress))

    def look(self, paths: Sequence[str]) -> dict[str, FileState | None]:
        """What each of ``paths`` is now. Raises ``ToolError``."""
        return self._snapshots.look(paths) if self._snapshots else {}

    def restore(self, changes: Iterable[FileChange]) -> tuple[list[FileChange], list[str]]:
        """Carries ``changes`` out; gives what else became of folders, and what went wrong, a line each."""
        more: list[FileChange] = []
        problems: list[str] = []
        for change in changes:
            try:
                assert self._snapshots is not None
                more += self._snapshots.restore(change)
            except ToolError as error:
                problems.append(str(error))
        return more, problems

    def finish(self, rewound: Rewound) -> None:
        """Carries out what is left of a rewind that a kill cut off."""
        if self._snapshots is None or not rewound.changes:
            return
        self.tidy(rewound.changes)
        try:
            now = self.look([change.path for change in rewound.changes])
        except ToolError:
            return
        self.restore(change for change in rewound.changes if same(now[change.path], change.before))

    def close(self) -> None:
        if self._snapshots:
            self._snapshots.close()

    async def _take_in(self, ledger: Ledger, call_id: str, progress: Callable[[str], None]) -> None:
        """Records what a watched call has changed."""
        try:
            if changes := await self._look_around(ledger, progress):
                ledger.report(FilesChanged(changes, call_id))
        finally:
            self._watched -= 1
        self._settle(ledger)

    async def catch_up(
        self, ledger: Ledger, progress: Callable[[str], None] = _quietly, *, others: bool = False
    ) -> None:
        """Takes in what has changed outside of calls. It is on record only where a call may have done it."""
        if self._snapshots is None:
            return
        changes = await self._look_around(ledger, progress)
        if changes and self._watched:
            ledger.report(FilesChanged(changes))
        elif changes and others:
            ledger.report(FilesChanged(_doubtful(changes)))
        self._settle(ledger)

    def _settle(self, ledger: Ledger) -> None:
        try:
            if self._snapshots:
                self._snapshots.settle()
        except ToolError as error:
            self._tell(ledger, str(error))

    async def _look_around(self, ledger: Ledger, progress: Callable[[str], None]) -> tuple[FileChange, ...]:
        assert self._snapshots is not None
        async with self._survey:
            try:
                changes = await self._snapshots.survey(progress)
            except ToolError as error:
                self._tell(ledger, f"what commands change cannot be taken back: {error}")
                return ()
        if self._snapshots.uncovered:
            self._tell(ledger, self._snapshots.uncovered)
        return changes

    def _tell(self, ledger: Ledger, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            ledger.report(Noticed(text))


def _news(changes: Iterable[FileChange], recorded: Mapping[str, FileState | None]) -> Iterator[FileChange]:
    """Those of ``changes`` that are not on record, as they go on from there."""
    for change in changes:
        before = recorded.get(change.path, change.before)
        if not same(before, change.after):
            yield FileChange(change.path, before, change.after)


def _doubtful(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """``changes`` that may be anybody's."""
    return tuple(msgspec.structs.replace(change, sure=False) for change in changes)


def changes_in(ledger: Ledger, record: int) -> Iterable[FileChange]:
    """What is on record of changes to files from ``record`` on, of all agents, oldest first."""
    for envelope in ledger.since(record):
        if isinstance(envelope.event, FilesChanged | Rewound):
            yield from envelope.event.changes


async def to_its_end(work: Coroutine[None, None, T]) -> T:
    """Waits for ``work`` also where the waiting task is cancelled, which then ends when that is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled:
        raise cancelled
    return task.result()
