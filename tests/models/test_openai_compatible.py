"""Servers of the user's own over real sockets: with and without a key, and the oddities that they have."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from akmon_core.errors import ProviderErrorKind
from akmon_core.messages import Text, ToolCall, ToolResult, User
from akmon_core.models import Effort, Listed
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.providers.openai_compatible.client import list_models, open_model
from akmon_models.wire.model import Opening, WireModel
from tests.models.answering import answering
from tests.models.asking import KEY, ask, reply, request


def model_at(url: str, model: str = "my-model", effort: Effort | None = None, key: str = KEY) -> WireModel:
    known = row("openai-compatible", model)
    facts = facts_of("openai-compatible", model, known)
    return open_model(Opening(facts=facts, row=known, backend=Backend(key, f"{url}/v1"), effort=effort))


def stream(*chunks: dict[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {"choices": [{"delta": said, "finish_reason": finish}]}


def sent(model: str, effort: Effort | None = None) -> dict[str, Any]:
    with answering(stream(delta("stop", content="x")), "text/event-stream") as server:
        assert ask(model_at(server.url, model, effort))[1] is None
    body: dict[str, Any] = json.loads(server.requests[0].body)
    return body


def test_only_what_every_server_knows_is_sent() -> None:
    assert set(sent("my-model")) == {"model", "stream", "stream_options", "max_tokens", "tools", "messages"}


def test_an_effort_and_the_name_of_the_output_limit_follow_the_model() -> None:
    assert sent("my-model", "low")["reasoning_effort"] == "low"
    assert {"max_completion_tokens"} == {"max_completion_tokens", "max_tokens"} & set(
        sent("openai/gpt-6-sol")
    )


@pytest.mark.parametrize(("key", "header"), [(KEY, f"Bearer {KEY}"), ("", None)])
def test_a_key_is_sent_if_there_is_one(key: str, header: str | None) -> None:
    with answering(stream(delta("stop", content="x")), "text/event-stream") as server:
        assert ask(model_at(server.url, key=key))[1] is None
    assert server.requests[0].headers.get("authorization") == header


def call(**said: Any) -> dict[str, Any]:
    return delta(tool_calls=[said])


@pytest.mark.parametrize(
    "chunks",
    [
        [call(index=0, id="c", function={"name": "shell", "arguments": {"cmd": "ls"}})],
        [
            call(id="c", function={"name": "shell", "arguments": None}),
            call(function={"arguments": '{"cmd":"ls"}'}),
        ],
        [
            call(index=0, id="c", type="function", function={"name": "shell"}),
            call(index=0, id=None, function={"name": None, "arguments": '{"cmd":'}),
            call(index=0, id="", function={"name": "", "arguments": '"ls"}'}),
        ],
    ],
    ids=["an object", "no index", "empty ids and names"],
)
def test_a_call_is_read_however_it_is_told(chunks: list[dict[str, Any]]) -> None:
    body = stream(delta(content=[{"type": "text", "text": "So:"}]), *chunks, delta("stop"))
    with answering(body, "text/event-stream") as server:
        events, error = ask(model_at(server.url))
    assert error is None
    message = reply(events).message
    assert message.parts == (Text("So:"), ToolCall("c", "shell", '{"cmd":"ls"}'))
    assert message.stop == "tools"


def test_reasoning_goes_back_as_text_even_if_it_also_came_in_blocks() -> None:
    blocks = [{"type": "reasoning.text", "text": "hm", "index": 0}]
    body = stream(
        delta(reasoning_content="hm", reasoning_details=blocks),
        call(index=0, id="c", function={"name": "shell", "arguments": "{}"}),
        delta("tool_calls"),
    )
    with answering(body, "text/event-stream") as server:
        message = reply(ask(model_at(server.url))[0]).message
        ask(model_at(server.url), request(User((Text("hi"),)), message, ToolResult("c", "x")))
    returned = json.loads(server.requests[1].body)["messages"][2]
    assert (returned["reasoning_content"], "reasoning_details" in returned) == ("hm", False)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": "model is still loading"}, "server"),
        ({"error": {"code": 500, "message": "failed to parse grammar", "type": "server_error"}}, "server"),
        (
            {"error": {"code": 400, "message": "x", "type": "exceed_context_size_error", "n_ctx": 4096}},
            "context_overflow",
        ),
        (
            {"object": "error", "message": "no such model", "type": "NotFoundError", "code": 404},
            "model_not_found",
        ),
    ],
)
@pytest.mark.parametrize("framed", [True, False], ids=["as an event", "as the body"])
def test_an_error_inside_a_success_is_an_error(
    said: dict[str, Any], kind: ProviderErrorKind, framed: bool
) -> None:
    body = stream(delta(content="x"), said) if framed else json.dumps(said).encode()
    with answering(body, "text/event-stream" if framed else "application/json") as server:
        _, error = ask(model_at(server.url))
    assert error is not None
    assert error.kind == kind


def test_models_are_listed_with_the_window_that_vllm_gives() -> None:
    body = json.dumps({"data": [{"id": "m", "max_model_len": 8_192}, {"id": "n"}]}).encode()
    with answering(body, "application/json") as server:
        listed = asyncio.run(list_models(Backend("", f"{server.url}/v1")))
    assert server.requests[0].path == "/v1/models"
    assert "authorization" not in server.requests[0].headers
    assert listed == [Listed(id="m", context_window=8_192), Listed(id="n")]
