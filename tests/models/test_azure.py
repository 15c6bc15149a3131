"""Deployments of Azure OpenAI: their addresses, their credentials, their errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.messages import Text
from akmon_core.models import Effort, Model, ModelRow
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.providers.azure.client import API_VERSION, open_model, surface_of
from akmon_models.wire.model import Opening
from tests.models.asking import KEY, ask, reply
from tests.models.faults import Exchange, FaultServer, encode
from tests.models.test_decode_responses import MESSAGE, stream

TOKEN = "eyJ.entra-token"


def deployment(
    url: str,
    name: str = "my-gpt",
    *,
    key: str = KEY,
    fetch: Callable[[], str] | None = None,
    effort: Effort | None = None,
    known: dict[str, Any] | None = None,
    **options: str,
) -> Model:
    found = row("azure", name, (ModelRow(match=name, **(known or {})),))
    backend = Backend(key, url, fetch_key=fetch, options=options)
    return open_model(
        Opening(facts=facts_of("azure", name, found), row=found, backend=backend, effort=effort)
    )


def chat(x: Exchange) -> None:
    x.send(encode("openai"))


def responses(x: Exchange) -> None:
    x.send([f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in stream(MESSAGE)])


def asked(
    server: FaultServer, part: Callable[[Exchange], None] = chat, base: str = "", **how: Any
) -> Exchange:
    """The request that a deployment behind ``base`` gets."""
    stage = server.play(part)
    _, error = ask(deployment(stage.url + base, **how))
    assert error is None, error
    return stage.arrival()


@pytest.mark.parametrize(
    ("rest", "base"),
    [
        ("", "/openai"),
        ("/", "/openai"),
        ("/openai", "/openai"),
        ("/openai/", "/openai"),
        ("/openai/deployments/x/chat/completions?api-version=2024-02-01", "/openai"),
        ("/gateway/team", "/gateway/team/openai"),
        ("/gateway/openai/", "/gateway/openai"),
        ("/openai/v1", "/openai/v1"),
        ("/openai/v1/", "/openai/v1"),
        ("/openai/v1/chat/completions", "/openai/v1"),
        ("/gateway/openai/v1/", "/gateway/openai/v1"),
        ("/openai/v10", "/openai"),
        ("/openaiv1", "/openaiv1/openai"),
    ],
)
def test_an_endpoint_means_the_same_however_much_of_it_was_copied(rest: str, base: str) -> None:
    surface = surface_of(f"https://name.openai.azure.com:8443{rest}")
    assert surface.base == f"https://name.openai.azure.com:8443{base}"
    assert (surface.kind == "v1") == base.endswith("/v1")


@pytest.mark.parametrize("base", ["", "/", "/openai", "/openai/"])
def test_a_deployment_is_named_in_the_path_and_the_version_in_the_query(
    server: FaultServer, base: str
) -> None:
    exchange = asked(server, base=base)
    assert exchange.path == f"/openai/deployments/my-gpt/chat/completions?api-version={API_VERSION}"
    assert exchange.headers["api-key"] == KEY
    assert "authorization" not in exchange.headers
    body = json.loads(exchange.body)
    assert "max_completion_tokens" in body
    assert not {"max_tokens", "reasoning_effort", "prompt_cache_key"} & set(body)


def test_a_name_with_any_characters_stays_one_part_of_the_path(server: FaultServer) -> None:
    path = asked(server, name="a b/ü?#").path
    assert path == f"/openai/deployments/a%20b%2F%C3%BC%3F%23/chat/completions?api-version={API_VERSION}"


def test_a_version_of_the_user_s_own_goes_before_the_default(server: FaultServer) -> None:
    path = asked(server, api_version="2025-04-01-preview").path
    assert path.endswith("?api-version=2025-04-01-preview")


@pytest.mark.parametrize("base", ["/openai/v1", "/openai/v1/"])
def test_the_newer_surface_names_the_deployment_in_the_body(server: FaultServer, base: str) -> None:
    exchange = asked(server, base=base, api_version="2024-02-01")
    assert exchange.path == "/openai/v1/chat/completions"
    assert json.loads(exchange.body)["model"] == "my-gpt"
    assert exchange.headers["api-key"] == KEY


def test_a_row_may_choose_responses_on_the_newer_surface(server: FaultServer) -> None:
    row = {"api": "responses", "thinking": "effort"}
    exchange = asked(server, responses, "/openai/v1", known=row, effort="low")
    assert exchange.path == "/openai/v1/responses"
    body = json.loads(exchange.body)
    assert (body["reasoning"]["effort"], body["store"]) == ("low", False)
    assert asked(server, known=row).path.startswith("/openai/deployments/")


def test_a_row_names_the_limit_and_the_effort_is_passed_on(server: FaultServer) -> None:
    body = json.loads(asked(server, known={"output_name": "max_tokens"}, effort="high").body)
    assert body["reasoning_effort"] == "high"
    assert "max_tokens" in body
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize("key", [KEY, ""])
def test_a_token_of_entra_goes_before_a_key(server: FaultServer, key: str) -> None:
    headers = asked(server, key=key, ad_token=TOKEN).headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in headers


@pytest.mark.parametrize(("options", "header"), [({}, "api-key"), ({"auth": "entra"}, "authorization")])
def test_what_is_fetched_is_a_key_or_a_token(
    server: FaultServer, options: dict[str, Any], header: str
) -> None:
    headers = asked(server, key="", fetch=lambda: TOKEN, **options).headers
    assert headers[header].removeprefix("Bearer ") == TOKEN
    assert len({"api-key", "authorization"} & set(headers)) == 1


def test_a_token_that_has_expired_is_fetched_again(server: FaultServer) -> None:
    def part(x: Exchange) -> None:
        if x.attempt == 1:
            x.answer(401, {"error": {"code": "401", "message": "Access token has expired."}})
        else:
            chat(x)

    tokens = iter(("old", "new"))
    stage = server.play(part)
    events, error = ask(deployment(stage.url, key="", fetch=lambda: next(tokens), auth="entra"))
    assert error is None
    assert reply(events).message.calls
    assert [x.headers["authorization"] for x in stage.exchanges] == ["Bearer old", "Bearer new"]


def test_without_credentials_none_are_sent(server: FaultServer) -> None:
    assert not {"api-key", "authorization"} & set(asked(server, key="").headers)


def test_the_environment_of_azure_s_own_programs_adds_nothing(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_KEY", "OPENAI_API_VERSION"):
        monkeypatch.setenv(name, "env-secret")
    exchange = asked(server)
    assert "env-secret" not in exchange.path + str(exchange.headers)


def test_an_endpoint_is_needed() -> None:
    with pytest.raises(SettingsError, match="AZURE_OPENAI_ENDPOINT"):
        deployment("")
    with pytest.raises(SettingsError, match="AZURE_OPENAI_ENDPOINT"):
        deployment("http://[")


def test_a_token_that_no_request_could_carry_is_refused_and_not_quoted() -> None:
    with pytest.raises(SettingsError, match="AZURE_OPENAI_AD_TOKEN") as refused:
        deployment("https://x", ad_token="eyJ\nsecond")
    assert "eyJ" not in str(refused.value)


def refused(server: FaultServer, status: int, error: dict[str, Any], **how: Any) -> ProviderError:
    stage = server.play(lambda x: x.answer(status, {"error": error}))
    found = ask(deployment(stage.url, **how))[1]
    assert isinstance(found, ProviderError)
    return found


def test_a_deployment_that_is_not_there_is_named(server: FaultServer) -> None:
    missing = "The API deployment for this resource does not exist. If you created it, wait a moment."
    error = refused(server, 404, {"code": "DeploymentNotFound", "message": missing})
    assert error.kind == "model_not_found"
    assert "my-gpt" in str(error)
    assert "AZURE_OPENAI_ENDPOINT" in str(error)
    other = refused(server, 404, {"code": "404", "message": "Resource not found"})
    assert "OPENAI_API_VERSION" in str(other)


def test_what_the_content_filter_stops_is_not_tried_again(server: FaultServer) -> None:
    error = refused(
        server,
        400,
        {
            "code": "content_filter",
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
            "management policy. Please modify your prompt and retry.",
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
        },
    )
    assert (error.kind, error.retryable) == ("bad_request", False)
    assert "content filter" in str(error)


def test_a_reply_that_the_content_filter_cuts_is_refused(server: FaultServer) -> None:
    chunks: list[dict[str, Any]] = [
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {"choices": [{"index": 0, "delta": {"content": "I would"}, "content_filter_results": {}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
    ]
    stage = server.play(lambda x: x.send(encode("openai", chunks)))
    events, error = ask(deployment(stage.url))
    assert error is None
    message = reply(events).message
    assert (message.stop, message.parts) == ("refused", (Text("I would"),))


def test_a_refused_token_is_told_from_a_refused_key(server: FaultServer) -> None:
    said = {"code": "PermissionDenied", "message": f"The token {TOKEN} lacks the required data action."}
    token, key = refused(server, 401, said, ad_token=TOKEN), refused(server, 401, said)
    assert "AZURE_OPENAI_AD_TOKEN" in str(token)
    assert TOKEN not in str(token)
    assert "AZURE_OPENAI_API_KEY" in str(key)
