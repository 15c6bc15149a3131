"""Keys on their way from the settings to a server, and nowhere else."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.program import Place, Ran, alive, sound, wait_for

KEY = "sk-canary-0123456789"
REPLY = (
    b'data: {"id": "r", "choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\n'
    b'data: {"id": "r", "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 1000}}\n\n'
    b"data: [DONE]\n\n"
)


class Server:
    """Speaks Chat Completions; refuses the keys in ``refused``. Notes the headers of each request, and the
    command lines of all processes that hold the key while it is being asked."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.refused: set[str] = set()
        self.visible: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                server.visible += command_lines_with(KEY)
                refused = self.headers["Authorization"] in server.refused
                self.send_response(401 if refused else 200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b'{"error": {"message": "no"}}' if refused else REPLY)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def keys(self) -> list[str]:
        return [headers.get("authorization", "") for headers in self.headers]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def command_lines_with(text: str) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().decode(errors="replace")
        except OSError:
            continue
        found += [line] if text in line else []
    return found


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def settings(place: Place, text: str) -> None:
    file = place.home / ".config" / "akmon" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def keys_from(place: Place, script: str) -> Path:
    """A program in the home folder that notes each of its runs in a file, which is returned."""
    runs = place.home / "runs"
    (place.home / "key.sh").write_text(f"#!/bin/sh\necho run >> {runs}\n{script}\n")
    (place.home / "key.sh").chmod(0o755)
    return runs


def ask(place: Place, *arguments: str, env: dict[str, str] | None = None) -> Ran:
    return place.akmon("-p", "hi", "-m", "openai-compatible/x", *arguments, env=env)


def everything_written(place: Place) -> str:
    return "".join(
        file.read_text(errors="replace")
        for file in place.home.rglob("*")
        if file.is_file() and "key" not in file.name
    )


def test_the_key_of_a_command_reaches_the_server_and_nothing_else(place: Place, server: Server) -> None:
    runs = keys_from(place, f"echo {KEY}; echo noise >&2")
    settings(
        place,
        f'openai_compatible_url = "{server.url}"\nopenai_compatible_key = "command:~/key.sh --quiet"\n',
    )
    shown = [
        place.akmon("config"),
        place.akmon("config", "--json"),
        place.akmon("doctor", "-m", "openai-compatible/x"),
    ]
    assert [ran.code for ran in shown] == [0, 0, 0]
    assert "openai_compatible_key     from a command  (user file" in shown[0].out
    assert not runs.exists()
    ran = ask(place, "--output=stream-json")
    assert (ran.code, ran.lines[-1]["result"]) == (0, "hello")
    assert server.keys == [f"Bearer {KEY}"]
    assert server.visible == []
    assert runs.read_text() == "run\n"
    assert "canary" not in "".join(each.out + each.err for each in (*shown, ran))
    assert "canary" not in everything_written(place)
    assert len(place.journals()) == 1


def test_a_key_that_is_refused_is_fetched_once_more(place: Place, server: Server) -> None:
    server.refused = {"Bearer sk-1", "Bearer sk-3", "Bearer sk-4"}
    runs = keys_from(place, "echo sk-$(wc -l < ~/runs | tr -d ' ')")
    settings(place, f'openai_compatible_url = "{server.url}"\nopenai_compatible_key = "command:~/key.sh"\n')
    ran = ask(place)
    assert (ran.code, ran.out) == (0, "hello\n")
    assert server.keys == ["Bearer sk-1", "Bearer sk-2"]
    ran = ask(place)
    assert ran.code == 1
    assert server.keys[2:] == ["Bearer sk-3", "Bearer sk-4"]
    assert runs.read_text() == "run\n" * 4


def test_a_command_that_fails_ends_the_run_with_what_it_said(place: Place, server: Server) -> None:
    keys_from(place, f"echo {KEY}; echo 'the vault is locked, {KEY}' >&2; exit 1")
    settings(
        place, f'openai_compatible_url = "{server.url}"\nopenai_compatible_key = "command:~/key.sh {KEY}"\n'
    )
    ran = ask(place)
    assert (ran.code, ran.out) == (1, "")
    assert "the command ~/key.sh for a key failed with exit code 1" in ran.err
    assert 'It said: "the vault is locked, …".' in ran.err
    assert ran.err.count("failed with exit code 1") == 1
    assert "canary" not in ran.err
    assert server.headers == []


