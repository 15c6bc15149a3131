"""Has a sub-agent do a piece of work: with a context of its own, and at most what the main agent may do."""

from __future__ import annotations

import asyncio

import msgspec

from akmon_core.codec import SCHEMA
from akmon_core.errors import JournalError
from akmon_core.events import Instructed, ModeChanged, ModelChosen, Prompted, SessionStarted
from akmon_core.limits import AGENT_ANSWER_CHARS, AGENT_STEPS, Limits
from akmon_core.messages import Assistant, Text, User
from akmon_core.models import Model
from akmon_core.permissions import Mode
from akmon_core.prompt import PLAN_MODE
from akmon_core.tools import Delegation, ToolOutput
from akmon_query.checkpoints import Checkpoints
from akmon_query.gate import Gate
from akmon_query.hands import Hands
from akmon_query.ledger import Ledger
from akmon_query.project import Project
from akmon_query.prompts import usable_tokens
from akmon_query.toolcalls import being_cancelled
from akmon_query.turn import Driver

_WITHHELD = frozenset(("task", "ask"))
"""Tools that sub-agents do not have: they have none of their own, and nobody to ask."""


class Agents:
    """Starts sub-agents of the main agent; any number of them may work at the same time."""

    def __init__(
        self,
        ledger: Ledger,
        model: Model,
        hands: Hands,
        gate: Gate,
        limits: Limits,
        project: Project,
        checkpoints: Checkpoints,
        planner: Model | None = None,
    ) -> None:
        self._ledger = ledger
        self._model = model
        self._planner = planner or model
        self._hands = hands
        self._gate = gate
        self._checkpoints = checkpoints
        steps = min(limits.max_steps, AGENT_STEPS)
        self._limits = msgspec.structs.replace(limits, max_steps=steps, check_command="")
        self._planning = msgspec.structs.replace(limits, check_command="")
        self._project = msgspec.structs.replace(project, check=str, commits=None)

    async def delegate(self, delegation: Delegation) -> ToolOutput:
        """What a new sub-agent answers to its task."""
        mode: Mode = "plan" if delegation.reads_only else self._ledger.state.mode
        return await self._run(delegation.task, mode, self._model, self._limits)

    async def plan(self, task: str) -> ToolOutput:
        """The plan that the planner model makes for ``task``; it may only read."""
        return await self._run(
            f"{PLAN_MODE}\n\nWhat is asked:\n\n{task}", "plan", self._planner, self._planning
        )

    async def close(self) -> None:
        """Lets go of the planner model, if it is one of its own."""
        if self._planner is not self._model:
            await self._planner.close()

    async def _run(self, task: str, mode: Mode, model: Model, limits: Limits) -> ToolOutput:
        ledger = self._ledger.sub_agent()
        self._introduce(ledger, model, mode)
        gate = self._gate.of(ledger)
        hands = self._hands.without(_WITHHELD)
        driver = Driver(ledger, model, hands, gate, limits, self._project, self._checkpoints)
        if driver.begin(Prompted(User((Text(task),), record=ledger.seq + 1))):
            await driver.drive()
        if being_cancelled():
            raise asyncio.CancelledError
        if ledger.broken:
            raise JournalError(ledger.broken)
        return _answer(ledger)

    def _introduce(self, ledger: Ledger, model: Model, mode: Mode) -> None:
        main, facts = self._ledger.state, model.facts
        ledger.report(SessionStarted(schema=SCHEMA, akmon="", cwd="", roots=(), facts=main.facts))
        ledger.report(ModelChosen(facts.provider, facts.id, usable_tokens(facts)))
        if main.instructions:
            ledger.report(Instructed(main.instructions))
        if mode != "default":
            ledger.report(ModeChanged(mode))


def _answer(ledger: Ledger) -> ToolOutput:
    state = ledger.state
    last = next(
        (each.text for each in reversed(state.history) if isinstance(each, Assistant) and each.text), ""
    )
    text = last if len(last) <= AGENT_ANSWER_CHARS else f"{last[:AGENT_ANSWER_CHARS]}\n[the rest is cut off]"
    steps = f"{ledger.agent}: {state.steps} model call{'s' * (state.steps != 1)}"
    if state.outcome == "completed" and text:
        return ToolOutput(text, summary=steps)
    ended = f"The sub-agent did not finish ({state.outcome}{f': {state.reason}' if state.reason else ''})."
    said = f" The last that it said:\n\n{text}" if text else " It said nothing."
    return ToolOutput(ended + said, error=True, summary=f"{steps}, {state.outcome}")
