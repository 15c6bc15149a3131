"""Each way in which a server can misbehave gives the whole reply or the right error, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, get_args

import pytest

from akmon_core.errors import ProviderErrorKind
from akmon_core.messages import Text, ToolCall
from akmon_core.stream import TextDelta, Usage
from akmon_models.retry import Retried
from tests.models.asking import KEY, ask, ask_fault, collect, model_at, reply, request
from tests.models.faults import ARGUMENTS, FAULTS, TEXT, FaultServer, Protocol

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
USAGE = Usage(input_tokens=10, output_tokens=25)

WHOLE = (
    *("ok", "redirected", "length_too_long", "byte_by_byte", "crlf", "crlf_split", "cr_only", "bom"),
    *("json_content_type", "unknown_event", "missing_index"),
)
ALTERED = ("invalid_utf8", "line_separators", "missing_id", "bad_arguments", "duplicated", "no_usage")

FAILING: dict[str, ProviderErrorKind] = {
    "429_seconds": "rate_limit",
    "429_milliseconds": "rate_limit",
    "429_date": "rate_limit",
    "429_body": "rate_limit",
    "429_quota": "authentication",
    "529": "overloaded",
    "503": "overloaded",
    "502_html": "server",
    "200_html": "protocol",
    "200_json": "protocol",
    "200_json_not_utf8": "protocol",
    "400_overflow": "context_overflow",
    "400": "bad_request",
    "401": "authentication",
    "404": "model_not_found",
    "500_huge": "server",
    "500_cut": "connection",
    "500_stall": "timeout",
    "fin_before_headers": "connection",
    "rst_before_headers": "connection",
    "stall_before_headers": "timeout",
    "redirect": "bad_request",
    "fin_midstream": "protocol",
    "fin_mid_event": "protocol",
    "fin_midstream_chunked": "connection",
    "cut_by_length": "connection",
    "gzip_truncated": "protocol",
    "gzip_damaged": "protocol",
    "error_event_flat": "rate_limit",
    "error_event_code": "server",
    "error_event_text": "server",
    "stall_midstream": "timeout",
    "keepalive_only": "timeout",
    "huge_event": "protocol",
    "not_json": "protocol",
    "not_json_after_a_wrong_type": "protocol",
    "no_stop_reason": "protocol",
    "empty_body": "protocol",
}
BY_PROTOCOL: dict[str, dict[Protocol, ProviderErrorKind | None]] = {
    "200_json_error": {"anthropic": "overloaded", "openai": "server"},
    "200_json_error_in_pieces": {"anthropic": "overloaded", "openai": "server"},
    "error_event": {"anthropic": "overloaded", "openai": "server"},
    "no_terminal": {"anthropic": "protocol", "openai": None},
}
IN_OTHER_TESTS = {"429_then_ok"}


def test_every_fault_of_the_server_has_an_expected_outcome() -> None:
    assert {*WHOLE, *ALTERED, *FAILING, *BY_PROTOCOL, *IN_OTHER_TESTS} == set(FAULTS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", WHOLE)
def test_harmless_oddities_do_not_change_the_reply(
    server: FaultServer, fault: str, protocol: Protocol
) -> None:
    events, error = ask_fault(server, fault, protocol)
    assert error is None
    done = reply(events)
    call_id = "tu_1" if protocol == "anthropic" else "call_1"
    assert done.message.parts == (Text(TEXT), ToolCall(call_id, "shell", ARGUMENTS))
    assert done.message.stop == "tools"
    assert done.usage == USAGE
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXT


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", FAILING)
def test_a_fault_is_an_error_of_the_right_kind_and_never_a_silent_end(
    server: FaultServer, fault: str, protocol: Protocol
) -> None:
    quick = "stall" in fault or fault.startswith("keepalive")
    events, error = ask_fault(server, fault, protocol, idle=0.15 if quick else 10)
    assert error is not None, events[-1:]
    assert error.kind == FAILING[fault], error
    assert KEY not in str(error)
    assert len(str(error)) < 3_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", BY_PROTOCOL)
def test_a_fault_that_differs_by_protocol_has_the_right_outcome(
    server: FaultServer, fault: str, protocol: Protocol
) -> None:
    events, error = ask_fault(server, fault, protocol)
    kind = BY_PROTOCOL[fault][protocol]
    if kind is None:
        assert (error, reply(events).usage) == (None, USAGE)
    else:
        assert error.kind == kind


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_not_utf8_is_replaced(server: FaultServer, protocol: Protocol) -> None:
    events, _ = ask_fault(server, "invalid_utf8", protocol)
    assert reply(events).message.text == TEXT.replace("ö", "\ufffd")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_line_separators_of_unicode_do_not_end_lines(server: FaultServer, protocol: Protocol) -> None:
    events, _ = ask_fault(server, "line_separators", protocol)
    assert reply(events).message.text == "a\u2028b\u0085clo wörld ✓"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_without_an_id_gets_one_of_its_own(server: FaultServer, protocol: Protocol) -> None:
    ids = {reply(ask_fault(server, "missing_id", protocol)[0]).message.calls[0].id for _ in range(2)}
    assert len(ids) == 2
    assert all(ids)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_invalid_arguments_stay_as_the_model_wrote_them(server: FaultServer, protocol: Protocol) -> None:
    events, _ = ask_fault(server, "bad_arguments", protocol)
    assert reply(events).message.calls[0].arguments == '{"cmd": "ls"]]'


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_events_sent_twice_give_one_call_whose_arguments_are_not_mistaken_for_valid(
    server: FaultServer, protocol: Protocol
) -> None:
    events, _ = ask_fault(server, "duplicated", protocol)
    done = reply(events)
    assert [call.arguments for call in done.message.calls] == ['{"cmd":{"cmd": "ls "ls"}"}']
    assert done.usage == USAGE


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_reply_without_usage_counts_nothing(server: FaultServer, protocol: Protocol) -> None:
    events, error = ask_fault(server, "no_usage", protocol)
    assert error is None
    assert reply(events).usage == Usage()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")),
        ("404", ("claude-x", "gpt-x")),
        ("200_html", ("text/html", "Captive portal")),
        ("empty_body", ("empty body", "_BASE_URL")),
        ("502_html", ("502 Bad Gateway",)),
        ("redirect", ("http://localhost:", "_BASE_URL")),
        ("not_json", ("{oops",)),
        ("400_overflow", ("300000 tokens", "new session")),
        ("429_quota", ("no credit",)),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_error_says_what_happened_and_what_to_do(
    server: FaultServer, fault: str, words: tuple[str, ...], protocol: Protocol
) -> None:
    _, error = ask_fault(server, fault, protocol)
    mine = words if fault not in ("401", "404") else (words[PROTOCOLS.index(protocol)],)
    assert all(word in str(error) for word in mine), str(error)


@pytest.mark.parametrize(
    ("fault", "low", "high"),
    [
        ("429_seconds", 7_200, 7_200),
        ("429_milliseconds", 1.5, 1.5),
        ("429_body", 1.2, 1.2),
        ("429_date", 10**7, 10**11),
    ],
)
def test_the_server_s_wish_to_wait_is_read(server: FaultServer, fault: str, low: float, high: float) -> None:
    _, error = ask_fault(server, fault, "openai")
    assert low <= error.retry_after <= high


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_was_said_before_an_error_is_passed_on(server: FaultServer, protocol: Protocol) -> None:
    events, _ = ask_fault(server, "error_event", protocol)
    assert any(isinstance(event, TextDelta) for event in events)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_redirect_does_not_carry_the_prompt_on(server: FaultServer, protocol: Protocol) -> None:
    before = len(server.requests.get(f"redirected {protocol}", []))
    ask_fault(server, "redirect", protocol)
    assert len(server.requests.get(f"redirected {protocol}", [])) == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_sdk_does_not_retry_by_itself(server: FaultServer, protocol: Protocol) -> None:
    before = len(server.requests.get(f"503 {protocol}", []))
    ask_fault(server, "503", protocol)
    assert len(server.requests[f"503 {protocol}"]) == before + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_closing_the_stream_early_closes_the_connection(server: FaultServer, protocol: Protocol) -> None:
    async def scenario() -> None:
        model = model_at(server.url("stall_midstream", protocol), protocol)
        stream: Any = Retried(model).stream(request())
        await anext(stream)
        exchange = server.requests[f"stall_midstream {protocol}"][-1]
        assert not exchange.over.is_set()
        await stream.aclose()
        assert await asyncio.to_thread(exchange.over.wait, 10)
        await model.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_retried_model_gets_over_a_rate_limit(server: FaultServer, protocol: Protocol) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    events, error = ask(Retried(model_at(server.url("429_then_ok", protocol), protocol), sleep=sleep))
    assert (error, reply(events).message.text, waits) == (None, TEXT, [1.0])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refused_connection_names_the_address(protocol: Protocol) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    _, error = ask(model_at(f"http://user:hunter2@127.0.0.1:{port}/v1?token=hunter2", protocol))
    assert error.kind == "connection"
    assert f"http://127.0.0.1:{port}/v1" in str(error)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_two_replies_at_once_use_one_client(server: FaultServer, protocol: Protocol) -> None:
    async def scenario() -> list[Any]:
        model = model_at(server.url("ok", protocol), protocol)
        results = await asyncio.gather(collect(model), collect(model))
        await model.close()
        return [error for _, error in results]

    assert asyncio.run(scenario()) == [None, None]
