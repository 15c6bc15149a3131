"""Takes back what happened from a prompt on: in the files, in the conversation, or in both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from akmon_core.commands import REWOUND, Rewind
from akmon_core.errors import JournalError, ToolError
from akmon_core.events import FilesChanged, Noticed, QuestionAsked, Reminded, Rewound
from akmon_core.files import FileChange, same
from akmon_core.messages import note
from akmon_core.rewinding import RewindPlan, changed_paths, in_order, plan_rewind
from akmon_query.checkpoints import Checkpoints, changes_in, to_its_end
from akmon_query.gate import Gate
from akmon_query.ledger import Ledger

_NAMED = 10
_TOLD = 20
"""Failures that are told one by one."""
_KEEP, _OVERWRITE, _CANCEL = "keep them as they are", "overwrite them", "cancel"


class Rewinding:
    """Rewinds one session, while no turn runs."""

    def __init__(self, ledger: Ledger, gate: Gate, checkpoints: Checkpoints) -> None:
        self._ledger = ledger
        self._gate = gate
        self._checkpoints = checkpoints

    async def rewind(self, command: Rewind) -> None:
        """Does it, or says why not. The last that is reported is a ``Noticed`` on what came of it."""
        try:
            said = await self._rewind(command)
        except asyncio.CancelledError:
            self.abandon()
            return
        except (JournalError, ToolError) as error:
            said = f"nothing was taken back: {error}"
        self._ledger.report(Noticed(REWOUND + said))

    def abandon(self) -> None:
        """Ends what was cancelled before anything was taken back."""
        self._ledger.report(Noticed(REWOUND + "interrupted: everything stays as it was"))

    async def _rewind(self, command: Rewind) -> str:
        if self._ledger.broken:
            raise JournalError(self._ledger.broken)
        if not any(mark.record == command.to for mark in self._ledger.state.marks):
            return f"there is no place {command.to} in this conversation to go back to"
        plan: RewindPlan | None = RewindPlan()
        if command.what != "conversation":
            plan = await self._settled(command, await self._plan(command.to))
        if plan is None:
            return "everything stays as it was"
        rewound = Rewound(
            record=self._ledger.seq + 1,
            to=command.to,
            conversation=command.what != "files",
            changes=plan.changes,
            left=tuple(conflict.change.path for conflict in plan.conflicts),
        )
        self._ledger.report(rewound)
        folders, problems = await to_its_end(asyncio.to_thread(self._checkpoints.restore, plan.changes))
        for problem in problems[:_TOLD]:
            self._ledger.report(Noticed(problem))
        missed = self._correct(plan.changes, folders)
        if command.what == "files" and plan.changes:
            self._ledger.report(Reminded("rewound", note(_told(plan.changes))))
        return _summary(rewound, missed, len(problems))

    def _correct(self, changes: Sequence[FileChange], folders: Sequence[FileChange]) -> Sequence[FileChange]:
        """Records which of ``changes`` were not made, which it gives, and ``folders`` made for the others."""
        try:
            now = self._checkpoints.look(changed_paths(changes))
        except ToolError:
            return ()
        missed = [each for each in changes if not same(now[each.path], each.after)]
        news = (*folders, *(FileChange(each.path, each.after, now[each.path]) for each in missed))
        if news:
            self._ledger.report(FilesChanged(news))
        return missed

    async def _plan(self, to: int) -> RewindPlan:
        if not self._checkpoints.kept:
            raise ToolError("this session keeps no checkpoints, so only the conversation can go back")
        changes = list(changes_in(self._ledger, to))
        now = await asyncio.to_thread(self._checkpoints.look, changed_paths(changes))
        return plan_rewind(changes, now)

    async def _settled(self, command: Rewind, plan: RewindPlan) -> RewindPlan | None:
        """``plan`` after it is decided what becomes of its conflicts; None is that nothing is done."""
        answer = {"ask": "", "keep": _KEEP, "overwrite": _OVERWRITE}[command.conflicts]
        if plan.conflicts and not answer:
            question = QuestionAsked(f"rewind-{command.to}", _question(plan), (_KEEP, _OVERWRITE, _CANCEL))
            answer = await self._gate.ask(question) or _KEEP
        if not plan.conflicts or answer == _KEEP:
            return plan
        if answer != _OVERWRITE:
            return None
        return RewindPlan(in_order([*plan.changes, *(conflict.change for conflict in plan.conflicts)]))


def _question(plan: RewindPlan) -> str:
    rows = [f"  {conflict.change.path}: {conflict.reason}" for conflict in plan.conflicts[:_NAMED]]
    if len(plan.conflicts) > _NAMED:
        rows.append(f"  and {len(plan.conflicts) - _NAMED} more")
    return "\n".join(
        ["These files would lose what someone else did to them:", *rows, "What shall become of them?"]
    )


def _told(changes: Sequence[FileChange]) -> str:
    names = [change.path for change in changes]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"The user took your changes to these files back, so they are what they were before: "
        f"{', '.join(names[:_NAMED])}{more}. Read them again before you go on."
    )


def _summary(rewound: Rewound, missed: Sequence[FileChange], failed: int) -> str:
    lost = {each.path for each in missed}
    done = [change for change in rewound.changes if change.path not in lost]
    gone = sum(change.after is None for change in done)
    back = len(done) - gone
    full = sum(each.before is not None and each.before.kind == "folder" for each in missed)
    parts = ["the conversation goes on from there"] if rewound.conversation else []
    if back:
        parts.append(f"{back} restored")
    if gone:
        parts.append(f"{gone} removed")
    if rewound.left:
        parts.append(f"{len(rewound.left)} left as {'it is' if len(rewound.left) == 1 else 'they are'}")
    if full:
        parts.append(f"{full} folder{'s stay' if full > 1 else ' stays'}, as not empty")
    if failed:
        parts.append(f"{failed} failed, see above")
    return ", ".join(parts) or "there was nothing to take back"
