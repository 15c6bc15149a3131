"""The report of one headless run: the object that ``--output-format json`` prints, a fold over its events."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from akmon_cli import exitcodes
from akmon_core.events import (
    Committed,
    Compacted,
    Continued,
    Envelope,
    Event,
    FilesChanged,
    ModelFailed,
    Outcome,
    PermissionDecided,
    Replied,
    SummaryFailed,
    ToolFinished,
    TurnEnded,
)
from akmon_core.files import FileChange, FileState
from akmon_core.rewinding import net_changes
from akmon_core.spending import Spent
from akmon_core.stream import Usage
from akmon_core.tools import FileSeen

SCHEMA = 1
"""Version of the report and of the stream's lines; it changes when a field changes its meaning or goes."""

ExitReason: TypeAlias = Literal[
    "completed",
    "max_turns",
    "budget_limit",
    "token_limit",
    "time_limit",
    "stuck",
    "interrupted",
    "denied",
    "error",
]


class CallReport(msgspec.Struct):
    name: str
    success: bool
    message: str
    agent: str = ""
    """Which sub-agent made it; empty is the main agent."""


class Denial(msgspec.Struct):
    tool: str
    call_id: str
    targets: list[str]
    reason: str
    agent: str = ""
    rule: str = ""
    """The rule that denied it; empty if none did."""
    mode: str = ""
    """The mode in which it was judged."""
    allow: str = ""
    """A narrow rule that would allow such calls, if there is one: for ``--allow``."""


class CommitReport(msgspec.Struct):
    commit: str
    subject: str
    files: list[str]


class Report(msgspec.Struct, kw_only=True):
    schema: int = SCHEMA
    session_id: str | None = None
    model: str | None = None
    provider: str | None = None
    status: Literal["success", "error"] = "error"
    exit_reason: ExitReason = "error"
    result: str = ""
    """The text of the last reply."""
    tool_calls: list[CallReport] = []
    permission_denials: list[Denial] = []
    usage: Usage = Usage()
    cost_usd: float | None = 0.0
    """None if the price of a call is not known."""
    files_written: list[str] = []
    """Relative to the working directory where they are inside it."""
    files_changed: list[str] = []
    """Those that are not what they were before, by tools or commands; shown like ``files_written``."""
    commits: list[CommitReport] = []
    duration_ms: int = 0
    error: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.exit_reason]


class Record:
    """Folds the events of turns into ``report``; paths are shown relative to ``cwd``.

    What sub-agents did, wrote and took counts; what they said is not the result.
    """

    def __init__(self, report: Report, cwd: Path) -> None:
        self._report = report
        self._cwd = cwd
        self._spent = Spent()
        self._changes: list[FileChange] = []
        self._cut_off = ""
        """The text that the coming reply continues."""

    def add(self, envelope: Envelope) -> None:
        report, event, agent = self._report, envelope.event, envelope.agent
        if isinstance(event, Replied | ModelFailed | Compacted | SummaryFailed):
            self._spent = self._spent.and_also(event)
            report.usage, report.cost_usd = self._spent.usage, self._spent.cost
        match event:
            case PermissionDecided(decision="deny") as denied:
                report.permission_denials.append(_denial(denied, agent))
            case ToolFinished(result, tool, summary, files=files):
                report.tool_calls.append(CallReport(tool, not result.error, summary, agent))
                self._written(files)
            case FilesChanged(changes):
                self._changes += [change for change in changes if change.sure]
            case _ if not agent:
                self._main(event)
            case _:
                pass

    def _main(self, event: Event) -> None:
        match event:
            case Replied(message):
                self._said(message.text)
            case ModelFailed(said=said):
                self._said(said)
            case Continued():
                self._cut_off = self._report.result
            case Committed(commit, subject, files):
                self._report.commits.append(CommitReport(commit, subject, list(files)))
            case TurnEnded(outcome, reason):
                self._report.files_changed = self._changed()
                self._end(outcome, reason)
            case _:
                pass

    def _written(self, files: Iterable[FileSeen]) -> None:
        for file in files:
            if file.written and (path := _shown(file.path, self._cwd)) not in self._report.files_written:
                self._report.files_written.append(path)

    def _changed(self) -> list[str]:
        changes = net_changes(self._changes)
        files = (change for change in changes if "folder" not in (_kind(change.before), _kind(change.after)))
        return [_shown(change.path, self._cwd) for change in files]

    def _said(self, text: str) -> None:
        self._report.result = self._cut_off + text or self._report.result
        self._cut_off = ""

    def _end(self, outcome: Outcome, reason: str) -> None:
        report = self._report
        report.exit_reason = "error" if outcome == "failed" else outcome
        report.error = reason or None
        if outcome == "completed" and (denied := len(report.permission_denials)):
            report.exit_reason = "denied"
            report.error = (
                f"{denied} {'call was' if denied == 1 else 'calls were'} denied. "
                "What may be done without asking is set by --allow, --permission-mode and --add-dir."
            )
        report.status = "success" if report.exit_reason == "completed" else "error"


EXIT_CODES: dict[ExitReason, int] = {
    "completed": exitcodes.OK,
    "max_turns": exitcodes.MAX_TURNS,
    "budget_limit": exitcodes.BUDGET,
    "token_limit": exitcodes.TOKENS,
    "time_limit": exitcodes.TIME,
    "stuck": exitcodes.STUCK,
    "interrupted": exitcodes.INTERRUPTED,
    "denied": exitcodes.DENIED,
    "error": exitcodes.ERROR,
}


def _denial(event: PermissionDecided, agent: str) -> Denial:
    return Denial(
        tool=event.tool,
        call_id=event.call_id,
        targets=[effect.target for effect in event.effects],
        reason=event.reason,
        agent=agent,
        rule=event.rule,
        mode=event.mode,
        allow=event.proposed,
    )


def _kind(state: FileState | None) -> str:
    return state.kind if state else ""


def _shown(path: str, cwd: Path) -> str:
    return str(Path(path).relative_to(cwd)) if Path(path).is_relative_to(cwd) else path
