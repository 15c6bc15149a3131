"""One conversation with tools in every protocol that a server of independent make speaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.rigs import aimock
from tests.rigs.aimock import Fixture
from tests.rigs.places import Ran, akmon, environment
from tests.rigs.speakers import Speaker, each_speaker

pytestmark = pytest.mark.skipif(bool(aimock.missing()), reason=aimock.missing())


PROMPT = "Read both files and say what is in them."
FILES = {"a.txt": "alpha ünd ✓\n", "b.txt": "beta\n"}
ANSWER = "One says alpha, the other one beta: ünd ✓."
SPENT = ({"prompt_tokens": 101, "completion_tokens": 13}, {"prompt_tokens": 211, "completion_tokens": 17})
CALLS = [{"id": f"call_{name[0]}", "name": "read", "arguments": {"path": name}} for name in FILES]


def run(
    speaker: Speaker, folder: Path, fixtures: list[Fixture], prompt: str
) -> tuple[Ran, list[dict[str, Any]]]:
    """A headless run, and the requests that the server got."""
    work = folder / "work"
    work.mkdir()
    for name, text in FILES.items():
        (work / name).write_text(text)
    arguments = ["-p", prompt, "--provider", speaker.provider, "--model", speaker.model]
    arguments += ["--output-format", "stream-json", "--include-partial-messages"]
    with aimock.serve(folder, fixtures) as server:
        ran = akmon(arguments, work, environment(folder / "home", speaker.variables(server)))
        requests = server.journal()
    assert "Traceback" not in ran.err
    return ran, requests


def conversation() -> list[Fixture]:
    first = {"content": "Reading both.", "toolCalls": CALLS, "usage": SPENT[0]}
    second = {"content": ANSWER, "usage": SPENT[1]}
    return [
        {
            "match": {"userMessage": PROMPT, "hasToolResult": False},
            "response": first,
            "chunkSize": 5,
            "latency": 3,
        },
        {
            "match": {"toolResultContains": "beta", "hasToolResult": True},
            "response": second,
            "chunkSize": 5,
            "latency": 3,
        },
    ]


@each_speaker
def test_a_prompt_two_calls_at_once_their_results_and_an_answer(speaker: Speaker, tmp_path: Path) -> None:
    ran, requests = run(speaker, tmp_path, conversation(), PROMPT)
    lines = [json.loads(line) for line in ran.out.splitlines()]
    report = lines[-1]
    assert ran.exit_code == 0, ran.err + ran.out
    assert (report["provider"], report["model"]) == (speaker.provider, speaker.model)
    assert report["result"] == ANSWER
    assert [(call["name"], call["success"]) for call in report["tool_calls"]] == [("read", True)] * 2
    if speaker.counts:
        assert report["usage"]["input_tokens"] == sum(usage["prompt_tokens"] for usage in SPENT)
        assert report["usage"]["output_tokens"] == sum(usage["completion_tokens"] for usage in SPENT)
    said = [line["text"] for line in lines if line["type"] == "text_delta"]
    assert "".join(said) == "Reading both." + ANSWER
    assert len(said) > 2
    assert [unquote(request["path"]).partition("?")[0] for request in requests] == [speaker.path] * 2
    check_results(requests[1]["body"])


def check_results(body: dict[str, Any]) -> None:
    """aimock shows each request as a Chat Completions body: both results follow their calls."""
    results = [message for message in body["messages"] if message["role"] == "tool"]
    assert len(results) == 2
    for result, text in zip(results, FILES.values(), strict=True):
        assert text.strip() in json.dumps(result["content"], ensure_ascii=False)
