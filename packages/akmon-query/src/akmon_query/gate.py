"""Has calls judged, and asks a person where the verdict or the model wants it. Every decision is an event."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from akmon_core.commands import Answer, Respond
from akmon_core.events import PermissionAsked, PermissionDecided, QuestionAnswered, QuestionAsked
from akmon_core.messages import ToolCall
from akmon_core.permissions import Policy, Target, Verdict, judge
from akmon_core.ports import Locator
from akmon_core.tools import AnyTool, Effect, Previewing, Standing, ToolContext
from akmon_query.ledger import Ledger

Waiting: TypeAlias = dict[tuple[str, str], asyncio.Future[tuple[Answer | Respond, str]]]
"""Who waits for an answer, by agent and call."""


class Gate:
    """Decides an agent's calls one after the other, so that an answer can already settle the next one."""

    def __init__(
        self, ledger: Ledger, locate: Locator, policy: Policy, waiting: Waiting | None = None
    ) -> None:
        self._ledger = ledger
        self._locate = locate
        self._policy = policy
        self._waiting: Waiting = {} if waiting is None else waiting
        self._writes: dict[str, frozenset[str]] = {}

    def of(self, sub_agent: Ledger) -> Gate:
        """The gate of a sub-agent: the same policy, and at most what the main agent may do."""
        return Gate(sub_agent, self._locate, self._policy, self._waiting)

    async def authorize(self, call: ToolCall, tool: AnyTool, arguments: object, context: ToolContext) -> None:
        """Reports a ``PermissionDecided`` for ``call``."""
        effects = tool.effects(arguments)
        targets = self._locate(effects, tool.folder(self._ledger.agent) if isinstance(tool, Standing) else "")
        self._writes[call.id] = frozenset(target.path for target in targets if target.effect.kind == "write")
        verdict = self._judge(tool.name, targets)
        if verdict.decision != "ask":
            decided = PermissionDecided(
                call_id=call.id,
                decision=verdict.decision,
                by="policy",
                reason=verdict.reason,
                tool=tool.name,
                effects=effects,
            )
            self._ledger.report(decided)
            return
        view = tool.preview(arguments, context) if isinstance(tool, Previewing) else None
        question = PermissionAsked(call=call, effects=effects, reason=verdict.reason, view=view)
        answer, cause = await self._ask(question, call.id)
        assert isinstance(answer, Answer)
        self._ledger.report(_decided(answer, tool.name, effects), cause)

    def writes(self, call_id: str) -> frozenset[str]:
        """The canonical paths that a call was judged to write."""
        return self._writes.get(call_id, frozenset())

    async def ask(self, question: QuestionAsked) -> str:
        """What the person says to ``question``; empty if the person, or nobody, says anything."""
        if self._policy.unattended:
            return ""
        answer, cause = await self._ask(question, question.call_id)
        assert isinstance(answer, Respond)
        self._ledger.report(QuestionAnswered(question.call_id, answer.text), cause)
        return answer.text

    def answer(self, answer: Answer | Respond, cause: str) -> bool:
        """Whether somebody was waiting for such an ``answer``. The first answer counts."""
        waiter = self._waiting.get((_kind(answer) + answer.agent, answer.call_id))
        if waiter is None or waiter.done():
            return False
        waiter.set_result((answer, cause))
        return True

    def _judge(self, tool: str, targets: tuple[Target, ...]) -> Verdict:
        root, own = self._ledger.root.state, self._ledger.state
        mode = "plan" if own.mode == "plan" else root.mode
        return judge(tool, targets, mode, self._policy, root.grants)

    async def _ask(
        self, question: PermissionAsked | QuestionAsked, call_id: str
    ) -> tuple[Answer | Respond, str]:
        waiter: asyncio.Future[tuple[Answer | Respond, str]] = asyncio.get_running_loop().create_future()
        key = (_kind(question) + self._ledger.agent, call_id)
        self._waiting[key] = waiter
        try:
            self._ledger.report(question)
            return await waiter
        finally:
            del self._waiting[key]


def _kind(value: PermissionAsked | QuestionAsked | Answer | Respond) -> str:
    return "permission " if isinstance(value, PermissionAsked | Answer) else "question "


def _decided(answer: Answer, tool: str, effects: tuple[Effect, ...]) -> PermissionDecided:
    denied = answer.answer == "deny"
    return PermissionDecided(
        call_id=answer.call_id,
        decision="deny" if denied else "allow",
        by="person",
        reason=answer.message or ("the user said no" if denied else "the user said yes"),
        scope="session" if answer.answer == "session" else "writes" if answer.answer == "writes" else "once",
        tool=tool,
        effects=effects,
    )
