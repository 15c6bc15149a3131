"""Models of OpenAI and of servers in its place: which protocol they are asked in, and with what."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.models import Effort, Listed, ModelRow
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.effort import checked_effort, output_name
from akmon_models.providers.openai.client import list_models, open_model
from akmon_models.wire.listing import LIST_BYTES
from akmon_models.wire.model import Opening
from tests.models.asking import KEY, ask, reply, request
from tests.models.faults import Exchange, FaultServer, encode
from tests.models.test_decode_responses import MESSAGE, REASONING, function, stream


def opening(
    model: str, url: str = "", *, effort: Effort | None = None, known: dict[str, Any] | None = None
) -> Opening:
    found = row("openai", model, (ModelRow(match=model, **known),) if known else ())
    return Opening(
        facts=facts_of("openai", model, found), row=found, backend=Backend(KEY, url), effort=effort
    )


def either(x: Exchange) -> None:
    """Answers in the protocol that it is asked in."""
    if x.path.endswith("/responses"):
        events = stream(REASONING, MESSAGE, function())
        x.send([f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events])
    else:
        x.send(encode("openai"))


def asked(server: FaultServer, model: str, **how: Any) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request to a server in OpenAI's place."""
    stage = server.play(either)
    _, error = ask(open_model(opening(model, f"{stage.url}/v1", **how)))
    assert error is None, error
    exchange = stage.arrival()
    body: dict[str, Any] = json.loads(exchange.body)
    return exchange.path, body


@pytest.mark.parametrize(
    ("url", "api", "path"),
    [
        ("", None, "/responses"),
        ("https://api.openai.com/v1", None, "/responses"),
        ("https://eu.api.openai.com/v1/", None, "/responses"),
        ("", "chat", "/chat/completions"),
        ("http://localhost:8000/v1", None, "/chat/completions"),
        ("https://notapi.openai.com.example/v1", None, "/chat/completions"),
        ("http://localhost:8000/v1", "responses", "/responses"),
    ],
)
def test_openai_itself_is_asked_by_responses_unless_a_row_says_otherwise(
    url: str, api: str | None, path: str
) -> None:
    model = open_model(opening("gpt-6-sol", url, known={"api": api} if api else None))
    assert model.wire.path == path
    body = json.loads(model.wire.encode(request()))
    assert ("prompt_cache_key" in body) == (not url or "api.openai.com/" in url)


def test_a_server_in_its_place_is_asked_by_responses_if_the_row_says_so(server: FaultServer) -> None:
    path, body = asked(server, "gpt-6-sol", known={"api": "responses", "thinking": "effort"}, effort="low")
    assert path == "/v1/responses"
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert list(body)[-1] == "input"


def test_a_server_in_its_place_is_asked_by_chat_with_the_effort_as_it_is_called_there(
    server: FaultServer,
) -> None:
    path, body = asked(server, "gpt-6-sol", effort="high")
    assert path == "/v1/chat/completions"
    assert body["reasoning_effort"] == "high"
    assert "reasoning_effort" not in asked(server, "gpt-6-sol")[1]


@pytest.mark.parametrize(("thinking", "asks"), [("effort", True), ("none", False), (None, False)])
def test_reasoning_is_asked_for_where_the_row_knows_of_it(thinking: str | None, asks: bool) -> None:
    model = open_model(opening("a-model", known={"api": "responses", "thinking": thinking}))
    assert ("reasoning" in json.loads(model.wire.encode(request()))) == asks


def test_what_was_reasoned_goes_back_over_the_wire(server: FaultServer) -> None:
    stage = server.play(either)
    how: dict[str, Any] = {"known": {"api": "responses"}}
    events, _ = ask(open_model(opening("gpt-6-sol", stage.url, **how)))
    said = reply(events)
    assert said.id == "resp_1"
    asked_again = request(*request().messages, said.message)
    assert ask(open_model(opening("gpt-6-sol", stage.url, **how)), asked_again)[1] is None
    items = json.loads(stage.exchanges[1].body)["input"]
    assert [item["type"] for item in items] == [
        *("message", "reasoning", "message", "function_call", "function_call_output")
    ]
    assert items[1]["encrypted_content"] == REASONING["encrypted_content"]


