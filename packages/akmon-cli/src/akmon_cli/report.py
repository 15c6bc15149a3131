"""The report of one headless run: a fold over its events. The object that ``--output-format json`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from akmon_cli import exitcodes
from akmon_core.events import (
    Envelope,
    ModelFailed,
    Outcome,
    PermissionDecided,
    Replied,
    ToolFinished,
    TurnEnded,
)
from akmon_core.stream import Usage

SCHEMA = 1
"""Version of the report and of the stream's lines; it changes when a field changes its meaning or goes."""

ExitReason: TypeAlias = Literal["completed", "max_turns", "budget_limit", "interrupted", "denied", "error"]


class CallReport(msgspec.Struct):
    name: str
    success: bool
    message: str


class Denial(msgspec.Struct):
    tool: str
    call_id: str
    targets: list[str]
    reason: str


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
    duration_ms: int = 0
    error: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.exit_reason]

    def add(self, envelope: Envelope, cwd: Path) -> None:
        match envelope.event:
            case Replied(message, usage, cost):
                self.result = message.text or self.result
                self._spend(usage, cost)
            case ModelFailed(usage=usage, cost=cost):
                self._spend(usage, cost)
            case PermissionDecided(decision="deny") as denied:
                targets = [effect.target for effect in denied.effects]
                self.permission_denials.append(Denial(denied.tool, denied.call_id, targets, denied.reason))
            case ToolFinished(result, tool, summary, files=files):
                self.tool_calls.append(CallReport(tool, not result.error, summary))
                for file in files:
                    if file.written and (path := _shown(file.path, cwd)) not in self.files_written:
                        self.files_written.append(path)
            case TurnEnded(outcome, reason):
                self._end(outcome, reason)
            case _:
                pass

    def _spend(self, usage: Usage, cost: float | None) -> None:
        self.usage = self.usage + usage
        if usage == Usage():
            return
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost

    def _end(self, outcome: Outcome, reason: str) -> None:
        self.exit_reason = "error" if outcome == "failed" else outcome
        self.error = reason or None
        if outcome == "completed" and self.permission_denials:
            self.exit_reason = "denied"
            self.error = f"{len(self.permission_denials)} call(s) denied; see permission_denials"
        self.status = "success" if self.exit_reason == "completed" else "error"


EXIT_CODES: dict[ExitReason, int] = {
    "completed": exitcodes.OK,
    "max_turns": exitcodes.LIMIT,
    "budget_limit": exitcodes.LIMIT,
    "interrupted": exitcodes.INTERRUPTED,
    "denied": exitcodes.DENIED,
    "error": exitcodes.ERROR,
}


def _shown(path: str, cwd: Path) -> str:
    return str(Path(path).relative_to(cwd)) if Path(path).is_relative_to(cwd) else path
