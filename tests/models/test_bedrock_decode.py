"""Folding the events of ConverseStream into replies."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from akmon_core.errors import ProviderError
from akmon_core.messages import StopReason, Text, Thinking, ToolCall
from akmon_core.stream import CallDelta, ReplyDone, StreamEvent, TextDelta, ThinkingDelta, Usage, UsageSeen
from akmon_models.failures import Server
from akmon_models.providers.bedrock.decode import ConverseDecoder
from akmon_models.providers.bedrock.frames import EXCEPTION
from tests.models.eventstream import REPLY, call, delta, ends, stop

SERVER = Server(provider="bedrock", model="m", url="http://u", key_variable="K", url_variable="U")


def folding() -> ConverseDecoder:
    numbers = count(1)
    return ConverseDecoder(SERVER, fresh=lambda: f"fresh_{next(numbers)}")


def fold(events: list[tuple[str, Any]]) -> tuple[list[StreamEvent], ReplyDone]:
    decoder = folding()
    seen = [event for name, data in events for event in decoder.feed(name, json.dumps(data).encode())]
    return seen, decoder.finish()


def test_a_reply_is_folded_whole() -> None:
    seen, done = fold(REPLY)
    assert done.message.parts == (
        Thinking("Let me see.", "c2ln", origin="converse"),
        Text("Hello wörld ✓"),
        ToolCall("tooluse_1", "shell", '{"cmd": "ls"}'),
    )
    assert done.message.stop == "tools"
    assert done.usage == Usage(input_tokens=10, output_tokens=25, cache_read_tokens=60)
    assert seen == [
        ThinkingDelta("Let me "),
        ThinkingDelta("see."),
        TextDelta("Hello wörld "),
        TextDelta("✓"),
        CallDelta(0, "shell", ""),
        CallDelta(0, "", '{"cmd":'),
        CallDelta(0, "", ' "ls"}'),
        UsageSeen(done.usage),
    ]


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        *(("end_turn", "end"), ("stop_sequence", "end"), ("something_new", "end")),
        *(("max_tokens", "length"), ("model_context_window_exceeded", "length")),
        *(("guardrail_intervened", "refused"), ("content_filtered", "refused")),
    ],
)
def test_stop_reasons(reason: str, kept: StopReason) -> None:
    assert fold([delta(0, text="x"), *ends(reason)])[1].message.stop == kept


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_what_the_server_could_not_read_of_its_model_is_no_whole_reply(reason: str) -> None:
    with pytest.raises(ProviderError, match=reason) as caught:
        fold([delta(0, text="x"), *ends(reason)])
    assert caught.value.retryable


@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "max_tokens"])
def test_calls_are_delivered_for_any_reason_to_stop(reason: str) -> None:
    assert fold([*call(0, "a", "f", "{}"), *ends(reason)])[1].message.calls == (ToolCall("a", "f", "{}"),)


def test_a_call_without_arguments_takes_none_unless_it_was_cut() -> None:
    assert fold([*call(0, "a", "f", ""), *ends("tool_use")])[1].message.calls == (ToolCall("a", "f", "{}"),)
    cut = fold([*call(0, "a", "f", '{"a":1}'), *call(1, "b", "f"), *ends("max_tokens")])[1]
    assert [made.id for made in cut.message.calls] == ["a"]


def test_a_text_block_may_have_an_empty_start() -> None:
    start = ("contentBlockStart", {"contentBlockIndex": 0, "start": {}})
    assert fold([start, delta(0, text="x"), *ends("end_turn")])[1].message.parts == (Text("x"),)


def test_redacted_reasoning_keeps_all_its_bytes() -> None:
    pieces = [delta(0, reasoningContent={"redactedContent": piece}) for piece in ("YQ==", "YmM=")]
    _, done = fold([*pieces, stop(0), delta(1, text="x"), *ends("end_turn")])
    assert done.message.parts == (Thinking("", "YWJj", redacted=True, origin="converse"), Text("x"))


def test_a_signature_in_pieces_is_put_together() -> None:
    pieces = [{"text": "hm"}, {"signature": "c2"}, {"signature": "ln"}]
    _, done = fold([*(delta(0, reasoningContent=piece) for piece in pieces), *ends("end_turn")])
    assert done.message.parts == (Thinking("hm", "c2ln", origin="converse"),)


def test_blocks_are_told_apart_without_their_indexes() -> None:
    bare = [(name, {key: data[key] for key in data if key != "contentBlockIndex"}) for name, data in REPLY]
    assert fold(bare)[1].message == fold(REPLY)[1].message
    same = [
        (name, data | {"contentBlockIndex": 0} if "contentBlockIndex" in data else data)
        for name, data in REPLY
    ]
    assert fold(same)[1].message == fold(REPLY)[1].message


def test_calls_without_ids_or_with_the_same_get_their_own() -> None:
    _, done = fold([*call(0, "", "f", "{}"), *call(1, "x", "f"), *call(2, "x", "f"), *ends("tool_use")])
    assert [made.id for made in done.message.calls] == ["fresh_1", "x", "fresh_2"]


def test_a_reply_ends_with_its_stop_reason_even_if_no_usage_follows() -> None:
    decoder = folding()
    for name, data in [delta(0, text="x"), ("messageStop", {"stopReason": "end_turn"})]:
        decoder.feed(name, json.dumps(data).encode())
    assert not decoder.done
    assert decoder.finish().message.text == "x"
    decoder.feed("metadata", b'{"usage":{"inputTokens":1}}')
    assert decoder.done


@pytest.mark.parametrize("kept", range(len(REPLY) - 2))
def test_a_reply_without_its_stop_reason_is_never_whole(kept: int) -> None:
    with pytest.raises(ProviderError, match="messageStop") as caught:
        fold([*REPLY[:kept], REPLY[-1]])
    assert caught.value.kind == "protocol"


def test_events_that_came_later_into_the_protocol_are_left_out() -> None:
    decoder = folding()
    assert decoder.feed("brandNew", b"[oops") == []
    assert decoder.feed("", b"") == []


@pytest.mark.parametrize("data", [b"{oops", b'{"contentBlockIndex": "x"}', b"[]"])
def test_an_event_that_cannot_be_read_is_an_error_of_the_protocol(data: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        folding().feed("contentBlockDelta", data)
    assert caught.value.kind == "protocol"


@pytest.mark.parametrize(
    ("name", "message", "kind"),
    [
        ("throttlingException", "Too many tokens, please wait before trying again.", "rate_limit"),
        ("modelStreamErrorException", "boom", "server"),
        ("internalServerException", "boom", "server"),
        ("serviceUnavailableException", "busy", "overloaded"),
        ("modelNotReadyException", "loading", "overloaded"),
        ("modelTimeoutException", "slow", "timeout"),
        ("accessDeniedException", "no", "authentication"),
        ("resourceNotFoundException", "no", "model_not_found"),
        ("validationException", "Malformed input request", "bad_request"),
        ("validationException", "Input is too long for requested model.", "context_overflow"),
        ("validationException", "prompt is too long: 227255 tokens > 200000 maximum", "context_overflow"),
        ("InternalFailure", "", "server"),
        ("", "", "server"),
    ],
)
def test_exceptions_in_mid_stream_have_their_kind_and_words(name: str, message: str, kind: str) -> None:
    with pytest.raises(ProviderError) as caught:
        folding().feed(EXCEPTION + name, json.dumps({"message": message}).encode())
    assert caught.value.kind == kind
    assert message in str(caught.value)


def test_the_model_s_own_words_are_told_rather_than_the_server_s() -> None:
    said = {"message": "see original", "originalStatusCode": 500, "originalMessage": "out of memory"}
    with pytest.raises(ProviderError, match="out of memory"):
        folding().feed(EXCEPTION + "modelStreamErrorException", json.dumps(said).encode())
