"""Drives one turn: performs each move that ``decide`` names and reports what happened.

The only place of the engine that waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import assert_never

from akmon_core.decide import Authorize, CallModel, Finish, GoOn, Move, RunTools, decide
from akmon_core.errors import ArgumentsError, JournalError, ToolError
from akmon_core.events import (
    Continued,
    Outcome,
    Prompted,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnEnded,
)
from akmon_core.limits import PARALLEL_CALLS, Limits
from akmon_core.messages import ToolCall, ToolResult
from akmon_core.models import Model
from akmon_core.prompt import GO_ON, compose
from akmon_core.tools import AnyTool, ToolContext, ToolOutput, parse_arguments, tool_spec
from akmon_query.gate import Gate
from akmon_query.ledger import Ledger
from akmon_query.modelcall import ModelCalls

_log = logging.getLogger(__name__)


class Driver:
    """Everything a turn needs. One turn runs at a time."""

    def __init__(
        self, ledger: Ledger, model: Model, tools: Mapping[str, AnyTool], gate: Gate, limits: Limits
    ) -> None:
        self._ledger = ledger
        self._model = ModelCalls(ledger, model)
        self._tools = tools
        self._specs = tuple(tool_spec(tool) for tool in tools.values())
        self._gate = gate
        self._limits = limits

    def begin(self, prompted: Prompted) -> bool:
        """Whether a turn has begun. It has not if it cannot be recorded; then it has ended already."""
        if self._ledger.broken:
            self._close("failed", self._ledger.broken)
            return False
        try:
            self._ledger.report(prompted)
        except JournalError as error:
            self._close("failed", str(error))
            return False
        return True

    async def drive(self) -> None:
        """Runs the turn that has begun to its end; ``TurnEnded`` is reported however that comes."""
        try:
            while self._ledger.state.running:
                await self._perform(decide(self._ledger.state, self._limits))
        except asyncio.CancelledError:
            self._close("interrupted", "interrupted by the user")
        except JournalError as error:
            self._close("failed", str(error))
        except Exception as error:
            self._close("failed", f"an error inside akmon: {type(error).__name__}: {error}")
            raise

    def abandon(self) -> None:
        """Ends a turn whose driving was cancelled before it started."""
        if self._ledger.state.running:
            self._close("interrupted", "interrupted by the user")

    async def close(self) -> None:
        await self._model.close()

    def _close(self, outcome: Outcome, reason: str) -> None:
        try:
            close_turn(self._ledger, outcome, reason)
        except JournalError as error:
            self._ledger.give_up(str(error))
            close_turn(self._ledger, "failed", str(error))

    async def _perform(self, move: Move) -> None:
        match move:
            case CallModel():
                await self._model.call(compose(self._ledger.state, self._specs, self._ledger.session))
            case Authorize(calls):
                for call in calls:
                    await self._authorize(call)
            case RunTools(calls):
                await self._run_tools(calls)
            case GoOn():
                self._ledger.report(Continued(GO_ON))
            case Finish(outcome, reason):
                self._ledger.report(TurnEnded(outcome, reason))
            case _:
                assert_never(move)

    # --- tools ----------------------------------------------------------------------------------

    async def _authorize(self, call: ToolCall) -> None:
        try:
            tool = self._tool(call)
            arguments = parse_arguments(tool, call)
            await self._gate.authorize(call, tool, arguments, self._context(call))
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - see _failed
            self._finish(call, _failed(call, error))

    def _tool(self, call: ToolCall) -> AnyTool:
        try:
            return self._tools[call.name]
        except KeyError:
            raise ArgumentsError(
                f"there is no tool called {call.name!r}. The tools are: {', '.join(self._tools)}."
            ) from None

    def _context(self, call: ToolCall) -> ToolContext:
        def progress(text: str) -> None:
            self._ledger.report(ToolProgress(call.id, text))

        return ToolContext(call_id=call.id, files=self._ledger.state.files, progress=progress)

    async def _run_tools(self, calls: tuple[ToolCall, ...]) -> None:
        """Calls that only read run side by side, all others one after the other, in the order asked for."""
        for reads_only, batch in groupby(calls, self._only_reads):
            if reads_only:
                await self._run_together(batch)
            else:
                for call in batch:
                    await self._run(call, mutating=True)

    async def _run_together(self, calls: Iterator[ToolCall]) -> None:
        slots = asyncio.Semaphore(PARALLEL_CALLS)

        async def run(call: ToolCall) -> None:
            async with slots:
                await self._run(call, mutating=False)

        try:
            async with asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(run(call))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    def _only_reads(self, call: ToolCall) -> bool:
        if self._ledger.state.decisions[call.id].decision != "allow":
            return True
        tool = self._tool(call)
        return all(effect.kind == "read" for effect in tool.effects(parse_arguments(tool, call)))

    async def _run(self, call: ToolCall, *, mutating: bool) -> None:
        verdict = self._ledger.state.decisions[call.id]
        if verdict.decision != "allow":
            self._finish(call, _denied(verdict.reason))
            return
        self._ledger.report(ToolStarted(call.id, call.name, mutating))
        began = time.monotonic()
        output = await self._output(call)
        self._finish(call, output, time.monotonic() - began)

    async def _output(self, call: ToolCall) -> ToolOutput:
        tool = self._tool(call)
        try:
            output: ToolOutput = await tool.run(parse_arguments(tool, call), self._context(call))
        except JournalError:
            raise
        except asyncio.CancelledError as error:
            if _being_cancelled():
                raise
            return _failed(call, error)
        except Exception as error:  # noqa: BLE001 - see _failed
            return _failed(call, error)
        return output

    def _finish(self, call: ToolCall, output: ToolOutput, seconds: float = 0.0) -> None:
        self._ledger.report(_finished(call, output, seconds))


def close_turn(ledger: Ledger, outcome: Outcome, reason: str) -> None:
    """Ends a turn that was cut off, leaving a history that any provider accepts: every call has a result."""
    for call in ledger.state.open_calls:
        text = f"Not run: {reason}."
        if call.id in ledger.state.started:
            text = f"Cut off while it ran: {reason}. What it had done is unknown; check before repeating it."
        ledger.report(_finished(call, ToolOutput(text, error=True, summary=_first_line(text))))
    ledger.report(TurnEnded(outcome, reason))


def _finished(call: ToolCall, output: ToolOutput, seconds: float = 0.0) -> ToolFinished:
    return ToolFinished(
        result=ToolResult(call.id, output.text, output.error, output.images),
        tool=call.name,
        summary=output.summary or _first_line(output.text),
        view=output.view,
        files=output.files,
        seconds=round(seconds, 3),
    )


def _failed(call: ToolCall, error: BaseException) -> ToolOutput:
    """What the model reads of an exception in a tool. Users write tools too, so it may be any."""
    text = str(error)
    if not isinstance(error, ToolError):
        _log.debug("the tool %s failed", call.name, exc_info=error)
        text = f"the tool {call.name} failed: {type(error).__name__}: {error}"
    return ToolOutput(text, error=True, summary=_first_line(text))


def _being_cancelled() -> bool:
    """Whether the running task is meant to end, rather than a tool having cancelled something of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _denied(reason: str) -> ToolOutput:
    return ToolOutput(f"Denied: {reason}.", error=True, summary=f"denied: {reason}")


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200]
