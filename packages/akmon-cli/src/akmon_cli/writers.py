"""The output formats of a headless run: text, one JSON object, or a JSON line per event."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Protocol

import msgspec

from akmon_cli.progress import CHARS, Progress
from akmon_cli.report import SCHEMA, ExitReason, Report
from akmon_cli.streamlines import delta_line, stream_line
from akmon_cli.streams import print_json
from akmon_core.events import Envelope
from akmon_core.ports import SessionClient
from akmon_core.servers import ServerStatus
from akmon_core.state import State
from akmon_core.text import neutralise, one_line

_CAN_GO_ON: tuple[ExitReason, ...] = (
    "interrupted",
    "max_turns",
    "budget_limit",
    "token_limit",
    "time_limit",
    "stuck",
)


class RunningSession(SessionClient, Protocol):
    @property
    def state(self) -> State: ...

    @property
    def servers(self) -> tuple[ServerStatus, ...]: ...


class Writer(Protocol):
    """One output format."""

    def begin(self, session: RunningSession, cwd: Path) -> None: ...

    def show(self, envelope: Envelope) -> None: ...

    def end(self, report: Report) -> None: ...


def writer(output_format: str, *, partial: bool) -> Writer:
    match output_format:
        case "json":
            return JsonWriter()
        case "stream-json":
            return StreamWriter(partial=partial)
        case _:
            return TextWriter()


class TextWriter:
    """The answer on stdout, progress on stderr."""

    def __init__(self) -> None:
        self._progress = Progress()

    def begin(self, session: RunningSession, cwd: Path) -> None:
        self._progress = Progress(str(cwd))

    def show(self, envelope: Envelope) -> None:
        for line in self._progress.lines(envelope):
            say(line)

    def end(self, report: Report) -> None:
        if report.result:
            print(neutralise(report.result), flush=True)
        _say_why(report)


class JsonWriter(TextWriter):
    """One object on stdout at the end, progress on stderr."""

    def end(self, report: Report) -> None:
        print_json(report)
        _say_why(report)


class StreamWriter:
    """One object per line on stdout as things happen; the last one is the result."""

    def __init__(self, *, partial: bool) -> None:
        self._partial = partial

    def begin(self, session: RunningSession, cwd: Path) -> None:
        state = session.state
        print_json(
            {
                "type": "system",
                "subtype": "init",
                "schema": SCHEMA,
                "session_id": session.id,
                "provider": state.provider,
                "model": state.model,
                "cwd": str(cwd),
                "permission_mode": state.mode,
                "mcp_servers": [{"name": each.name, "state": each.state} for each in session.servers],
                "agent": "",
            }
        )

    def show(self, envelope: Envelope) -> None:
        line = stream_line(envelope.event) or (delta_line(envelope.event) if self._partial else None)
        if line:
            print_json({**line, "agent": envelope.agent})

    def end(self, report: Report) -> None:
        head = {"type": "result", "subtype": report.exit_reason}
        print_json({**head, **msgspec.to_builtins(report), "agent": ""})
        _say_why(report)


def _say_why(report: Report) -> None:
    """On stderr, why a run was not completed."""
    if report.exit_reason != "completed":
        say(f"akmon: {report.error or report.exit_reason}")
    for denial in report.permission_denials:
        what = one_line(" ".join([denial.tool, *denial.targets]), CHARS)
        say(f"akmon: denied: {what}: {denial.reason}")
    for rule in dict.fromkeys(denial.allow for denial in report.permission_denials if denial.allow):
        say(f"akmon: to allow it: --allow {shlex.quote(rule)}")
    if report.session_id and report.exit_reason in _CAN_GO_ON:
        say(f"akmon: go on with: akmon -r {report.session_id} -p 'go on'")


def say(line: str) -> None:
    """Whatever a model, a tool or a path brought along must not steer the terminal."""
    print(neutralise(line), file=sys.stderr, flush=True)
