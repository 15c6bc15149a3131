"""Which provider answers for a model id."""

from __future__ import annotations

import pytest

from akmon_core.errors import SettingsError
from akmon_models.backend import Backend, backends_from_env
from akmon_models.catalog import catalog
from akmon_models.resolve import resolve

ANTHROPIC = {"anthropic": Backend("a-key")}
OPENAI = {"openai": Backend("o-key")}
OPENAI_ELSEWHERE = {"openai": Backend("o-key", "http://localhost:1/v1")}
OWN = {"openai-compatible": Backend("", "http://localhost:2/v1")}
ALL = {**ANTHROPIC, **OPENAI, **OWN}


@pytest.mark.parametrize(
    ("model", "provider", "backends", "chosen"),
    [
        ("scripted:a/b.script", "", {}, ("scripted", "a/b.script")),
        ("a.script", "scripted", {}, ("scripted", "a.script")),
        ("claude-opus-5-5", "", ALL, ("anthropic", "claude-opus-5-5")),
        ("claude", "", ANTHROPIC, ("anthropic", "claude")),
        ("gpt-6-sol", "", ALL, ("openai", "gpt-6-sol")),
        ("o3", "", OPENAI, ("openai", "o3")),
        ("chatgpt-4o-latest", "", OPENAI, ("openai", "chatgpt-4o-latest")),
        ("gpt-6-sol", "", OWN, ("openai-compatible", "gpt-6-sol")),
        ("gpt-oss-20b", "", ALL, ("openai-compatible", "gpt-oss-20b")),
        ("qwen3-coder", "", ALL, ("openai-compatible", "qwen3-coder")),
        ("orca-2", "", ALL, ("openai-compatible", "orca-2")),
        ("Qwen/Qwen3", "", OWN, ("openai-compatible", "Qwen/Qwen3")),
        ("qwen3-coder", "", OPENAI_ELSEWHERE, ("openai", "qwen3-coder")),
        ("qwen3", "", {"openai": Backend("", "http://localhost:1")}, ("openai", "qwen3")),
        ("openai/gpt-oss-20b", "", ALL, ("openai", "gpt-oss-20b")),
        ("openai-compatible/openai/gpt-oss-20b", "", ALL, ("openai-compatible", "openai/gpt-oss-20b")),
        ("openai-compatible/claude-x", "", ALL, ("openai-compatible", "claude-x")),
        ("claude-x", "openai-compatible", ALL, ("openai-compatible", "claude-x")),
        ("openai/gpt-x", "openai-compatible", ALL, ("openai-compatible", "openai/gpt-x")),
        ("", "", ALL, ("anthropic", catalog().defaults["anthropic"])),
        ("", "", OPENAI, ("openai", catalog().defaults["openai"])),
        ("", "openai", ALL, ("openai", catalog().defaults["openai"])),
    ],
)
def test_the_choice(model: str, provider: str, backends: dict[str, Backend], chosen: tuple[str, str]) -> None:
    choice = resolve(model, backends, provider)
    assert (choice.provider, choice.model) == chosen
    assert choice.reason


@pytest.mark.parametrize(
    ("model", "provider", "backends", "words"),
    [
        ("", "", {}, ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "akmon demo")),
        ("", "", OWN, ("--model",)),
        ("", "openai-compatible", OWN, ("--model",)),
        ("", "scripted", {}, ("scripted:FILE",)),
        ("claude-opus-5-5", "", OPENAI, ("ANTHROPIC_API_KEY",)),
        ("claude-opus-5-5", "", OWN, ("ANTHROPIC_API_KEY", "openai-compatible/claude-opus-5-5")),
        ("gpt-6-sol", "", ANTHROPIC, ("OPENAI_API_KEY",)),
        ("openai/gpt-oss-20b", "", OWN, ("OPENAI_API_KEY", "openai-compatible/openai/gpt-oss-20b")),
        ("qwen3", "", ANTHROPIC, ("openai/qwen3", "AKMON_OPENAI_COMPATIBLE_URL")),
        ("qwen3", "openai-compatible", OPENAI, ("AKMON_OPENAI_COMPATIBLE_URL",)),
        ("qwen3", "", {"openai-compatible": Backend("key")}, ("AKMON_OPENAI_COMPATIBLE_URL",)),
        ("gpt-6-sol", "groq", ALL, ("groq", "openai-compatible")),
        ("openai/", "", ALL, ("openai/MODEL",)),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    model: str, provider: str, backends: dict[str, Backend], words: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(model, backends, provider)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_backends_come_from_the_environment() -> None:
    environ = {
        "OPENAI_API_KEY": " o-key\n",
        "ANTHROPIC_BASE_URL": "http://localhost:3",
        "AKMON_OPENAI_COMPATIBLE_URL": "http://localhost:2/v1",
        "AKMON_OPENAI_COMPATIBLE_KEY": "c-key",
        "OPENAI_BASE_URL": "",
    }
    assert backends_from_env(environ) == {
        "openai": Backend("o-key"),
        "anthropic": Backend("", "http://localhost:3"),
        "openai-compatible": Backend("c-key", "http://localhost:2/v1"),
    }
    assert backends_from_env({"OPENAI_API_KEY": " "}) == {}


def test_a_backend_does_not_show_its_secrets() -> None:
    shown = repr(Backend("sk-secret", "https://user:password@host/v1?token=secret"))
    assert "secret" not in shown
    assert "password" not in shown
    assert "https://host/v1" in shown