# --- what a row says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "effort", "said"),
    [
        ({"efforts": ("low", "high")}, "max", "Use one of low, high"),
        ({"efforts": ()}, "low", "takes none"),
        ({"thinking": "none"}, "none", "takes none"),
        ({"thinking": "none", "efforts": ("low",)}, "low", "takes none"),
    ],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_effort_that_a_model_does_not_take_is_refused(
    known: dict[str, Any], effort: Effort, said: str, api: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        open_model(opening("a-model", known={**known, "api": api}, effort=effort))
    assert "a-model" in str(refused.value)


@pytest.mark.parametrize(
    ("known", "effort"),
    [({"efforts": ("low",)}, "low"), ({"thinking": "effort"}, "max"), ({"efforts": ("low",)}, None)],
)
def test_an_effort_that_a_model_takes_or_may_take_is_passed_on(
    known: dict[str, Any], effort: Effort | None
) -> None:
    assert checked_effort(opening("a-model", known=known, effort=effort)) == effort


@pytest.mark.parametrize(
    ("model", "known", "name"),
    [
        ("gpt-6-sol", None, "max_completion_tokens"),
        ("openai/gpt-6-sol", None, "max_completion_tokens"),
        ("o3", None, "max_completion_tokens"),
        ("openai/gpt-oss-120b", None, "max_tokens"),
        ("qwen3-coder", None, "max_tokens"),
        ("qwen3-coder", {"output_name": "max_completion_tokens"}, "max_completion_tokens"),
        ("gpt-6-sol", {"output_name": "max_tokens"}, "max_tokens"),
    ],
)
def test_the_limit_of_a_reply_is_called_as_the_model_knows_it(
    model: str, known: dict[str, Any] | None, name: str
) -> None:
    assert output_name(opening(model, known=known)) == name


# --- what a server lists --------------------------------------------------------------------------


def listed(server: FaultServer, status: int, body: Any, kind: str = "application/json") -> list[Listed]:
    stage = server.play(lambda x: x.answer(status, body, kind))
    found = asyncio.run(list_models(Backend(KEY, f"{stage.url}/v1")))
    exchange = stage.arrival()
    assert exchange.path == "/v1/models"
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert exchange.headers["accept"] == "application/json"
    return found


def test_models_are_listed_in_the_server_s_order_with_the_windows_that_it_tells(server: FaultServer) -> None:
    entries = [
        *({"id": "b", "context_length": 8_192}, {"id": "a", "max_model_len": 4_096}, {"id": "c"}),
        *({"id": "d", "context_window": "8k"}, {"id": "e", "context_window": 0}, {"name": "f"}, 7),
    ]
    found = listed(server, 200, {"object": "list", "data": entries})
    assert [(each.id, each.context_window) for each in found] == [
        *(("b", 8_192), ("a", 4_096), ("c", None), ("d", None), ("e", None))
    ]
    assert [each.id for each in listed(server, 200, [{"id": "bare"}])] == ["bare"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (200, "<html><h1>Portal</h1></html>", "protocol", "Portal"),
        (200, "", "protocol", "empty"),
        (200, {"hello": 1}, "protocol", "none came"),
        (200, {"error": {"type": "overloaded_error", "message": "busy"}}, "overloaded", "busy"),
        (200, "[" * 5_000, "protocol", "no JSON"),
        (200, "x" * (LIST_BYTES + 1), "protocol", "20 MB"),
        (401, {"error": {"message": f"bad key {KEY}"}}, "authentication", "OPENAI_API_KEY"),
        (404, {"error": "nothing here"}, "model_not_found", "lists no models"),
        (503, "down", "overloaded", "down"),
    ],
)
def test_a_list_that_does_not_come_is_an_error_that_says_why(
    server: FaultServer, status: int, body: Any, kind: str, said: str
) -> None:
    with pytest.raises(ProviderError, match=said) as failed:
        listed(server, status, body, "text/plain")
    assert failed.value.kind == kind
    assert KEY not in str(failed.value)


def test_a_list_whose_connection_breaks_is_an_error(server: FaultServer) -> None:
    def cut(x: Exchange) -> None:
        x.head(200, "application/json", content_length=1_000)
        x.socket.sendall(b'{"data": [')

    with pytest.raises(ProviderError, match="lost") as failed:
        asyncio.run(list_models(Backend(KEY, server.play(cut).url)))
    assert failed.value.kind == "connection"
