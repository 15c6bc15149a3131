"""Runs one prompt without a person: the answer on stdout, everything else on stderr, and an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_cli.report import ExitReason, Record, Report
from akmon_cli.signals import ending_signals
from akmon_cli.writers import RunningSession, Writer, writer
from akmon_core.commands import Implement, Interrupt, Prompt
from akmon_core.events import Noticed, Prompted, TurnEnded
from akmon_core.ports import SessionClient

if TYPE_CHECKING:
    from akmon_query.session import Session


_PATIENCE = 2.0
"""Seconds until it is said what is waited for."""


async def run_headless(
    session: RunningSession, command: Prompt | Implement, output_format: str, *, partial: bool
) -> int:
    """Has ``command`` carried out, follows its turn to the end, and gives the exit code."""
    run = HeadlessRun(session, writer(output_format, partial=partial))
    await run.turn(command)
    return run.end().exit_code


async def wait_for_servers(session: Session) -> None:
    """A session of one turn would have nothing of servers that are ready a moment later."""
    settling = asyncio.ensure_future(session.settled())
    try:
        await asyncio.wait([settling], timeout=_PATIENCE)
        if waiting := ", ".join(each.name for each in session.servers if each.state == "starting"):
            print(f"akmon: waiting for MCP servers: {waiting}", file=sys.stderr)
        await settling
    finally:
        settling.cancel()


class HeadlessRun:
    """One or more turns of a session without a person, with one report on all of them."""

    def __init__(self, session: RunningSession, out: Writer) -> None:
        self._session = session
        self._out = out
        self._began = time.monotonic()
        cwd = Path.cwd()
        state = session.state
        self.report = Report(session_id=session.id, model=state.model, provider=state.provider)
        self._record = Record(self.report, cwd)
        out.begin(session, cwd)

    async def turn(self, command: Prompt | Implement) -> Report:
        """The report as it stands when the turn of ``command`` has ended, or could not begin."""
        events = self._session.events(agents=True)
        with _interrupt_on_signals(self._session):
            cause, began = await self._session.send(command), False
            async for envelope in events:
                if isinstance(envelope.event, Noticed) and envelope.cause == cause and not began:
                    self.report.error = envelope.event.text  # why nothing was begun
                    break
                self._record.add(envelope)
                self._out.show(envelope)
                if envelope.agent:
                    continue
                began = began or isinstance(envelope.event, Prompted)
                if isinstance(envelope.event, TurnEnded):
                    break
        events.close()
        return self.report

    def judge(self, problem: str) -> None:
        """Makes a run that ended by itself a success, whatever was denied, or a failure by ``problem``."""
        self.report.exit_reason = "error" if problem else "completed"
        self.report.status = "error" if problem else "success"
        self.report.error = problem or None

    def end(self) -> Report:
        """Hands out the report."""
        self.report.duration_ms = round((time.monotonic() - self._began) * 1000)
        self._out.end(self.report)
        return self.report


def report_failure(message: str, output_format: str, reason: ExitReason = "error") -> None:
    """Says that nothing could be begun, on stderr and in the output format that was asked for."""
    from akmon_cli.redaction import redactor

    writer(output_format, partial=False).end(Report(error=redactor()(message), exit_reason=reason))


@contextlib.contextmanager
def _interrupt_on_signals(session: SessionClient) -> Iterator[None]:
    """The first Ctrl+C or termination request ends the turn in order; a second one ends the process."""
    tasks: set[asyncio.Task[str]] = set()
    with ending_signals(lambda _: tasks.add(asyncio.ensure_future(session.send(Interrupt())))):
        yield
