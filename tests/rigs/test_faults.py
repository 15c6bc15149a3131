"""Failures on the wire, as a server of independent make produces them, and what a run makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rigs import aimock
from tests.rigs.aimock import Fixture
from tests.rigs.places import Ran, akmon, environment
from tests.rigs.speakers import SPEAKERS, Speaker, each_speaker

pytestmark = pytest.mark.skipif(bool(aimock.missing()), reason=aimock.missing())

USAGE = {"prompt_tokens": 11, "completion_tokens": 7}
WHOLE = {"content": "The second try says it all.", "usage": USAGE}
REST: dict[str, Any] = {"content": " And here is the rest.", "usage": USAGE}

CUT = {"truncateAfterChunks": 6, "chunkSize": 5, "latency": 30}
"""Breaks the connection in mid-reply. Without the latency it would break before the reply begins."""

two_speakers = pytest.mark.parametrize(
    "speaker", [SPEAKERS["openai-chat"], SPEAKERS["anthropic"]], ids=["openai-chat", "anthropic"]
)


def play(speaker: Speaker, folder: Path, fixtures: list[Fixture]) -> tuple[Ran, list[dict[str, Any]], int]:
    """One headless run: how it ended, what it printed, and how many requests it made."""
    work = folder / "work"
    work.mkdir()
    arguments = ["-p", "Go.", "--provider", speaker.provider, "--model", speaker.model]
    arguments += ["--permission-mode", "accept-edits"]
    arguments += ["--output-format", "stream-json", "--include-partial-messages"]
    with aimock.serve(folder, fixtures) as server:
        ran = akmon(arguments, work, environment(folder / "home", speaker.variables(server)))
        requests = len(server.journal())
    assert "Traceback" not in ran.err
    return ran, [json.loads(line) for line in ran.out.splitlines()], requests


def first_then(first: Fixture, second: dict[str, Any]) -> list[Fixture]:
    """``first`` for the first request, the response ``second`` for those that follow."""
    go = {"userMessage": "Go."}
    return [{**first, "match": {**go, "sequenceIndex": 0}}, {"match": go, "response": second}]


def of_type(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


@each_speaker
def test_a_rate_limit_is_waited_out_for_as_long_as_the_server_asks(speaker: Speaker, tmp_path: Path) -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 2}
    ran, lines, requests = play(speaker, tmp_path, first_then({"response": error}, WHOLE))
    assert ran.exit_code == 0
    (retry,) = of_type(lines, "retry")
    assert retry["wait"] == 2
    assert "slow down" in retry["reason"]
    assert lines[-1]["result"] == WHOLE["content"]
    assert requests == 2


@two_speakers
def test_a_wait_beyond_all_patience_ends_the_run_at_once(speaker: Speaker, tmp_path: Path) -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 900}
    ran, lines, requests = play(speaker, tmp_path, first_then({"response": error}, WHOLE))
    assert ran.exit_code == 1
    assert "900 seconds" in lines[-1]["error"]
    assert requests == 1


@each_speaker
def test_a_reply_that_breaks_off_goes_on_behind_what_was_said(speaker: Speaker, tmp_path: Path) -> None:
    whole = "The first try breaks off somewhere, but in no protocol before its first words are said."
    late = {**CUT, "truncateAfterChunks": 10}
    broken = {"match": {"userMessage": "Go."}, "response": {"content": whole, "usage": USAGE}, **late}
    rest = {"match": {"userMessage": "The connection broke"}, "response": REST}
    ran, lines, requests = play(speaker, tmp_path, [broken, rest])
    assert ran.exit_code == 0, ran.err + ran.out
    kinds = [line["type"] for line in lines]
    retried = kinds.index("retry")
    begun = "".join(line["text"] for line in of_type(lines[:retried], "text_delta"))
    assert begun
    assert whole.startswith(begun)
    assert "".join(line["text"] for line in of_type(lines[retried:], "text_delta")) == REST["content"]
    (reply,) = of_type(lines, "assistant")
    texts = [part["text"] for part in reply["message"]["content"] if part["type"] == "text"]
    assert texts == [begun + REST["content"]]
    assert lines[-1]["result"] == begun + REST["content"]
    assert requests == 2


@two_speakers
def test_half_a_tool_call_is_never_run(speaker: Speaker, tmp_path: Path) -> None:
    arguments = {"path": "half.txt", "content": "one two three four five six seven eight nine ten"}
    call = {"id": "call_write", "name": "write", "arguments": arguments}
    broken = {"response": {"toolCalls": [call], "usage": USAGE}, **CUT}
    ran, lines, requests = play(speaker, tmp_path, first_then(broken, WHOLE))
    assert ran.exit_code == 0
    assert lines[-1]["tool_calls"] == []
    assert list((tmp_path / "work").iterdir()) == []
    assert requests == 2


@two_speakers
@pytest.mark.parametrize(
    ("status", "kind", "message", "told"),
    [
        (401, "authentication_error", "bad key", "API_KEY"),
        (400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000", "new session"),
        (404, "not_found_error", "no such model", "Check the model id"),
    ],
)
def test_what_no_retry_can_help_is_said_at_once_with_advice(
    speaker: Speaker, status: int, kind: str, message: str, told: str, tmp_path: Path
) -> None:
    error = {"error": {"message": message, "type": kind}, "status": status}
    ran, lines, requests = play(speaker, tmp_path, first_then({"response": error}, WHOLE))
    assert ran.exit_code == 1
    assert message in lines[-1]["error"]
    assert told in lines[-1]["error"]
    assert lines[-1]["exit_reason"] == "error"
    assert requests == 1