def test_an_interrupt_ends_akmon_and_a_command_that_does_not_answer(place: Place, server: Server) -> None:
    pid = place.home / "pid"
    keys_from(place, f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 1000")
    settings(place, f'openai_compatible_url = "{server.url}"\nopenai_compatible_key = "command:~/key.sh"\n')
    running = place.start("-p", "hi", "-m", "openai-compatible/x")
    command = wait_for(lambda: int(pid.read_text()) if pid.exists() else None)
    running.signal(signal.SIGINT)
    assert running.wait().code == 130
    assert not alive(command)
    sound(place.journal())


def test_an_empty_keyring_names_the_line_that_fills_it(place: Place, server: Server) -> None:
    settings(place, f'openai_compatible_url = "{server.url}"\nopenai_compatible_key = "keyring:akmon/own"\n')
    assert "from the keyring" in place.akmon("config").out
    ran = ask(place, env={"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})
    assert ran.code == 1
    assert "Make it: keyring set akmon own" in ran.err
    ran = ask(place, env={"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"})
    assert ran.code == 1
    assert "the keyring cannot be read: NoKeyringError" in ran.err
    assert server.headers == []


@pytest.mark.parametrize("value", ["sk-canary", f"command:touch made-{KEY}", "a b", "a\nb"])
def test_a_key_on_the_command_line_is_refused_with_the_place_for_it(
    place: Place, server: Server, value: str
) -> None:
    for arguments in (("--openai-compatible-key", value), (f"--openai-compatible-key={value}",)):
        ran = ask(place, "--openai-compatible-url", server.url, *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "can be seen by every user of this machine. Set AKMON_OPENAI_COMPATIBLE_KEY" in ran.err
        assert value not in ran.err
    assert list(place.project.iterdir()) == []


def test_a_command_in_the_environment_is_not_run(place: Place, server: Server) -> None:
    env = {"AKMON_OPENAI_COMPATIBLE_KEY": f"command:touch made-{KEY}"}
    ran = ask(place, "--openai-compatible-url", server.url, env=env)
    assert (ran.code, ran.out) == (2, "")
    assert "a key from a command can only be set in the user file" in ran.err
    assert "canary" not in ran.err
    assert list(place.project.iterdir()) == []


def test_headers_are_sent_and_shown_by_name_only(place: Place, server: Server) -> None:
    settings(
        place, f'openai_compatible_url = "{server.url}"\n[headers.openai-compatible]\nX-Team = "canary"\n'
    )
    ran = ask(place)
    assert (ran.code, ran.out) == (0, "hello\n")
    assert server.headers[0]["x-team"] == "canary"
    config = place.akmon("config")
    assert "openai-compatible: X-Team" in config.out
    assert "canary" not in config.out + ran.err + everything_written(place).replace('X-Team = "canary"', "")


def test_a_row_of_ones_own_gives_a_model_its_price(place: Place, server: Server) -> None:
    address = f'openai_compatible_url = "{server.url}"\n'
    settings(place, address)
    ran = ask(place, "--max-budget-usd", "5")
    assert ran.code == 2
    assert "unpriced" in ran.err
    settings(place, address + '[[models]]\nmatch = "x"\nprice = [1000, 2000, 0, 0]\n')
    ran = ask(place, "--max-budget-usd", "5", "--output=json")
    assert (ran.code, ran.json["cost_usd"]) == (0, pytest.approx(3.0))


def test_a_fallback_that_is_the_model_itself_is_said_once(place: Place) -> None:
    script = place.script("say ok")
    ran = place.akmon("-m", script, "--fallback-model", script, "-p", "hi")
    assert (ran.code, ran.out) == (0, "ok\n")
    assert ran.err.count("is the model itself") == 1
    ran = place.akmon("-m", script, "--fallback-model", place.script("say other"), "-p", "hi")
    assert (ran.code, ran.err) == (0, "")


def test_a_model_that_fails_is_replaced_by_the_fallback_of_the_settings(place: Place) -> None:
    settings(place, f'fallback_model = "{place.script("say from the other")}"\n')
    failing = "\n".join(["error 529 retry_after=0.01 busy"] * 3) + "\nsay never"
    ran = place.play(failing, "hi")
    assert (ran.code, ran.out) == (0, "from the other\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--effort", "hgih"), "argument --effort: invalid choice: 'hgih'"),
        (("--max-tokens-total", "0"), "--max-tokens-total: it should be greater than or equal to 1"),
        (("--provider", "opnai"), "--provider: there is no provider 'opnai'. Did you mean openai?"),
        (
            ("--openai-compatible-url", "host:80"),
            "--openai-compatible-url: it should be an address that starts",
        ),
    ],
)
def test_what_is_wrong_with_a_provider_is_one_message_with_the_next_step(
    place: Place, arguments: tuple[str, ...], problem: str
) -> None:
    ran = place.play("say ok", "hi", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert problem in ran.err
    assert len(ran.err.splitlines()) == 1
    assert place.journals() == []


def test_a_flag_about_the_model_is_a_setting(place: Place) -> None:
    typed = {"effort": "max", "fallback-model": "m", "max-tokens-total": "5", "provider": "groq"}
    flags = [f"--{name}={value}" for name, value in typed.items()]
    entries = json.loads(place.akmon("config", "--json", *flags).out)
    for name, value in typed.items():
        entry = {"key": name.replace("-", "_"), "value": value, "origin": f"flag --{name}"}
        assert entry in entries


def test_bedrock_can_be_chosen_by_a_flag(place: Place) -> None:
    entries = json.loads(place.akmon("config", "--bedrock", "--json").out)
    assert {"key": "bedrock", "value": "true", "origin": "flag --bedrock"} in entries
    ran = place.akmon("doctor", "--bedrock", "-m", "gpt-5", env={"AWS_REGION": "eu-west-1"})
    assert "bedrock/gpt-5" in ran.out
