"""The report of a headless run, from its events."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_cli.report import EXIT_CODES, CallReport, CommitReport, Record, Report
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
from akmon_core.messages import Assistant, Text, ToolResult
from akmon_core.prompt import GO_ON
from akmon_core.stream import Usage
from akmon_core.tools import Effect, FileSeen

CWD = Path("/project")
DENIED = PermissionDecided(
    call_id="1",
    decision="deny",
    by="policy",
    reason="no",
    tool="shell",
    effects=(Effect("run", "make"),),
    rule="shell(make)",
    mode="accept-edits",
)
COMPLETED = TurnEnded("completed")
SOME = Usage(input_tokens=3, output_tokens=2, cache_read_tokens=1)


def reported(*events: Event) -> Report:
    report = Report()
    record = Record(report, CWD)
    for seq, event in enumerate(events):
        record.add(Envelope(seq=seq, at=0.0, session="s", turn=1, cause="", event=event))
    return report


def said(text: str, cost: float | None = 0.5) -> Replied:
    return Replied(Assistant((Text(text),)), SOME, cost)


def test_the_result_is_the_last_text() -> None:
    assert reported(said("first"), said("last"), said(""), COMPLETED).result == "last"


def test_a_continued_reply_is_joined_and_a_later_one_is_not() -> None:
    go_on = Continued(GO_ON)
    assert reported(said("a"), go_on, said("b"), go_on, said("c")).result == "abc"
    assert reported(said("a"), go_on, said("b"), said("c")).result == "c"
    assert reported(said("a"), go_on, said("")).result == "a"


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=6))
def test_costs_add_up_and_one_unknown_price_makes_the_sum_unknown(costs: list[int | None]) -> None:
    report = reported(*(said("x", cost) for cost in costs))
    assert report.cost_usd == (None if None in costs else sum(cost or 0 for cost in costs))
    assert report.usage.prompt_tokens == 4 * len(costs)
    assert report.usage.output_tokens == 2 * len(costs)


def test_a_call_that_failed_before_it_used_anything_costs_nothing() -> None:
    assert reported(said("x", 1.0), ModelFailed("authentication", "no")).cost_usd == 1.0
    assert reported(said("x", 1.0), ModelFailed("server", "no", SOME, None)).cost_usd is None
    assert reported(ModelFailed("server", "no", SOME, 2.0)).cost_usd == 2.0


def test_what_a_failed_call_had_said_is_the_result() -> None:
    failed = ModelFailed("server", "down", said="half a")
    assert reported(said("first"), failed, TurnEnded("failed", "down")).result == "half a"
    assert reported(said("first"), Continued(GO_ON), failed).result == "firsthalf a"
    assert reported(said("first"), ModelFailed("server", "down")).result == "first"


@pytest.mark.parametrize(
    ("outcome", "denied", "reason", "code"),
    [
        ("completed", False, "completed", 0),
        ("completed", True, "denied", 3),
        ("failed", True, "error", 1),
        ("interrupted", True, "interrupted", 130),
        ("max_turns", True, "max_turns", 4),
        ("budget_limit", False, "budget_limit", 5),
        ("token_limit", False, "token_limit", 6),
        ("time_limit", True, "time_limit", 7),
        ("stuck", False, "stuck", 8),
    ],
)
def test_how_a_turn_ended_decides_reason_and_exit_code(
    outcome: Outcome, denied: bool, reason: str, code: int
) -> None:
    report = reported(*([DENIED] if denied else []), TurnEnded(outcome))
    assert (report.exit_reason, report.exit_code) == (reason, code)
    assert (report.status == "success") == (code == 0)


def test_a_run_that_never_began_is_an_error() -> None:
    assert (Report().status, Report().exit_reason, Report().exit_code) == ("error", "error", 1)


def test_every_exit_reason_has_a_code_of_the_documented_ones() -> None:
    assert set(EXIT_CODES.values()) == {0, 1, *range(3, 9), 130}


def test_files_are_listed_once_and_from_the_working_folder() -> None:
    def wrote(path: str, *, written: bool = True) -> ToolFinished:
        seen = FileSeen(path, "0" * 64, written=written)
        return ToolFinished(ToolResult("1", "ok"), "write", "1 line written", files=(seen,))

    report = reported(
        wrote("/project/a/b.txt"),
        wrote("/project/a/b.txt"),
        wrote("/elsewhere/c.txt"),
        wrote("/project/only-read.txt", written=False),
        wrote("/project-2/d.txt"),
    )
    assert report.files_written == ["a/b.txt", "/elsewhere/c.txt", "/project-2/d.txt"]


def test_denials_and_calls_are_listed_in_order() -> None:
    failed = ToolFinished(ToolResult("1", "Denied: no.", error=True), "shell", "denied: no")
    report = reported(DENIED, failed, ToolFinished(ToolResult("2", "ok"), "read", "3 lines read"), COMPLETED)
    assert msgspec.to_builtins(report.permission_denials) == [
        {
            "tool": "shell",
            "call_id": "1",
            "targets": ["make"],
            "reason": "no",
            "agent": "",
            "rule": "shell(make)",
            "mode": "accept-edits",
            "allow": "",
        }
    ]
    assert msgspec.to_builtins(report.tool_calls) == [
        {"name": "shell", "success": False, "message": "denied: no", "agent": ""},
        {"name": "read", "success": True, "message": "3 lines read", "agent": ""},
    ]
    assert report.error
    assert report.error.startswith("1 call was denied.")


def test_what_sub_agents_did_and_took_counts_and_what_they_said_is_not_the_result() -> None:
    seen = FileSeen("/project/new.txt", "0" * 64, written=True)
    wrote = ToolFinished(ToolResult("1", "ok"), "write", "1 line written", files=(seen,))
    report = Report()
    record = Record(report, CWD)
    happened: list[tuple[str, Event]] = [
        ("", said("I delegate.", 1.0)),
        ("task-1", DENIED),
        ("task-1", wrote),
        ("task-1", said("I wrote it.", 2.0)),
        ("task-1", TurnEnded("max_turns", "no more")),
        ("", said("All is done.", 4.0)),
        ("", COMPLETED),
    ]
    for agent, event in happened:
        record.add(Envelope(seq=1, at=0.0, session="s", turn=1, cause="", event=event, agent=agent))
    assert (report.result, report.exit_reason, report.cost_usd) == ("All is done.", "denied", 7.0)
    assert report.usage == SOME + SOME + SOME
    assert report.files_written == ["new.txt"]
    assert report.tool_calls == [CallReport("write", True, "1 line written", "task-1")]
    assert [denial.agent for denial in report.permission_denials] == ["task-1"]


def test_summaries_are_paid_for_too() -> None:
    compacted = Compacted(summary="s", kept=1, said=0, usage=SOME, cost=1.0)
    failed = SummaryFailed(message="no", usage=SOME, cost=2.0)
    report = reported(said("x", 4.0), compacted, failed, COMPLETED)
    assert (report.usage, report.cost_usd, report.result) == (SOME + SOME + SOME, 7.0, "x")


def test_two_reports_share_nothing() -> None:
    reported(DENIED, COMPLETED)
    assert reported(COMPLETED).permission_denials == []


def test_files_that_changed_are_those_that_are_not_what_they_were() -> None:
    one, other, folder = FileState("file", "1"), FileState("file", "2"), FileState("folder")
    report = reported(
        FilesChanged((FileChange("/project/made", None, folder),)),
        FilesChanged((FileChange("/project/made/new", None, one), FileChange("/project/a", one, other))),
        FilesChanged((FileChange("/project/temporary", None, one), FileChange("/else/b", one, None))),
        FilesChanged((FileChange("/project/temporary", one, None), FileChange("/project/a", other, one))),
        FilesChanged((FileChange("/project/by someone", one, other, sure=False),)),
        COMPLETED,
    )
    assert report.files_changed == ["made/new", "/else/b"]


def test_commits_are_listed() -> None:
    report = reported(Committed("1a", "One", ("a",)), Committed("2b", "Two", ("b", "c")), COMPLETED)
    assert report.commits == [CommitReport("1a", "One", ["a"]), CommitReport("2b", "Two", ["b", "c"])]
