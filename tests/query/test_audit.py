"""Audit records: who decided what, what ran, what came of it, and documented as they are."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.chain import digest
from akmon_core.codec import decode_record
from akmon_core.commands import Answer, Prompt
from akmon_core.errors import ProviderError
from akmon_core.events import (
    DurableEvent,
    Envelope,
    PermissionAsked,
    PermissionDecided,
    ToolFinished,
    ToolStarted,
    UnknownEvent,
)
from akmon_core.limits import AUDIT_DESCRIPTION_CHARS
from akmon_core.permissions import Policy, Rule
from akmon_core.tools import Effect, FileSeen, ToolContext, ToolOutput
from akmon_query.audit import (
    KINDS,
    SCHEMA,
    AgentStep,
    AuditBase,
    AuditRecord,
    PolicyEvaluation,
    ToolDispatch,
    ToolOutcome,
    audit_records,
)
from akmon_query.journal import FileJournal, read_records
from akmon_query.testing import FakeModel
from tests.core.values import values
from tests.query.fakes import Tool, asks, open_with, watch

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
KNOWN = [kind for kind in get_args(DurableEvent) if kind is not UnknownEvent]


async def write(text: str, context: ToolContext) -> ToolOutput:
    return ToolOutput("written", summary="47 lines written", files=(FileSeen("/p/a", "0", written=True),))


def played(path: Path) -> list[AuditRecord]:
    """A session in which a person allows, policy denies, and a tool fails."""

    def answer(envelope: Envelope) -> list[Answer]:
        match envelope.event:
            case PermissionAsked(call):
                return [Answer(call.id, "once")]
            case _:
                return []

    async def play() -> None:
        tools = (
            Tool("write", Effect("write", "a"), talks=write),
            Tool("run", Effect("run", "rm -r /")),
        )
        calls = asks(("write", "x" * 3_000), ("run", "x"), ("nothing", "x"))
        session = open_with(
            FakeModel([calls, ProviderError("bad_request", "no")]),
            *tools,
            journal=FileJournal(path),
            policy=Policy(rules=(Rule("run", "rm *", decision="deny", message="never"),)),
        )
        await watch(session, answer, Prompt("please"))
        await session.close()

    asyncio.run(play())
    return list(audit_records(read_records(path)))


@pytest.fixture
def records(tmp_path: Path) -> list[AuditRecord]:
    return played(tmp_path / "s.jsonl")


def test_each_record_of_the_journal_has_one_with_its_place_and_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    records = played(path)
    lines = path.read_bytes().splitlines()
    assert [record.seq for record in records] == list(range(1, len(lines) + 1))
    assert [record.hash for record in records] == [digest(line) for line in lines]
    assert [record.prev for record in records[1:]] == [record.hash for record in records[:-1]]
    for record, line in zip(records, lines, strict=True):
        envelope, _ = decode_record(line)
        assert record.at == pytest.approx(envelope.at, abs=0.001)
        assert (record.turn, record.cause, record.session) == (envelope.turn, envelope.cause, "s")
        assert record.schema == SCHEMA


def test_a_question_and_its_answer_a_denial_and_a_failure_say_who_decided_what_and_why(
    records: list[AuditRecord],
) -> None:
    decided = [record for record in records if isinstance(record, PolicyEvaluation)]
    said = [(record.tool, record.verdict, record.actor) for record in decided]
    assert said == [("write", "ask", "policy"), ("write", "allow", "person"), ("run", "deny", "policy")]
    assert decided[1].effects == (Effect("write", "a"),)
    assert decided[1].reason == "the user said yes"
    assert "never" in decided[2].reason
    (begun,) = [record for record in records if isinstance(record, ToolDispatch)]
    assert (begun.tool, begun.mutating, begun.decided) == ("write", True, decided[1].seq)
    assert len(begun.arguments) == 1_000
    assert begun.arguments.startswith('{"text": "xxx')
    ends = {record.tool: record for record in records if isinstance(record, ToolOutcome)}
    assert (ends["write"].outcome, ends["write"].summary) == ("success", "47 lines written")
    assert (ends["write"].files, ends["write"].dispatched) == (("/p/a",), begun.seq)
    assert (ends["run"].outcome, ends["run"].dispatched) == ("failure", 0)
    assert "there is no tool called 'nothing'" in ends["nothing"].summary
    (failed,) = [each for each in records if isinstance(each, AgentStep) and each.step == "model_failed"]
    assert (failed.usage is None, failed.cost_usd) == (False, 0.0)


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_kind_of_event_has_a_record_and_every_step_a_description(
    kind: type[DurableEvent], data: st.DataObject
) -> None:
    envelope = Envelope(1, 1.0, "s", 1, "c", data.draw(values(kind)))
    (record,) = audit_records([(b"line", envelope, "")])
    if isinstance(record, AgentStep):
        assert record.description
        assert len(record.description) <= AUDIT_DESCRIPTION_CHARS
        assert "\n" not in record.description
    else:
        assert kind in (PermissionAsked, PermissionDecided, ToolStarted, ToolFinished)


def test_a_time_that_is_none_and_a_result_without_its_call_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    played(path)
    lines = [re.sub(rb'"at":[0-9.e+]+', b'"at":1e300', line) for line in path.read_bytes().splitlines()]
    path.write_bytes(b"\n".join([*lines[-4:], b""]))
    records = list(audit_records(read_records(path)))
    assert len(records) == 4
    assert all(record.time == "" for record in records)


def test_the_document_describes_exactly_the_fields_that_there_are() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert SCHEMA in text
    common = set(AuditBase.__struct_fields__)
    tables = re.split(r"^(?:Every record has|`(\w+)`): ?.*$", text, flags=re.MULTILINE)
    described = {
        name or "": set(re.findall(r"^\| `(\w+)`", table.split("\n## ")[0], flags=re.MULTILINE))
        for name, table in zip(tables[1::2], tables[2::2], strict=True)
    }
    assert described[""] == common | {"kind"}
    structs = (PolicyEvaluation, ToolDispatch, ToolOutcome, AgentStep)
    assert tuple(struct.__struct_config__.tag for struct in structs) == KINDS
    for struct in structs:
        assert described[str(struct.__struct_config__.tag)] == set(struct.__struct_fields__) - common


def test_as_json_every_field_is_there(records: list[AuditRecord]) -> None:
    for record in records:
        value = msgspec.json.decode(msgspec.json.encode(record))
        assert set(value) == {*record.__struct_fields__, "kind"}
