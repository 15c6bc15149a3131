"""Opening models: what is loaded when, what is sent, and what is not."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest

from akmon_core.errors import SettingsError
from akmon_models.backend import Backend
from akmon_models.registry import PROVIDERS, open_model
from akmon_models.resolve import PROVIDERS as RESOLVED
from akmon_models.retry import Retried
from tests.models.asking import KEY, ask, ask_fault, collect, model_at, reply
from tests.models.faults import FaultServer, Protocol, encode

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


def run_python(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


HEAVY = ("openai", "anthropic", "httpx2", "httpx", "pydantic", "asyncio", "random", "tomllib", "email.utils")


def test_importing_the_registry_loads_nothing_heavy() -> None:
    code = f"import sys, akmon_models.registry; print(*[m for m in {HEAVY} if m in sys.modules])"
    assert run_python(code) == []


def test_opening_a_model_loads_no_sdk() -> None:
    code = (
        "import sys; from akmon_models.registry import open_model; from akmon_models.backend import Backend;"
        "open_model('claude-opus-5-5', {'anthropic': Backend('k')});"
        "open_model('gpt-6-sol', {'openai': Backend('k')});"
        "print(*[m for m in ('openai', 'anthropic', 'httpx2', 'pydantic') if m in sys.modules])"
    )
    assert run_python(code) == []


def test_each_provider_that_can_be_chosen_can_be_opened(tmp_path: Path) -> None:
    assert {*PROVIDERS, "scripted"} == set(RESOLVED)
    script = tmp_path / "s.script"
    script.write_text("say hi")
    for provider in RESOLVED:
        backends = {provider: Backend("k", "http://localhost:1")}
        model = open_model(str(script), backends, provider=provider)
        assert isinstance(model, Retried)
        assert model.facts.provider == provider


def test_an_unusable_choice_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        open_model("claude-opus-5-5", {})


@pytest.mark.parametrize(
    ("backend", "variable"),
    [
        *((Backend(f"{KEY}{end}"), "OPENAI_API_KEY") for end in ("\nsecond", "\0", "\u00fc", "\r")),
        *(
            (Backend(KEY, f"{start}canary.example/v1"), "OPENAI_BASE_URL")
            for start in (
                "",
                "localhost:",
                "ftp://",
                "http://[",
                "http://a:99999@b:x/",
                "https://\0",
                "http:///",
            )
        ),
    ],
)
def test_a_key_or_an_address_that_no_request_could_carry_is_refused_and_not_quoted(
    backend: Backend, variable: str
) -> None:
    with pytest.raises(SettingsError, match=variable) as refused:
        open_model("gpt-6-sol", {"openai": backend}, provider="openai")
    assert KEY not in str(refused.value)
    assert "canary" not in str(refused.value)


def sent(server: FaultServer, model: str, provider: str, base: str) -> dict[str, object]:
    """The body that a request through ``open_model`` has."""
    backends = {provider: Backend(KEY, server.url("ok", "openai") + base)}
    assert ask(open_model(model, backends, provider=provider))[1] is None
    body: dict[str, object] = json.loads(server.requests["ok openai"][-1].body)
    return body


@pytest.mark.parametrize("provider", ["openai", "openai-compatible"])
def test_a_server_of_one_s_own_gets_the_parameters_that_its_models_take(
    server: FaultServer, provider: str
) -> None:
    body = sent(server, "qwen3-coder", provider, "")
    assert body["max_tokens"] == 32_768
    assert not {"max_completion_tokens", "prompt_cache_key", "reasoning_effort", "temperature"} & set(body)
    assert "max_completion_tokens" in sent(server, "openai/gpt-6-sol", provider, "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_environment_adds_nothing_to_a_request(
    server: FaultServer, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = {
        "OPENAI_API_KEY": "env-secret",
        "OPENAI_ADMIN_KEY": "env-secret",
        "OPENAI_ORG_ID": "env-secret",
        "OPENAI_PROJECT_ID": "env-secret",
        "OPENAI_BASE_URL": "http://localhost:1/env-secret",
        "OPENAI_CUSTOM_HEADERS": "X-Stray: env-secret\nAuthorization: env-secret",
        "ANTHROPIC_API_KEY": "env-secret",
        "ANTHROPIC_AUTH_TOKEN": "env-secret",
        "ANTHROPIC_BASE_URL": "http://localhost:1/env-secret",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Stray: env-secret\nAuthorization: env-secret",
    }
    for name, value in stray.items():
        monkeypatch.setenv(name, value)
    assert ask_fault(server, "ok", protocol)[1] is None
    headers = server.requests[f"ok {protocol}"][-1].headers
    assert "env-secret" not in str(headers)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert os.environ["OPENAI_API_KEY"] == "env-secret"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_a_key_no_authorization_is_sent(server: FaultServer, protocol: Protocol) -> None:
    _, error = ask(model_at(server.url("ok", protocol), protocol, key=""))
    assert error is None
    headers = server.requests[f"ok {protocol}"][-1].headers
    assert not {"authorization", "x-api-key"} & set(headers)


class KeepAliveServer:
    """Answers any number of requests on each connection, and counts the connections."""

    def __init__(self, protocol: Protocol) -> None:
        self._body = b"".join(encode(protocol))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            while lines.readline():
                length = 0
                while line := lines.readline().strip().lower():
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                lines.read(length)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                    b"transfer-encoding: chunked\r\n\r\n"
                    b"%x\r\n%s\r\n0\r\n\r\n" % (len(self._body), self._body)
                )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_connection_serves_all_requests_of_a_model(protocol: Protocol) -> None:
    server = KeepAliveServer(protocol)

    async def scenario() -> None:
        model = model_at(f"http://127.0.0.1:{server.port}", protocol)
        for _ in range(3):
            events, error = await collect(model)
            assert error is None
            assert reply(events).message.calls
        await model.close()

    try:
        asyncio.run(scenario())
    finally:
        server.stop()
    assert server.connections == 1
