"""Faults of llmock, and its verdict on how they were taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from akmon_core.limits import SMALL_WINDOW
from tests.rigs import llmock
from tests.rigs.llmock import Llmock
from tests.rigs.places import Ran, akmon, environment

pytestmark = pytest.mark.skipif(bool(llmock.missing()), reason=llmock.missing())


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    model: str
    address: str
    """The variable of the provider's address."""
    base: str
    key: str
    row: dict[str, Any] = {}


SPEAKERS = {
    "openai-chat": Speaker(
        provider="openai", model="gpt-6-sol", address="OPENAI_BASE_URL", base="/v1", key="OPENAI_API_KEY"
    ),
    "openai-responses": Speaker(
        provider="openai",
        model="gpt-6-sol",
        address="OPENAI_BASE_URL",
        base="/v1",
        key="OPENAI_API_KEY",
        row={"api": "responses"},
    ),
    "anthropic": Speaker(
        provider="anthropic",
        model="claude-sonnet-5-5",
        address="ANTHROPIC_BASE_URL",
        base="/anthropic",
        key="ANTHROPIC_API_KEY",
    ),
    "groq": Speaker(
        provider="groq",
        model="openai/gpt-oss-120b",
        address="GROQ_BASE_URL",
        base="/groq/openai/v1",
        key="GROQ_API_KEY",
    ),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llmock]:
    with llmock.serve(tmp_path_factory.mktemp("llmock")) as server:
        yield server


@pytest.fixture
def server(running: Llmock) -> Llmock:
    """One that has been asked nothing and breaks nothing."""
    running.reset()
    return running


each_speaker = pytest.mark.parametrize("speaker", SPEAKERS.values(), ids=SPEAKERS)


def run(speaker: Speaker, server: Llmock, folder: Path) -> tuple[Ran, dict[str, Any]]:
    """A headless run, and its report. llmock has a tool called that fits, then answers in text.

    The model has a small window, so that no tool is offered that would make further requests.
    """
    work = folder / "work"
    work.mkdir()
    (work / "a.txt").write_text("alpha\n")
    variables = {speaker.address: f"{server.url}{speaker.base}", speaker.key: "test"}
    variables["AKMON_MODELS"] = json.dumps([{"match": speaker.model, "window": SMALL_WINDOW, **speaker.row}])
    arguments = ["--provider", speaker.provider, "--model", speaker.model, "--output-format", "json"]
    arguments += ["--allow", "shell(mock-command)"]  # there is none: where the shell is called, that fails
    ran = akmon(["-p", "List the files.", *arguments], work, environment(folder / "home", variables))
    assert "Traceback" not in ran.err
    report: dict[str, Any] = json.loads(ran.out)
    return ran, report


def codes(verdict: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in verdict["findings"]]


@each_speaker
def test_a_session_with_a_tool_ends_by_itself(speaker: Speaker, server: Llmock, tmp_path: Path) -> None:
    ran, report = run(speaker, server, tmp_path)
    verdict = server.verdict()
    assert ran.exit_code == 0, ran.err
    assert len(report["tool_calls"]) == 1
    assert report["result"]
    assert report["usage"]["output_tokens"] > 0
    assert (verdict["calls"], verdict["attempts"], verdict["findings"]) == (2, 2, [])


@each_speaker
def test_refusals_are_waited_out_as_asked(speaker: Speaker, server: Llmock, tmp_path: Path) -> None:
    server.break_next(
        {"type": "fail", "status": 429, "retry_after": 2}, {"type": "fail", "status": 503, "times": 1}
    )
    ran, report = run(speaker, server, tmp_path)
    verdict = server.verdict()
    assert ran.exit_code == 0, ran.err
    assert len(report["tool_calls"]) == 1
    assert verdict["findings"] == []
    assert (verdict["calls"], verdict["attempts"]) == (2, 4)


@each_speaker
def test_a_request_that_can_only_fail_is_made_once(speaker: Speaker, server: Llmock, tmp_path: Path) -> None:
    server.break_next({"type": "fail", "status": 401, "times": None})
    ran, report = run(speaker, server, tmp_path)
    verdict = server.verdict()
    assert ran.exit_code == 1
    assert speaker.key in report["error"]
    assert (verdict["attempts"], verdict["findings"]) == (1, [])


@each_speaker
@pytest.mark.parametrize("kind", ["disconnect", "truncate", "malformed"])
def test_a_stream_that_breaks_in_a_call_is_made_again(
    speaker: Speaker, server: Llmock, kind: str, tmp_path: Path
) -> None:
    """The reply is a call: half of it is never run, and the same request goes out again."""
    server.break_next({"type": "stream_fault", "kind": kind, "after_chunks": 2})
    ran, report = run(speaker, server, tmp_path)
    verdict = server.verdict()
    assert ran.exit_code == 0, ran.err
    assert len(report["tool_calls"]) == 1
    assert verdict["attempts"] == 3
    # A stream with one bad event is sent to its end, so that llmock cannot see that it was given up there.
    assert set(codes(verdict)) <= ({"malformed_chunk_ignored"} if kind == "malformed" else set())
    assert "attempt 2 of 6" in ran.err


@each_speaker
@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
def test_a_call_that_is_none_is_answered_by_an_error(
    speaker: Speaker, server: Llmock, kind: str, tmp_path: Path
) -> None:
    server.break_next({"type": "tool_fault", "kind": kind})
    ran, report = run(speaker, server, tmp_path)
    verdict = server.verdict()
    assert ran.exit_code == 0, ran.err
    assert [call["success"] for call in report["tool_calls"]] == [False]
    assert report["result"]
    assert verdict["findings"] == []
