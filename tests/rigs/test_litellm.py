"""A conversation with tools through the gateway that many stand behind: LiteLLM, with aimock as its models.

It reads each protocol, writes another, and reads and writes the reply in turn. Its own environment is large
(``make rig-litellm``).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.rigs import aimock
from tests.rigs.aimock import Aimock
from tests.rigs.places import RIGS, akmon, answers, environment
from tests.rigs.test_protocols import ANSWER, FILES, PROMPT, SPENT, check_results, conversation

RIG = RIGS / "litellm"
KEY = "sk-test"

pytestmark = pytest.mark.skipif(
    bool(aimock.missing()) or not (RIG / ".installed").exists(),
    reason=aimock.missing() or "LiteLLM is not installed: make rig-litellm",
)


@contextmanager
def gateway(folder: Path, models: Aimock) -> Iterator[str]:
    """The gateway's address: its ``via-openai`` and ``via-anthropic`` are models of two protocols."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = {
        "via-openai": {"model": "openai/gpt-6-sol", "api_base": f"{models.url}/v1", "api_key": "test"},
        "via-anthropic": {"model": "anthropic/claude-sonnet-5-5", "api_base": models.url, "api_key": "test"},
    }
    listed = [{"model_name": name, "litellm_params": parameters} for name, parameters in known.items()]
    config = folder / "litellm.json"
    config.write_text(json.dumps({"model_list": listed}))
    env = {**os.environ, "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "*"}
    command = [str(RIG / "bin" / "litellm"), "--config", str(config), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--telemetry", "False"]
    with (
        (folder / "litellm.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log) as process,
    ):
        try:
            answers(f"http://127.0.0.1:{port}/health/liveliness", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.mark.parametrize("model", ["via-openai", "via-anthropic"])
def test_a_prompt_two_calls_at_once_their_results_and_an_answer(model: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name, text in FILES.items():
        (work / name).write_text(text)
    with aimock.serve(tmp_path, conversation()) as models, gateway(tmp_path, models) as url:
        variables = {"AKMON_OPENAI_COMPATIBLE_URL": f"{url}/v1", "AKMON_OPENAI_COMPATIBLE_KEY": KEY}
        arguments = ["-p", PROMPT, "--provider", "openai-compatible", "--model", model]
        ran = akmon([*arguments, "--output-format", "json"], work, environment(tmp_path / "home", variables))
        requests: list[dict[str, Any]] = models.journal()
    assert ran.exit_code == 0, ran.err + ran.out
    report = json.loads(ran.out)
    assert report["result"] == ANSWER
    assert [(call["name"], call["success"]) for call in report["tool_calls"]] == [("read", True)] * 2
    assert report["usage"]["input_tokens"] == sum(usage["prompt_tokens"] for usage in SPENT)
    assert report["usage"]["output_tokens"] == sum(usage["completion_tokens"] for usage in SPENT)
    assert len(requests) == 2
    check_results(requests[1]["body"])
