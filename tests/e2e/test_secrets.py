"""Keys that are everywhere around a run get into nothing that it writes, shows or sends."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Place, Ran, sound

PROVIDER = "sk-canary-Q7w8E9r0T1y2U3i4"
CONFIGURED = "gsk-canary-Z1x2C3v4B5n6"
PASSWORD = "canary!pass#9d8f7e6a"
TOKEN = "ghp" + "_" + "cAnAry1234" * 4
IN_ADDRESS = "canary-5f4e3d2c1b"
UNKNOWN = "github" + "_pat_" + "cAnAry7890cAnAry7890cA" + "_" + "b1C2d3E4f5" * 6
"""In no variable and no settings: known by its form alone."""
CANARIES = (PROVIDER, CONFIGURED, PASSWORD, TOKEN, IN_ADDRESS, UNKNOWN)

FILE = f"""provider {PROVIDER}
configured {CONFIGURED}
password {PASSWORD}
token {TOKEN}
address https://me:{IN_ADDRESS}@git.example/x.git
unknown {UNKNOWN}
last line
"""
COMMANDS = (
    "cat notes.txt",
    "printf '%s' \"$(sed -n 1p notes.txt)\" | base64 -w0",
    "sed -n 3p notes.txt | od -An -tx1 | tr -d ' \\n'",
    "env; export -p; set",
    "cat /proc/self/environ; awk 'BEGIN{for(k in ENVIRON)print k,ENVIRON[k]}'",
    "cat notes.txt >&2; exit 3",
    "for i in $(seq 500); do cat notes.txt; done",
    "sed -n 1p notes.txt; printf '\\033[2J\\302\\2330m\\033]52;c;aGk=\\007'",
)
CALLS = [
    ("read", {"path": "notes.txt"}),
    ("search", {"pattern": "canary|cAnAry"}),
    *(("shell", {"command": command}) for command in COMMANDS),
    ("read", {"path": "output:1"}),
    ("edit", {"path": "notes.txt", "old": "last line", "new": "the very last line"}),
    ("write", {"path": "new.txt", "content": "no key\n"}),
]


def reply(step: int) -> bytes:
    if step >= len(CALLS):
        delta: dict[str, Any] = {"content": "done"}
        reason = "stop"
    else:
        name, arguments = CALLS[step]
        call = {"index": 0, "id": f"c{step}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        delta, reason = {"tool_calls": [call]}, "tool_calls"
    choice = {"id": "r", "choices": [{"delta": delta, "finish_reason": reason}]}
    return b"data: " + json.dumps(choice).encode() + b"\n\ndata: [DONE]\n\n"


class Server:
    """Speaks Chat Completions. Echoes the key that it is sent in an error, then asks for ``CALLS``."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.bodies: list[bytes] = []
        self.keys: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["Authorization"]
                server.bodies.append(body)
                server.keys.append(key)
                said = f"key {key}, or {PROVIDER[:12]}***{PROVIDER[-4:]}\x1b[2J\u202e"
                error = json.dumps({"error": {"message": said}}).encode()
                first = len(server.bodies) == 1
                self.send_response(401 if refuse else 429 if first else 200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Retry-After", "0")
                self.end_headers()
                results = json.loads(body)["messages"]
                step = sum(message["role"] == "tool" for message in results)
                self.wfile.write(error if refuse or first else reply(step))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def settled(place: Place, url: str) -> None:
    """Keys in the settings, the environment and a file of the project."""
    config = place.home / ".config" / "akmon" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'groq_api_key = "{CONFIGURED}"\n')
    config.chmod(0o600)
    (place.project / "notes.txt").write_text(FILE)
    place.env |= {
        "OPENAI_API_KEY": PROVIDER,
        "OPENAI_BASE_URL": url,
        "AKMON_MODEL": "gpt-4o",
        "AKMON_PROVIDER": "openai",
        "DATABASE_PASSWORD": PASSWORD,
        "GITHUB_TOKEN": TOKEN,
        "OPENAI_LOG": "debug",
        "ANTHROPIC_LOG": "debug",
        "HTTPX_LOG_LEVEL": "debug",
        "PYTHONASYNCIODEBUG": "1",
    }


