"""A conversation with a real model behind a real server (llama.cpp), in each protocol that it speaks.

SmolLM2 has 135 million parameters and a chat template without tools: the server takes the tools that are
offered and leaves them out of the prompt. So it answers and never calls; what is tested is everything else.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.places import RIGS, akmon, environment

PYTHON = RIGS / "smollm" / "bin" / "python"
WINDOW = 8192

pytestmark = pytest.mark.skipif(
    not (RIGS / "smollm" / ".installed").exists(), reason="the small model is not installed: make rig-smollm"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The server's address, without a path."""
    script = Path(__file__).with_name("smollm_server.py")
    command = [str(PYTHON), str(script), str(WINDOW)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            yield url
        finally:
            process.terminate()


class Place:
    """A folder to talk in, with a home of its own."""

    def __init__(self, folder: Path, arguments: list[str], variables: dict[str, str]) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self._arguments = arguments
        self._environment = environment(folder / "home", variables)

    def ask(self, prompt: str, *more: str) -> tuple[int, list[dict[str, Any]]]:
        """The exit code, and the lines of ``stream-json``, of which the last is the report."""
        shown = ["--output-format", "stream-json", "--include-partial-messages"]
        ran = akmon(["-p", prompt, *more, *self._arguments, *shown], self.work, self._environment)
        assert "Traceback" not in ran.err
        return ran.exit_code, [json.loads(line) for line in ran.out.splitlines()]

    def prompts(self, session: str) -> list[str]:
        """What was asked in a session, by its journal."""
        ran = akmon(["sessions", "export", session, "--format", "json"], self.work, self._environment)
        assert ran.exit_code == 0, ran.err
        events = [record["event"] for record in json.loads(ran.out)["records"] if "event" in record]
        prompted = [event["message"] for event in events if event["type"] == "prompted"]
        return ["".join(part["text"] for part in message["parts"]) for message in prompted]


@pytest.fixture(params=["openai-compatible", "anthropic", "responses"])
def place(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> Place:
    if request.param == "anthropic":
        arguments = ["--provider", "anthropic", "--model", "smollm2"]
        return Place(tmp_path, arguments, {"ANTHROPIC_BASE_URL": server, "ANTHROPIC_API_KEY": "none"})
    if request.param == "responses":
        arguments = ["--provider", "openai", "--model", "smollm2"]
        row = '[{"match": "smollm2", "api": "responses"}]'
        return Place(tmp_path, arguments, {"OPENAI_BASE_URL": f"{server}/v1", "AKMON_MODELS": row})
    return Place(tmp_path, ["--openai-compatible-url", f"{server}/v1", "--model", "smollm2"], {})


def prompt_tokens(report: dict[str, Any]) -> int:
    usage: dict[str, int] = report["usage"]
    return usage["input_tokens"] + usage["cache_read_tokens"] + usage["cache_write_tokens"]


def test_two_prompts_are_one_conversation(place: Place) -> None:
    questions = ["What is the capital of France?", "And what is the capital of Italy?"]
    reports = []
    for question, more in zip(questions, ([], ["-c"]), strict=True):
        exit_code, lines = place.ask(question, *more)
        report = lines[-1]
        print(f"\n> {question}\n{report['result']}\n{report['usage']} {report['duration_ms']} ms")
        assert exit_code == 0, report
        assert report["result"].strip()
        assert "".join(line["text"] for line in lines if line["type"] == "text_delta") == report["result"]
        assert prompt_tokens(report) > 0
        assert report["usage"]["output_tokens"] > 0
        assert report["cost_usd"] is None  # what it costs is not known, which is not nothing
        reports.append(report)
    first, second = reports
    assert second["session_id"] == first["session_id"]
    assert prompt_tokens(second) > prompt_tokens(first)
    assert place.prompts(first["session_id"]) == questions


def test_a_prompt_that_does_not_fit_is_refused_with_advice_and_the_server_lives_on(place: Place) -> None:
    exit_code, lines = place.ask("word and more " * (WINDOW // 3))
    report = lines[-1]
    print(f"\n{report['error']}")
    assert exit_code == 1
    assert f"exceeds the available context size ({WINDOW} tokens" in report["error"]
    assert "Start a new session" in report["error"]
    assert not [line for line in lines if line["type"] == "retry"]
    exit_code, lines = place.ask("What is the capital of France?")
    assert exit_code == 0, lines[-1]
