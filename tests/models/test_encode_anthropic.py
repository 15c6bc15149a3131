"""The bytes that Anthropic is sent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_models.protocols.messages.encode import encode
from tests.models.asking import request
from tests.models.histories import history


def wire(*messages: Message) -> bytes:
    return encode(request(*messages), model="claude-x", max_output=1_000)


def body(*messages: Message) -> Any:
    return msgspec.json.decode(wire(*messages))


def said(*messages: Message) -> Any:
    return body(*messages)["messages"]


HI = User((Text("hi"),))


def test_a_request_is_these_bytes() -> None:
    sent = wire(
        HI,
        Assistant((Text("Looking."), ToolCall("tu_1", "shell", '{"cmd":  "ls"}')), "tools"),
        ToolResult("tu_1", "a.py"),
    )
    assert sent == (
        b'{"model":"claude-x","max_tokens":1000,"stream":true,"cache_control":{"type":"ephemeral"},'
        b'"tools":[{"name":"shell","description":"Runs a command.","input_schema":{"type":"object",'
        b'"properties":{"cmd":{"type":"string"}},"required":["cmd"]}}],"system":"Be brief.","messages":['
        b'{"role":"user","content":[{"type":"text","text":"hi"}]},'
        b'{"role":"assistant","content":[{"type":"text","text":"Looking."},'
        b'{"type":"tool_use","id":"tu_1","name":"shell","input":{"cmd":  "ls"}}]},'
        b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"tu_1","content":"a.py"}]}]}'
    )


def test_without_tools_and_system_neither_is_sent() -> None:
    asked = msgspec.structs.replace(request(tools=()), system="")
    sent = msgspec.json.decode(encode(asked, model="m", max_output=5))
    assert set(sent) == {"model", "max_tokens", "stream", "cache_control", "messages"}


def test_results_and_what_was_said_after_them_are_one_message() -> None:
    calls = (ToolCall("a", "shell", "{}"), ToolCall("b", "shell", "{}"))
    messages = said(
        HI,
        Assistant(calls),
        ToolResult("a", "1"),
        ToolResult("b", "2", error=True),
        User((Text("and?"),)),
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2", "is_error": True},
        {"type": "text", "text": "and?"},
    ]


def test_an_empty_reply_is_left_out_and_its_neighbours_become_one() -> None:
    messages = said(HI, Assistant((Text(" \n"),), "interrupted"), User((Text("again"),)))
    assert messages == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "again"}]}
    ]


def test_thinking_goes_back_unchanged_if_it_is_proven() -> None:
    parts = (
        Thinking("hm", "c2ln"),
        Thinking("", "c2ln"),
        Thinking("", "ZW5j", redacted=True),
        Thinking("unproven"),
        Thinking("of another server", "reasoning_content"),
        Text("Yes."),
    )
    assert said(HI, Assistant(parts))[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "text", "text": "Yes."},
    ]


def test_arguments_that_are_no_object_go_back_as_text_in_one() -> None:
    calls = tuple(
        ToolCall(f"c{at}", "shell", arguments) for at, arguments in enumerate(("{oops", "[1]", "", " {} "))
    )
    inputs = [block["input"] for block in said(HI, Assistant(calls))[1]["content"]]
    assert inputs == [{"unparsed_arguments": "{oops"}, {"unparsed_arguments": "[1]"}, {}, {}]


def test_images_are_sent_in_messages_and_results() -> None:
    image = Image("image/png", "aGk=")
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    messages = said(
        User((Text("see"), image)),
        Assistant((ToolCall("a", "shell", "{}"),)),
        ToolResult("a", "shot", images=(image,)),
    )
    assert messages[0]["content"][1] == block
    assert messages[2]["content"][0]["content"] == [{"type": "text", "text": "shot"}, block]


def test_ids_and_names_of_other_servers_are_made_acceptable() -> None:
    call = ToolCall("functions.run:0", "functions.run", "{}")
    messages = said(
        HI,
        Assistant((call,)),
        ToolResult(call.id, "1"),
        HI,
        Assistant((call,)),
        ToolResult(call.id, "2"),
    )
    calls = [block for message in messages for block in message["content"] if block["type"] == "tool_use"]
    results = [b for message in messages for b in message["content"] if b["type"] == "tool_result"]
    assert [block["id"] for block in calls] == ["functions_run_0", "functions_run_0-2"]
    assert [block["tool_use_id"] for block in results] == ["functions_run_0", "functions_run_0-2"]
    assert calls[0]["name"] == "functions_run"


@given(history())
def test_every_history_is_one_that_the_server_takes(made: tuple[list[Message], int]) -> None:
    messages = said(*made[0])
    roles = [message["role"] for message in messages]
    assert roles[0] == roles[-1] == "user"
    assert all(one != two for one, two in pairwise(roles))
    ids: list[str] = []
    for message in messages:
        assert message["content"]
        for block in message["content"]:
            match block["type"]:
                case "text":
                    assert block["text"].strip()
                case "tool_use":
                    assert isinstance(block["input"], dict)
                    ids.append(block["id"])
                case "tool_result":
                    assert block["tool_use_id"] in ids
    assert len(ids) == len(set(ids))


@given(history(), history())
def test_what_was_sent_once_is_sent_the_same_again(
    made: tuple[list[Message], int], more: tuple[list[Message], int]
) -> None:
    earlier = wire(*made[0])
    later = wire(*made[0], Assistant((Text("ok"),)), *more[0])
    assert later.startswith(earlier.removesuffix(b"]}]}"))
