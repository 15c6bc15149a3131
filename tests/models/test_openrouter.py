"""OpenRouter over real sockets: what it is sent, what it streams, what it lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_core.messages import Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, Listed, ModelRow
from akmon_core.stream import ThinkingDelta, Usage, UsageSeen
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.protocols.chat.reasoning import Details
from akmon_models.providers.openrouter.client import list_models, open_model
from akmon_models.wire.model import Opening, WireModel
from tests.models.answering import answering
from tests.models.asking import KEY, ask, reply, request

CLAUDE = "anthropic/claude-x"


def model_at(
    url: str, model: str = CLAUDE, effort: Effort | None = None, headers: Mapping[str, str] | None = None
) -> WireModel:
    known = row("openrouter", model, (ModelRow(match="claude-x", efforts=("low", "high")),))
    backend = Backend(KEY, f"{url}/api/v1", headers=headers or {})
    opening = Opening(facts=facts_of("openrouter", model, known), row=known, backend=backend, effort=effort)
    return open_model(opening)


def stream(*chunks: dict[str, Any] | str) -> bytes:
    """Chunks as data, texts as comments."""
    lines = [f": {chunk}" if isinstance(chunk, str) else f"data: {json.dumps(chunk)}" for chunk in chunks]
    return "".join(f"{line}\n\n" for line in (*lines, "data: [DONE]")).encode()


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {"id": "gen-1", "provider": "Anthropic", "choices": [{"delta": said, "finish_reason": finish}]}


CALLS = [{"index": 0, "id": "call_1", "function": {"name": "shell", "arguments": "{}"}}]
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "cost": 0.0125,
    "is_byok": False,
    "cost_details": {"upstream_inference_cost": 0.0125},
}
REPLY = stream(
    "OPENROUTER PROCESSING",
    delta(
        reasoning="h", reasoning_details=[{"type": "reasoning.text", "text": "h", "index": 0, "format": "f"}]
    ),
    "OPENROUTER PROCESSING",
    delta(
        reasoning="m", reasoning_details=[{"type": "reasoning.text", "text": "m", "index": 0, "format": "f"}]
    ),
    delta(reasoning_details=[{"type": "reasoning.text", "signature": "c2ln", "index": 0, "format": "f"}]),
    delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "ZW5j", "id": "e1", "index": 1}]),
    delta(content="Looking."),
    delta(finish="tool_calls", tool_calls=CALLS),
    {**delta(content=""), "usage": USAGE},
)
BLOCKS = [
    {"type": "reasoning.text", "text": "hm", "index": 0, "format": "f", "signature": "c2ln"},
    {"type": "reasoning.encrypted", "data": "ZW5j", "id": "e1", "index": 1},
]


def sent(model: str, effort: Effort | None = None) -> dict[str, Any]:
    with answering(REPLY, "text/event-stream") as server:
        assert ask(model_at(server.url, model, effort))[1] is None
    body: dict[str, Any] = json.loads(server.requests[0].body)
    return body


def test_a_request_asks_for_its_cost_and_names_its_session() -> None:
    body = sent("deepseek/deepseek-x:free")
    assert body["model"] == "deepseek/deepseek-x:free"
    assert body["usage"] == {"include": True}
    assert body["session_id"] == "s1"
    assert not {"cache_control", "reasoning", "reasoning_effort"} & set(body)


@pytest.mark.parametrize("model", ["@preset/mine", "openai/gpt-x:nitro", "openrouter/auto"])
def test_ids_of_routers_and_variants_are_sent_as_they_are(model: str) -> None:
    assert sent(model)["model"] == model


def test_claude_is_asked_to_cache_as_at_anthropic_itself() -> None:
    assert sent(CLAUDE)["cache_control"] == {"type": "ephemeral"}


def test_an_effort_is_sent_in_the_field_of_openrouter() -> None:
    assert sent(CLAUDE, "high")["reasoning"] == {"effort": "high"}
    with pytest.raises(SettingsError, match="effort"):
        model_at("http://localhost:1", effort="minimal")


def test_a_request_says_only_the_program_s_name() -> None:
    with answering(REPLY, "text/event-stream") as server:
        ask(model_at(server.url))
        ask(model_at(server.url, headers={"X-Title": "mine"}))
    first, second = server.requests
    assert (first.path, first.headers["authorization"]) == ("/api/v1/chat/completions", f"Bearer {KEY}")
    assert (first.headers["x-title"], second.headers["x-title"]) == ("akmon", "mine")
    assert "http-referer" not in first.headers


def test_a_reply_has_its_cost_its_id_and_its_reasoning_in_whole_blocks() -> None:
    with answering(REPLY, "text/event-stream") as server:
        events, error = ask(model_at(server.url))
    assert error is None
    done = reply(events)
    thinking, *rest = done.message.parts
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.origin, json.loads(thinking.signature)) == ("hm", "chat", BLOCKS)
    assert rest == [Text("Looking."), ToolCall("call_1", "shell", "{}")]
    assert "".join(event.text for event in events if isinstance(event, ThinkingDelta)) == "hm"
    counted = Usage(input_tokens=10, output_tokens=20, cache_read_tokens=60, cache_write_tokens=30)
    assert (done.id, done.usage, done.cost) == ("gen-1", counted, 0.0125)
    assert [event for event in events if isinstance(event, UsageSeen)] == [UsageSeen(counted, 0.0125)]


def test_the_reasoning_of_a_reply_with_calls_goes_back_unchanged() -> None:
    with answering(REPLY, "text/event-stream") as server:
        message = reply(ask(model_at(server.url))[0]).message
        after = request(User((Text("hi"),)), message, ToolResult("call_1", "a.py"))
        assert ask(model_at(server.url), after)[1] is None
    returned = json.loads(server.requests[1].body)["messages"][2]
    assert returned["reasoning_details"] == BLOCKS
    assert "reasoning" not in returned


def test_an_error_in_mid_stream_keeps_the_text_before_it() -> None:
    broken = {
        **delta(finish="error", content=""),
        "error": {
            "code": 429,
            "message": "Provider returned error",
            "metadata": {"provider_name": "Anthropic", "raw": '{"error": {"message": "slow down"}}'},
        },
    }
    with answering(stream(delta(content="Hel"), broken), "text/event-stream") as server:
        events, error = ask(model_at(server.url))
    assert [getattr(event, "text", None) for event in events] == ["Hel"]
    assert error.kind == "rate_limit"
    assert "Anthropic said: slow down" in str(error)


def test_models_are_listed_with_window_and_price() -> None:
    entries = [
        {
            "id": "a/b",
            "context_length": 200_000,
            "pricing": {"prompt": "0.000003", "completion": "0.0000155"},
        },
        {"id": "a/c:free", "context_length": None, "pricing": {"prompt": "0", "completion": "0"}},
        {"id": "openrouter/auto", "context_length": 2, "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "a/d", "pricing": {"prompt": "?"}},
        {"name": "no id"},
    ]
    body = json.dumps({"data": entries}).encode()
    with answering(body, "application/json") as server:
        listed = asyncio.run(list_models(Backend(KEY, f"{server.url}/api/v1")))
    assert server.requests[0].path == "/api/v1/models"
    assert listed == [
        Listed(id="a/b", context_window=200_000, detail="$3 in, $15.5 out per million tokens"),
        Listed(id="a/c:free", detail="free"),
        Listed(id="openrouter/auto", context_window=2),
        Listed(id="a/d"),
    ]


# --- Blocks of reasoning --------------------------------------------------------------------------


def whole(*pieces: Any) -> list[dict[str, Any]]:
    details = Details()
    for piece in pieces:
        details.add([piece])
    blocks: list[dict[str, Any]] = msgspec.json.decode(details.encode())
    return blocks


def test_pieces_of_blocks_that_alternate_are_told_apart() -> None:
    text: dict[str, Any] = {"type": "reasoning.text", "id": None}
    blocks = whole(
        {**text, "index": 0, "text": "a"},
        {**text, "index": 1, "text": "b", "signature": None},
        {**text, "index": 0, "text": "A", "signature": "s"},
        {"type": "reasoning.text", "text": "c"},
        {"type": "reasoning.summary", "summary": "d", "index": 0},
        {"type": "reasoning.summary", "summary": "e"},
    )
    assert blocks == [
        {**text, "index": 0, "text": "aA", "signature": "s"},
        {**text, "index": 1, "text": "bc", "signature": None},
        {"type": "reasoning.summary", "summary": "de", "index": 0},
    ]


def test_blocks_that_come_whole_are_kept_as_they_are_and_once() -> None:
    one = {"type": "reasoning.encrypted", "data": "x", "id": "call_1", "index": 0}
    other = {**one, "id": "call_2"}
    new = {"type": "reasoning.new", "text": "y", "index": 0}
    assert whole(one, other, one, new) == [one, other, new]


@pytest.mark.parametrize("said", [None, [], {}, "x", [None, 7, []]])
def test_what_is_no_list_of_blocks_is_nothing(said: Any) -> None:
    details = Details()
    assert (details.add(said), details.encode()) == ("", "")


@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=5).map(sorted))
def test_any_cut_of_a_text_gives_the_same_block(text: str, cuts: list[int]) -> None:
    start: dict[str, Any] = {"type": "reasoning.text", "index": 0}
    pieces = [
        {**start, "text": text[begin:end]} for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
    ]
    assert whole(*pieces, {**start, "signature": "s"}) == [{**start, "text": text, "signature": "s"}]
