"""What is loaded when: nothing heavy until a model is asked, and then only what that model needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from akmon_models.registry import PROVIDERS

HEAVY = (
    "anthropic",
    "openai",
    "ollama",
    "botocore",
    "boto3",
    "httpx",
    "httpx2",
    "pydantic",
    "asyncio",
    "ssl",
)
SDKS: dict[str, set[str]] = {
    "bedrock": {"botocore"},
    "anthropic": {"anthropic"},
    "openrouter": {"openai"},
    "azure": {"openai"},
    "openai": {"openai"},
    "groq": {"openai"},
    "openai-compatible": {"openai"},
    "ollama": {"ollama"},
}
ALL = ("anthropic", "openai", "ollama", "botocore")

OPEN = """
import sys
from akmon_models.backend import Backend
from akmon_models.registry import PROVIDERS, open_model
options = {"region": "eu-central-1"}
models = {
    name: open_model("qwen3", {name: Backend("k", "http://127.0.0.1:1", options=options)}, provider=name)
    for name in PROVIDERS if name != "scripted"
}
"""
ASK = """
import asyncio
from akmon_core.errors import ProviderError
from akmon_core.messages import Text, User
from akmon_core.models import ModelRequest
from contextlib import suppress

async def ask(model):
    async for event in model.stream(ModelRequest(system="", messages=(User((Text("hi"),)),), tools=())):
        break  # the first thing that happens is that it will be tried again

asyncio.run(ask(models[sys.argv[1]]))
"""


def loaded(code: str, among: tuple[str, ...], *arguments: str) -> set[str]:
    """Which of the modules ``among`` a new interpreter has after ``code``."""
    tail = f"\nimport sys\nprint('loaded', *[name for name in {among} if name in sys.modules])"
    command = [sys.executable, "-c", code + tail, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split()[1:])


def test_every_provider_is_tested_here() -> None:
    assert set(SDKS) == set(PROVIDERS) - {"scripted"}


def test_importing_the_registry_loads_nothing_heavy() -> None:
    assert loaded("import akmon_models.registry", HEAVY) == set()


def test_opening_a_model_of_every_provider_loads_no_sdk() -> None:
    assert loaded(OPEN, HEAVY) == set()


@pytest.mark.parametrize("provider", SDKS)
def test_asking_a_model_loads_its_own_sdk_and_no_other(provider: str) -> None:
    assert loaded(OPEN + ASK, ALL, provider) == SDKS[provider]
