"""The bytes that Chat Completions servers are sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_models.history import without_images
from akmon_models.protocols.chat.encode import Dialect, encode
from tests.models.asking import request
from tests.models.histories import history

COMPATIBLE = Dialect()
OWN = Dialect(
    output_name="max_completion_tokens",
    cache_key=True,
    reasoning_back=(),
    parameters={"reasoning_effort": "none"},
)
ROUTER = Dialect(session_id=True, reasoning_back=("reasoning", "reasoning_details"))


def wire(*messages: Message, dialect: Dialect = COMPATIBLE) -> bytes:
    return encode(request(*messages), model="m", max_output=1_000, dialect=dialect)


def said(*messages: Message, dialect: Dialect = COMPATIBLE) -> Any:
    return msgspec.json.decode(wire(*messages, dialect=dialect))["messages"][1:]


HI = User((Text("hi"),))
CALL = ToolCall("a", "shell", "{}")


def test_a_request_is_these_bytes() -> None:
    sent = wire(
        HI,
        Assistant((Text("Looking."), ToolCall("call_1", "shell", '{"cmd":  "ls"}')), "tools"),
        ToolResult("call_1", "a.py"),
    )
    assert sent == (
        b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":1000,'
        b'"tools":[{"type":"function","function":{"name":"shell","description":"Runs a command.",'
        b'"parameters":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"]}}}],'
        b'"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"},'
        b'{"role":"assistant","content":"Looking.","tool_calls":[{"type":"function","id":"call_1",'
        b'"function":{"name":"shell","arguments":"{\\"cmd\\":  \\"ls\\"}"}}]},'
        b'{"role":"tool","tool_call_id":"call_1","content":"a.py"}]}'
    )


def test_openai_itself_gets_its_own_parameters() -> None:
    sent = msgspec.json.decode(wire(HI, dialect=OWN))
    assert sent["max_completion_tokens"] == 1_000
    assert sent["prompt_cache_key"] == "s1"
    assert sent["reasoning_effort"] == "none"
    assert not {"max_tokens", "temperature"} & set(sent)


def test_a_router_is_told_the_session() -> None:
    sent = msgspec.json.decode(wire(HI, dialect=ROUTER))
    assert sent["session_id"] == "s1"
    assert "session_id" not in msgspec.json.decode(wire(HI))


def test_arguments_that_are_no_object_go_back_as_text_in_one() -> None:
    calls = tuple(ToolCall(f"c{at}", "shell", arguments) for at, arguments in enumerate(("{oops", "[1]", "")))
    sent = [call["function"]["arguments"] for call in said(HI, Assistant(calls))[1]["tool_calls"]]
    assert sent == ['{"unparsed_arguments":"{oops"}', '{"unparsed_arguments":"[1]"}', "{}"]


def test_images_of_results_follow_after_all_results() -> None:
    image = Image("image/png", "aGk=")
    calls = (ToolCall("a", "shell", "{}"), ToolCall("b", "shell", "{}"))
    messages = said(HI, Assistant(calls), ToolResult("a", "shot", images=(image,)), ToolResult("b", "x"), HI)
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert messages[4]["content"] == [
        {"type": "text", "text": "The images that call a returned:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "text", "text": "hi"},
    ]


def test_a_model_without_eyes_is_told_of_images_in_words() -> None:
    image = Image("image/png", "aGk=")
    seen = (User((Text("look"), image)), Assistant((CALL,)), ToolResult("a", "shot", images=(image,)))
    told = said(*without_images(seen))
    assert [message["role"] for message in told] == ["user", "assistant", "tool"]
    assert told[0]["content"].startswith("look\n\n[an image (image/png)")
    assert told[2]["content"].startswith("shot\n\n[an image (image/png)")


@given(history())
def test_without_images_nothing_else_of_a_history_changes(made: tuple[list[Message], int]) -> None:
    before = tuple(made[0])
    after = without_images(before)
    assert b"aGk=" not in msgspec.json.encode(after)
    assert without_images(after) == after
    assert len(after) == len(before)
    same = [message for message in before if b"aGk=" not in msgspec.json.encode(message)]
    assert [message for message in after if message in same] == same


def test_an_error_says_so_in_its_text() -> None:
    calls = (ToolCall("a", "shell", "{}"), ToolCall("b", "shell", "{}"))
    messages = said(
        HI,
        Assistant(calls),
        ToolResult("a", "no such file", error=True),
        ToolResult("b", "Error: x", error=True),
    )
    assert [message["content"] for message in messages[2:]] == ["Error: no such file", "Error: x"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_goes_back_along_with_calls_in_the_field_that_it_came_in(field: str) -> None:
    thought = Thinking("hm", field, origin="chat")
    parts = (thought, Thinking("proven elsewhere", field, origin="messages"), Text("Yes."))
    assert said(HI, Assistant((*parts, CALL)))[1][field] == "hm"
    assert field not in said(HI, Assistant(parts))[1]
    assert field not in said(HI, Assistant((*parts, CALL)), dialect=OWN)[1]


def test_blocks_of_reasoning_go_back_byte_for_byte_and_only_where_they_are_read() -> None:
    blocks = '[{"type":"reasoning.text","text":"hm","signature":"c2ln","index":0}]'
    reply = Assistant((Thinking("hm", blocks, origin="chat"), CALL))
    assert f'"reasoning_details":{blocks}'.encode() in wire(HI, reply, dialect=ROUTER)
    assert "reasoning" not in said(HI, reply, dialect=ROUTER)[1]
    assert b"reasoning" not in wire(HI, reply)
    assert b"reasoning" not in wire(HI, Assistant((*reply.parts[:1], Text("Yes."))), dialect=ROUTER)


def test_an_empty_reply_is_left_out_and_its_neighbours_become_one() -> None:
    messages = said(HI, Assistant((), "interrupted"), User((Text("again"),)))
    assert messages == [{"role": "user", "content": "hi\n\nagain"}]


@given(history())
def test_every_history_is_one_that_servers_take(made: tuple[list[Message], int]) -> None:
    open_calls: list[str] = []
    before = ""
    for message in said(*made[0]):
        role = message["role"]
        if role == "tool":
            open_calls.remove(message["tool_call_id"])
        else:
            assert not open_calls
            assert role != before
        if role == "assistant":
            assert message.get("content") or message["tool_calls"]
            for call in message.get("tool_calls", ()):
                open_calls.append(call["id"])
                assert isinstance(msgspec.json.decode(call["function"]["arguments"]), dict)
        before = role
    assert not open_calls


@given(history(), history())
def test_what_was_sent_once_is_sent_the_same_again(
    made: tuple[list[Message], int], more: tuple[list[Message], int]
) -> None:
    earlier = wire(*made[0])
    later = wire(*made[0], Assistant((Text("ok"),)), *more[0])
    assert later.startswith(earlier.removesuffix(b"]}"))
