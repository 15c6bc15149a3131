"""The bytes that Bedrock is sent, and what each family of models takes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, ModelRequest, ModelRow
from akmon_core.tools import ToolSpec
from akmon_models.catalog import row
from akmon_models.providers.bedrock.encode import Dialect, dialect, encode, family_of
from tests.models.asking import request
from tests.models.histories import history
from tests.models.sessions import growing_session

CLAUDE = "us.anthropic.claude-opus-5-v1:0"
HI = User((Text("hi"),))
POINT = {"cachePoint": {"type": "default"}}
SERVICE = Session().get_service_model("bedrock-runtime").operation_model("ConverseStream").input_shape


def speaking(model: str = CLAUDE, effort: Effort | None = None) -> Dialect:
    return dialect(model, row("bedrock", model), effort, 1_000)


def wire(*messages: Message, to: Dialect | None = None) -> bytes:
    return encode(request(*messages), to or speaking())


def body(*messages: Message, to: Dialect | None = None) -> Any:
    return msgspec.json.decode(wire(*messages, to=to))


def said(*messages: Message) -> Any:
    """The messages without the points at which they are cached."""
    return body(*messages, to=msgspec.structs.replace(speaking(), cached=()))["messages"]


def test_a_request_is_these_bytes() -> None:
    sent = wire(
        HI,
        Assistant((Text("Looking."), ToolCall("tu_1", "shell", '{"cmd":  "ls"}')), "tools"),
        ToolResult("tu_1", "a.py"),
    )
    assert sent == (
        b'{"inferenceConfig":{"maxTokens":1000},'
        b'"additionalModelRequestFields":{"thinking":{"type":"adaptive","display":"summarized"}},'
        b'"toolConfig":{"tools":[{"toolSpec":{"name":"shell","description":"Runs a command.","inputSchema":'
        b'{"json":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"]}}}},'
        b'{"cachePoint":{"type":"default"}}]},'
        b'"system":[{"text":"Be brief."},{"cachePoint":{"type":"default"}}],"messages":['
        b'{"role":"user","content":[{"text":"hi"},{"cachePoint":{"type":"default"}}]},'
        b'{"role":"assistant","content":[{"text":"Looking."},'
        b'{"toolUse":{"toolUseId":"tu_1","name":"shell","input":{"cmd":  "ls"}}}]},'
        b'{"role":"user","content":[{"toolResult":{"toolUseId":"tu_1","content":[{"text":"a.py"}]}},'
        b'{"cachePoint":{"type":"default"}}]}]}'
    )


def test_without_tools_and_system_neither_is_sent() -> None:
    asked = ModelRequest(system="", messages=(HI,), tools=())
    assert set(msgspec.json.decode(encode(asked, Dialect()))) == {"messages"}


def test_nova_is_told_of_a_schema_what_it_takes() -> None:
    told = {"type": "object", "properties": {"a": {"type": "array", "items": {}}}, "required": ["a"]}
    shell = ToolSpec("shell", "Runs.", {**told, "additionalProperties": False, "description": "Of it."})
    asked = ModelRequest(system="", messages=(HI,), tools=(shell,))
    for model, schema in ((CLAUDE, shell.parameters), ("eu.amazon.nova-pro-v1:0", told)):
        (sent, *_) = msgspec.json.decode(encode(asked, speaking(model)))["toolConfig"]["tools"]
        assert sent["toolSpec"]["inputSchema"]["json"] == schema


def test_tools_are_named_when_only_the_history_has_calls() -> None:
    calls = (ToolCall("a", "shell", "{}"), ToolCall("b", "no such tool", "{}"), ToolCall("c", "shell", "{}"))
    results = tuple(ToolResult(each.id, "x") for each in calls)
    asked = ModelRequest(system="", messages=(HI, Assistant(calls), *results), tools=())
    tools = msgspec.json.decode(encode(asked, speaking()))["toolConfig"]["tools"]
    assert [tool["toolSpec"]["name"] for tool in tools] == ["shell", "no_such_tool"]


def test_thoughts_go_back_whole_in_their_place_if_they_came_from_here() -> None:
    parts: tuple[Thinking | ToolCall, ...] = (
        Thinking("hm", "c2ln", origin="converse"),
        Thinking("", "ZW5j", redacted=True, origin="converse"),
        Thinking("", "b21pdA==", origin="converse"),
        Thinking("cut", origin="converse"),
        *(Thinking("other", "c2ln", origin=each) for each in ("", "messages", "chat", "responses", "ollama")),
        ToolCall("a", "shell", "{}"),
    )
    assert said(HI, Assistant(parts), ToolResult("a", "x"))[1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "ZW5j"}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "b21pdA=="}}},
        {"toolUse": {"toolUseId": "a", "name": "shell", "input": {}}},
    ]


def test_other_families_are_sent_no_thoughts() -> None:
    reply = Assistant((Thinking("hm", "c2ln", origin="converse"), Text("x")))
    for model in (
        "zai.glm-4.7",
        "us.deepseek.r1-v1:0",
        "openai.gpt-oss-120b-1:0",
        "us.amazon.nova-2-lite-v1:0",
    ):
        assert body(HI, reply, HI, to=speaking(model))["messages"][1]["content"] == [{"text": "x"}]


def test_failed_results_say_so_by_their_status_or_else_in_their_text() -> None:
    asked = (HI, Assistant((ToolCall("a", "shell", "{}"),)), ToolResult("a", "no", error=True))
    result = body(*asked)["messages"][2]["content"][0]["toolResult"]
    assert result == {"toolUseId": "a", "content": [{"text": "no"}], "status": "error"}
    result = body(*asked, to=speaking("meta.llama4-x"))["messages"][2]["content"][0]["toolResult"]
    assert result == {"toolUseId": "a", "content": [{"text": "Error: no"}]}


def test_images_are_sent_in_messages_and_results() -> None:
    image = Image("image/jpg", "aGk=")
    block = {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}}
    call = Assistant((ToolCall("a", "shell", "{}"),))
    messages = said(User((Text("see"), image)), call, ToolResult("a", "", images=(image,)))
    assert messages[0]["content"][1] == block
    assert messages[2]["content"][0]["toolResult"]["content"] == [block]


def test_a_long_id_is_cut_and_still_its_own() -> None:
    calls = (ToolCall("x" * 80 + "1", "shell", "{}"), ToolCall("x" * 80 + "2", "shell", "{}"))
    results = tuple(ToolResult(each.id, "x") for each in calls)
    messages = said(HI, Assistant(calls), *results)
    sent = [block["toolUse"]["toolUseId"] for block in messages[1]["content"]]
    assert sent == ["x" * 64, "x" * 62 + "-2"]
    assert [block["toolResult"]["toolUseId"] for block in messages[2]["content"]] == sent


@given(history())
def test_every_history_is_one_that_the_server_takes(made: tuple[list[Message], int]) -> None:
    sent = body(*made[0])
    report = ParamValidator().validate({"modelId": CLAUDE, **sent}, SERVICE)
    assert not report.has_errors(), report.generate_report()
    roles = [message["role"] for message in sent["messages"]]
    assert roles[0] == roles[-1] == "user"
    assert all(one != two for one, two in pairwise(roles))
    ids: list[str] = []
    for message in sent["messages"]:
        assert message["content"]
        for block in message["content"]:
            match block:
                case {"text": text}:
                    assert text.strip()
                case {"toolUse": call}:
                    assert isinstance(call["input"], dict)
                    assert len(call["name"]) <= 64
                    ids.append(call["toolUseId"])
                case {"toolResult": result}:
                    assert result["toolUseId"] in ids
                    assert result["content"]
    assert len(ids) == len(set(ids))


# --- caching ----------------------------------------------------------------------------------------


SESSION = growing_session("converse")


def blocks(sent: Any) -> list[Any]:
    """All that a model reads, in its order, with the points."""
    content = [(message["role"], block) for message in sent["messages"] for block in message["content"]]
    return [*sent["toolConfig"]["tools"], *sent["system"], *content]


def is_point(block: Any) -> bool:
    return block == POINT or (isinstance(block, tuple) and block[1] == POINT)


def read(sent: Any) -> list[Any]:
    return [block for block in blocks(sent) if not is_point(block)]


def test_thirty_requests_of_a_session_are_each_a_prefix_of_the_next_but_for_the_points() -> None:
    bare = msgspec.structs.replace(speaking(), cached=())
    bodies = [wire(*messages, to=bare) for messages in SESSION]
    assert len(set(bodies)) == 30
    for earlier, later in pairwise(bodies):
        assert earlier.endswith(b"]}]}")
        assert later.startswith(earlier.removesuffix(b"]}]}"))
    for messages in SESSION:
        marked, plain = body(*messages), body(*messages, to=bare)
        assert read(marked) == read(plain)


def test_each_request_is_cached_to_its_end_and_reads_what_the_one_before_it_wrote() -> None:
    sent = [body(*messages) for messages in SESSION]
    written: set[int] = set()
    for each in sent:
        places = {
            at - len(list(filter(is_point, blocks(each)[:at])))
            for at, block in enumerate(blocks(each))
            if is_point(block)
        }
        assert len(places) <= 4
        assert max(places) == len(read(each))
        assert not written or places & written
        written |= places


def test_the_end_of_the_request_before_is_a_point_even_far_back() -> None:
    calls = tuple(ToolCall(f"c{at}", "shell", "{}") for at in range(30))
    results = tuple(ToolResult(each.id, "x") for each in calls)
    sent = body(HI, Assistant(calls), *results)
    assert [message["content"][-1] == POINT for message in sent["messages"]] == [True, False, True]


@pytest.mark.parametrize(
    ("model", "cached"),
    [
        (CLAUDE, ("tools", "system", "messages")),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", ("tools", "system", "messages")),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", ("tools", "system", "messages")),
        ("anthropic.claude-3-sonnet-20240229-v1:0", ()),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", ()),
        ("eu.amazon.nova-pro-v1:0", ("system", "messages")),
        ("meta.llama3-3-70b-instruct-v1:0", ()),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", ()),
    ],
)
def test_points_are_set_where_a_model_takes_them(model: str, cached: tuple[str, ...]) -> None:
    assert speaking(model).cached == cached


# --- families -----------------------------------------------------------------------------------------

PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"


@pytest.mark.parametrize(
    ("model", "family"),
    [
        (CLAUDE, "claude"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        (
            "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-opus-5-v1:0",
            "claude",
        ),
        ("us.amazon.nova-2-lite-v1:0", "nova"),
        ("openai.gpt-oss-120b-1:0", "gpt"),
        ("us.deepseek.r1-v1:0", "other"),
        ("arn:aws:bedrock:us-east-1::foundation-model/mistral.mistral-large-2407-v1:0", "other"),
        (PROFILE, "unknown"),
    ],
)
def test_ids_tell_their_families(model: str, family: str) -> None:
    assert family_of(model, ModelRow(match=model)) == family


def test_a_row_of_the_user_s_tells_what_an_application_s_profile_is_of() -> None:
    assert family_of(PROFILE, ModelRow(match=PROFILE, thinking="adaptive")) == "claude"


ADAPTIVE = {"type": "adaptive", "display": "summarized"}
BINDING = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        (CLAUDE, "low", {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}),
        ("anthropic.claude-sonnet-4-20250514-v1:0", None, None),
        (
            "global.anthropic.claude-sonnet-5-5-v1:0",
            None,
            {"anthropic_beta": ["thinking-binding-controls-2026-08-01"], "thinking": ADAPTIVE | BINDING},
        ),
        ("openai.gpt-oss-20b-1:0", "high", {"reasoning_effort": "high"}),
        (
            "us.amazon.nova-2-lite-v1:0",
            "low",
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
        ),
        ("us.amazon.nova-2-lite-v1:0", "none", {"reasoningConfig": {"type": "disabled"}}),
        ("us.amazon.nova-2-lite-v1:0", None, None),
    ],
)
def test_reasoning_is_asked_for_as_each_family_takes_it(model: str, effort: Any, fields: Any) -> None:
    asked = speaking(model, effort).parameters
    assert asked.get("additionalModelRequestFields") == fields
    assert asked["inferenceConfig"] == {"maxTokens": 1_000}


def test_nova_sets_its_own_limit_when_it_thinks_most() -> None:
    assert "inferenceConfig" not in speaking("us.amazon.nova-2-lite-v1:0", "high").parameters


def test_other_models_are_passed_the_effort_that_the_user_asked_for() -> None:
    assert speaking("zai.glm-4.7", "low").parameters["outputConfig"] == {"effort": "low"}
    known = ModelRow(match="m", thinking="none")
    assert set(dialect("zai.glm-4.7", known, None, 5).parameters) == {"inferenceConfig"}
