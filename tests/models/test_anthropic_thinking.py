"""Reasoning in Messages: how it is asked for, what comes back, and what goes back to the server."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from akmon_core.errors import SettingsError
from akmon_core.messages import Assistant, Message, Text, Thinking, ToolResult, User
from akmon_core.models import Effort, ModelRow
from akmon_core.stream import ReplyDone, Usage, UsageSeen
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.failures import Server
from akmon_models.protocols.messages.decode import MessagesDecoder
from akmon_models.protocols.messages.encode import encode
from akmon_models.protocols.messages.thinking import (
    BINDING_BETA,
    BUDGETS,
    beta_headers,
    binds,
    reasoning,
    unbound,
)
from akmon_models.providers.anthropic.client import list_models, open_model
from akmon_models.wire.model import Opening
from tests.models.answering import answering
from tests.models.asking import KEY, ask, request
from tests.models.sessions import growing_session

SERVER = Server(provider="p", model="m", url="http://u", key_variable="K", url_variable="U")
HI = User((Text("hi"),))
ADAPTIVE = {"type": "adaptive", "display": "summarized"}


def asked_for(thinking: Any, effort: Effort | None, max_output: int = 100_000) -> dict[str, Any]:
    return reasoning(ModelRow(match="m", thinking=thinking), effort, max_output)


# --- asking ---------------------------------------------------------------------------------------


def test_adaptive_thinking_is_asked_for_with_and_without_an_effort() -> None:
    assert asked_for("adaptive", None) == {"thinking": ADAPTIVE}
    assert asked_for("adaptive", "xhigh") == {"thinking": ADAPTIVE, "output_config": {"effort": "xhigh"}}


def test_thoughts_that_are_bound_to_their_conversation_may_be_dropped() -> None:
    binding = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    assert asked_for("bound", None) == {"thinking": ADAPTIVE | binding}


def test_a_server_of_one_s_own_is_not_asked_to_drop_thoughts() -> None:
    bound = asked_for("bound", "low")
    assert binds(bound)
    assert unbound(bound) == asked_for("adaptive", "low")
    assert not binds(unbound(bound))
    assert unbound({}) == {}


def test_the_name_of_the_beta_stands_beside_those_of_the_user() -> None:
    assert beta_headers({"x-a": "1"}) == {"x-a": "1", "anthropic-beta": BINDING_BETA}
    assert beta_headers({"Anthropic-Beta": "one"}) == {"anthropic-beta": f"one,{BINDING_BETA}"}


def test_models_that_only_know_effort_are_asked_for_it_alone() -> None:
    assert asked_for("effort", "low") == {"output_config": {"effort": "low"}}
    assert asked_for("effort", None) == asked_for(None, None) == asked_for("none", None) == {}


def test_an_unknown_model_is_passed_the_effort_that_the_user_asked_for() -> None:
    assert asked_for(None, "high") == {"output_config": {"effort": "high"}}


@pytest.mark.parametrize("thinking", ["adaptive", "budget", "effort", None])
def test_no_effort_at_all_turns_thinking_off(thinking: Any) -> None:
    assert asked_for(thinking, "none") == {"thinking": {"type": "disabled"}}


def test_a_budget_is_given_only_for_an_effort_and_grows_with_it() -> None:
    assert asked_for("budget", None) == {}
    given = [asked_for("budget", effort)["thinking"] for effort in BUDGETS]
    assert [each["type"] for each in given] == ["enabled"] * len(BUDGETS)
    assert all(one["budget_tokens"] < two["budget_tokens"] for one, two in pairwise(given))


@pytest.mark.parametrize("max_output", [1, 1_024, 1_365, 1_366, 2_000, 8_192, 32_000, 64_000, 1_000_000])
@pytest.mark.parametrize("effort", BUDGETS)
def test_a_budget_is_one_that_the_server_takes(effort: Effort, max_output: int) -> None:
    given = asked_for("budget", effort, max_output)
    if given:
        assert 1_024 <= given["thinking"]["budget_tokens"] < max_output
    else:
        assert max_output < 1_366


def test_an_effort_that_the_model_does_not_take_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="minimal"):
        open_model(opening("claude-opus-5", effort="minimal"))


def opening(model: str, *, effort: Effort | None = None, url: str = "", **headers: str) -> Opening:
    known = row("anthropic", model)
    return Opening(
        facts=facts_of("anthropic", model, known),
        row=known,
        backend=Backend(KEY, url, headers=headers),
        effort=effort,
    )


def test_what_was_asked_for_is_sent_before_the_conversation() -> None:
    with answering(stream(), "text/event-stream") as server:
        events, error = ask(open_model(opening("claude-opus-5-5", effort="low", url=server.url)))
    assert error is None
    assert isinstance(events[-1], ReplyDone)
    assert events[-1].id == "msg_1"
    sent = server.requests[0]
    assert sent.body.startswith(
        b'{"model":"claude-opus-5-5","max_tokens":128000,"stream":true,"cache_control":{"type":"ephemeral"},'
        b'"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"low"},"tools":['
    )
    assert "anthropic-beta" not in sent.headers


def stream(*blocks: list[dict[str, Any]], stop: str = "end_turn", usage: Any = None) -> bytes:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events_of(*blocks, stop=stop, usage=usage)]
    return "".join(lines).encode()


# --- what comes back --------------------------------------------------------------------------------


def events_of(*blocks: list[dict[str, Any]], stop: str = "end_turn", usage: Any = None) -> list[Any]:
    counts = {
        "input_tokens": 30,
        "output_tokens": 2,
        "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 10,
    }
    return [
        {"type": "message_start", "message": {"id": "msg_1", "usage": counts}},
        *(event for each in blocks for event in each),
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage},
        {"type": "message_stop"},
    ]


def fold(*blocks: list[dict[str, Any]], stop: str = "end_turn", usage: Any = None) -> tuple[Any, ReplyDone]:
    folding = MessagesDecoder(SERVER)
    events = events_of(*blocks, stop=stop, usage=usage)
    seen = [event for each in events for event in folding.feed("", json.dumps(each).encode())]
    return seen, folding.finish()


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


@pytest.mark.parametrize(
    "usage",
    [
        {"output_tokens": 9},
        {"output_tokens": 9, "input_tokens": None, "cache_read_input_tokens": None},
        {
            "output_tokens": 9,
            "input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
        {
            "output_tokens": 9,
            "input_tokens": 30,
            "cache_read_input_tokens": 200,
            "cache_creation_input_tokens": 10,
        },
    ],
)
def test_usage_is_the_highest_count_however_the_end_repeats_the_start(usage: dict[str, Any]) -> None:
    seen, done = fold(usage=usage)
    whole = Usage(input_tokens=30, output_tokens=9, cache_read_tokens=200, cache_write_tokens=10)
    assert done.usage == whole
    assert [event.usage for event in seen if isinstance(event, UsageSeen)][-1] == whole


def test_counts_that_the_start_did_not_have_are_taken_from_the_end() -> None:
    _, done = fold(usage={"output_tokens": 1, "input_tokens": 45, "cache_read_input_tokens": 300})
    assert done.usage == Usage(input_tokens=45, output_tokens=2, cache_read_tokens=300, cache_write_tokens=10)


def test_a_reply_knows_its_id() -> None:
    assert fold()[1].id == "msg_1"


def test_a_thought_that_was_cut_never_goes_back() -> None:
    cut = block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "I was abo"})
    _, done = fold(cut, stop="max_tokens")
    assert done.message.parts == (Thinking("I was abo", origin="messages"),)
    sent = said(HI, done.message, User((Text("go on"),)))
    assert [message["role"] for message in sent] == ["user"]


def test_a_call_that_was_cut_before_its_arguments_is_no_call() -> None:
    first = block(0, {"type": "tool_use", "id": "a", "name": "list", "input": {}})
    second = block(1, {"type": "tool_use", "id": "b", "name": "list", "input": {}})
    assert [call.id for call in fold(first, second, stop="max_tokens")[1].message.calls] == ["a"]
    assert [call.id for call in fold(first, second, stop="tool_use")[1].message.calls] == ["a", "b"]


# --- what goes back ---------------------------------------------------------------------------------


def wire(*messages: Message) -> bytes:
    return encode(request(*messages), model="claude-x", max_output=1_000, parameters={"thinking": ADAPTIVE})


def said(*messages: Message) -> Any:
    return msgspec.json.decode(wire(*messages))["messages"]


def test_thoughts_go_back_whole_and_in_their_place_before_the_calls() -> None:
    _, done = fold(
        block(
            0,
            {"type": "thinking", "thinking": ""},
            {"type": "thinking_delta", "thinking": "h"},
            {"type": "thinking_delta", "thinking": "m"},
            {"type": "signature_delta", "signature": "c2ln"},
        ),
        block(1, {"type": "redacted_thinking", "data": "ZW5j"}),
        block(2, {"type": "thinking", "thinking": ""}, {"type": "signature_delta", "signature": "b21pdA=="}),
        block(3, {"type": "tool_use", "id": "tu_1", "name": "shell", "input": {"cmd": "ls"}}),
    )
    assert said(HI, done.message, ToolResult("tu_1", "a.py"))[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "thinking", "thinking": "", "signature": "b21pdA=="},
        {"type": "tool_use", "id": "tu_1", "name": "shell", "input": {"cmd": "ls"}},
    ]


def test_only_thoughts_of_this_protocol_go_back() -> None:
    parts: tuple[Text | Thinking, ...] = (
        Thinking("older journal", "c2ln"),
        Thinking("", "ZW5j", redacted=True),
        *(
            Thinking("other", "c2ln", redacted=redacted, origin=origin)
            for origin in ("chat", "responses", "converse", "ollama")
            for redacted in (False, True)
        ),
        Thinking("older journal of another server", "reasoning_content"),
        Thinking("", "", redacted=True, origin="messages"),
        Text("Yes."),
    )
    assert said(HI, Assistant(parts), HI)[1]["content"] == [
        {"type": "thinking", "thinking": "older journal", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "text", "text": "Yes."},
    ]


# --- the stable prefix ------------------------------------------------------------------------------


def test_thirty_requests_of_a_session_are_each_a_prefix_of_the_next() -> None:
    bodies = [wire(*messages) for messages in growing_session("messages")]
    assert len(bodies) == 30
    assert len(set(bodies)) == 30
    for earlier, later in pairwise(bodies):
        assert earlier.endswith(b"]}]}")
        assert later.startswith(earlier.removesuffix(b"]}]}"))


def test_the_session_of_that_proof_holds_all_kinds_of_blocks() -> None:
    messages = msgspec.json.decode(wire(*growing_session("messages")[-1]))["messages"]
    kinds = {block["type"] for message in messages for block in message["content"]}
    assert kinds == {"text", "image", "thinking", "redacted_thinking", "tool_use", "tool_result"}
    assert all(one["role"] != two["role"] for one, two in pairwise(messages))
    for message in messages:
        behind = [block["type"] for block in message["content"]]
        if "tool_result" in behind:  # the server wants results before anything else
            assert behind.index("tool_result") == 0


# --- the list of models -----------------------------------------------------------------------------


def test_models_are_listed_as_the_server_has_them() -> None:
    import asyncio

    listed = {
        "data": [
            {"id": "claude-b", "display_name": "Claude B", "max_input_tokens": 1_000_000, "type": "model"},
            {"id": "claude-a", "display_name": "Claude A"},
            {"id": "claude-0", "display_name": "Claude 0", "lifecycle": "retired"},
        ],
        "has_more": False,
    }
    with answering(json.dumps(listed).encode(), "application/json") as server:
        models = asyncio.run(list_models(Backend(KEY, server.url)))
    assert [(each.id, each.context_window, each.detail) for each in models] == [
        ("claude-b", 1_000_000, "Claude B"),
        ("claude-a", None, "Claude A"),
    ]
    assert server.requests[0].line == "GET /v1/models?limit=1000 HTTP/1.1"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
