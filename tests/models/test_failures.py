"""What is made of a server's words about a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from akmon_core.errors import ProviderErrorKind
from akmon_core.limits import ERROR_CHARS
from akmon_models.failures import Server, read_error, status_failure

SERVER = Server(
    provider="openai",
    model="m",
    url="http://host/v1",
    key_variable="THE_KEY",
    url_variable="THE_URL",
    secret="sk-123456",
)


def said(status: int, message: str, **headers: str) -> Any:
    return status_failure(SERVER, status, headers, json.dumps({"error": {"message": message}}).encode())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "authentication"),
        (402, "authentication"),
        (403, "authentication"),
        (404, "model_not_found"),
        (408, "timeout"),
        (413, "context_overflow"),
        (422, "bad_request"),
        (429, "rate_limit"),
        (500, "server"),
        (503, "overloaded"),
        (504, "timeout"),
        (529, "overloaded"),
    ],
)
def test_the_status_gives_the_kind(status: int, kind: ProviderErrorKind) -> None:
    error = said(status, "x")
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000",
        "the request exceeds the available context size, try increasing it",
        "Please reduce the length of the messages",
    ],
)
def test_a_conversation_that_is_too_long_is_recognised(message: str) -> None:
    assert said(400, message).kind == "context_overflow"
    assert said(429, message).kind == "rate_limit"


def test_a_request_beyond_the_tokens_of_a_minute_is_a_matter_of_rate() -> None:
    error = said(
        413, "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 6294"
    )
    assert error.kind == "rate_limit"


def test_a_key_is_never_quoted() -> None:
    error = said(401, "the key sk-123456 is not valid")
    assert "sk-123456" not in str(error)
    assert "THE_KEY" in str(error)


def test_a_server_does_not_show_its_secret() -> None:
    assert "sk-123456" not in repr(SERVER)


def test_what_is_quoted_is_short_and_cannot_steer_a_terminal() -> None:
    error = str(said(500, "\x1b[2J\x1b]0;title\x07" + "x" * 50_000))
    assert "\x1b" not in error
    assert len(error) < ERROR_CHARS + 300


def test_a_model_that_needs_another_protocol_is_explained() -> None:
    error = said(400, "Function tools are not supported. To use function tools, use /v1/responses")
    assert 'api = "responses"' in str(error)


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 20ms.", 0.02),
        ("Please try again in 1m2.5s.", 62.5),
        ("Please try again in 2m.", 120),
        ("Please try again in 7m12s.", 432),
        ("Please try again in 1h12m3s.", 4_323),
        ("Please try again in a while.", None),
        ("Please try again in 1" + "0" * 500, None),
    ],
)
def test_a_wish_to_wait_in_the_message_is_read(message: str, seconds: float | None) -> None:
    assert said(429, message).retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_a_wish_to_wait_in_the_headers_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert said(429, "x", **headers).retry_after == seconds


@pytest.mark.parametrize(
    ("body", "names", "message"),
    [
        (b'{"error": {"type": "a", "code": 5, "message": "m"}}', "a 5", "m"),
        (b'{"error": "m"}', "", "m"),
        (b'{"detail": "m"}', "", "m"),
        (b'{"detail": [{"loc": 1}]}', "", '[{"loc":1}]'),
        (b'[{"error": {"message": "m", "status": "S"}}]', "S", "m"),
        (b"<html><style>p{}</style><p>502</p> bad</html>", "", "502 bad"),
        (
            b'{"error": {"code": 502, "message": "x", "metadata": {"provider_name": "P", "raw": "gone"}}}',
            "502",
            "x (P said: gone)",
        ),
        (b'{"error": {"message": "m", "metadata": {"raw": "", "reasons": []}}}', "", "m"),
        (
            b'{"error": {"code": "tool_use_failed", "message": "m.", "failed_generation": "<f=1>"}}',
            "tool_use_failed",
            "m. (the model wrote: <f=1>)",
        ),
        (b"plain words", "", "plain words"),
        (b"\xff", "", "\ufffd"),
        (b"", "", ""),
        (b"[]", "", "[]"),
        (b"[" * 100_000, "", "[" * 200 + "…"),
    ],
)
def test_error_bodies_of_any_shape_are_read(body: bytes, names: str, message: str) -> None:
    assert read_error(body) == (names, message)
