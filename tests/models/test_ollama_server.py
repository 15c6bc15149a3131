"""Ollama over real sockets: whole replies, or errors that say what to do, and connections that are closed."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from akmon_core.errors import ProviderError, ProviderErrorKind
from akmon_core.messages import Text, ToolCall
from akmon_core.models import Listed, Model, ModelRow
from akmon_core.stream import ReplyDone, TextDelta, Usage
from akmon_models.backend import Backend
from akmon_models.catalog import facts_of, row
from akmon_models.providers.ollama.client import list_models, open_model
from akmon_models.wire.model import Opening
from tests.models.answering import Answer, Received, answering, response
from tests.models.asking import KEY, ask, collect, reply, request

NDJSON = "application/x-ndjson"
TEXT = "Hello wörld ✓"
USAGE = Usage(input_tokens=26, output_tokens=9)


def said(**message: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": "", **message}, "done": False}


LINES: list[dict[str, Any]] = [
    *(said(content=text) for text in ("Hel", "lo ", "wörld ✓")),
    said(tool_calls=[{"id": "call_1", "function": {"name": "shell", "arguments": {"cmd": "ls"}}}]),
    {**said(), "done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 9},
]
TAGS = {
    "models": [
        {
            "name": "qwen3:8b",
            "size": 4_900_000_000,
            "details": {"parameter_size": "8.0B", "quantization_level": "Q4_K_M", "context_length": 40_960},
        },
        {"name": "smol", "size": 98_000_000, "details": None},
        {"name": "gpt-oss:120b-cloud", "size": 384, "remote_host": "https://ollama.com:443", "details": {}},
        {"nameless": True},
    ]
}


def wire(*lines: dict[str, Any] | bytes, end: bytes = b"\n") -> bytes:
    parts = [
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines
    ]
    return b"".join(part + end for part in parts)


BODY = wire(*LINES)


def model_at(
    url: str, model: str = "qwen3:8b", *, key: str = KEY, idle: float = 10.0, rows: tuple[ModelRow, ...] = ()
) -> Model:
    known = row("ollama", model, rows)
    facts = msgspec.structs.replace(facts_of("ollama", model, known), first_token_seconds=idle)
    return open_model(Opening(facts=facts, row=known, backend=Backend(key, url), idle=idle))


def ask_for(body: bytes | Answer, kind: str = NDJSON, status: int = 200, *, idle: float = 10.0) -> Any:
    with answering(body, kind, status) as server:
        return ask(model_at(server.url, idle=idle))


def streaming(connection: socket.socket) -> None:
    """The head of a reply that ends with its connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(f"HTTP/1.1 200 OK\r\ncontent-type: {NDJSON}\r\nconnection: close\r\n\r\n".encode())


def in_pieces(pieces: list[bytes]) -> Answer:
    def answer(received: Received, connection: socket.socket) -> None:
        streaming(connection)
        for piece in pieces:
            connection.sendall(piece)

    return answer


def whole(events: list[Any], error: ProviderError | None) -> None:
    assert error is None
    done = reply(events)
    assert done.message.parts == (Text(TEXT), ToolCall("call_1", "shell", '{"cmd": "ls"}'))
    assert (done.message.stop, done.usage) == ("tools", USAGE)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXT


# --- whole replies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY, id="as it should be"),
        pytest.param(wire(*LINES, end=b"\r\n"), id="crlf"),
        pytest.param(wire(*LINES, end=b"\r"), id="cr"),
        pytest.param(wire(*LINES, end=b"\n\n"), id="blank lines"),
        pytest.param(b"\xef\xbb\xbf" + BODY, id="byte-order mark"),
        pytest.param(BODY[:-1], id="no last line end"),
        pytest.param(wire(*LINES[:4], LINES[3], LINES[4], LINES[4]), id="a call and the end sent twice"),
        pytest.param(wire({"new": 1}, *LINES, {"later": 1}), id="unknown lines"),
    ],
)
def test_harmless_oddities_do_not_change_the_reply(body: bytes) -> None:
    whole(*ask_for(body))


