"""The bytes that servers of the Responses protocol are sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_models.protocols.responses.encode import Dialect, encode
from tests.models.asking import request
from tests.models.histories import history

PLAIN = Dialect()
OWN = Dialect(reasons=True, cache_key=True, server="api.openai.com")

HI = User((Text("hi"),))
SUMMARY = '[{"type": "summary_text", "text": "hm"}]'
SIGNED = f'{{"type":"reasoning","summary":{SUMMARY},"id":"rs_1","encrypted_content":"gAAA","server":"%s"}}'


def thought(server: str = "api.openai.com", origin: str = "responses") -> Thinking:
    return Thinking("hm", SIGNED % server, origin=origin)


def wire(*messages: Message, dialect: Dialect = PLAIN) -> bytes:
    return encode(request(*messages), model="m", max_output=1_000, dialect=dialect)


def sent(*messages: Message, dialect: Dialect = PLAIN) -> Any:
    return msgspec.json.decode(wire(*messages, dialect=dialect))["input"]


def kinds(items: Any) -> list[str]:
    return [item["type"] for item in items]


def test_a_request_is_these_bytes() -> None:
    assert wire(
        HI,
        Assistant((Text("Looking."), ToolCall("call_1", "shell", '{"cmd":  "ls"}')), "tools"),
        ToolResult("call_1", "a.py"),
        dialect=OWN,
    ) == (
        b'{"model":"m","stream":true,"store":false,"max_output_tokens":1000,'
        b'"reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"],"prompt_cache_key":"s1",'
        b'"tools":[{"type":"function","name":"shell","description":"Runs a command.",'
        b'"parameters":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"]},'
        b'"strict":false}],"instructions":"Be brief.",'
        b'"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]},'
        b'{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Looking."}]},'
        b'{"type":"function_call","call_id":"call_1","name":"shell","arguments":"{\\"cmd\\":  \\"ls\\"}"},'
        b'{"type":"function_call_output","call_id":"call_1","output":"a.py"}]}'
    )


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    body = msgspec.json.decode(wire(HI))
    assert not {"reasoning", "include", "prompt_cache_key", "temperature"} & set(body)


def test_an_effort_is_sent_with_the_wish_for_a_summary() -> None:
    body = msgspec.json.decode(wire(HI, dialect=Dialect(effort="xhigh")))
    assert body["reasoning"] == {"effort": "xhigh", "summary": "auto"}
    assert body["include"] == ["reasoning.encrypted_content"]


def test_a_long_session_id_is_cut_to_a_cache_key() -> None:
    asked = msgspec.structs.replace(request(), session="s" * 100)
    body = msgspec.json.decode(encode(asked, model="m", max_output=1, dialect=OWN))
    assert body["prompt_cache_key"] == "s" * 64


def test_reasoning_goes_back_as_it_came_before_what_it_led_to() -> None:
    items = sent(
        HI,
        Assistant((thought(), ToolCall("c", "shell", "{}"))),
        ToolResult("c", "x"),
        Assistant((thought(), Text("Done."))),
        HI,
        dialect=OWN,
    )
    assert kinds(items) == [
        *("message", "reasoning", "function_call", "function_call_output"),
        *("reasoning", "message", "message"),
    ]
    assert items[1] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gAAA",
    }


def test_reasoning_that_is_not_encrypted_goes_back_with_its_id_and_text() -> None:
    open_item = (
        '{"type":"reasoning","summary":[],"id":"rs_1","content":[{"type":"reasoning_text","text":"hm"}]}'
    )
    items = sent(HI, Assistant((Thinking("hm", open_item, origin="responses"), Text("x"))), HI)
    assert items[1] == msgspec.json.decode(open_item)


@pytest.mark.parametrize(
    "part",
    [
        *(thought(origin=origin) for origin in ("", "messages", "chat", "converse", "ollama")),
        Thinking("hm", origin="responses"),
        Thinking("hm", "not json", origin="responses"),
        Thinking("hm", '{"type":"message"}', origin="responses"),
        thought(server="other.openai.azure.com"),
    ],
)
def test_reasoning_of_another_protocol_or_server_or_without_proof_stays_here(part: Thinking) -> None:
    assert kinds(sent(HI, Assistant((part, Text("x"))), HI, dialect=OWN)) == ["message"] * 3


@pytest.mark.parametrize("after", [(), (Text(""),), (Text(" \n"), thought())])
def test_reasoning_that_nothing_follows_is_left_out(after: tuple[Text | Thinking, ...]) -> None:
    cut = Assistant((thought(), *after), "interrupted")
    assert kinds(sent(HI, cut, HI, dialect=OWN)) == ["message", "message"]
    kept = Assistant((thought(), Text("x"), thought(), *after), "interrupted")
    assert kinds(sent(HI, kept, HI, dialect=OWN)) == ["message", "reasoning", "message", "message"]


def test_ids_of_other_protocols_become_such_as_are_taken_and_stay_distinct() -> None:
    long = "toolu:" + "x" * 90
    items = sent(
        HI,
        Assistant((ToolCall(long, "shell", "{}"), ToolCall(f"{long}2", "shell", "{}"))),
        ToolResult(f"{long}2", "second"),
        ToolResult(long, "first"),
        Assistant((ToolCall(long, "shell", "{}"), ToolCall("", "shell", "{}"))),
        ToolResult(long, "third"),
        ToolResult("", "fourth"),
    )
    ids = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert len(set(ids)) == 4
    assert all(0 < len(each) <= 64 and ":" not in each for each in ids)
    outputs = {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}
    assert [outputs[each] for each in ids] == ["first", "second", "third", "fourth"]


def test_a_call_without_a_result_is_given_one_and_a_result_without_a_call_is_dropped() -> None:
    items = sent(HI, Assistant((ToolCall("a", "shell", "{}"),)), ToolResult("b", "x"), HI)
    assert kinds(items) == ["message", "function_call", "function_call_output", "message"]
    assert items[2] == {"type": "function_call_output", "call_id": "a", "output": "(no output)"}


def test_images_are_shown_where_they_belong() -> None:
    image = Image("image/png", "aGk=")
    shown = {"type": "input_image", "image_url": "data:image/png;base64,aGk="}
    items = sent(
        User((Text("look"), image)),
        Assistant((ToolCall("a", "shell", "{}"),)),
        ToolResult("a", "shot", images=(image,)),
    )
    assert items[0]["content"] == [{"type": "input_text", "text": "look"}, shown]
    assert items[2]["output"] == [{"type": "input_text", "text": "shot"}, shown]


def test_an_error_says_so_in_its_text() -> None:
    calls = (ToolCall("a", "shell", "{}"), ToolCall("b", "shell", "{}"))
    items = sent(
        HI, Assistant(calls), ToolResult("a", "gone", error=True), ToolResult("b", "Error: x", error=True)
    )
    assert [item["output"] for item in items[3:]] == ["Error: gone", "Error: x"]


def test_arguments_and_names_that_no_server_takes_are_made_such() -> None:
    calls = (ToolCall("a", "no such tool", "{oops"), ToolCall("b", "shell", ""))
    items = sent(HI, Assistant(calls), ToolResult("a", "x"), ToolResult("b", "x"))
    assert (items[1]["name"], items[1]["arguments"]) == ("no_such_tool", '{"unparsed_arguments":"{oops"}')
    assert items[2]["arguments"] == "{}"


@given(history(), st.booleans())
def test_every_history_is_one_that_servers_take(made: tuple[list[Message], int], proven: bool) -> None:
    open_calls: list[str] = []
    used: set[str] = set()
    before = ""
    for item in sent(*(with_proof(message) if proven else message for message in made[0]), dialect=OWN):
        kind = item["type"]
        if before == "reasoning":
            assert kind in ("reasoning", "function_call") or item["role"] == "assistant"
        match kind:
            case "function_call":
                assert item["call_id"] not in used
                used.add(item["call_id"])
                open_calls.append(item["call_id"])
                assert isinstance(msgspec.json.decode(item["arguments"]), dict)
            case "function_call_output":
                open_calls.remove(item["call_id"])
                assert item["output"]
            case "message":
                assert not open_calls or item["role"] == "assistant"
                assert all(part.get("text", "x").strip() for part in item["content"])
        before = kind
    assert not open_calls
    assert before != "reasoning"


def with_proof(message: Message) -> Message:
    if not isinstance(message, Assistant):
        return message
    parts = (thought() if isinstance(part, Thinking) else part for part in message.parts)
    return msgspec.structs.replace(message, parts=tuple(parts))


@given(history(), history())
def test_what_was_sent_once_is_sent_the_same_again(
    made: tuple[list[Message], int], more: tuple[list[Message], int]
) -> None:
    earlier = wire(*made[0], dialect=OWN)
    for later in ((Assistant((thought(), Text("ok"))), *more[0]), (User((Text("more"),)),)):
        assert wire(*made[0], *later, dialect=OWN).startswith(earlier.removesuffix(b"]}"))
