"""Drives one turn: performs each move that ``decide`` names and reports what happened.

The only place of the engine that waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import PurePath
from typing import TypeAlias, assert_never

import msgspec

from akmon_core.commitmessage import message_for
from akmon_core.context import Clear, Summarise, Trim
from akmon_core.decide import (
    Authorize,
    CallModel,
    Finish,
    GoOn,
    MakePlan,
    Move,
    Remind,
    RunTools,
    Situation,
    decide,
)
from akmon_core.errors import JournalError, ToolError
from akmon_core.events import (
    Cleared,
    Committed,
    Continued,
    Noticed,
    Outcome,
    Pinned,
    PlanSaved,
    Prompted,
    Reminded,
    TurnEnded,
)
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, User, note
from akmon_core.models import Model, ModelRequest
from akmon_core.ports import Commits, SubAgents
from akmon_core.prompt import GO_ON, carry_out, instructions_note
from akmon_core.rewinding import changed_paths
from akmon_core.state import State
from akmon_core.tools import no_agents
from akmon_query.checkpoints import Checkpoints, changes_in
from akmon_query.compaction import Compaction
from akmon_query.gate import Gate
from akmon_query.hands import Hands
from akmon_query.ledger import Ledger
from akmon_query.modelcall import ModelCalls
from akmon_query.project import Project
from akmon_query.prompts import Prompts
from akmon_query.toolcalls import ToolCalls, close_calls

Prepare: TypeAlias = Callable[[], Awaitable[None]]
_AS_IT_WAS = "interrupted: the conversation stays as it was"


class Driver:
    """Everything that the turns of an agent need. One runs at a time."""

    def __init__(
        self,
        ledger: Ledger,
        model: Model,
        hands: Hands,
        gate: Gate,
        limits: Limits,
        project: Project,
        checkpoints: Checkpoints,
        agents: SubAgents | None = None,
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._project = project
        self._find_check = cache(project.check)
        self._agents = agents
        self._checkpoints = checkpoints
        delegate = agents.delegate if agents else no_agents
        self._hands = hands
        self._tools = ToolCalls(ledger, hands, gate, delegate, checkpoints)
        self._calls = ModelCalls(ledger, model)
        self._prompts = Prompts(ledger, hands, auto=limits.auto_compact)
        self._compaction = Compaction(ledger, self._calls, self._prompts)
        self._visited: set[str] = set()
        """Files whose folders were searched for instructions."""

    @property
    def request(self) -> ModelRequest:
        """The next one, as it would be now."""
        return self._prompts.request(self._calls.facts)

    def begin(self, prompted: Prompted) -> bool:
        """Whether a turn has begun. It has not if it cannot be recorded; then it has ended already."""
        if self._ledger.broken:
            self._close("failed", self._ledger.broken)
            return False
        if self._ledger is self._ledger.root:
            self._ledger.began = time.monotonic()
        self._hands.renew()
        try:
            self._ledger.report(prompted)
        except JournalError as error:
            self._close("failed", str(error))
            return False
        return True

    async def drive(self, prepare: Prepare | None = None) -> None:
        """Runs the turn that has begun to its end; ``TurnEnded`` is reported however that comes.

        ``prepare`` comes first, and fails the turn with a ``ToolError``.
        """
        try:
            if prepare:
                await self._prepare(prepare)
            while self._ledger.state.running:
                await self._perform(decide(self._ledger.state, self._limits, self._situation()))
        except asyncio.CancelledError:
            self._close("interrupted", "interrupted by the user")
        except JournalError as error:
            self._close("failed", str(error))
        except Exception as error:
            self._close("failed", f"an error inside akmon: {type(error).__name__}: {error}")
            raise

    async def _prepare(self, prepare: Prepare) -> None:
        try:
            await prepare()
        except ToolError as error:
            self._close("failed", str(error))

    async def compact(self, hint: str) -> None:
        """Shortens the conversation while no turn runs, or says why it stays as it was."""
        if self._ledger.broken:
            self._ledger.report(Noticed(self._ledger.broken))
            return
        try:
            await self._compaction.asked_for(hint)
        except asyncio.CancelledError:
            self._ledger.report(Noticed(_AS_IT_WAS))
        except JournalError as error:
            self._ledger.report(Noticed(str(error)))

    def attend(self) -> None:
        """Lets tools prepare themselves for the first turn."""
        self._hands.attend()

    def abandon(self) -> None:
        """Ends what was cancelled before it started."""
        if self._ledger.state.running:
            self._close("interrupted", "interrupted by the user")
        else:
            self._ledger.report(Noticed(_AS_IT_WAS))

    async def close(self) -> None:
        try:
            await self._calls.close()
        finally:
            if self._agents:
                await self._agents.close()

    def _close(self, outcome: Outcome, reason: str) -> None:
        try:
            close_turn(self._ledger, outcome, reason)
        except JournalError as error:
            self._ledger.give_up(str(error))
            close_turn(self._ledger, "failed", str(error))

    def _situation(self) -> Situation:
        if self._ledger.state.changes.unchecked and not self._limits.check_command:
            self._limits = msgspec.structs.replace(self._limits, check_command=self._find_check())
        return Situation(
            room=self._compaction.room(),
            spent=self._ledger.root.state.spent,
            seconds=time.monotonic() - self._ledger.root.began,
        )

    async def _perform(self, move: Move) -> None:
        match move:
            case CallModel():
                request = self._prompts.request(self._calls.facts)
                await self._calls.call(request, self._prompts.weight(request))
            case Authorize(calls):
                for call in calls:
                    await self._tools.authorize(call)
            case RunTools(calls):
                await self._tools.run(calls)
                self._read_instructions()
            case GoOn():
                self._ledger.report(Continued(GO_ON))
            case Remind(kind, text):
                self._ledger.report(Reminded(kind, note(text)))
            case MakePlan():
                await self._make_plan()
            case Clear(results, tokens):
                self._compaction.shorten(Cleared(results, tokens))
            case Summarise(kept):
                await self._compaction.summarise(kept)
            case Trim(how):
                self._compaction.shorten(how)
            case Finish(outcome, reason):
                await self._finish(outcome, reason)
            case _:
                assert_never(move)

    async def _finish(self, outcome: Outcome, reason: str) -> None:
        state = self._ledger.state
        if self._ledger is self._ledger.root:
            if self._tools.busy:
                await self._checkpoints.catch_up(self._ledger, others=True)
            if outcome == "completed" and state.mode == "plan":
                self._keep_plan(_answer(state))
            elif outcome == "completed" and self._project.commits and state.marks:
                await self._commit(self._project.commits, state)
        self._ledger.report(TurnEnded(outcome, reason))
        if self._ledger is self._ledger.root:
            self._hands.attend()

    async def _commit(self, commits: Commits, state: State) -> None:
        """Has what this turn changed committed, if that is anything."""
        changes = list(changes_in(self._ledger, state.marks[-1].record))
        if not changes:
            return
        names = [PurePath(path).name for path in changed_paths(changes)]
        model = f"{state.provider}/{state.model}"
        message = message_for(state.marks[-1].text, _answer(state), names, model)
        try:
            commit, files, left = await asyncio.to_thread(commits.commit, changes, message)
        except ToolError as error:
            self._ledger.report(Noticed(f"auto-commit: {error}"))
            return
        for reason in left:
            self._ledger.report(Noticed(f"not committed: {reason}"))
        if commit:
            self._ledger.report(Committed(commit, message.split("\n", 1)[0], files))

    async def _make_plan(self) -> None:
        asked = [
            each for each in self._ledger.state.history if isinstance(each, User) and each.by == "person"
        ]
        plan = await self._agents.plan(asked[-1].text) if self._agents else None
        if plan is None or plan.error:
            why = plan.text if plan else "there is no planner here"
            self._ledger.report(TurnEnded("failed", f"no plan was made: {why}"))
            return
        self._keep_plan(plan.text)
        self._ledger.report(Reminded("plan", note(carry_out(plan.text))))

    def _keep_plan(self, text: str) -> None:
        if not text.strip():
            return
        try:
            path = self._project.plans.save(text)
        except OSError as error:
            path = ""
            self._ledger.report(Noticed(f"the plan is not saved in a file: {error}"))
        self._ledger.report(PlanSaved(path, text))

    def _read_instructions(self) -> None:
        """The instruction files of the folders that work has only now come to."""
        if self._project.instructions is None:
            return
        paths = [path for path in self._ledger.state.files if path not in self._visited]
        self._visited.update(paths)
        for path in paths:
            for pin in self._project.instructions.near(path, self._ledger.state.pins):
                self._ledger.report(Pinned(pin))
                self._ledger.report(Reminded("instructions", instructions_note(pin)))


def _answer(state: State) -> str:
    last = state.history[-1]
    return last.text if isinstance(last, Assistant) else ""


def close_turn(ledger: Ledger, outcome: Outcome, reason: str) -> None:
    """Ends a turn that was cut off, leaving a history that any provider accepts: every call has a result."""
    close_calls(ledger, reason)
    ledger.report(TurnEnded(outcome, reason))