def test_a_reply_may_come_byte_by_byte() -> None:
    whole(*ask_for(in_pieces([bytes([byte]) for byte in BODY])))


def test_a_server_that_does_not_stream_gives_the_same_reply() -> None:
    message = {**LINES[3]["message"], "content": TEXT}
    whole(*ask_for(wire({**LINES[4], "message": message})[:-1], "application/json"))


def test_line_separators_of_unicode_do_not_end_lines() -> None:
    events, error = ask_for(wire(said(content="a\u2028b\u2029c\u0085d"), LINES[4]))
    assert error is None
    assert reply(events).message.text == "a\u2028b\u2029c\u0085d"


def test_what_is_not_utf8_is_replaced() -> None:
    events, _ = ask_for(wire(b'{"message":{"content":"w\xffrld"}}', LINES[4]))
    assert reply(events).message.text == "w\ufffdrld"


# --- faults ---------------------------------------------------------------------------------------


def test_a_reply_cut_anywhere_is_an_error_and_never_a_silent_end() -> None:
    cuts = iter(range(len(BODY) - 1))

    def answer(received: Received, connection: socket.socket) -> None:
        streaming(connection)
        connection.sendall(BODY[: next(cuts)])

    async def ask_all(url: str) -> list[tuple[list[Any], Any]]:
        model = model_at(url)
        try:
            return [await collect(model) for _ in range(len(BODY) - 1)]
        finally:
            await model.close()

    with answering(answer) as server:
        outcomes = asyncio.run(ask_all(server.url))
    assert {error.kind if error else None for _, error in outcomes} == {"protocol"}
    assert not any(isinstance(event, ReplyDone) for events, _ in outcomes for event in events)
    assert "".join(event.text for event in outcomes[-1][0] if isinstance(event, TextDelta)) == TEXT


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", "protocol", "empty body"),
        (b"<html>\n<h1>Captive portal</h1>\n</html>\n", "protocol", "Captive portal"),
        (b'{"error":"an error was encountered"}', "server", "an error was encountered"),
        (wire(*LINES[:2], {"error": "llama runner process has terminated"}), "server", "runner process"),
        (wire(*LINES[:2], {"error": "the input length exceeds the context length"}), "context_overflow", ""),
        (wire(*LINES[:2], b"{oops"), "protocol", "{oops"),
        (wire(*LINES[:2], b"\x00\x01"), "protocol", "cannot be read"),
        (wire(*LINES[:4]), "protocol", "before it was done"),
        (wire({**said(), "done": True, "done_reason": "load"}), "protocol", "said nothing"),
        (wire(LINES[0], said(content="x" * 8_000_001)), "protocol", "larger than 8 MB"),
        (wire(b'{"message":{"content":' + b"[" * 100_000), "protocol", "cannot be read"),
    ],
)
def test_a_body_that_is_no_whole_reply_is_an_error(body: bytes, kind: ProviderErrorKind, words: str) -> None:
    _, error = ask_for(body)
    assert error is not None
    assert error.kind == kind, error
    assert words in str(error)


def test_what_was_said_before_an_error_is_said_all_the_same() -> None:
    events, error = ask_for(wire(*LINES[:3], {"error": "no more"}))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXT
    assert "no more" in str(error)