def forms(canary: str) -> list[bytes]:
    raw = canary.encode()
    coded = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, *coded, raw.hex().encode()]


def canaries_in(what: bytes) -> list[str]:
    return [canary for canary in CANARIES if any(form in what for form in forms(canary))]


def steering(text: str) -> set[str]:
    """Characters that a terminal would obey, or that hide."""
    return {char for char in text if char in "\x1b\x07\r\x7f\u202e\u200b" or "\x80" <= char <= "\x9f"}


def written(place: Place) -> list[Path]:
    """All files that akmon has written, but for checkpoints, which keep the project's files as they are."""
    files = [path for path in place.home.rglob("*") if path.is_file()]
    return [path for path in files if path.name != "config.toml" and "checkpoints" not in str(path)]


def clean(place: Place, ran: Ran) -> None:
    for text in (ran.out, ran.err):
        assert canaries_in(text.encode()) == []
        assert steering(text) == set()
    for path in written(place):
        assert canaries_in(path.read_bytes()) == [], path


@pytest.mark.parametrize(
    "output", [(), ("--output=json",), ("--output=stream-json", "--include-partial-messages")]
)
def test_no_key_is_in_anything_that_a_run_writes_shows_or_sends(
    place: Place, server: Server, output: tuple[str, ...]
) -> None:
    settled(place, server.url)
    ran = place.akmon("-p", "go", "--allow=shell", "--allow=edit", "--allow=write", *output)
    assert ran.code == 0, ran.err
    clean(place, ran)
    assert set(server.keys) == {f"Bearer {PROVIDER}"}
    assert len(server.bodies) == len(CALLS) + 2
    assert all(canaries_in(body) == [] for body in server.bodies)
    assert b"password [redacted]" in server.bodies[-1]
    assert b"unknown [redacted: GitHub token]" in server.bodies[-1]
    sound(place.journal())
    assert UNKNOWN in (place.project / "notes.txt").read_text()
    assert "the very last line" in (place.project / "notes.txt").read_text()


def test_no_key_is_in_what_is_shown_of_a_session_or_the_settings(place: Place, server: Server) -> None:
    settled(place, server.url)
    place.akmon("-p", f"go, the key is {PROVIDER}", "--allow=shell", "--allow=edit", "--allow=write")
    for arguments in (
        ("sessions", "list"),
        ("sessions", "show"),
        ("sessions", "export"),
        ("sessions", "export", "--format", "json"),
        ("sessions", "export", "--format", "html"),
        ("stats",),
        ("stats", "--json"),
        ("config",),
        ("config", "explain-provider"),
        ("doctor",),
        ("rewind",),
    ):
        ran = place.akmon(*arguments)
        assert "Traceback" not in ran.err
        clean(place, ran)


def test_a_server_that_refuses_a_key_and_quotes_it_shows_none_of_it(place: Place) -> None:
    server = Server(refuse=True)
    settled(place, server.url)
    try:
        for output in ("text", "json", "stream-json"):
            ran = place.akmon("-p", "go", f"--output={output}")
            assert ran.code == 1
            clean(place, ran)
            assert PROVIDER[-4:] not in ran.out + ran.err
    finally:
        server.close()


def test_a_key_that_is_typed_where_none_belongs_is_not_repeated(place: Place) -> None:
    for arguments in (
        ("--api-key", TOKEN),
        (f"--api-key={TOKEN}",),
        ("--output=json", "--api-key", TOKEN),
        ("doctor", TOKEN),
    ):
        ran = place.akmon(*arguments)
        assert ran.code == 2
        assert TOKEN not in ran.out + ran.err


def test_what_a_session_keeps_can_be_read_by_the_user_alone_whatever_the_umask(
    place: Place, server: Server
) -> None:
    settled(place, server.url)
    ran = place.akmon(
        "-p", "go", "--allow=shell", "--allow=edit", "--allow=write", shell='umask 000; exec "$@"'
    )
    assert ran.code == 0
    kept = [
        path for root in (".local/state/akmon", ".cache/akmon") for path in (place.home / root).rglob("*")
    ]
    assert any(path.is_file() for path in kept)
    for path in kept:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0 or (path.is_file() and path.parent.stat().st_mode & 0o077 == 0), path
