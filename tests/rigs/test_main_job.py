"""The main job over real HTTP: a failing test in other people's code is found, fixed and verified."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from akmon_core.stream import Usage
from akmon_models.catalog import facts
from tests.rigs import aimock, project
from tests.rigs.aimock import Aimock, Fixture
from tests.rigs.places import akmon, environment

pytestmark = pytest.mark.skipif(
    bool(aimock.missing() or project.missing()), reason=aimock.missing() or project.missing()
)

PROMPT = "A test of this project fails. Find out why, fix the code and not the test, and check it."
ALLOWED = ("--permission-mode", "accept-edits", "--allow", "shell(python3 -m pytest *)")
TESTS = "python3 -m pytest -q -p no:cacheprovider toolz"
ANSWER = "partition_all compared the items with its padding. It now tests identity; all tests pass."

PROTOCOLS = {
    "openai": ("gpt-6-sol", "/v1/chat/completions", Aimock.openai),
    "anthropic": ("claude-sonnet-5-5", "/v1/messages", Aimock.anthropic),
}

SPENT = (
    Usage(input_tokens=1_811, output_tokens=31),
    Usage(input_tokens=2_417, output_tokens=67),
    Usage(input_tokens=3_023, output_tokens=127),
    Usage(input_tokens=3_301, output_tokens=29),
    Usage(input_tokens=3_517, output_tokens=41),
)
"""Of each reply in turn; no sum of some of them equals another."""


def call(id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "arguments": arguments}


def edits() -> dict[str, dict[str, Any]]:
    """The repair, in the format that each provider's models are best at."""
    lines = ("*** Begin Patch", f"*** Update File: {project.MODULE}", "@@", f"-{project.BUG}+{project.FIX}")
    return {
        "openai": call("call_edit", "patch", patch="\n".join(lines) + "*** End Patch"),
        "anthropic": call("call_edit", "edit", path=project.MODULE, old=project.BUG, new=project.FIX),
    }


def script(provider: str) -> list[Fixture]:
    """A competent model. Each step is only taken if the result of the one before it is what it must be."""
    replies: list[tuple[dict[str, Any], str, list[dict[str, Any]]]] = [
        (
            {"userMessage": PROMPT, "toolName": "shell"},
            "I run the tests.",
            [call("call_test", "shell", command=TESTS)],
        ),
        (
            {"toolCallId": "call_test", "toolResultContains": f"FAILED {project.FAILING}"},
            "",
            [
                call("call_search", "search", pattern=r"^def partition_all", glob="*.py"),
                call("call_read", "read", path=project.MODULE, offset=700, limit=60),
            ],
        ),
        (
            {"toolCallId": "call_read", "toolResultContains": project.BUG.strip()},
            "index() compares by equality, which the items may refuse.",
            [edits()[provider]],
        ),
        (
            {"toolCallId": "call_edit", "toolResultContains": project.FIX.strip()},
            "",
            [call("call_retest", "shell", command=TESTS)],
        ),
        ({"toolCallId": "call_retest", "toolResultContains": "[exit 0]"}, ANSWER, []),
    ]
    return [
        fixture({**match, "turnIndex": at}, text, calls, usage)
        for at, ((match, text, calls), usage) in enumerate(zip(replies, SPENT, strict=True))
    ]


def fixture(match: dict[str, Any], text: str, calls: list[dict[str, Any]], usage: Usage) -> Fixture:
    spent = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    response: dict[str, Any] = {"usage": spent}
    if text:
        response["content"] = text
    if calls:
        response["toolCalls"] = calls
    return {"match": match, "response": response, "chunkSize": 7}


@pytest.mark.parametrize("provider", PROTOCOLS)
def test_a_failing_test_is_found_fixed_and_verified(provider: str, tmp_path: Path) -> None:
    model, path, variables = PROTOCOLS[provider]
    toolz = project.unpack(tmp_path)
    before = project.sources(toolz)
    broken = project.run_tests(toolz)
    assert broken.exit_code == 1
    assert f"FAILED {project.FAILING}" in broken.out
    assert "1 failed" in broken.out

    with aimock.serve(tmp_path, script(provider)) as server:
        ran = akmon(
            ["-p", PROMPT, "--model", model, "--output-format", "json", *ALLOWED],
            toolz,
            environment(tmp_path / "home", variables(server)),
        )
        requests = server.journal()

    assert ran.exit_code == 0, ran.err + ran.out
    check_report(json.loads(ran.out), provider, model)
    check_requests(requests, path, edits()[provider]["name"])
    after = project.sources(toolz)
    assert {name for name in before | after if before.get(name) != after.get(name)} == {project.MODULE}
    repaired = project.run_tests(toolz)
    assert repaired.exit_code == 0, repaired.out
    assert "failed" not in repaired.out


def check_report(report: dict[str, Any], provider: str, model: str) -> None:
    """What the run says of itself is what happened, to the last token."""
    assert report["status"] == "success"
    assert report["exit_reason"] == "completed"
    assert report["error"] is None
    assert (report["provider"], report["model"]) == (provider, model)
    assert report["result"] == ANSWER
    assert report["files_written"] == [project.MODULE]
    assert report["permission_denials"] == []
    first, *reading, fourth, last = [(each["name"], each["success"]) for each in report["tool_calls"]]
    assert first == ("shell", False)
    assert sorted(reading) == [("read", True), ("search", True)]  # these two ran side by side
    assert (fourth, last) == ((edits()[provider]["name"], True), ("shell", True))
    spent = sum(SPENT, Usage())
    assert report["usage"] == {
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
    }
    prices = facts(provider, model).prices
    assert prices is not None
    assert report["cost_usd"] == pytest.approx(prices.cost(spent))


def check_requests(requests: list[dict[str, Any]], path: str, edit: str) -> None:
    """As many requests as replies, each a well-formed continuation of the one before."""
    assert [request["path"] for request in requests] == [path] * len(SPENT)
    assert [request["response"]["status"] for request in requests] == [200] * len(SPENT)
    bodies = [request["body"] for request in requests]
    offered = {tool["function"]["name"] for tool in bodies[0]["tools"]}
    assert {"read", "search", edit, "shell"} <= offered
    assert not {"edit", "patch"} - {edit} & offered
    for earlier, later in pairwise(bodies):
        assert later["tools"] == earlier["tools"]
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
    for body in bodies:
        assert body["stream"] is True
        assert body["messages"][0]["role"] == "system"
        check_pairs(body["messages"])


def check_pairs(messages: list[dict[str, Any]]) -> None:
    """Each call is followed at once by its result, in the order of the calls, and no result stands alone."""
    at = 0
    while at < len(messages):
        expected = [each["id"] for each in messages[at].get("tool_calls") or []]
        results = messages[at + 1 : at + 1 + len(expected)]
        assert [message.get("tool_call_id") for message in results] == expected
        assert all(message["content"] for message in results)
        at += 1 + len(expected)
        assert at == len(messages) or messages[at]["role"] != "tool"