def test_a_body_shorter_than_announced_is_an_error() -> None:
    def answer(received: Received, connection: socket.socket) -> None:
        connection.sendall(response(BODY, NDJSON)[: -len(BODY) // 2])

    _, error = ask_for(answer)
    assert error.kind == "connection"


def test_silence_in_mid_reply_is_an_error() -> None:
    def answer(received: Received, connection: socket.socket) -> None:
        streaming(connection)
        connection.sendall(wire(LINES[0]))
        connection.recv(1)

    _, error = ask_for(answer, idle=0.05)
    assert error.kind == "timeout"


def test_a_redirect_is_not_followed() -> None:
    with answering(BODY, NDJSON) as other:
        with answering(b"", NDJSON, 307, location=f"{other.url}/api/chat?key=1") as server:
            _, error = ask(model_at(server.url))
        assert other.requests == []
    assert "OLLAMA_HOST" in str(error)


def test_cancelling_closes_the_connection() -> None:
    closed = threading.Event()

    def answer(received: Received, connection: socket.socket) -> None:
        streaming(connection)
        connection.sendall(wire(LINES[0]))
        if not connection.recv(1):
            closed.set()

    async def begin(url: str) -> None:
        model = model_at(url)
        stream: Any = model.stream(request())
        async with aclosing(stream):
            assert await anext(stream) == TextDelta("Hel")
        assert await asyncio.to_thread(closed.wait, 20)
        await model.close()

    with answering(answer) as server:
        asyncio.run(begin(server.url))


# --- errors that say what to do -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "kind", "advice"),
    [
        (400, '"m" does not support thinking', "bad_request", "--effort"),
        (400, "registry.ollama.ai/library/m:latest does not support tools", "bad_request", "ollama show"),
        (
            500,
            "model requires more system memory (5.6 GiB) than is available",
            "bad_request",
            "32,768 tokens",
        ),
        (
            500,
            "llama runner process has terminated: cudaMalloc failed: out of memory",
            "bad_request",
            "NUM_CTX",
        ),
        (400, "the input length exceeds the context length", "context_overflow", "AKMON_OLLAMA_NUM_CTX"),
        (
            400,
            "the prompt is longer than the context length currently available to the model",
            "context_overflow",
            "32,768 tokens",
        ),
        (401, "unauthorized", "authentication", "ollama signin"),
        (500, "unable to load model: /blobs/x", "bad_request", "ollama pull qwen3:8b"),
        (503, "server busy, please try again. maximum pending requests exceeded", "overloaded", "Try again"),
        (429, "you have reached your hourly usage limit", "rate_limit", "Try again"),
        (500, "something else", "server", "Try again"),
    ],
)
def test_an_error_of_ollama_s_says_what_to_do(
    status: int, message: str, kind: ProviderErrorKind, advice: str
) -> None:
    _, error = ask_for(json.dumps({"error": message}).encode(), "application/json", status)
    assert (error.kind, error.status) == (kind, status)
    assert message in str(error)
    assert advice in str(error)


def test_ollama_that_is_not_running_is_told_how_to_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _, error = ask(model_at(f"127.0.0.1:{port}"))
    assert error.kind == "connection"
    assert f"http://127.0.0.1:{port}" in str(error)
    assert "`ollama serve`" in str(error)
    assert "OLLAMA_HOST" in str(error)


def missing(tags: Answer) -> Answer:
    """A server that has not got the model, and ``tags`` for the list of those that it has."""

    def answer(received: Received, connection: socket.socket) -> None:
        if received.path == "/api/tags":
            tags(received, connection)
        else:
            said = json.dumps({"error": "model 'nope' not found"}).encode()
            connection.sendall(response(said, "application/json", 404))

    return answer


def listing(names: list[str]) -> Answer:
    body = json.dumps({"models": [{"name": name} for name in names]}).encode()
    return lambda received, connection: connection.sendall(response(body, "application/json"))


def ask_missing(tags: Answer) -> str:
    with answering(missing(tags)) as server:
        _, error = ask(model_at(server.url, "nope"))
    assert (error.kind, error.status) == ("model_not_found", 404)
    assert "`ollama pull nope`" in str(error)
    return str(error)


def test_a_model_that_is_missing_is_fetched_by_a_command_and_others_are_named() -> None:
    assert "Installed: qwen3:8b, smol." in ask_missing(listing(["qwen3:8b", "smol"]))
    assert "No model is installed." in ask_missing(listing([]))


def test_of_many_installed_models_the_first_are_named() -> None:
    said = ask_missing(listing([f"model-{number}" for number in range(30)]))
    assert "model-9 and 20 more." in said
    assert "model-10" not in said


def test_a_list_that_does_not_come_takes_nothing_from_the_error() -> None:
    def fail(received: Received, connection: socket.socket) -> None:
        connection.sendall(response(b"<html>", "text/html", 500))

    def stall(received: Received, connection: socket.socket) -> None:
        connection.recv(1)

    for tags in (fail, stall):
        assert "Installed" not in ask_missing(tags)


# --- who is asked, and what is sent along ---------------------------------------------------------


def test_the_environment_chooses_neither_the_server_nor_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(BODY, NDJSON) as other, answering(BODY, NDJSON) as server:
        monkeypatch.setenv("OLLAMA_HOST", other.url)
        monkeypatch.setenv("OLLAMA_API_KEY", "key-of-another-server")
        whole(*ask(model_at(server.url, key="")))
        assert other.requests == []
        (sent,) = server.requests
    assert sent.path == "/api/chat"
    assert "authorization" not in sent.headers


def test_a_key_and_headers_of_the_user_s_own_are_sent() -> None:
    known = row("ollama", "m")
    with answering(BODY, NDJSON) as server:
        backend = Backend(KEY, f"{server.url}/under/", headers={"X-Team": "a", "User-Agent": "mine"})
        whole(*ask(open_model(Opening(facts=facts_of("ollama", "m", known), row=known, backend=backend))))
        (sent,) = server.requests
    assert sent.path == "/under/api/chat"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert (sent.headers["x-team"], sent.headers["user-agent"]) == ("a", "mine")


def test_a_user_and_a_password_in_the_address_are_sent() -> None:
    with answering(BODY, NDJSON) as server:
        whole(*ask(model_at(server.url.replace("//", "//me:pass@"), key="")))
        assert server.requests[0].headers["authorization"].startswith("Basic ")


def test_no_proxy_is_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(b"", NDJSON, 502) as proxy, answering(BODY, NDJSON) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        whole(*ask(model_at(server.url)))
        assert proxy.requests == []


def test_the_key_is_never_in_an_error() -> None:
    def answer(received: Received, connection: socket.socket) -> None:
        said = json.dumps({"error": f"bad key {received.headers['authorization']}"}).encode()
        connection.sendall(response(said, "application/json", 401))

    _, error = ask_for(answer)
    assert error.kind == "authentication"
    assert "bad key" in str(error)
    assert KEY not in str(error)


def test_what_is_sent_is_what_the_facts_tell() -> None:
    with answering(BODY, NDJSON) as server:
        model = model_at(server.url, "tiny", rows=(ModelRow(match="tiny", window=4_096),))
        whole(*ask(model))
        options = json.loads(server.requests[0].body)["options"]
    assert options == {"num_ctx": model.facts.context_window, "num_predict": model.facts.max_output}
    assert options == {"num_ctx": 4_096, "num_predict": 1_024}


# --- the list -------------------------------------------------------------------------------------


def listed(body: bytes, status: int = 200) -> list[Listed]:
    with answering(body, "application/json", status) as server:
        return asyncio.run(list_models(Backend(base_url=server.url.removeprefix("http://"))))


def test_the_installed_models_are_listed_with_their_size_and_window() -> None:
    assert listed(json.dumps(TAGS).encode()) == [
        Listed(id="qwen3:8b", context_window=40_960, detail="8.0B Q4_K_M, 4.9 GB"),
        Listed(id="smol", detail="98 MB"),
        Listed(id="gpt-oss:120b-cloud", detail="at https://ollama.com:443"),
    ]


@pytest.mark.parametrize("body", [b"[]", b'{"models": 7}', b"{}", b"<html>", b""])
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        listed(body)
    assert caught.value.kind == "protocol"


def test_a_list_that_nobody_serves_says_how_to_start_ollama() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ProviderError, match="ollama serve"):
        asyncio.run(list_models(Backend(base_url=f":{port}")))
