"""Events lose their secrets before anything is done with them, and nothing else."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.codec import decode_record, encode_record
from akmon_core.events import (
    EPHEMERAL,
    DurableEvent,
    Envelope,
    Event,
    FilesChanged,
    Instructed,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    Prompted,
    QuestionAnswered,
    Replied,
    SummaryFailed,
    ToolFinished,
    ToolProgress,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Assistant, Image, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.redact import REDACTED, Redactor
from akmon_core.redactevents import redact_event
from akmon_core.stream import Retrying, TextDelta
from akmon_core.tools import DiffView, Effect, FileSeen, TextView
from tests.core.values import values

KEY = 'Canary"7f3a90b1c2d4'
TOKEN = "ghp" + "_" + "aB3dE6gH9j" * 4
REDACTOR = Redactor([KEY])


def through_the_journal(event: Event) -> str:
    assert not isinstance(event, EPHEMERAL)
    line = encode_record(Envelope(seq=1, at=0.0, session="s", turn=1, cause="c", event=event), "")
    envelope, _ = decode_record(line)
    assert envelope.event == event
    return line.decode()


BOTH = f"a {KEY} b {TOKEN} c"
SHOWN: dict[str, Event] = {
    "result": ToolFinished(ToolResult("1", BOTH), "shell"),
    "summary": ToolFinished(ToolResult("1", ""), "shell", summary=BOTH),
    "diff": ToolFinished(ToolResult("1", ""), "edit", view=DiffView("a", BOTH, 1, 1)),
    "text": ToolFinished(ToolResult("1", ""), "edit", view=TextView(BOTH)),
    "progress": ToolProgress("1", BOTH),
    "notice": Noticed(BOTH),
    "instructions": Instructed(BOTH),
    "failure": ModelFailed("server", BOTH),
    "retry": Retrying(1, 5, 1.0, BOTH),
    "summary failed": SummaryFailed(message=BOTH),
    "decision": PermissionDecided("1", "deny", "policy", BOTH),
    "question": PermissionAsked(ToolCall("1", "edit", "{}"), (), "", DiffView("a", BOTH, 1, 1)),
    "answer": QuestionAnswered("1", BOTH),
    "end": TurnEnded("failed", BOTH),
}


@pytest.mark.parametrize("event", SHOWN.values(), ids=SHOWN.keys())
def test_what_was_read_printed_or_answered_loses_keys_and_whatever_looks_like_one(event: Event) -> None:
    shown = repr(redact_event(event, REDACTOR))
    assert KEY not in shown
    assert TOKEN not in shown
    assert "a [redacted] b [redacted: GitHub token] c" in shown


SAID: dict[str, Event] = {
    "prompt": Prompted(User((Text(BOTH),))),
    "reply": Replied(Assistant((Text(BOTH),))),
    "delta": TextDelta(BOTH),
    "effect": PermissionDecided("1", "allow", "person", "", effects=(Effect("run", BOTH),)),
    "path": FilesChanged((FileChange(f"/a/{BOTH}"),)),
}


@pytest.mark.parametrize("event", SAID.values(), ids=SAID.keys())
def test_what_was_said_and_done_stays_to_the_letter_but_for_known_keys(event: Event) -> None:
    shown = repr(redact_event(event, REDACTOR))
    assert KEY not in shown
    assert f"a {REDACTED} b {TOKEN} c" in shown


def test_keys_go_out_of_where_paths_lead() -> None:
    asked = PermissionAsked(ToolCall("1", "shell", "{}"), (), "", paths={f"a/{KEY}": f"/p/{KEY}"})
    cleaned = redact_event(asked, Redactor([KEY]))
    assert cleaned.paths == {f"a/{REDACTED}": f"/p/{REDACTED}"}


def test_arguments_of_calls_stay_valid_json() -> None:
    arguments = '{"text":"a Canary\\"7f3a90b1c2d4 b"}'
    event = redact_event(Replied(Assistant((ToolCall("1", "write", arguments),))), REDACTOR)
    assert event.message.calls[0].arguments == '{"text":"a [redacted] b"}'


def test_what_is_compared_or_sent_back_stays_exactly_as_it_is() -> None:
    image = Image("image/png", f"{KEY}{TOKEN}")
    events: list[Event] = [
        Replied(Assistant((Thinking("", KEY, True, "messages"), ToolCall(KEY, "read", "{}")))),
        ToolFinished(ToolResult(KEY, "", images=(image,)), "read", files=(FileSeen("/a", KEY),)),
        FilesChanged((FileChange("/a", None, FileState("file", KEY)),), KEY),
    ]
    for event in events:
        assert redact_event(event, REDACTOR) is event


@pytest.mark.parametrize("kind", [kind for kind in get_args(DurableEvent) if kind is not UnknownEvent])
@given(data=st.data())
def test_an_event_without_secrets_is_the_same_object(kind: type[DurableEvent], data: st.DataObject) -> None:
    event = data.draw(values(kind))
    assert redact_event(event, Redactor()) is event


@pytest.mark.parametrize("event", [*SHOWN.values(), *SAID.values()])
def test_what_is_left_can_be_written_to_the_journal_and_read_back(event: Event) -> None:
    if not isinstance(event, EPHEMERAL):
        line = through_the_journal(redact_event(event, REDACTOR))
        assert "7f3a90b1c2d4" not in line
