"""Folding the events of both protocols into replies."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError
from akmon_core.messages import StopReason, Text, Thinking, ToolCall
from akmon_core.stream import CallDelta, ReplyDone, StreamEvent, TextDelta, ThinkingDelta, Usage, UsageSeen
from akmon_models.failures import Server
from akmon_models.protocols.chat.decode import ChatDecoder
from akmon_models.protocols.messages.decode import MessagesDecoder
from akmon_models.wire.reply import Decoder, merge
from akmon_models.wire.sse import SseDecoder
from tests.models.faults import Protocol, anthropic_events, encode, openai_events

SERVER = Server(provider="p", model="m", url="http://u", key_variable="K", url_variable="U")


def decoder(protocol: Protocol) -> Decoder:
    numbers = count(1)

    def fresh() -> str:
        return f"fresh_{next(numbers)}"

    if protocol == "anthropic":
        return MessagesDecoder(SERVER, fresh=fresh)
    return ChatDecoder(SERVER, fresh=fresh)


def fold(protocol: Protocol, events: list[dict[str, Any]]) -> tuple[list[StreamEvent], ReplyDone]:
    folding = decoder(protocol)
    seen = [e for event in events for e in folding.feed(event.get("type", ""), json.dumps(event).encode())]
    return seen, folding.finish()


def chat(*deltas: dict[str, Any], finish: str | None = "stop", usage: Any = None) -> list[dict[str, Any]]:
    chunks = [{"choices": [{"delta": delta}], "usage": None} for delta in deltas]
    return [*chunks, {"choices": [{"delta": {}, "finish_reason": finish}]}, {"choices": [], "usage": usage}]


def call(index: int | None, call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    piece: dict[str, Any] = {"function": {"name": name, "arguments": arguments}, "id": call_id}
    return {"tool_calls": [piece if index is None else {**piece, "index": index}]}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def messages(
    *blocks: list[dict[str, Any]], stop: str = "end_turn", usage: Any = None
) -> list[dict[str, Any]]:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}}
    ends = [
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage},
        {"type": "message_stop"},
    ]
    return [start, *(event for each in blocks for event in each), *ends]


def plain(events: list[StreamEvent]) -> tuple[str, str, dict[int, tuple[str, str]], list[Usage]]:
    """What a client makes of the events, whatever their cuts."""
    calls: dict[int, tuple[str, str]] = {}
    for event in events:
        if isinstance(event, CallDelta):
            name, arguments = calls.get(event.index, ("", ""))
            calls[event.index] = (name + event.name, arguments + event.arguments)
    return (
        "".join(event.text for event in events if isinstance(event, TextDelta)),
        "".join(event.text for event in events if isinstance(event, ThinkingDelta)),
        calls,
        [event.usage for event in events if isinstance(event, UsageSeen)][-1:],
    )


@pytest.mark.parametrize("protocol", get_args(Protocol))
@given(data=st.data())
def test_any_chunking_of_the_bytes_gives_the_same_reply(protocol: Protocol, data: st.DataObject) -> None:
    wire = b"".join(encode(protocol))
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=12).map(sorted))
    whole_events, whole = fold(protocol, openai_events() if protocol == "openai" else anthropic_events())
    sse, folding, events = SseDecoder(), decoder(protocol), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        decoded = sse.feed(wire[start:end])
        events += merge([event for name, payload in decoded for event in folding.feed(name, payload)])
    assert folding.done
    assert folding.finish() == whole
    assert plain(events) == plain(whole_events)


# --- Chat Completions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        *(("stop", "end"), ("eos", "end"), ("content_filter", "refused")),
        *(("length", "length"), ("model_length", "length"), ("max_tokens", "length")),
    ],
)
def test_chat_stop_reasons(finish: str, stop: StopReason) -> None:
    assert fold("openai", chat({"content": "x"}, finish=finish))[1].message.stop == stop


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
def test_chat_replies_that_the_server_gave_up_are_not_whole(finish: str) -> None:
    with pytest.raises(ProviderError, match=finish) as failed:
        fold("openai", chat({"content": "x"}, finish=finish))
    assert failed.value.retryable


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "length", "eos", "function_call"])
def test_chat_calls_are_delivered_for_any_reason_to_finish(finish: str) -> None:
    _, done = fold("openai", chat(call(0, "c1", "shell", "{}"), finish=finish))
    assert done.message.calls == (ToolCall("c1", "shell", "{}"),)


def test_chat_calls_that_must_not_be_run_are_left_out() -> None:
    two = [call(0, "a", "f", "{}"), call(1, "b", "g", "")]
    kept = {
        finish: [each.id for each in fold("openai", chat(*two, finish=finish))[1].message.calls]
        for finish in ("tool_calls", "length", "content_filter")
    }
    assert kept == {"tool_calls": ["a", "b"], "length": ["a"], "content_filter": []}


def test_chat_reasoning_is_thinking_that_knows_its_field() -> None:
    seen, done = fold(
        "openai", chat({"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "x"})
    )
    assert done.message.parts == (Thinking("hm", "reasoning_content", origin="chat"), Text("x"))
    assert plain(seen)[:2] == ("x", "hm")
    _, other = fold("openai", chat({"reasoning": "hm"}))
    assert other.message.parts == (Thinking("hm", "reasoning", origin="chat"),)


def test_chat_reasoning_in_both_fields_is_read_once() -> None:
    _, done = fold("openai", chat({"reasoning_content": "hm", "reasoning": "hm"}))
    assert done.message.parts == (Thinking("hm", "reasoning_content", origin="chat"),)


def test_chat_refusal_is_text_of_a_refused_reply() -> None:
    _, done = fold("openai", chat({"refusal": "I will "}, {"refusal": "not."}))
    assert (done.message.text, done.message.stop) == ("I will not.", "refused")


def test_chat_usage_excludes_what_the_cache_gave() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    }
    _, done = fold("openai", chat({"content": "x"}, usage=usage))
    assert done.usage == Usage(input_tokens=10, output_tokens=7, cache_read_tokens=60, cache_write_tokens=30)


def test_chat_usage_in_every_chunk_is_cumulative() -> None:
    chunks = chat({"content": "a"}, {"content": "b"}, usage={"prompt_tokens": 5, "completion_tokens": 3})
    for number, chunk in enumerate(chunks[:2], 1):
        chunk["usage"] = {"prompt_tokens": 5, "completion_tokens": number}
    seen, done = fold("openai", chunks)
    assert done.usage == Usage(input_tokens=5, output_tokens=3)
    assert [event.usage.output_tokens for event in seen if isinstance(event, UsageSeen)] == [1, 2, 3]


def tally(*reports: Any, dollars: bool = False) -> ReplyDone:
    """What is counted if each chunk carries one of ``reports`` as its usage."""
    folding = ChatDecoder(SERVER, dollars=dollars)
    for report in reports:
        folding.feed("", json.dumps({"choices": [{"delta": {"content": "x"}}], "usage": report}).encode())
    folding.feed("", b'{"choices": [{"finish_reason": "stop"}]}')
    return folding.finish()


FULL = {"prompt_tokens": 90, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 60}}
COUNTED = Usage(input_tokens=30, output_tokens=9, cache_read_tokens=60)


@pytest.mark.parametrize(
    "reports",
    [
        [FULL],
        [None, FULL, None],
        [{"prompt_tokens": 90, "completion_tokens": 2}, FULL],
        [FULL, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}],
        [{"prompt_tokens": 0, "completion_tokens": 0}, FULL, {}, FULL],
        [{"prompt_tokens": 90, "prompt_tokens_details": None}, {"completion_tokens": 9}, FULL],
        [FULL, {"prompt_tokens": "90", "completion_tokens": -1, "prompt_tokens_details": 7}, 5, "none"],
    ],
)
def test_chat_usage_is_counted_once_whichever_chunks_carry_it(reports: list[Any]) -> None:
    assert tally(*reports).usage == COUNTED


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 50))
def test_chat_usage_is_the_largest_of_all_reports(counts: list[int], last: int) -> None:
    reports = [{"prompt_tokens": count, "completion_tokens": count} for count in (*counts, last)]
    largest = max(*counts, last)
    assert tally(*reports).usage == Usage(input_tokens=largest, output_tokens=largest)


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        (
            {"prompt_tokens": 90, "prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 30},
            Usage(input_tokens=30, cache_read_tokens=60),
        ),
        ({"prompt_tokens": 90, "cached_tokens": 60}, Usage(input_tokens=30, cache_read_tokens=60)),
        (
            {"prompt_tokens": 90, "prompt_tokens_details": {"cache_creation_tokens": 60}},
            Usage(input_tokens=30, cache_write_tokens=60),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 9,
                "total_tokens": 19,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(input_tokens=10, output_tokens=9),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 19,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(input_tokens=10, output_tokens=9),
        ),
    ],
    ids=["DeepSeek", "Moonshot", "LiteLLM", "OpenAI", "xAI"],
)
def test_chat_usage_is_read_as_each_server_means_it(report: dict[str, Any], usage: Usage) -> None:
    assert tally(report).usage == usage


def test_chat_usage_of_groq_and_moonshot_comes_in_places_of_their_own() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 3}
    groq = {"choices": [{"finish_reason": "stop"}], "x_groq": {"id": "req_1", "usage": usage}}
    moonshot = {"choices": [{"finish_reason": "stop", "usage": usage}]}
    for last in (groq, moonshot):
        seen, done = fold("openai", [last])
        assert done.usage == Usage(input_tokens=5, output_tokens=3)
        assert seen == [UsageSeen(done.usage)]


@pytest.mark.parametrize(
    ("reports", "cost"),
    [
        ([FULL], None),
        ([{"cost": 0}], 0),
        ([{"cost": 0.25}, {"cost": 0}, None], 0.25),
        ([{"cost": 0.25, "cost_details": {"upstream_inference_cost": 0.25}}], 0.25),
        ([{"cost": 0.05, "is_byok": True, "cost_details": {"upstream_inference_cost": 1.0}}], 1.05),
        ([{"cost": None, "is_byok": True, "cost_details": {"upstream_inference_cost": 1.0}}], 1.0),
        ([{"cost": 0.05, "is_byok": True, "cost_details": None}], 0.05),
        ([{"cost": {"total_cost": 1}}], None),
    ],
)
def test_chat_cost_is_what_the_account_and_its_own_key_are_charged(
    reports: list[Any], cost: float | None
) -> None:
    assert tally(*reports, dollars=True).cost == cost
    assert tally(*reports).cost is None


def test_chat_replies_have_the_id_of_their_chunks() -> None:
    chunks = [{"id": "", "choices": []}, {"id": "gen-1", "choices": []}, *chat({"content": "x"})]
    assert fold("openai", chunks)[1].id == "gen-1"
    assert fold("openai", chat({"content": "x"}))[1].id == ""


@pytest.mark.parametrize(
    "deltas",
    [
        [call(0, "a", "f", "{"), call(0, None, None, "}"), call(1, "b", "g", "[]")],
        [call(0, "a", "f", "{"), call(0, "a", "f", "}"), call(1, "b", "g", "[]")],
        [call(None, "a", "f", "{"), call(None, None, None, "}"), call(None, "b", "g", "[]")],
        [call(None, "a", "f", "{"), call(None, "a", None, "}"), call(None, "b", "g", "[]")],
        [call(0, "a", "f", "{}"), call(0, "b", "g", "[]")],
        [call(3, "a", "f", "{"), call(7, "b", "g", "[]"), call(3, None, None, "}")],
    ],
)
def test_chat_calls_are_told_apart_by_whatever_the_server_gives(deltas: list[dict[str, Any]]) -> None:
    seen, done = fold("openai", chat(*deltas))
    assert done.message.calls == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]"))
    assert plain(seen)[2] == {0: ("f", "{}"), 1: ("g", "[]")}


def test_chat_calls_without_ids_or_with_the_same_get_their_own() -> None:
    deltas = [call(0, None, "f", "{}"), call(1, "x", "f", "{}"), call(2, "x", "f", "{}")]
    _, done = fold("openai", chat(*deltas))
    assert [made.id for made in done.message.calls] == ["fresh_1", "x", "fresh_2"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"a": 1}, '{"a":1}'), ({}, "{}"), ([], "[]"), (None, ""), ('{"a"', '{"a"')],
)
def test_chat_arguments_may_be_the_object_itself(arguments: Any, text: str) -> None:
    seen, done = fold("openai", chat(call(None, "c", "f", arguments)))
    assert done.message.calls == (ToolCall("c", "f", text),)
    assert plain(seen)[2] == {0: ("f", text)}


def test_chat_content_may_be_a_list_of_parts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    parts = [{"type": "text", "text": "Hel"}, {"type": "image_url"}, "?", {"type": "text", "text": "lo"}]
    seen, done = fold("openai", chat({"content": [thinking]}, {"content": parts}, {"content": []}))
    assert done.message.parts == (Thinking("hm", origin="chat"), Text("Hello"))
    assert plain(seen)[:2] == ("Hello", "hm")


def test_chat_needs_a_reason_to_finish() -> None:
    with pytest.raises(ProviderError, match="finish_reason") as caught:
        fold("openai", chat({"content": "x"}, finish=None))
    assert caught.value.kind == "protocol"


def test_chat_null_and_missing_fields_are_nothing() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"choices": None},
        {"choices": []},
        {"error": None, "choices": [{"delta": None}]},
    ]
    _, done = fold("openai", [*odd, *chat({"content": None, "tool_calls": None}, {"content": "x"})])
    assert done.message.parts == (Text("x"),)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"message": "x", "type": "rate_limit_error"}}, "rate_limit"),
        ({"error": {"message": "x", "code": 429}}, "rate_limit"),
        (
            {"error": {"message": "maximum context length is 5", "type": "invalid_request_error"}},
            "context_overflow",
        ),
        ({"error": "x"}, "server"),
        ({"object": "error", "message": "x", "code": 400}, "bad_request"),
        ({"error": {"message": "x", "type": "invalid_request_error"}}, "bad_request"),
        (
            {
                "choices": [{"delta": {"content": ""}, "finish_reason": "error"}],
                "error": {"code": 429, "message": "Rate limit exceeded", "metadata": {"provider_name": "P"}},
            },
            "rate_limit",
        ),
        ({"choices": [], "error": {"code": 400, "message": "Token limit reached"}}, "context_overflow"),
        ({"choices": [{"error": {"code": 502, "message": "x"}, "finish_reason": "error"}]}, "server"),
        (
            {
                "error": {
                    "code": 400,
                    "message": "Provider returned error",
                    "metadata": {"raw": '{"error":{"message":"prompt is too long"}}', "provider_name": "P"},
                }
            },
            "context_overflow",
        ),
        (
            {
                "error": {
                    "message": "Failed to call a function.",
                    "type": "invalid_request_error",
                    "code": "tool_use_failed",
                    "failed_generation": "<function=x>",
                    "status_code": 400,
                }
            },
            "server",
        ),
        ({"choices": [], "x_groq": {"id": "r", "error": "over capacity"}}, "server"),
    ],
)
def test_chat_errors_in_mid_stream_have_their_kind(error: dict[str, Any], kind: str) -> None:
    with pytest.raises(ProviderError) as caught:
        fold("openai", [error])
    assert caught.value.kind == kind


# --- Messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refused"),
        ("pause_turn", "length"),
        ("something_new", "end"),
    ],
)
def test_messages_stop_reasons(reason: str, stop: StopReason) -> None:
    assert fold("anthropic", messages(stop=reason))[1].message.stop == stop


def test_messages_thinking_keeps_its_signature_and_its_place() -> None:
    _, done = fold(
        "anthropic",
        messages(
            block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            block(1, {"type": "redacted_thinking", "data": "ZW5j"}),
            block(2, {"type": "thinking", "thinking": ""}, {"type": "signature_delta", "signature": "c2ln"}),
            block(3, {"type": "text", "text": "So"}, {"type": "text_delta", "text": " it is."}),
        ),
    )
    assert done.message.parts == (
        Thinking("hm", "c2ln", origin="messages"),
        Thinking("", "ZW5j", redacted=True, origin="messages"),
        Thinking("", "c2ln", origin="messages"),
        Text("So it is."),
    )


def test_messages_usage_is_cumulative_and_a_missing_count_keeps_the_earlier() -> None:
    usage = {"output_tokens": 9, "input_tokens": None, "cache_read_input_tokens": 4}
    _, done = fold("anthropic", messages(usage=usage))
    assert done.usage == Usage(input_tokens=3, output_tokens=9, cache_read_tokens=4)


@pytest.mark.parametrize(
    ("start", "pieces", "arguments"),
    [({}, ['{"a"', ":1}"], '{"a":1}'), ({}, [], "{}"), ({"a": 1}, [], '{"a": 1}'), ({}, ["{oops"], "{oops")],
)
def test_messages_arguments_are_what_was_streamed_or_came_with_the_start(
    start: dict[str, Any], pieces: list[str], arguments: str
) -> None:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": start}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    _, done = fold("anthropic", messages(block(0, tool, *deltas), stop="end_turn"))
    assert done.message.calls == (ToolCall("t", "f", arguments),)
    assert done.message.stop == "tools"


def test_messages_blocks_of_unknown_kinds_are_left_out() -> None:
    _, done = fold(
        "anthropic",
        messages(
            block(0, {"type": "server_tool_use", "id": "s", "name": "web", "input": {"q": 1}}),
            block(1, {"type": "text", "text": "x"}, {"type": "citations_delta", "citation": {}}),
        ),
    )
    assert done.message.parts == (Text("x"),)


@pytest.mark.parametrize("missing", ["message_delta", "message_stop"])
def test_messages_need_both_signs_of_their_end(missing: str) -> None:
    events = [event for event in messages() if event["type"] != missing]
    with pytest.raises(ProviderError) as caught:
        fold("anthropic", events)
    assert caught.value.kind == "protocol"
