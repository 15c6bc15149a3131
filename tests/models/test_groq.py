"""Groq over real sockets: what it is sent, and its failures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from akmon_core.errors import ProviderErrorKind
from akmon_core.messages import Assistant, Image, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, Listed
from akmon_core.stream import Usage, UsageSeen
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.providers.groq.client import list_models, open_model
from akmon_models.wire.model import Opening, WireModel
from tests.models.answering import answering
from tests.models.asking import KEY, ask, reply, request

OSS = "openai/gpt-oss-120b"
QWEN = "qwen/qwen3-32b"
LLAMA = "llama-3.3-70b-versatile"


def model_at(url: str, model: str = OSS, effort: Effort | None = None) -> WireModel:
    known = row("groq", model)
    backend = Backend(KEY, f"{url}/openai/v1")
    return open_model(
        Opening(facts=facts_of("groq", model, known), row=known, backend=backend, effort=effort)
    )


def stream(*chunks: dict[str, Any], name: str = "") -> bytes:
    event = f"event: {name}\n" if name else ""
    *most, last = (f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return f"{''.join(most)}{event}{last}data: [DONE]\n\n".encode()


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"delta": said, "finish_reason": finish}]}


COUNTS = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}
REPLY = stream(
    {**delta(role="assistant", content=""), "x_groq": {"id": "req_1"}},
    delta(reasoning="hm", channel="analysis"),
    delta(content="Hello"),
    {**delta("stop"), "x_groq": {"id": "req_1", "usage": COUNTS}},
    {"id": "chatcmpl-1", "choices": [], "usage": COUNTS, "x_groq": {"id": "req_1"}},
)


def sent(model: str, effort: Effort | None = None, *history: Any) -> dict[str, Any]:
    with answering(REPLY, "text/event-stream") as server:
        assert ask(model_at(server.url, model, effort), request(*history))[1] is None
    assert server.requests[0].path == "/openai/v1/chat/completions"
    body: dict[str, Any] = json.loads(server.requests[0].body)
    return body


def test_a_reply_is_counted_once_although_its_usage_comes_twice() -> None:
    with answering(REPLY, "text/event-stream") as server:
        events, error = ask(model_at(server.url))
    assert error is None
    done = reply(events)
    assert done.message.parts == (Thinking("hm", "reasoning", origin="chat"), Text("Hello"))
    assert (done.id, done.cost) == ("chatcmpl-1", None)
    assert done.usage == Usage(input_tokens=40, output_tokens=20, cache_read_tokens=60)
    assert [event for event in events if isinstance(event, UsageSeen)] == [UsageSeen(done.usage)]


@pytest.mark.parametrize(
    ("model", "effort", "parameters"),
    [
        (OSS, None, {}),
        (OSS, "high", {"reasoning_effort": "high"}),
        (QWEN, None, {"reasoning_format": "parsed"}),
        (QWEN, "none", {"reasoning_format": "parsed", "reasoning_effort": "none"}),
        (QWEN, "high", {"reasoning_format": "parsed", "reasoning_effort": "default"}),
        (LLAMA, None, {}),
    ],
)
def test_each_model_is_asked_for_reasoning_in_its_own_way(
    model: str, effort: Effort | None, parameters: dict[str, str]
) -> None:
    body = sent(model, effort)
    assert {name: value for name, value in body.items() if name.startswith("reasoning")} == parameters
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] > 0


def test_calls_of_unknown_tools_are_left_to_akmon() -> None:
    assert sent(OSS)["disable_tool_validation"] is True


@pytest.mark.parametrize(("model", "back"), [(OSS, "hm"), (QWEN, "hm"), (LLAMA, None)])
def test_reasoning_goes_back_to_models_that_reason(model: str, back: str | None) -> None:
    thought = Thinking("hm", "reasoning", origin="chat")
    elsewhere = Thinking("no", "reasoning_content", origin="chat")
    call = ToolCall("a", "shell", "{}")
    history = (User((Text("hi"),)), Assistant((thought, elsewhere, call), "tools"), ToolResult("a", "x"))
    message = sent(model, None, *history)["messages"][2]
    assert message.get("reasoning") == back
    assert "reasoning_content" not in message


def test_a_model_that_takes_text_only_is_sent_no_image() -> None:
    body = sent(OSS, None, User((Image("image/png", "aGk="), Text("What is it?"))))
    assert "an image (image/png)" in body["messages"][1]["content"]
    assert "aGk=" not in json.dumps(body)


FAILED_CALL = {
    "message": "Failed to call a function. Please adjust your prompt.",
    "type": "invalid_request_error",
    "code": "tool_use_failed",
    "failed_generation": "<function=shell{cmd}</function>",
}
TOO_FAST = {
    "message": "Rate limit reached for model `m` on tokens per day (TPD). Please try again in 7m12.5s.",
    "type": "tokens",
    "code": "rate_limit_exceeded",
}
TOO_LARGE = {
    "message": "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 6294, "
    "please reduce your message size and try again.",
    "type": "tokens",
    "code": "rate_limit_exceeded",
}
TOO_LONG = {
    "message": "Please reduce the length of the messages or completion.",
    "type": "invalid_request_error",
    "code": "context_length_exceeded",
}


@pytest.mark.parametrize(
    ("status", "error", "headers", "kind", "wait", "words"),
    [
        (400, FAILED_CALL, {}, "server", None, "(the model wrote: <function=shell{cmd}</function>)"),
        (429, TOO_FAST, {}, "rate_limit", 432.5, "tokens per day"),
        (429, TOO_FAST, {"retry_after": "3"}, "rate_limit", 3, "tokens per day"),
        (413, TOO_LARGE, {}, "rate_limit", None, "more than the account may use in a minute"),
        (400, TOO_LONG, {}, "context_overflow", None, "Start a new session"),
        (401, {"message": "Invalid API Key"}, {}, "authentication", None, "GROQ_API_KEY"),
    ],
)
def test_a_refusal_has_its_kind_and_says_what_to_do(
    status: int,
    error: dict[str, str],
    headers: dict[str, str],
    kind: ProviderErrorKind,
    wait: float | None,
    words: str,
) -> None:
    body = json.dumps({"error": error}).encode()
    with answering(body, "application/json", status, **headers) as server:
        _, failed = ask(model_at(server.url))
    assert (failed.kind, failed.status, failed.retry_after) == (kind, status, wait)
    assert words in str(failed)


def test_a_call_that_fails_in_mid_stream_may_be_tried_again() -> None:
    body = stream(delta(content="Hel"), {"error": {**FAILED_CALL, "status_code": 400}}, name="error")
    with answering(body, "text/event-stream") as server:
        events, failed = ask(model_at(server.url))
    assert [getattr(event, "text", None) for event in events] == ["Hel"]
    assert (failed.kind, failed.retryable) == ("server", True)
    assert "<function=shell" in str(failed)


def test_models_are_listed_with_their_window() -> None:
    body = json.dumps({"object": "list", "data": [{"id": OSS, "context_window": 131_072, "active": True}]})
    with answering(body.encode(), "application/json") as server:
        listed = asyncio.run(list_models(Backend(KEY, f"{server.url}/openai/v1")))
    assert server.requests[0].path == "/openai/v1/models"
    assert listed == [Listed(id=OSS, context_window=131_072)]
