"""Every provider as aimock can take its place, in each protocol that both speak."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.rigs.aimock import Aimock


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """A provider in one of its protocols."""

    provider: str
    model: str
    path: str
    variables: Callable[[Aimock], dict[str, str]]
    """Its environment, when aimock takes its place."""
    counts: bool = True
    """Whether aimock tells the usage that a fixture has."""


def bedrock(server: Aimock) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url,
        "AWS_BEARER_TOKEN_BEDROCK": "test",
        "AWS_REGION": "eu-central-1",
    }


def openrouter(server: Aimock) -> dict[str, str]:
    return {"OPENROUTER_BASE_URL": f"{server.url}/api/v1", "OPENROUTER_API_KEY": "test"}


def azure(server: Aimock) -> dict[str, str]:
    return {"AZURE_OPENAI_ENDPOINT": server.url, "AZURE_OPENAI_API_KEY": "test"}


def responses(server: Aimock) -> dict[str, str]:
    return {**server.openai(), "AKMON_MODELS": '[{"match": "gpt-6-sol", "api": "responses"}]'}


def groq(server: Aimock) -> dict[str, str]:
    return {"GROQ_BASE_URL": f"{server.url}/openai/v1", "GROQ_API_KEY": "test"}


def own(server: Aimock) -> dict[str, str]:
    return {"AKMON_OPENAI_COMPATIBLE_URL": f"{server.url}/v1"}


def ollama(server: Aimock) -> dict[str, str]:
    return {"OLLAMA_HOST": server.url}


CHAT = "/v1/chat/completions"
SPEAKERS = {
    "bedrock": Speaker(
        provider="bedrock",  # aimock fails on a cache point behind tools, as for Claude
        model="mistral.mistral-large-2407-v1:0",
        path="/model/mistral.mistral-large-2407-v1:0/converse-stream",
        variables=bedrock,
    ),
    "anthropic": Speaker(
        provider="anthropic", model="claude-sonnet-5-5", path="/v1/messages", variables=Aimock.anthropic
    ),
    "openrouter": Speaker(
        provider="openrouter", model="anthropic/claude-sonnet-5-5", path=f"/api{CHAT}", variables=openrouter
    ),
    "azure": Speaker(
        provider="azure",
        model="my-deployment",
        path="/openai/deployments/my-deployment/chat/completions",
        variables=azure,
    ),
    "openai-chat": Speaker(provider="openai", model="gpt-6-sol", path=CHAT, variables=Aimock.openai),
    "openai-responses": Speaker(
        provider="openai", model="gpt-6-sol", path="/v1/responses", variables=responses
    ),
    "groq": Speaker(provider="groq", model="openai/gpt-oss-120b", path=f"/openai{CHAT}", variables=groq),
    "openai-compatible": Speaker(provider="openai-compatible", model="qwen3-coder", path=CHAT, variables=own),
    "ollama": Speaker(provider="ollama", model="qwen3:8b", path="/api/chat", variables=ollama, counts=False),
}

each_speaker = pytest.mark.parametrize("speaker", SPEAKERS.values(), ids=SPEAKERS)
