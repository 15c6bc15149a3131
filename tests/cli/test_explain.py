"""``akmon config explain-provider`` and the checks of ``akmon doctor``: which provider is asked, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Place

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIA-canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "GROQ_API_KEY": "gsk-canary",
    "OPENAI_API_KEY": "sk-canary",
    "OPENAI_BASE_URL": "http://u:canary@127.0.0.1:9/v1?k=canary",
}
"""What an environment may hold that was set up for other programs."""

NAMES = ["bedrock", "anthropic", "openrouter", "azure", "openai", "groq", "openai-compatible", "ollama"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def user_file(place: Place, text: str) -> None:
    file = place.home / ".config" / "akmon" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_the_trace_as_json_has_every_candidate_and_no_secret(place: Place) -> None:
    ran = place.akmon("config", "explain-provider", "--model", "llama3.2:3b", "--json", env=KEYS)
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == [
        "selected_provider",
        "selected_reason",
        "model_id",
        "resolution_error",
        "candidates",
    ]
    assert (ran.json["selected_provider"], ran.json["model_id"]) == ("ollama", "llama3.2:3b")
    assert ran.json["resolution_error"] is None
    assert [each["provider"] for each in ran.json["candidates"]] == NAMES
    assert [each["priority_order"] for each in ran.json["candidates"]] == list(range(1, 9))
    for each in ran.json["candidates"]:
        assert list(each) == [
            "provider",
            "eligible",
            "reason",
            "missing_prerequisites",
            "priority_order",
        ]
        assert each["eligible"] == (each["provider"] == "ollama")
    assert "canary" not in ran.out


def test_the_trace_as_text_marks_the_choice_and_tells_no_secret(place: Place) -> None:
    ran = place.akmon("config", "explain-provider", "-m", "llama-3.3-70b-versatile", env={**KEYS, "X": ""})
    assert ran.code == 0
    assert re.search(r"^> 5 +openai +yes +OPENAI_BASE_URL is set$", ran.out, re.MULTILINE)
    assert re.search(r"^  6 +groq +yes +the id is one that Groq hosts$", ran.out, re.MULTILINE)
    assert re.search(r"^  2 +anthropic +no .*\(not set: ANTHROPIC_API_KEY\)$", ran.out, re.MULTILINE)
    assert "selected  openai, which is asked for llama-3.3-70b-versatile" in ran.out
    assert "canary" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "env", "chosen"),
    [
        (["-m", "claude-x"], {"OPENROUTER_API_KEY": "k"}, "openrouter anthropic/claude-x"),
        (["-m", "claude-x", "--provider", "ollama"], {"ANTHROPIC_API_KEY": "k"}, "ollama claude-x"),
        (["-m", "gpt-x", "--bedrock"], {"OPENAI_API_KEY": "k"}, "bedrock gpt-x"),
        (["-m", "gpt-x"], {"AKMON_BEDROCK": "true"}, "bedrock gpt-x"),
        (["-m", "eu.amazon.nova-pro-v1:0"], {"OPENAI_API_KEY": "k"}, "bedrock eu.amazon.nova-pro-v1:0"),
        (["-m", "x"], {"AZURE_OPENAI_ENDPOINT": "https://a", "AZURE_OPENAI_AD_TOKEN": "t"}, "azure x"),
        (["-m", "groq/x"], {"GROQ_API_KEY": "k"}, "groq x"),
        (["-m", "x", "--openai-compatible-url", "http://a"], {}, "openai-compatible x"),
        (["-m", "scripted:a.script"], {}, "scripted a.script"),
        ([], {"AKMON_MODEL": "ollama/x"}, "ollama x"),
    ],
)
def test_settings_and_flags_decide(
    place: Place, arguments: list[str], env: dict[str, str], chosen: str
) -> None:
    said = place.akmon("config", "explain-provider", "--json", *arguments, env=env).json
    assert f"{said['selected_provider']} {said['model_id']}" == chosen


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_trace_is_shown_as_well_when_nothing_can_be_selected(place: Place, form: tuple[str, ...]) -> None:
    ran = place.akmon("config", "explain-provider", "-m", "claude-x", *form)
    assert (ran.code, ran.err) == (2, "")
    assert "the model claude-x needs a key for anthropic. Set ANTHROPIC_API_KEY." in ran.out
    assert "OPENROUTER_API_KEY" in ran.out
    if form:
        assert ran.json["selected_provider"] is None
        assert [each["provider"] for each in ran.json["candidates"]] == NAMES
    refused = place.akmon("-p", "hi", "-m", "claude-x")
    assert refused.code == 2
    assert refused.err.splitlines()[-1].removeprefix("akmon: ") in ran.out


def test_explaining_fetches_no_key(place: Place) -> None:
    fetched = place.folder / "fetched"
    user_file(place, f'openai_api_key = "command:touch {fetched}"\n')
    for arguments in (("config", "explain-provider"), ("doctor",)):
        ran = place.akmon(*arguments, "-m", "gpt-6-sol")
        assert ran.code == 0
        assert "openai" in ran.out
    assert not fetched.exists()


def test_an_id_cannot_steer_the_terminal(place: Place) -> None:
    ran = place.akmon("config", "explain-provider", "-m", "claude-\x1b]0;x\x07\x1b[2Jx")
    assert ran.code == 2
    assert "\x1b" not in ran.out + ran.err


def test_doctor_warns_of_models_that_cannot_be_asked(place: Place) -> None:
    user_file(place, 'model = "claude-x"\nfallback_model = "gpt-6-sol"\n')
    ran = place.akmon("doctor")
    assert ran.code == 0
    assert re.search("^warning  model     the model claude-x needs a key", ran.out, re.MULTILINE)
    assert re.search("^warning  fallback  the model gpt-6-sol needs a key", ran.out, re.MULTILINE)
    both = place.akmon("doctor", env={"ANTHROPIC_API_KEY": "sk-canary", "OPENAI_API_KEY": "sk-canary"})
    assert re.search("^ok       model     anthropic/claude-x", both.out, re.MULTILINE)
    assert re.search("^ok       fallback  openai/gpt-6-sol", both.out, re.MULTILINE)
    assert "canary" not in both.out
