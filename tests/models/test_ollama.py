"""What is sent to Ollama, and what its lines mean."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.messages import Assistant, Image, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import Effort, Model, ModelRequest, ModelRow
from akmon_core.stream import CallDelta, StreamEvent, TextDelta, ThinkingDelta, Usage, UsageSeen
from akmon_models.backend import Backend, check_backend
from akmon_models.catalog import facts_of, row
from akmon_models.failures import Server
from akmon_models.providers.ollama.address import address
from akmon_models.providers.ollama.client import DEFAULT_WINDOW, open_model
from akmon_models.providers.ollama.decode import OllamaDecoder
from akmon_models.providers.ollama.encode import Parameters, encode, think
from akmon_models.wire.model import Opening
from tests.models.asking import request
from tests.models.histories import history

PARAMETERS = Parameters(model="qwen3:8b", num_ctx=32_768, num_predict=8_192)
SERVER = Server(provider="ollama", model="m", url="http://h", key_variable="K", url_variable="U")


def body(*messages: Any, parameters: Parameters = PARAMETERS) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(encode(request(*messages), parameters))
    return decoded


def opened(
    model: str, *, effort: Effort | None = None, rows: tuple[ModelRow, ...] = (), **options: str
) -> Model:
    known = row("ollama", model, rows)
    return open_model(
        Opening(
            facts=facts_of("ollama", model, known), row=known, backend=Backend(options=options), effort=effort
        )
    )


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", ""),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("1.2.3.4:56789", "http://1.2.3.4:56789"),
        ("http://1.2.3.4", "http://1.2.3.4"),
        ("https://1.2.3.4", "https://1.2.3.4"),
        ("https://1.2.3.4:56789", "https://1.2.3.4:56789"),
        ("example.com", "http://example.com:11434"),
        ("example.com/", "http://example.com:11434"),
        ("example.com:56789/path/", "http://example.com:56789/path"),
        ("[0001:002::1]", "http://[0001:002::1]:11434"),
        ("[0001:002::1]:56789", "http://[0001:002::1]:56789"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("[::]:11434", "http://[::1]:11434"),
        ("https://me:pass@ollama.example/v", "https://me:pass@ollama.example/v"),
        ("HTTP://Host", "http://host"),
        (" localhost ", "http://localhost:11434"),
    ],
)
def test_every_form_of_an_address_becomes_a_url(host: str, url: str) -> None:
    assert address(host) == url
    check_backend("ollama", Backend(base_url=address(host)))


@pytest.mark.parametrize("host", ["ftp://host", "host:port", "ho\nst", "::1", "http://[::1"])
def test_what_is_no_address_is_refused_before_anything_is_sent(host: str) -> None:
    known = row("ollama", "m")
    opening = Opening(facts=facts_of("ollama", "m", known), row=known, backend=Backend(base_url=host))
    with pytest.raises(SettingsError, match="OLLAMA_HOST"):
        open_model(opening)


@given(st.text(max_size=30) | st.from_regex(r"(https?://)?[a0:\[\]@/.?#]{0,12}", fullmatch=True))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    url = address(text)
    try:
        check_backend("ollama", Backend(base_url=url))
    except SettingsError:
        return
    assert not url or url.startswith(("http://", "https://"))


# --- the window and the other parameters -------------------------------------------------------------


def test_the_window_is_that_of_the_model_up_to_a_default() -> None:
    assert opened("qwen3:8b").facts.context_window == DEFAULT_WINDOW
    small = opened("tiny", rows=(ModelRow(match="tiny", window=4_096),)).facts
    assert (small.context_window, small.max_output) == (4_096, 1_024)


def test_the_window_that_is_set_goes_before_all_others_and_bounds_the_reply() -> None:
    large = opened("qwen3:8b", num_ctx="131072").facts
    assert large.context_window == 131_072
    small = opened("qwen3:8b", num_ctx="8192").facts
    assert (small.context_window, small.max_output) == (8_192, 2_048)


def test_a_model_in_the_cloud_has_its_whole_window() -> None:
    assert opened("gpt-oss:120b-cloud").facts.context_window == 131_072
    assert opened("qwen3-coder:cloud").facts.context_window == 131_072


@pytest.mark.parametrize("text", ["many", "0", "-1", "1023", "1e5", "٤٠٩٦", "9" * 40])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="AKMON_OLLAMA_NUM_CTX"):
        opened("m", num_ctx=text)


@pytest.mark.parametrize("text", ["forever", "5 m", "10x", "1h30", "٥"])
def test_a_time_to_stay_loaded_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="AKMON_OLLAMA_KEEP_ALIVE"):
        opened("m", keep_alive=text)


def test_an_effort_that_the_model_is_known_not_to_take_is_refused() -> None:
    plain = ModelRow(match="plain", thinking="none")
    with pytest.raises(SettingsError, match="effort"):
        opened("plain", effort="high", rows=(plain,))


def test_the_effort_becomes_what_the_model_understands() -> None:
    assert think(None, "qwen3") is None
    assert {effort: think(effort, "qwen3:8b") for effort in get_args(Effort)} == {
        effort: effort != "none" for effort in get_args(Effort)
    }
    for model in ("gpt-oss", "gpt-oss:20b", "hf.co/unsloth/GPT-OSS-20b"):
        assert [think(effort, model) for effort in ("none", "low", "medium", "high", "max")] == [
            *("low", "low", "medium", "high", "high")
        ]


# --- requests -------------------------------------------------------------------------------------


def test_a_request_begins_with_its_parameters_and_ends_with_its_messages() -> None:
    parameters = msgspec.structs.replace(PARAMETERS, think=True, keep_alive="10m")
    sent = body(parameters=parameters)
    assert list(sent) == [
        *("model", "stream", "think", "keep_alive", "truncate", "shift", "options", "tools", "messages")
    ]
    assert sent["options"] == {"num_ctx": 32_768, "num_predict": 8_192}
    assert (sent["stream"], sent["think"], sent["keep_alive"]) == (True, True, "10m")
    assert sent["tools"][0]["function"]["name"] == "shell"


def test_a_prompt_that_does_not_fit_shall_be_refused_and_not_cut() -> None:
    assert (body()["truncate"], body()["shift"]) == (False, False)


def test_what_is_not_said_is_not_sent() -> None:
    assert not {"think", "keep_alive"} & set(body())
    bare = ModelRequest(system="", messages=(User((Text("hi"),)),), tools=())
    sent = json.loads(encode(bare, PARAMETERS))
    assert "tools" not in sent
    assert sent["messages"] == [{"role": "user", "content": "hi"}]


def test_a_conversation_has_ollama_s_roles_and_fields() -> None:
    sent = body(
        User((Text("look"), Image("image/png", "aGk="))),
        Assistant(
            (Thinking("hm", origin="ollama"), Text("I look."), ToolCall("c1", "shell", '{"cmd": "ls"}')),
            "tools",
        ),
        ToolResult("c1", "a.txt", images=(Image("image/png", "bW8="),)),
        Assistant((Thinking("well", origin="ollama"), Text("Done."))),
        User((Text("and"),)),
        User((Text("more"),)),
    )
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "look", "images": ["aGk="]},
        {
            "role": "assistant",
            "content": "I look.",
            "thinking": "hm",
            "tool_calls": [{"id": "c1", "function": {"name": "shell", "arguments": {"cmd": "ls"}}}],
        },
        {"role": "tool", "tool_name": "shell", "tool_call_id": "c1", "content": "a.txt"},
        {"role": "user", "content": "The images that call c1 returned:", "images": ["bW8="]},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "and\n\nmore"},
    ]


def test_arguments_that_are_no_object_go_back_within_one() -> None:
    said = Assistant((ToolCall("c1", "no such tool", '{"cmd'),), "tools")
    call = body(User((Text("x"),)), said, ToolResult("c1", "bad", error=True))["messages"][2]["tool_calls"][0]
    assert call["function"] == {"name": "no_such_tool", "arguments": {"unparsed_arguments": '{"cmd'}}


def test_reasoning_of_other_protocols_does_not_go_to_ollama() -> None:
    said = Assistant((Thinking("secret", origin="messages"), ToolCall("c1", "shell", "{}")), "tools")
    assert "secret" not in json.dumps(body(User((Text("x"),)), said, ToolResult("c1", "")))


@given(history())
def test_every_history_can_be_sent_and_names_the_tool_of_each_result(
    drawn: tuple[list[Any], int],
) -> None:
    messages = body(*drawn[0])["messages"]
    names: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], dict)
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            assert message["tool_name"] == names[message["tool_call_id"]]
    assert messages[-1]["role"] == "user"


@given(history())
def test_what_was_sent_before_is_the_start_of_what_is_sent_next(drawn: tuple[list[Any], int]) -> None:
    messages, _ = drawn
    more = [*messages, Assistant((Text("Yes."),)), User((Text("go on"),))]
    before, after = encode(request(*messages), PARAMETERS), encode(request(*more), PARAMETERS)
    assert after.startswith(before.removesuffix(b"]}"))


# --- replies --------------------------------------------------------------------------------------


def fold(*lines: dict[str, Any] | bytes) -> tuple[list[StreamEvent], OllamaDecoder]:
    ids = iter(f"fresh{number}" for number in range(9))
    decoder = OllamaDecoder(SERVER, fresh=lambda: next(ids))
    events = []
    for line in lines:
        events += decoder.feed("", line if isinstance(line, bytes) else json.dumps(line).encode())
    return events, decoder


def said(done: bool = False, *, reason: str = "", **message: Any) -> dict[str, Any]:
    end = {"done": True, **({"done_reason": reason} if reason else {})} if done else {"done": False}
    return {"model": "m", "message": {"role": "assistant", "content": "", **message}, **end}


def called(*arguments: Any, id_: str = "") -> dict[str, Any]:
    own = {"id": id_} if id_ else {}
    return said(tool_calls=[{**own, "function": {"name": "shell", "arguments": each}} for each in arguments])


END = {"done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 5}


def test_thinking_text_calls_and_usage_become_events_and_a_reply() -> None:
    events, decoder = fold(
        said(thinking="hm"), said(content="Hel"), said(content="lo"), called({"cmd": "ls"}), END
    )
    assert events == [
        *(ThinkingDelta("hm"), TextDelta("Hel"), TextDelta("lo"), CallDelta(0, "shell", '{"cmd": "ls"}')),
        UsageSeen(Usage(input_tokens=26, output_tokens=5)),
    ]
    done = decoder.finish()
    assert done.message == Assistant(
        (Thinking("hm", origin="ollama"), Text("Hello"), ToolCall("fresh0", "shell", '{"cmd": "ls"}')),
        "tools",
    )
    assert done.usage == Usage(input_tokens=26, output_tokens=5)


def test_calls_in_one_line_or_in_many_have_ids_of_their_own() -> None:
    events, decoder = fold(called({"cmd": "a"}, {"cmd": "b"}), called({"cmd": "b"}), END)
    assert [event.index for event in events if isinstance(event, CallDelta)] == [0, 1, 2]
    calls = decoder.finish().message.calls
    assert [call.arguments for call in calls] == ['{"cmd": "a"}', '{"cmd": "b"}', '{"cmd": "b"}']
    assert len({call.id for call in calls}) == 3


def test_the_server_s_own_ids_are_kept_and_a_line_sent_twice_is_one_call() -> None:
    _, decoder = fold(called({"cmd": "a"}, id_="call_1"), called({"cmd": "a"}, id_="call_1"), END)
    assert decoder.finish().message.calls == (ToolCall("call_1", "shell", '{"cmd": "a"}'),)


def test_two_calls_with_one_id_stay_two() -> None:
    _, decoder = fold(called({"cmd": "a"}, id_="x"), called({"cmd": "b"}, id_="x"), END)
    assert [call.id for call in decoder.finish().message.calls] == ["x", "fresh0"]


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        ('{"cmd": "l\u2028s"}', '{"cmd": "l\u2028s"}'),
        ("[1]", "[1]"),
        ("7", "7"),
        ({}, "{}"),
        (None, "{}"),
        ([1], "[1]"),
    ],
)
def test_arguments_may_come_as_text_or_not_at_all(sent: Any, arguments: str) -> None:
    _, decoder = fold(called(sent), END)
    assert decoder.finish().message.calls[0].arguments == arguments


def test_numbers_of_arguments_stay_as_the_model_wrote_them() -> None:
    big = b'{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"n":12345678901234567890123}}}]}}'
    _, decoder = fold(big, END)
    assert decoder.finish().message.calls[0].arguments == '{"n":12345678901234567890123}'


def test_what_was_read_from_a_cache_is_told_apart() -> None:
    _, decoder = fold(said(content="x"), {**END, "prompt_eval_cached_count": 20})
    assert decoder.finish().usage == Usage(input_tokens=6, cache_read_tokens=20, output_tokens=5)


def test_a_cached_prompt_that_an_older_server_does_not_count_is_no_error() -> None:
    _, decoder = fold(said(content="x"), {"done": True, "done_reason": "stop", "eval_count": 5})
    assert decoder.finish().usage == Usage(output_tokens=5)


def test_a_reply_cut_by_the_limit_says_so_even_with_calls() -> None:
    _, decoder = fold(called({"cmd": "ls"}), said(True, reason="length"))
    assert decoder.finish().message.stop == "length"


@pytest.mark.parametrize("reason", ["", "stop", "a reason of tomorrow"])
def test_a_line_that_is_done_ends_the_reply_whatever_its_reason(reason: str) -> None:
    _, decoder = fold(said(content="x"), said(True, reason=reason))
    assert decoder.finish().message == Assistant((Text("x"),), "end")


def test_what_follows_the_end_is_not_part_of_the_reply() -> None:
    events, decoder = fold(said(content="x"), END, said(content="y"), {"error": "late"}, END)
    assert decoder.finish().message.text == "x"
    assert [event for event in events if isinstance(event, UsageSeen)] == [
        UsageSeen(Usage(input_tokens=26, output_tokens=5))
    ]


def test_a_reply_that_is_not_done_is_an_error() -> None:
    _, decoder = fold(said(content="x"), called({"cmd": "ls"}))
    with pytest.raises(ProviderError, match="before it was done") as caught:
        decoder.finish()
    assert caught.value.kind == "protocol"


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_a_reply_that_only_loads_the_model_is_an_error_that_is_tried_again(reason: str) -> None:
    _, decoder = fold(said(True, reason=reason))
    with pytest.raises(ProviderError, match=f"said nothing .{reason}") as caught:
        decoder.finish()
    assert caught.value.retryable


@pytest.mark.parametrize("line", [b"{oops", b"[]", b'"x"', b"null", b'{"message": 7}', b'{"done": "yes"}'])
def test_what_is_no_line_of_a_reply_is_an_error(line: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        fold(said(content="x"), line)
    assert caught.value.kind == "protocol"


def test_fields_that_are_not_known_are_ignored() -> None:
    extra = {"status": "loading", "logprobs": [1], "remote_host": "h", "created_at": 7, "message": None}
    _, decoder = fold(extra, {**said(content="x", role=7, images=None), "new": {}}, END)
    assert decoder.finish().message.text == "x"
