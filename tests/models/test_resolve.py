"""Which provider answers for a model id, why, and what is missing when none can."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_models.backend import ACCESS, Backend, backends_from_env
from akmon_models.catalog import catalog
from akmon_models.registry import PROVIDERS as OPENED
from akmon_models.resolve import PROVIDERS, Choice, Trace, explain, is_openai_model, resolve

SECRET = "canary-secret"

ANTHROPIC = {"anthropic": Backend(SECRET)}
OPENAI = {"openai": Backend(SECRET)}
OPENAI_ELSEWHERE = {"openai": Backend(SECRET, f"http://u:{SECRET}@localhost:1/v1")}
OPENROUTER = {"openrouter": Backend(SECRET)}
GROQ = {"groq": Backend(SECRET)}
OWN = {"openai-compatible": Backend("", "http://localhost:2/v1")}
OLLAMA = {"ollama": Backend("", "http://gpu:11434")}
AZURE = {"azure": Backend(SECRET, "https://mine.openai.azure.com")}
AZURE_TOKEN = {"azure": Backend("", "https://mine.openai.azure.com", options={"ad_token": SECRET})}
AZURE_COMMAND = {"azure": Backend("", "https://mine.openai.azure.com", fetch_key=lambda: SECRET)}
AWS = {"bedrock": Backend(SECRET, options={"access_key": SECRET, "profile": "work", "region": "eu-west-1"})}
BEDROCK = {"bedrock": Backend(options={"chosen": "1"})}
ALL = {**AWS, **ANTHROPIC, **OPENROUTER, **AZURE, **OPENAI, **GROQ, **OWN, **OLLAMA}
KEYS = {**AWS, **ANTHROPIC, **OPENAI, **GROQ}
"""What an environment may hold that was set up for other programs."""

Backends = dict[str, Backend]


def check(model: str, backends: Backends, chosen: str, provider: str = "") -> None:
    choice = resolve(model, backends, provider)
    assert f"{choice.provider} {choice.model}" == chosen
    assert choice.reason


@pytest.mark.parametrize(
    ("model", "backends", "chosen"),
    [
        ("gpt-6-sol", BEDROCK, "bedrock gpt-6-sol"),
        ("claude-x", {**ALL, "bedrock": Backend(options={"chosen": "true"})}, "bedrock claude-x"),
        ("acme/x", {**OPENROUTER, **BEDROCK}, "bedrock acme/x"),
        ("anthropic.claude-opus-5-5-v1:0", AWS, "bedrock anthropic.claude-opus-5-5-v1:0"),
        ("eu.anthropic.claude-x-v1:0", ALL, "bedrock eu.anthropic.claude-x-v1:0"),
        ("us.deepseek.r1-v1:0", {}, "bedrock us.deepseek.r1-v1:0"),
        ("global.amazon.nova-2-lite-v1:0", {}, "bedrock global.amazon.nova-2-lite-v1:0"),
        ("openai.gpt-oss-120b-1:0", KEYS, "bedrock openai.gpt-oss-120b-1:0"),
        ("meta.llama4-scout-17b", OLLAMA, "bedrock meta.llama4-scout-17b"),
        ("qwen.qwen3-coder-480b-a35b-v1:0", OWN, "bedrock qwen.qwen3-coder-480b-a35b-v1:0"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/x", ALL, None),
        ("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-x", {}, None),
        ("claude-opus-5-5", ALL, "anthropic claude-opus-5-5"),
        ("Claude-Opus-5-5", ANTHROPIC, "anthropic Claude-Opus-5-5"),
        ("claude", {"anthropic": Backend("", "http://localhost:3")}, "anthropic claude"),
        ("claude-x", {"anthropic": Backend(fetch_key=lambda: SECRET)}, "anthropic claude-x"),
        ("claude-opus-5-5", {**OPENROUTER, **OPENAI, **OWN}, "openrouter anthropic/claude-opus-5-5"),
        ("qwen/qwen3-coder:free", ALL, "openrouter qwen/qwen3-coder:free"),
        ("openai/gpt-oss-120b", ALL, "openrouter openai/gpt-oss-120b"),
        ("groq-labs/x", {**GROQ, **OPENROUTER}, "openrouter groq-labs/x"),
        ("my-deployment.2", {**AZURE, **OPENAI, **OLLAMA}, "azure my-deployment.2"),
        ("gpt-6-sol", {**AZURE, **OPENAI}, "azure gpt-6-sol"),
        ("gpt-6-sol", AZURE_TOKEN, "azure gpt-6-sol"),
        ("gpt-6-sol", AZURE_COMMAND, "azure gpt-6-sol"),
        ("gpt-6-sol", {**ANTHROPIC, **OPENAI, **GROQ, **OWN}, "openai gpt-6-sol"),
        ("GPT-6-sol", OPENAI, "openai GPT-6-sol"),
        ("o3", OPENAI, "openai o3"),
        ("chatgpt-4o-latest", OPENAI, "openai chatgpt-4o-latest"),
        ("ft:gpt-4o-mini:org::id", {**AZURE, **OPENAI}, "openai ft:gpt-4o-mini:org::id"),
        ("qwen3-coder", OPENAI_ELSEWHERE, "openai qwen3-coder"),
        ("Qwen/Qwen3", OPENAI_ELSEWHERE, "openai Qwen/Qwen3"),
        ("qwen3", {"openai": Backend("", "http://localhost:1")}, "openai qwen3"),
        ("llama-3.3-70b-versatile", {**GROQ, **OWN}, "groq llama-3.3-70b-versatile"),
        ("llama-3.1-8b-instant", GROQ, "groq llama-3.1-8b-instant"),
        ("mixtral-8x7b-32768", GROQ, "groq mixtral-8x7b-32768"),
        ("gemma2-9b-it", GROQ, "groq gemma2-9b-it"),
        ("openai/gpt-oss-20b", {**GROQ, **OPENAI}, "groq openai/gpt-oss-20b"),
        ("meta-llama/llama-4-scout-17b-16e-instruct", GROQ, None),
        ("moonshotai/kimi-k2-instruct-0905", GROQ, None),
        ("qwen/qwen3-32b", GROQ, "groq qwen/qwen3-32b"),
        ("groq/compound-mini", {**GROQ, **OPENROUTER}, "groq groq/compound-mini"),
        ("gpt-6-sol", OWN, "openai-compatible gpt-6-sol"),
        ("gpt-oss-20b", {**OPENAI, **ANTHROPIC, **OWN}, "openai-compatible gpt-oss-20b"),
        ("llama3.2:3b", OWN, "openai-compatible llama3.2:3b"),
        ("Qwen/Qwen3-32B", {**GROQ, **OWN}, "openai-compatible Qwen/Qwen3-32B"),
        ("openai/gpt-oss-20b", {**OPENAI, **OWN}, "openai-compatible openai/gpt-oss-20b"),
        ("/models/x.gguf", {**OPENROUTER, **OWN}, "openai-compatible /models/x.gguf"),
        ("llama3.2", {}, "ollama llama3.2"),
        ("frobnicator", OLLAMA, "ollama frobnicator"),
        ("gpt-oss:20b", OPENAI, "ollama gpt-oss:20b"),
        ("hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M", OPENROUTER, None),
        ("huggingface.co/a/b", OPENAI_ELSEWHERE, "ollama huggingface.co/a/b"),
    ],
)
def test_the_first_provider_that_takes_an_id_is_chosen(
    model: str, backends: Backends, chosen: str | None
) -> None:
    provider = "bedrock" if "arn:" in model else "ollama" if "hf.co" in model else "groq"
    check(model, backends, chosen or f"{provider} {model}")


@pytest.mark.parametrize(
    ("model", "chosen"),
    [
        ("claude-opus-5-5", "anthropic claude-opus-5-5"),
        ("gpt-6-sol", "openai gpt-6-sol"),
        ("llama3.2", "ollama llama3.2"),
        ("llama3.2:3b", "ollama llama3.2:3b"),
        ("llama3.3:70b", "ollama llama3.3:70b"),
        ("mixtral:8x7b", "ollama mixtral:8x7b"),
        ("gemma2:9b", "ollama gemma2:9b"),
        ("o1-mini:7b", "ollama o1-mini:7b"),
        ("deepseek-r1:70b", "ollama deepseek-r1:70b"),
        ("qwen2.5-coder:7b", "ollama qwen2.5-coder:7b"),
    ],
)
def test_keys_that_were_set_for_other_programs_take_no_id_that_belongs_elsewhere(
    model: str, chosen: str
) -> None:
    check(model, KEYS, chosen)


@pytest.mark.parametrize(
    ("model", "backends", "chosen"),
    [
        ("claude-x", {**ANTHROPIC, **AZURE, **OPENAI_ELSEWHERE, **OWN}, "anthropic claude-x"),
        ("llama3.2:3b", {**AZURE, **OPENAI_ELSEWHERE, **GROQ}, "ollama llama3.2:3b"),
        ("ollama/llama3.2", ALL, "ollama llama3.2"),
        ("ollama/mannix/llama3:8b", {**OPENROUTER, **BEDROCK}, "ollama mannix/llama3:8b"),
        ("anthropic.claude-x", {**AZURE, **OPENAI_ELSEWHERE, **OWN}, "bedrock anthropic.claude-x"),
        ("llama3.2", {"bedrock": Backend(SECRET, options={"chosen": "0"})}, "ollama llama3.2"),
        ("llama3.2", {"azure": Backend(SECRET)}, "ollama llama3.2"),
        ("llama3.2", {"azure": Backend("", "https://mine.openai.azure.com")}, "ollama llama3.2"),
    ],
)
def test_a_configured_provider_takes_no_id_that_belongs_elsewhere(
    model: str, backends: Backends, chosen: str
) -> None:
    check(model, backends, chosen)


@pytest.mark.parametrize(
    ("model", "provider", "backends", "chosen"),
    [
        ("scripted:a/b.script", "", ALL, "scripted a/b.script"),
        ("scripted/a.script", "", {}, "scripted a.script"),
        ("a.script", "scripted", BEDROCK, "scripted a.script"),
        ("openai/gpt-6-sol", "", ALL, "openai gpt-6-sol"),
        ("openai/gpt-oss-20b", "", {**OPENAI_ELSEWHERE, **OPENROUTER}, "openai gpt-oss-20b"),
        ("openai/gpt-6-sol", "", {**OPENROUTER, **AZURE}, "openrouter openai/gpt-6-sol"),
        ("anthropic/claude-x", "", {**OPENROUTER, **OWN}, "openrouter anthropic/claude-x"),
        ("anthropic/claude-x", "", {**OPENROUTER, **ANTHROPIC}, "anthropic claude-x"),
        ("azure/gpt-6-sol", "", ALL, "azure gpt-6-sol"),
        ("bedrock/anthropic.claude-x", "", {}, "bedrock anthropic.claude-x"),
        ("groq/openai/gpt-oss-20b", "", ALL, "groq openai/gpt-oss-20b"),
        ("groq/groq/compound", "", ALL, "groq groq/compound"),
        ("openrouter/anthropic/claude-x", "", ALL, "openrouter anthropic/claude-x"),
        ("openrouter/claude-x", "", ALL, "openrouter anthropic/claude-x"),
        ("openrouter/gpt-6-sol", "", ALL, "openrouter openai/gpt-6-sol"),
        ("openrouter/auto", "", ALL, "openrouter openrouter/auto"),
        ("openrouter/openrouter/auto", "", ALL, "openrouter openrouter/auto"),
        ("openai-compatible/openai/gpt-oss-20b", "", ALL, "openai-compatible openai/gpt-oss-20b"),
        ("openai-compatible/claude-x", "", ALL, "openai-compatible claude-x"),
        ("claude-x", "openai-compatible", ALL, "openai-compatible claude-x"),
        ("claude-x", "openrouter", ALL, "openrouter anthropic/claude-x"),
        ("claude-x", "bedrock", {}, "bedrock claude-x"),
        ("openai/gpt-x", "openai-compatible", ALL, "openai-compatible openai/gpt-x"),
        ("openai/gpt-x", "openai", ALL, "openai gpt-x"),
        ("openai/gpt-oss-20b", "openai", OPENAI_ELSEWHERE, "openai openai/gpt-oss-20b"),
        ("openai/openai/gpt-oss-20b", "", OPENAI_ELSEWHERE, "openai openai/gpt-oss-20b"),
        ("llama3.2", "groq", ALL, "groq llama3.2"),
        ("gpt-6-sol", "ollama", {}, "ollama gpt-6-sol"),
    ],
)
def test_a_provider_that_is_named_is_chosen(
    model: str, provider: str, backends: Backends, chosen: str
) -> None:
    check(model, backends, chosen, provider)


@pytest.mark.parametrize(
    ("provider", "backends", "chosen"),
    [
        ("", {**OPENAI, **ANTHROPIC, **AWS, **OWN}, "anthropic"),
        ("", {**OPENAI, **OWN}, "openai"),
        ("openai", {**ANTHROPIC, **OPENAI_ELSEWHERE}, "openai"),
    ],
)
def test_without_a_model_it_is_the_default_of_a_configured_provider(
    provider: str, backends: Backends, chosen: str
) -> None:
    check("", backends, f"{chosen} {catalog().defaults[chosen]}", provider)


@pytest.mark.parametrize(
    ("model", "provider", "backends", "words"),
    [
        ("", "", {}, ("no model is configured", "ANTHROPIC_API_KEY", "ollama/NAME", "akmon demo")),
        ("", "", AWS, ("no model is configured",)),
        ("", "", OWN, ("openai-compatible", "--model")),
        ("", "", OLLAMA, ("ollama", "--model")),
        ("", "", OPENAI_ELSEWHERE, ("openai", "--model")),
        ("", "openai-compatible", OWN, ("--model",)),
        ("", "azure", AZURE, ("azure", "--model")),
        ("", "scripted", {}, ("scripted:FILE",)),
        ("", "anthropic", {}, ("ANTHROPIC_API_KEY",)),
        ("x", "mistral", ALL, ("mistral", *ACCESS)),
        ("claude-x", "", {}, ("for anthropic. Set ANTHROPIC_API_KEY.", "set OPENROUTER_API_KEY")),
        ("claude-x", "", {**KEYS, "anthropic": Backend()}, ("ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")),
        ("claude-x", "", {**AZURE, **OLLAMA}, ("ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")),
        ("claude-x", "", OWN, ("ANTHROPIC_API_KEY", "openai-compatible/claude-x")),
        ("gpt-6-sol", "", ANTHROPIC, ("for openai. Set OPENAI_API_KEY.", "set OPENROUTER_API_KEY")),
        ("gpt-6-sol", "", OPENROUTER, ("OPENAI_API_KEY", "Or ask OpenRouter", "openrouter/openai/gpt-6-sol")),
        ("acme/x", "", ANTHROPIC, ("OPENROUTER_API_KEY", "ollama/acme/x", "AKMON_OPENAI_COMPATIBLE_URL")),
        ("openai/gpt-oss-20b", "", OPENAI, ("OPENROUTER_API_KEY", "GROQ_API_KEY")),
        ("openai/gpt-6-sol", "", OWN, ("OPENAI_API_KEY", "openai-compatible/gpt-6-sol")),
        ("anthropic/claude-x", "", OPENAI, ("ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")),
        ("openrouter/acme/x", "", ANTHROPIC, ("OPENROUTER_API_KEY",)),
        ("groq/llama-3.1-8b-instant", "", OPENROUTER, ("GROQ_API_KEY",)),
        ("gpt-6-sol", "groq", {**OPENAI, **OWN}, ("GROQ_API_KEY", "openai-compatible/gpt-6-sol")),
        ("azure/x", "", OPENROUTER, ("AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY", "AD_TOKEN")),
        ("x", "azure", {"azure": Backend(SECRET)}, ("Set AZURE_OPENAI_ENDPOINT (",)),
        ("x", "azure", {"azure": Backend("", "https://a")}, ("Set AZURE_OPENAI_API_KEY (",)),
        ("qwen3", "openai-compatible", OPENAI, ("AKMON_OPENAI_COMPATIBLE_URL",)),
        ("qwen3", "", {"openai-compatible": Backend(SECRET)}, ("AKMON_OPENAI_COMPATIBLE_URL",)),
        ("/models/x.gguf", "", ANTHROPIC, ("AKMON_OPENAI_COMPATIBLE_URL",)),
        ("openai/", "", ALL, ("openai/MODEL",)),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    model: str, provider: str, backends: Backends, words: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(model, backends, provider)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_every_provider_is_a_candidate_in_order_and_can_be_opened() -> None:
    names = ["bedrock", "anthropic", "openrouter", "azure", "openai", "groq", "openai-compatible", "ollama"]
    trace = explain("llama3.2", {})
    assert [candidate.provider for candidate in trace.candidates] == names
    assert [candidate.priority_order for candidate in trace.candidates] == list(range(1, 9))
    assert list(ACCESS) == names
    assert list(PROVIDERS) == [*names, "scripted"]
    assert set(names) <= set(OPENED)


def test_a_trace_says_of_each_provider_what_it_would_take() -> None:
    trace = explain("claude-x", {**OPENROUTER, **AWS})
    fields = ["selected_provider", "selected_reason", "model_id", "resolution_error", "candidates"]
    assert list(msgspec.to_builtins(trace)) == fields
    assert (trace.selected_provider, trace.model_id) == ("openrouter", "anthropic/claude-x")
    by_name = {candidate.provider: candidate for candidate in trace.candidates}
    assert not by_name["anthropic"].eligible
    assert by_name["anthropic"].missing_prerequisites == ("ANTHROPIC_API_KEY",)
    assert by_name["bedrock"].missing_prerequisites == ("AKMON_BEDROCK",)
    assert "AWS credentials alone choose nothing" in by_name["bedrock"].reason
    assert by_name["azure"].missing_prerequisites == ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY")
    assert by_name["openai-compatible"].missing_prerequisites == ("AKMON_OPENAI_COMPATIBLE_URL",)
    assert by_name["ollama"].missing_prerequisites == ()
    assert not by_name["ollama"].eligible


@pytest.mark.parametrize(
    ("model", "is_one"),
    [
        ("gpt-5", True),
        ("o9-mini", True),
        ("ft:o4-mini:a::b", True),
        ("codex-mini-latest", True),
        ("gpt-oss-20b", False),
        ("gpt-oss:20b", False),
        ("gpt-j-6b", False),
        ("openai/gpt-5", False),
        ("gpt-5:7b", False),
        ("ft:gpt-4o/x", False),
        ("o3x", False),
        ("orca-2", False),
    ],
)
def test_which_ids_are_openai_s(model: str, is_one: bool) -> None:
    assert is_openai_model(model) is is_one


WORDS = [
    "claude",
    "claude-x",
    "gpt-6-sol",
    "gpt-oss-20b",
    "gpt-oss",
    "o3",
    "ft:gpt-4o",
    "llama3.2",
    ":3b",
    "/x",
    "/",
    ":",
    "scripted:",
    "hf.co/",
    "arn:aws:bedrock:",
    "anthropic.",
    "llama-3.1-8b-instant",
    "qwen/qwen3-32b",
    "moonshotai/kimi-k2",
    "compound",
    "auto",
    "acme",
    "\x1b",
    "é",
]
ids = st.one_of(
    st.text(max_size=8),
    st.lists(st.sampled_from([*WORDS, *(f"{name}/" for name in PROVIDERS)]), max_size=3).map("".join),
)
backend = st.builds(
    Backend,
    api_key=st.sampled_from(["", SECRET]),
    base_url=st.sampled_from(["", f"https://u:{SECRET}@h/v1?key={SECRET}"]),
    fetch_key=st.sampled_from([None, lambda: SECRET]),
    headers=st.sampled_from([{}, {"X-Key": SECRET}]),
    options=st.dictionaries(
        st.sampled_from(["region", "profile", "access_key", "ad_token"]), st.just(SECRET)
    ).flatmap(
        lambda options: st.sampled_from([options, {**options, "chosen": "1"}, {**options, "chosen": "0"}])
    ),
)
some_backends = st.dictionaries(st.sampled_from(list(ACCESS)), backend)
providers = st.one_of(st.just(""), st.sampled_from([*PROVIDERS, "nobody"]))


@given(ids, some_backends, providers)
def test_explaining_agrees_with_resolving_and_tells_no_secret(
    model: str, backends: Backends, provider: str
) -> None:
    trace = explain(model, backends, provider)
    assert (trace.selected_provider is None) == (trace.selected_reason is None)
    assert (trace.selected_provider is None) == bool(trace.resolution_error)
    eligible = [candidate.provider for candidate in trace.candidates if candidate.eligible]
    if trace.selected_provider == "scripted":
        assert not eligible
    else:
        assert trace.selected_provider == (eligible[0] if eligible else None)
    assert all(candidate.reason for candidate in trace.candidates)
    assert not any(candidate.eligible and candidate.missing_prerequisites for candidate in trace.candidates)
    written = msgspec.json.encode(trace)
    assert SECRET.encode() not in written
    assert msgspec.json.decode(written, type=Trace) == trace
    if trace.selected_provider is None:
        with pytest.raises(SettingsError) as refused:
            resolve(model, backends, provider)
        assert str(refused.value) == trace.resolution_error
    else:
        choice = Choice(trace.selected_provider, trace.model_id, trace.selected_reason or "")
        assert resolve(model, backends, provider) == choice
        if choice.provider != "scripted":  # what a session keeps, and asks for when it is resumed
            again = resolve(choice.model, backends, choice.provider)
            assert (again.provider, again.model) == (choice.provider, choice.model)


@given(st.text(alphabet="abc.:-4/", min_size=1, max_size=8), st.sampled_from(list(ACCESS)))
def test_provider_and_id_with_a_slash_between_always_mean_that_provider(model: str, provider: str) -> None:
    backends = {**ALL, **OPENAI_ELSEWHERE, **BEDROCK}
    choice = resolve(f"{provider}/{model}", backends)
    assert choice.provider == provider
    if provider != "openrouter" or "/" in model:
        assert choice.model == model


@given(ids)
def test_a_claude_id_never_goes_to_a_provider_that_cannot_have_it(model: str) -> None:
    backends = {**AZURE, **OPENAI_ELSEWHERE, **GROQ, **OWN, **OLLAMA}
    name = "claude" + model.replace("/", "")
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        resolve(name, backends)


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
