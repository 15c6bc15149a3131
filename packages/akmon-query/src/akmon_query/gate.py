"""Has a call judged, and asks a person where the verdict says so. Every decision is an event."""

from __future__ import annotations

import asyncio

from akmon_core.commands import Answer
from akmon_core.events import PermissionAsked, PermissionDecided
from akmon_core.messages import ToolCall
from akmon_core.permissions import Policy, Verdict, judge
from akmon_core.ports import Locator
from akmon_core.tools import AnyTool, Effect, Previewing, ToolContext
from akmon_query.ledger import Ledger


class Gate:
    """Decides calls one after the other, so that an answer can already settle the next one."""

    def __init__(self, ledger: Ledger, locate: Locator, policy: Policy) -> None:
        self._ledger = ledger
        self._locate = locate
        self._policy = policy
        self._waiting: dict[str, asyncio.Future[tuple[Answer, str]]] = {}

    async def authorize(self, call: ToolCall, tool: AnyTool, arguments: object, context: ToolContext) -> None:
        """Reports a ``PermissionDecided`` for ``call``."""
        effects = tool.effects(arguments)
        verdict = self._judge(tool.name, effects)
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
        answer, cause = await self._ask(question)
        self._ledger.report(_decided(answer, tool.name, effects), cause)

    def answer(self, answer: Answer, cause: str) -> bool:
        """Whether somebody was waiting for ``answer``. The first answer counts."""
        waiter = self._waiting.get(answer.call_id)
        if waiter is None or waiter.done():
            return False
        waiter.set_result((answer, cause))
        return True

    def _judge(self, tool: str, effects: tuple[Effect, ...]) -> Verdict:
        state = self._ledger.state
        return judge(tool, self._locate(effects), state.mode, self._policy, state.grants)

    async def _ask(self, question: PermissionAsked) -> tuple[Answer, str]:
        waiter: asyncio.Future[tuple[Answer, str]] = asyncio.get_running_loop().create_future()
        self._waiting[question.call.id] = waiter
        try:
            self._ledger.report(question)
            return await waiter
        finally:
            del self._waiting[question.call.id]


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
