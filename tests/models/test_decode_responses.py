"""What the events of the Responses protocol become."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError
from akmon_core.messages import StopReason, Text, Thinking, ToolCall
from akmon_core.stream import CallDelta, ReplyDone, StreamEvent, TextDelta, ThinkingDelta, Usage, UsageSeen
from akmon_models.failures import Server
from akmon_models.protocols.responses.decode import ResponsesDecoder

SERVER = Server(
    provider="openai", model="m", url="https://api.openai.com/v1", key_variable="K", url_variable="U"
)
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 107,
}

Event = dict[str, Any]


def summary(*texts: str) -> list[dict[str, str]]:
    return [{"type": "summary_text", "text": text} for text in texts]


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": summary("Plan.", "Act."),
    "encrypted_content": "gA",
}
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello wörld", "annotations": []}],
}


def function(number: int = 1, arguments: str = '{"cmd": "ls"}', **more: Any) -> Event:
    item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": "shell"}
    return {**item, "arguments": arguments, **more}


def said(item: Event, at: int) -> list[Event]:
    """How a server tells of an item: it begins, it grows, it is done."""
    begun = {**item, "content": [], "summary": [], "arguments": "", "encrypted_content": None}
    events: list[Event] = [{"type": "response.output_item.added", "item": begun}]
    for part, text in enumerate(item.get("summary", ())):
        kind = "response.reasoning_summary_text.delta"
        events += [{"type": kind, "summary_index": part, "delta": piece} for piece in cut(text["text"])]
    for part, text in enumerate(item.get("content", ())):
        kind = "response.refusal.delta" if "refusal" in text else "response.output_text.delta"
        pieces = cut(text.get("text") or text["refusal"])
        events += [{"type": kind, "content_index": part, "delta": piece} for piece in pieces]
    if arguments := item.get("arguments"):
        kind = "response.function_call_arguments"
        events += [{"type": f"{kind}.delta", "delta": piece} for piece in cut(arguments)]
        events.append({"type": f"{kind}.done", "arguments": arguments})
    events.append({"type": "response.output_item.done", "item": item})
    return [{**event, "output_index": at, "item_id": item.get("id")} for event in events]


def cut(text: str) -> list[str]:
    return [text[:2], text[2:5], text[5:]] if len(text) > 5 else [text]


def stream(*items: Event, end: str = "completed", reason: str | None = None, **more: Any) -> list[Event]:
    response = {"id": "resp_1", "status": end, "output": list(items), "usage": USAGE, **more}
    if reason:
        response["incomplete_details"] = {"reason": reason}
    events = [
        {"type": "response.created", "response": {"id": "resp_1", "output": []}},
        *(event for at, item in enumerate(items) for event in said(item, at)),
        {"type": f"response.{end}", "response": response},
    ]
    return numbered(events)


def numbered(events: list[Event]) -> list[Event]:
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def without(events: list[Event], *fields: str) -> list[Event]:
    return [{name: value for name, value in event.items() if name not in fields} for event in events]


def decoder() -> ResponsesDecoder:
    numbers = count(1)
    return ResponsesDecoder(SERVER, fresh=lambda: f"fresh_{next(numbers)}")


def fold(events: list[Event]) -> tuple[list[StreamEvent], ReplyDone]:
    folding = decoder()
    seen = [e for event in events for e in folding.feed(event["type"], json.dumps(event).encode())]
    return seen, folding.finish()


def shown(events: list[StreamEvent]) -> tuple[str, str, dict[int, tuple[str, str]]]:
    calls: dict[int, tuple[str, str]] = {}
    for event in events:
        if isinstance(event, CallDelta):
            name, arguments = calls.get(event.index, ("", ""))
            calls[event.index] = (name + event.name, arguments + event.arguments)
    return (
        "".join(event.text for event in events if isinstance(event, TextDelta)),
        "".join(event.text for event in events if isinstance(event, ThinkingDelta)),
        calls,
    )


WHOLE = stream(REASONING, MESSAGE, function(1), function(2, "{}"))
EVENTS, REPLY = fold(WHOLE)


def test_a_reply_has_its_parts_in_order_its_usage_and_its_id() -> None:
    thinking, *rest = REPLY.message.parts
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.origin, thinking.redacted) == ("Plan.\n\nAct.", "responses", False)
    assert json.loads(thinking.signature) == {**REASONING, "server": "api.openai.com"}
    assert rest == [
        Text("Hello wörld"),
        ToolCall("call_1", "shell", '{"cmd": "ls"}'),
        ToolCall("call_2", "shell", "{}"),
    ]
    assert REPLY.message.stop == "tools"
    assert REPLY.id == "resp_1"
    assert REPLY.usage == Usage(input_tokens=10, output_tokens=7, cache_read_tokens=60, cache_write_tokens=30)


def test_what_is_shown_on_the_way_is_what_the_reply_says() -> None:
    calls = {0: ("shell", '{"cmd": "ls"}'), 1: ("shell", "{}")}
    assert shown(EVENTS) == ("Hello wörld", "Plan.\n\nAct.", calls)
    assert [event for event in EVENTS if isinstance(event, UsageSeen)] == [UsageSeen(REPLY.usage)]


@given(st.data())
def test_repeated_events_change_nothing(data: st.DataObject) -> None:
    """Each of them again at once, and any stretch of them again later."""
    start, end = sorted(data.draw(st.tuples(*[st.integers(1, len(WHOLE) - 1)] * 2)))
    replayed = [*WHOLE[:end], *WHOLE[start:end], *WHOLE[end:]]
    for events in (replayed, [event for event in WHOLE for _ in range(2)]):
        seen, done = fold(events)
        assert done == REPLY
        assert shown(seen) == shown(EVENTS)


@given(st.sets(st.integers(0, len(WHOLE) - 2)))
def test_the_end_of_a_response_makes_up_for_lost_events(lost: set[int]) -> None:
    _, done = fold([event for at, event in enumerate(WHOLE) if at not in lost])
    assert done == REPLY


@given(st.sets(st.integers(1, len(WHOLE) - 2), min_size=1))
def test_lost_events_that_nothing_makes_up_for_never_leave_half_an_item(lost: set[int]) -> None:
    end = {**WHOLE[-1], "response": {**WHOLE[-1]["response"], "output": []}}
    parts, error = outcome([event for at, event in enumerate([*WHOLE[:-1], end]) if at not in lost])
    assert parts <= set(REPLY.message.parts)
    assert error is None or error.kind == "protocol"


def outcome(events: list[Event]) -> tuple[set[Any], ProviderError | None]:
    try:
        return set(fold(events)[1].message.parts), None
    except ProviderError as error:
        return set(), error


def test_a_server_without_numbers_ids_or_indexes_is_understood() -> None:
    for fields in (("sequence_number",), ("output_index",), ("sequence_number", "output_index")):
        assert fold(without(WHOLE, *fields)) == (EVENTS, REPLY)
    one_index = [{**event, "output_index": 0} if "output_index" in event else event for event in WHOLE]
    assert fold(one_index) == (EVENTS, REPLY)


def test_a_server_that_numbers_its_last_events_anew_is_understood() -> None:
    body = [event for event in WHOLE if ".done" not in event["type"] and "completed" not in event["type"]]
    ends = [event for event in WHOLE if event not in body]
    seen, done = fold([*numbered(body), *numbered(ends)])
    assert done == REPLY
    assert shown(seen)[0] == "Hello wörld"


def test_ids_that_change_from_event_to_event_are_understood_by_their_indexes() -> None:
    """As a gateway does that encrypts them anew each time."""
    numbers = count()
    changing: list[Event] = []
    for event in WHOLE[:-1]:
        new = {**event, "item_id": f"id_{next(numbers)}"}
        if "item" in event:
            new["item"] = {**event["item"], "id": f"id_{next(numbers)}"}
        changing.append(new)
    _, done = fold([*changing, WHOLE[-1]])
    assert done.message.parts[1:] == REPLY.message.parts[1:]


def test_deltas_alone_make_a_reply_if_nothing_else_tells() -> None:
    events = [event for event in WHOLE if not event["type"].endswith(".done")]
    events[-1] = {**events[-1], "response": {**events[-1]["response"], "output": None}}
    _, done = fold(numbered(events))
    assert done.message.text == "Hello wörld"
    assert done.message.calls == REPLY.message.calls


def test_what_an_item_says_when_it_is_done_counts_more_than_its_deltas() -> None:
    events = without(stream(MESSAGE, function()), "sequence_number")
    doubled = [event for event in events for _ in range(2 if event["type"].endswith(".delta") else 1)]
    _, done = fold(doubled)
    assert done.message.text == "Hello wörld"
    assert done.message.calls == (ToolCall("call_1", "shell", '{"cmd": "ls"}'),)


def test_whole_arguments_count_more_than_their_deltas_also_if_the_item_is_never_done() -> None:
    events = [event for event in stream(function()) if event["type"] != "response.output_item.done"]
    events[-1]["response"]["output"] = []
    half = [event for event in events if event.get("delta") != '{"']
    _, done = fold(numbered(half))
    assert done.message.calls == (ToolCall("call_1", "shell", '{"cmd": "ls"}'),)


def test_a_reply_that_comes_whole_at_its_end_is_shown() -> None:
    seen, done = fold([WHOLE[0], WHOLE[-1]])
    assert done.message == REPLY.message
    assert shown(seen) == shown(EVENTS)


def test_a_call_whose_name_comes_late_is_shown_when_it_is_known() -> None:
    events = [e for e in stream(function()) if e["type"] != "response.output_item.added"]
    seen, done = fold(events)
    assert shown(seen)[2] == {0: ("shell", '{"cmd": "ls"}')}
    assert done.message.calls == (ToolCall("call_1", "shell", '{"cmd": "ls"}'),)


def test_calls_without_an_id_or_with_that_of_another_get_a_fresh_one() -> None:
    calls = (function(1, call_id=None), function(2, call_id="same"), function(3, call_id="same"))
    _, done = fold(stream(*calls))
    assert [call.id for call in done.message.calls] == ["fresh_1", "same", "fresh_2"]


def test_several_messages_are_paragraphs_of_one_text() -> None:
    again = {**MESSAGE, "id": "msg_2"}
    seen, done = fold(stream(MESSAGE, function(), again))
    assert done.message.text == "Hello wörld\n\nHello wörld" == shown(seen)[0]


def test_reasoning_that_is_shown_itself_is_thinking_and_kept_to_be_sent_back() -> None:
    item = {
        "type": "reasoning",
        "id": "rs",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    }
    events = stream(item)
    for event in events:
        event["type"] = event["type"].replace("output_text", "reasoning_text")
    seen, done = fold(events)
    assert shown(seen)[1] == "hm"
    (part,) = done.message.parts
    assert isinstance(part, Thinking)
    assert part.text == "hm"
    assert json.loads(part.signature) == {**item, "server": "api.openai.com"}


def test_hidden_reasoning_is_kept_to_be_sent_back() -> None:
    seen, done = fold(stream({**REASONING, "summary": []}, MESSAGE))
    part = done.message.parts[0]
    assert isinstance(part, Thinking)
    assert part.redacted
    assert json.loads(part.signature)["encrypted_content"] == "gA"
    assert shown(seen)[1] == ""


def test_reasoning_without_proof_has_no_signature() -> None:
    _, done = fold(stream({**REASONING, "encrypted_content": None}, MESSAGE))
    assert done.message.parts[0] == Thinking("Plan.\n\nAct.", origin="responses")


@pytest.mark.parametrize(
    ("reason", "stop"), [("max_output_tokens", "length"), ("content_filter", "refused"), ("new", "length")]
)
def test_an_incomplete_reply_says_why(reason: str, stop: StopReason) -> None:
    _, done = fold(stream(MESSAGE, end="incomplete", reason=reason))
    assert (done.message.stop, done.message.text) == (stop, "Hello wörld")
    assert done.usage == REPLY.usage


def test_a_call_that_a_limit_cut_is_not_made_up() -> None:
    items = (
        function(1),
        function(2, '{"cmd": "rm', status="incomplete"),
        function(3, "", status="incomplete"),
    )
    _, done = fold(stream(*items, end="incomplete", reason="max_output_tokens"))
    assert done.message.calls == (
        ToolCall("call_1", "shell", '{"cmd": "ls"}'),
        ToolCall("call_2", "shell", '{"cmd": "rm'),
    )
    assert done.message.stop == "length"


def test_the_calls_of_a_reply_that_a_filter_cut_are_not_there() -> None:
    _, done = fold(stream(MESSAGE, function(), end="incomplete", reason="content_filter"))
    assert (done.message.calls, done.message.stop) == ((), "refused")


def test_a_refusal_is_text_of_a_refused_reply() -> None:
    item = {**MESSAGE, "content": [{"type": "refusal", "refusal": "I will not."}]}
    seen, done = fold(stream(item))
    assert (done.message.text, done.message.stop) == ("I will not.", "refused")
    assert shown(seen)[0] == "I will not."


def test_a_reply_without_content_is_one() -> None:
    _, done = fold(stream())
    assert (done.message.parts, done.message.stop) == ((), "end")


@pytest.mark.parametrize(
    "events", [[], WHOLE[:1], WHOLE[:-1], [*WHOLE[:-1], {"type": "response.queued"}]], ids=len
)
def test_a_reply_without_its_last_event_is_broken_off(events: list[Event]) -> None:
    with pytest.raises(ProviderError, match="broke off") as failed:
        fold(events)
    assert failed.value.retryable


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None}, "rate_limit"),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, "bad_request"),
        ({"type": "error", "error": {"code": "context_length_exceeded", "message": "x"}}, "context_overflow"),
        ({"type": "", "error": {"message": "boom"}}, "server"),
        ({"type": "response.failed", "response": {"error": {"code": "server_error"}}}, "server"),
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}},
            "rate_limit",
        ),
        ({"type": "response.failed", "response": {"error": {"code": "invalid_prompt"}}}, "bad_request"),
        ({"type": "response.failed", "response": {"error": {"code": "image_too_large"}}}, "bad_request"),
        ({"type": "response.failed"}, "server"),
        ({"type": "response.completed", "response": {"status": "failed", "error": None}}, "server"),
    ],
)
def test_an_error_of_any_shape_is_the_right_one(event: Event, kind: str) -> None:
    with pytest.raises(ProviderError) as failed:
        fold([*WHOLE[:5], event])
    assert failed.value.kind == kind


def test_the_words_and_the_usage_of_a_failed_reply_are_passed_on() -> None:
    failed = {"error": {"code": "server_error", "message": "The model fell over."}, "usage": USAGE}
    folding = decoder()
    event = {"type": "response.failed", "response": {"status": "failed", **failed}}
    assert folding.feed("", json.dumps(event).encode()) == [UsageSeen(REPLY.usage)]
    assert folding.done
    with pytest.raises(ProviderError, match="The model fell over"):
        folding.finish()


@pytest.mark.parametrize(
    "strange",
    [
        {"type": "response.brand_new", "delta": 7, "item": "x", "response": [], "output_index": "y"},
        {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "x"}},
        {
            "type": "response.output_item.added",
            "output_index": 9,
            "item": {"type": "web_search_call", "content": 7, "id": []},
        },
        {"type": "response.output_item.done", "output_index": 9, "item": {"type": "mcp_call", "name": 1}},
        {"type": "response.output_text.done", "output_index": 1, "text": "something else"},
        {"type": "keepalive"},
        {"brand": "new", "type": ""},
    ],
)
def test_events_of_no_concern_change_nothing(strange: Event) -> None:
    for at in range(1, len(WHOLE)):
        seen, done = fold([*WHOLE[:at], strange, *WHOLE[at:]])
        assert (seen, done) == (EVENTS, REPLY)


def test_the_name_of_an_event_stands_for_its_type() -> None:
    folding = decoder()
    for event in WHOLE:
        bare = {name: value for name, value in event.items() if name != "type"}
        folding.feed(event["type"], json.dumps(bare).encode())
    assert folding.finish() == REPLY


def test_an_end_in_the_manner_of_chat_is_none() -> None:
    folding = decoder()
    assert folding.feed("", b"[DONE]") == []
    assert not folding.done


@pytest.mark.parametrize(
    "event",
    [
        b"{oops",
        b'{"type": "response.output_text.delta", "delta": 7}',
        b'{"type": "response.output_item.done", "item": {"type": "message", "content": "x"}}',
        b'{"type": "response.output_item.done", "item": {"type": "reasoning", "encrypted_content": 7}}',
        b'{"type": "response.completed", "response": {"usage": "x"}}',
    ],
)
def test_a_damaged_event_breaks_the_reply_off(event: bytes) -> None:
    with pytest.raises(ProviderError, match="broke off") as failed:
        decoder().feed("", event)
    assert failed.value.kind == "protocol"
