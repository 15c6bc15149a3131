"""Has the calls of a reply judged and run, and reports what came of each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from itertools import groupby
from typing import Any

import msgspec

from akmon_core.errors import ArgumentsError, JournalError, ToolError
from akmon_core.events import (
    Attached,
    CommandRan,
    Event,
    Prompted,
    QuestionAsked,
    Steered,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from akmon_core.limits import PARALLEL_CALLS
from akmon_core.messages import Assistant, ToolCall, ToolResult, User
from akmon_core.tools import (
    AnyTool,
    Contained,
    Delegate,
    Lasting,
    Relaying,
    Served,
    ToolContext,
    ToolOutput,
    parse_arguments,
)
from akmon_query.checkpoints import Checkpoints
from akmon_query.framing import framed
from akmon_query.gate import Gate
from akmon_query.hands import Hands
from akmon_query.ledger import Ledger

_log = logging.getLogger(__name__)

_CUT_OFF = (
    "the reply reached its output limit within this call, so its arguments did not arrive whole. "
    "Nothing was done; make the call again, in smaller parts if it is long"
)


class ToolCalls:
    """The hands of an agent."""

    def __init__(
        self,
        ledger: Ledger,
        hands: Hands,
        gate: Gate,
        delegate: Delegate,
        checkpoints: Checkpoints,
    ) -> None:
        self._ledger = ledger
        self._hands = hands
        self._gate = gate
        self._delegate = delegate
        self._checkpoints = checkpoints

    async def authorize(self, call: ToolCall) -> None:
        if call.name not in self._hands.tools and self._gate.refuses(call.name):
            self._gate.refuse(call)
            return
        try:
            if self._is_cut_off(call):
                raise ArgumentsError(f"{call.name}: {_CUT_OFF}.")
            tool, arguments = self._meant(call)
            await self._gate.authorize(call, tool, arguments, self._context(call))
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - see _failed
            self._finish(call, _failed(call, error))

    async def run(self, calls: tuple[ToolCall, ...]) -> None:
        """Calls that only read run side by side, all others one after the other, in the order asked for."""
        for reads_only, batch in groupby(calls, self._only_reads):
            if reads_only:
                await self._run_together(batch)
            else:
                for call in batch:
                    await self._run(call, mutating=True)

    def _tool(self, call: ToolCall) -> AnyTool:
        try:
            return self._hands.tools[call.name]
        except KeyError:
            raise ArgumentsError(
                f"there is no tool called {call.name!r}. The tools are: {', '.join(self._hands.tools)}."
                f"{self._way_to(call.name)}"
            ) from None

    def _way_to(self, name: str) -> str:
        """How to call a tool that is not offered by itself, if there is a way."""
        tools = self._hands.tools.values()
        relays = (
            [tool.name for tool in tools if isinstance(tool, Relaying)] if name.startswith("mcp__") else []
        )
        return f" A tool of a server is called by means of {relays[0]}." if relays else ""

    def _meant(self, call: ToolCall) -> tuple[AnyTool, Any]:
        """The tool that is to run, which another one may stand for, and its arguments."""
        tool = self._tool(call)
        arguments = parse_arguments(tool, call)
        return tool.relayed(arguments) if isinstance(tool, Relaying) else (tool, arguments)

    def _is_cut_off(self, call: ToolCall) -> bool:
        """Whether the output limit left nothing of the arguments, which else would count as none given."""
        reply = self._ledger.state.history[-1]
        cut = isinstance(reply, Assistant) and reply.stop == "length"
        return cut and call.id == self._ledger.state.calls[-1].id and not call.arguments.strip()

    def _context(self, call: ToolCall) -> ToolContext:
        def progress(text: str) -> None:
            self._ledger.report(ToolProgress(call.id, text))

        async def ask(question: str, options: tuple[str, ...]) -> str:
            return await self._gate.ask(QuestionAsked(call.id, question, options, self._server(call)))

        return ToolContext(
            call_id=call.id,
            files=self._ledger.state.files,
            progress=progress,
            recall=lambda record: _recorded(self._ledger.recall(record)),
            ask=ask,
            changing=self._changing(call),
            agent=self._ledger.agent,
            delegate=self._delegate,
        )

    def _changing(self, call: ToolCall) -> Callable[[Mapping[str, str | None]], None]:
        """For ``ToolContext.changing``: nothing is written but what the call was judged by.

        A folder on the way may have become a link since.
        """
        keep = self._checkpoints.changing(self._ledger, call.id)

        def changing(writes: Mapping[str, str | None]) -> None:
            allowed = self._gate.writes(call.id)
            if elsewhere := next((path for path in writes if path not in allowed), ""):
                raise ToolError(
                    f"nothing was written: the path leads to {elsewhere} now, which is not what was allowed. "
                    "Make the call again."
                )
            keep(writes)

        return changing

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
        tool, arguments = self._meant(call)
        return all(effect.kind == "read" for effect in tool.effects(arguments))

    async def _run(self, call: ToolCall, *, mutating: bool) -> None:
        verdict = self._ledger.state.decisions[call.id]
        if verdict.decision != "allow":
            self._finish(call, _denied(verdict.reason))
            return
        began = time.monotonic()
        output = await self._output(call, mutating=mutating)
        self._finish(call, output, time.monotonic() - began)

    async def _output(self, call: ToolCall, *, mutating: bool) -> ToolOutput:
        try:
            tool, arguments = self._meant(call)
            self._gate.recheck(call, tool, arguments)
            watched = _watched(tool, arguments)
            around = self._checkpoints.watched(self._ledger, call.id, others=self.busy)
            async with around if watched else nullcontext():
                sandbox = tool.sandbox if isinstance(tool, Contained) else ""
                server = tool.server if isinstance(tool, Served) else ""
                self._ledger.report(ToolStarted(call.id, tool.name, mutating, watched, sandbox, server))
                return self._framed(await tool.run(arguments, self._context(call)))
        except JournalError:
            raise
        except asyncio.CancelledError as error:
            if being_cancelled():
                raise
            return _failed(call, error)
        except Exception as error:  # noqa: BLE001 - see _failed
            return _failed(call, error)

    def _framed(self, output: ToolOutput) -> ToolOutput:
        if not output.untrusted:
            return output
        summary = output.summary or _first_line(output.text)
        text = framed(output.text, output.untrusted)
        return msgspec.structs.replace(output, text=text, summary=summary)

    @property
    def busy(self) -> bool:
        """Whether something that a tool started earlier still runs."""
        return any(isinstance(tool, Lasting) and tool.busy for tool in self._hands.tools.values())

    def _finish(self, call: ToolCall, output: ToolOutput, seconds: float = 0.0) -> None:
        self._ledger.report(finished(self._ledger, call, output, seconds, self._name(call)))

    def _server(self, call: ToolCall) -> str:
        """Who carries it out, if that is a server of others."""
        with suppress(ArgumentsError):
            tool = self._meant(call)[0]
            return tool.server if isinstance(tool, Served) else ""
        return ""

    def _name(self, call: ToolCall) -> str:
        """Of the tool that ``call`` means."""
        if isinstance(self._hands.tools.get(call.name), Relaying):
            with suppress(ArgumentsError):
                return self._meant(call)[0].name
        return call.name


def _watched(tool: AnyTool, arguments: object) -> bool:
    """Whether a call may change files that it does not name."""
    runs = any(effect.kind in ("run", "call") for effect in tool.effects(arguments))
    return runs or (isinstance(tool, Lasting) and tool.busy)


def close_calls(ledger: Ledger, reason: str) -> None:
    """Gives every open call a result that says it was cut off."""
    for call in ledger.state.open_calls:
        text = f"Not run: {reason}."
        if call.id in ledger.state.started:
            text = f"Cut off while it ran: {reason}. What it had done is unknown; check before repeating it."
        ledger.report(finished(ledger, call, ToolOutput(text, error=True, summary=_first_line(text))))


def finished(
    ledger: Ledger, call: ToolCall, output: ToolOutput, seconds: float = 0.0, tool: str = ""
) -> ToolFinished:
    """The event that gives ``call`` its result; ``tool`` is what it meant, if that is not its name."""
    return ToolFinished(
        result=ToolResult(call.id, output.text, output.error, output.images, record=ledger.seq + 1),
        tool=tool or call.name,
        summary=output.summary or _first_line(output.text),
        view=output.view,
        files=output.files,
        seconds=round(seconds, 3),
        pins=output.pins,
        untrusted=output.untrusted,
    )


def _failed(call: ToolCall, error: BaseException) -> ToolOutput:
    """What the model reads of an exception in a tool. Users write tools too, so it may be any."""
    text = str(error)
    if not isinstance(error, ToolError):
        _log.debug("the tool %s failed", call.name, exc_info=error)
        text = f"the tool {call.name} failed: {type(error).__name__}: {error}"
    return ToolOutput(text, error=True, summary=_first_line(text))


def being_cancelled() -> bool:
    """Whether the running task is meant to end, rather than a tool having cancelled something of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _recorded(event: Event | None) -> str | None:
    """What the model may read again of a record."""
    match event:
        case ToolFinished(result):
            return result.text
        case Prompted(message) | Steered(message) | Attached(message=message):
            return message.text
        case CommandRan(command, output, message=User()):
            return f"$ {command}\n{output}"
        case _:
            return None


def _denied(reason: str) -> ToolOutput:
    return ToolOutput(f"Denied: {reason}.", error=True, summary=f"denied: {reason}")


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200]
