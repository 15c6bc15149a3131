"""Has calls judged, and asks a person where the verdict or the model wants it. Every decision is an event."""

from __future__ import annotations

import asyncio
import posixpath
from typing import TypeAlias

import msgspec

from akmon_core.commands import Answer, Respond
from akmon_core.errors import SettingsError, ToolError
from akmon_core.events import Noticed, PermissionAsked, PermissionDecided, QuestionAnswered, QuestionAsked
from akmon_core.messages import ToolCall
from akmon_core.permissions import (
    Mode,
    Policy,
    Scope,
    Target,
    Verdict,
    canonical,
    hidden_tools,
    judge,
    parse_rule,
    uses,
)
from akmon_core.ports import Locator, RuleStore
from akmon_core.proposals import propose
from akmon_core.savable import rule_problem
from akmon_core.tools import AnyTool, Previewing, Standing, ToolContext
from akmon_query.ledger import Ledger

Waiting: TypeAlias = dict[tuple[str, str], asyncio.Future[tuple[Answer | Respond, str]]]
"""Who waits for an answer, by agent and call."""


class Gate:
    """Decides an agent's calls one after the other, so that an answer can already settle the next one.

    ``rules`` keeps what a person wants to hold from now on; without it that is not offered.
    """

    def __init__(
        self,
        ledger: Ledger,
        locate: Locator,
        policy: Policy,
        rules: RuleStore | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self.policy = policy
        self._ledger = ledger
        self._locate = locate
        self._rules = rules
        self._waiting: Waiting = {} if waiting is None else waiting
        self._judged: dict[str, tuple[Target, ...]] = {}
        """By call of the reply: what it was judged by."""
        self._answered_calls: set[str] = set()
        """Those that a person has decided about."""

    def of(self, sub_agent: Ledger) -> Gate:
        """The gate of a sub-agent: the same policy, and at most what the main agent may do."""
        return Gate(sub_agent, self._locate, self.policy, self._rules, self._waiting)

    async def authorize(self, call: ToolCall, tool: AnyTool, arguments: object, context: ToolContext) -> None:
        """Reports a ``PermissionDecided`` for ``call``."""
        targets = self._targets(tool, arguments)
        self._remember(call, targets)
        verdict = self._judge(tool.name, targets)
        if verdict.decision != "ask":
            self._ledger.report(self._decided(call, tool.name, targets, verdict))
            return
        question = PermissionAsked(
            call=call,
            effects=tuple(target.effect for target in targets),
            reason=verdict.reason,
            view=tool.preview(arguments, context) if isinstance(tool, Previewing) else None,
            rule=self._proposal(tool.name, targets) if self._rules else "",
            paths=_paths(targets),
        )
        answer, cause = await self._ask(question, call.id)
        assert isinstance(answer, Answer)
        self._answered_calls.add(call.id)
        self._ledger.report(self._answered(answer, call, tool.name, targets, question), cause)

    def refuses(self, name: str) -> bool:
        """Whether there is no tool of that name because a rule denies it as a whole."""
        return bool(hidden_tools(self.policy, (name,)))

    def refuse(self, call: ToolCall) -> None:
        """Denies a call of a tool that there is not because of a rule, which is what is to be on record."""
        self._ledger.report(self._decided(call, call.name, (), self._judge(call.name, ())))

    def recheck(self, call: ToolCall, tool: AnyTool, arguments: object) -> None:
        """To be called right before ``call`` runs, as calls before it may have gone to another folder, or put
        a link in the place of a file. Raises ``ToolError`` if it is not what was allowed any more.

        What is written is looked at when it is, see ``writes``.
        """
        targets = self._targets(tool, arguments)
        if targets == self._judged.get(call.id) or self.writes(call.id):
            return
        if call.id not in self._answered_calls and self._judge(tool.name, targets).decision == "allow":
            self._judged[call.id] = targets
            return
        raise ToolError(
            "nothing was done: since this call was allowed, an earlier one has changed the folder that it "
            "would run in, or where a path leads that it names. Make the call again."
        )

    def writes(self, call_id: str) -> frozenset[str]:
        """The canonical paths that a call was judged to write."""
        judged = self._judged.get(call_id, ())
        return frozenset(target.path for target in judged if target.effect.kind == "write")

    async def ask(self, question: QuestionAsked) -> str:
        """What the person says to ``question``; empty if the person, or nobody, says anything."""
        if self.policy.unattended:
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

    @property
    def _mode(self) -> Mode:
        return "plan" if self._ledger.state.mode == "plan" else self._ledger.root.state.mode

    def _targets(self, tool: AnyTool, arguments: object) -> tuple[Target, ...]:
        folder = tool.folder(self._ledger.agent) if isinstance(tool, Standing) else ""
        return self._locate(tool.effects(arguments), folder)

    def _judge(self, tool: str, targets: tuple[Target, ...], policy: Policy | None = None) -> Verdict:
        root = self._ledger.root.state
        return judge(tool, targets, self._mode, policy or self.policy, root.grants, root.taint)

    def _proposal(self, tool: str, targets: tuple[Target, ...]) -> str:
        """A rule that would allow the call; where nothing holds commands in, none would."""
        runs = any(target.effect.kind == "run" for target in targets)
        return "" if runs and self.policy.sandbox == "none" else propose(tool, targets)

    def _remedy(self, tool: str, targets: tuple[Target, ...]) -> str:
        """A rule that would allow what was denied only as nobody could be asked. None does after taint."""
        policy = msgspec.structs.replace(self.policy, unattended=False, ask_when_tainted=False)
        attended = self._judge(tool, targets, policy)
        return self._proposal(tool, targets) if attended.decision == "ask" and not attended.rule else ""

    def _remember(self, call: ToolCall, targets: tuple[Target, ...]) -> None:
        now = {each.id for each in self._ledger.state.calls}
        self._judged = {id: before for id, before in self._judged.items() if id in now}
        self._judged[call.id] = targets
        self._answered_calls &= now - {call.id}

    def _decided(
        self,
        call: ToolCall,
        tool: str,
        targets: tuple[Target, ...],
        verdict: Verdict,
        answer: Answer | None = None,
        scope: Scope = "once",
    ) -> PermissionDecided:
        networked, changing = uses(targets, self.policy)
        return PermissionDecided(
            call_id=call.id,
            decision=verdict.decision,
            by="person" if answer else "policy",
            reason=verdict.reason,
            scope=scope,
            tool=tool,
            # What is allowed for longer is the file, however a call names it.
            effects=canonical(targets) if scope == "session" else tuple(each.effect for each in targets),
            rule=verdict.rule,
            mode=self._mode,
            networked=networked,
            changing=changing,
            proposed="" if answer or verdict.decision == "allow" else self._remedy(tool, targets),
        )

    def _answered(
        self,
        answer: Answer,
        call: ToolCall,
        tool: str,
        targets: tuple[Target, ...],
        question: PermissionAsked,
    ) -> PermissionDecided:
        if answer.answer == "deny":
            verdict = Verdict("deny", answer.message or "the user said no")
            return self._decided(call, tool, targets, verdict, answer)
        rule = self._saved(answer.rule or question.rule, question) if answer.answer == "always" else ""
        scope: Scope = "once" if answer.answer == "always" and not rule else answer.answer
        verdict = Verdict("allow", "the user said yes", rule)
        return self._decided(call, tool, targets, verdict, answer, scope)

    def _saved(self, text: str, question: PermissionAsked) -> str:
        """The rule, if it could be saved; else it is said why not, and only the call at hand is allowed."""
        try:
            if not (self._rules and question.rule):
                raise SettingsError("there is no rule for such calls, or no place for it")
            if problem := rule_problem(question, text):
                raise SettingsError(problem)
            rule = parse_rule(text)
            where = self._rules.save(rule)
        except SettingsError as error:
            self._ledger.report(Noticed(f"the rule was not saved, this call alone is allowed: {error}"))
            return ""
        self._ledger.report(Noticed(f"saved: {rule} in {where}"))
        return str(rule)

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


def _paths(targets: tuple[Target, ...]) -> dict[str, str]:
    """Where the paths lead that a call names, if that is not where they seem to."""
    named = (each for target in targets for each in (target, *target.operands))
    return {each.effect.target: each.path for each in named if each.path and not _leads_there(each)}


def _leads_there(target: Target) -> bool:
    named = target.effect.target
    return target.effect.kind == "run" or posixpath.normpath(named) in (target.relative, target.path)


def _kind(value: PermissionAsked | QuestionAsked | Answer | Respond) -> str:
    return "permission " if isinstance(value, PermissionAsked | Answer) else "question "
