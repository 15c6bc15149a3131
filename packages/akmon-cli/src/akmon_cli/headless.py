"""Runs one prompt without a person: the answer on stdout, everything else on stderr, and an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from akmon_cli.report import ExitReason, Record, Report
from akmon_cli.writers import RunningSession, Writer, writer
from akmon_core.commands import Interrupt, Prompt
from akmon_core.events import TurnEnded
from akmon_core.ports import SessionClient

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


async def run_headless(session: RunningSession, prompt: str, output_format: str, *, partial: bool) -> int:
    """Sends ``prompt``, follows the turn to its end, and gives the exit code."""
    began = time.monotonic()
    cwd = Path.cwd()
    report = Report(session_id=session.id, model=session.state.model, provider=session.state.provider)
    out: Writer = writer(output_format, partial=partial)
    out.begin(session, cwd)
    record = Record(report, cwd)
    events = session.events()
    with _interrupt_on_signals(session):
        await session.send(Prompt(prompt))
        async for envelope in events:
            record.add(envelope)
            out.show(envelope)
            if isinstance(envelope.event, TurnEnded):
                break
    events.close()
    report.duration_ms = round((time.monotonic() - began) * 1000)
    out.end(report)
    return report.exit_code


def report_failure(message: str, output_format: str, reason: ExitReason = "error") -> None:
    """Says that nothing could be begun, on stderr and in the output format that was asked for."""
    writer(output_format, partial=False).end(Report(error=message, exit_reason=reason))


@contextlib.contextmanager
def _interrupt_on_signals(session: SessionClient) -> Iterator[None]:
    """The first Ctrl+C or termination request ends the turn in order; a second one ends the process.

    A signal that the caller ignores, as ``nohup`` and ``&`` make it, stays ignored.
    """
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[str]] = set()

    def interrupt() -> None:
        tasks.add(loop.create_task(session.send(Interrupt())))

    def handle(*_: object) -> None:
        # Here and not in the loop, so that the second one works even if the loop is stuck.
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(interrupt)

    wanted = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)
