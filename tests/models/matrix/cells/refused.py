"""Cells: how a server refuses a request, or never gets it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.models.faults import Exchange
from tests.models.matrix.bench import Bench, answers, ask
from tests.models.matrix.cells.names import cell
from tests.models.matrix.table import KEY


@cell("rate limit")
def rate_limit(bench: Bench) -> None:
    """In each of the forms in which a server says how long to wait."""
    plain = bench.refuse(429, "rate_limit")
    assert (plain.kind, plain.status, plain.retry_after) == ("rate_limit", 429, None)
    assert bench.refuse(429, "rate_limit", retry_after="7").retry_after == 7
    assert bench.refuse(429, "rate_limit", retry_after_ms="1500", retry_after="2").retry_after == 1.5
    dated = bench.refuse(429, "rate_limit", retry_after="Fri, 01 Jan 2100 00:00:00 GMT").retry_after
    assert dated is not None
    assert dated > 10**7
    assert bench.refuse(429, "rate_limit", "Please try again in 1.2s.").retry_after == 1.2
    assert bench.refuse(429, "rate_limit", retry_after="soon").retry_after is None
    assert "slow down" in str(plain)


@cell("overloaded")
def overloaded(bench: Bench) -> None:
    for status in (529, 503):
        error = bench.refuse(status, "overloaded")
        assert (error.kind, error.status) == ("overloaded", status)
        assert error.retryable


@cell("html error page")
def html_error(bench: Bench) -> None:
    page = "<html><head><style>b{}</style></head><h1>502 Bad Gateway</h1></html>"
    _, error = bench.outcome(lambda x: x.answer(502, page, "text/html"))
    assert error is not None
    assert (error.kind, error.status) == ("server", 502)
    assert "502 Bad Gateway" in str(error)
    assert "<" not in str(error)


@cell("html instead of a stream")
def html_page(bench: Bench) -> None:
    page = "<html><script>track()</script><h1>Captive portal</h1></html>" + " " * 2_000
    _, error = bench.outcome(lambda x: x.answer(200, page, "text/html"))
    assert error is not None
    assert error.kind == "protocol"


@cell("json error instead of a stream")
def json_error(bench: Bench) -> None:
    body = bench.format.body("rate_limit", "slow down, please")
    for kind in ("application/json", bench.format.content_type):
        _, error = bench.outcome(answers(200, body, kind))
        assert error is not None
        assert "slow down, please" in str(error)


@cell("empty 200")
def empty(bench: Bench) -> None:
    def nothing(x: Exchange) -> None:
        x.head(200, bench.format.content_type, content_length=0)

    _, error = bench.outcome(nothing)
    assert error is not None
    assert error.kind == "protocol"
    assert error.retryable


@cell("endless error body")
def endless(bench: Bench) -> None:
    """What is sent beyond the first 100 kB is what fits into buffers on the way."""
    sent = 0

    def part(x: Exchange) -> None:
        nonlocal sent
        x.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        x.head(500, "application/json")
        with suppress(OSError):
            while True:
                sent += x.socket.send(b"x" * 10_000)

    stage, (_, error) = bench.play(part)
    assert error is not None
    assert (error.kind, error.status) == ("server", 500)
    assert stage.arrival().over.wait(10)
    assert 100_000 <= sent < 10_000_000
    assert len(str(error)) < 3_000


@cell("bad request")
def bad_request(bench: Bench) -> None:
    error = bench.refuse(400, "bad_request", "tools.0: bad schema")
    assert (error.kind, error.retryable) == ("bad_request", False)
    assert "tools.0: bad schema" in str(error)
    unknown = bench.refuse(404, "bad_request", "no such model")
    assert unknown.kind == "model_not_found"
    assert bench.row.model in str(unknown)
    denied = bench.refuse(401, "bad_request", f"invalid key {KEY}")
    assert denied.kind == "authentication"
    assert not denied.retryable


@cell("too long")
def too_long(bench: Bench) -> None:
    said = "prompt is too long: 300000 tokens > 200000 maximum"
    error = bench.refuse(400, "bad_request", said)
    assert error.kind == "context_overflow"
    assert "300000 tokens" in str(error)


@cell("redirect")
def redirect(bench: Bench) -> None:
    """The prompt only goes to the server that was chosen."""
    other = bench.stage(lambda x: x.send([]))
    stage, (_, error) = bench.play(lambda x: x.answer(307, "", location=f"{other.url}{x.path}"))
    assert error is not None
    assert error.kind == "bad_request"
    assert len(stage.exchanges) == 1
    assert other.exchanges == []


@cell("connection refused")
def refused(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    _, error = ask(bench.row.open(f"http://127.0.0.1:{port}"))
    assert error is not None
    assert (error.kind, error.retryable) == ("connection", True)
    assert f"127.0.0.1:{port}" in str(error)


@cell("connection reset")
def reset(bench: Bench) -> None:
    for part in (Exchange.reset, lambda _: None):
        _, error = bench.outcome(part)
        assert error is not None
        assert (error.kind, error.retryable) == ("connection", True)


@cell("tls reset")
def tls_reset(bench: Bench) -> None:
    """A handshake that breaks off may succeed the next time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.recv(100)
                    connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        _, error = ask(bench.row.open(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        listener.shutdown(socket.SHUT_RDWR)
    assert error is not None
    assert (error.kind, error.retryable) == ("connection", True)
