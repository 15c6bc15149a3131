"""``akmon models``: what is listed, where it is from, and what happens where nothing answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from akmon_cli.listing import Listing, list_all
from akmon_core.errors import ProviderError, SettingsError
from akmon_core.models import Listed, ModelRow
from akmon_models.backend import ACCESS, Backend
from akmon_models.resolve import resolve
from tests.e2e.program import Place

KEY = "sk-canary"
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens at the port of the discard service, and none but root may."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[str]:
    """The address of a server that answers these paths with JSON, and all others with 404."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            body = json.dumps({"error": {"message": "no such page"}} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


OPENAI = {"/v1/models": {"data": [{"id": "zeta"}, {"id": "openai/gpt-oss-20b", "max_model_len": 4096}]}}
OLLAMA = {"/api/tags": {"models": [{"name": "llama3.2:3b", "details": {"family": "llama"}}]}}


def test_each_provider_lists_its_models_and_one_that_fails_keeps_none_from_it(place: Place) -> None:
    with serving(OPENAI) as server, serving(OLLAMA) as ollama:
        env = {
            "AKMON_OPENAI_COMPATIBLE_URL": f"{server}/v1",
            "OLLAMA_HOST": ollama,
            "GROQ_API_KEY": KEY,
            "GROQ_BASE_URL": f"{server}/absent",
            "AWS_ACCESS_KEY_ID": KEY,
        }
        ran = place.akmon("models", env=env)
        as_json = place.akmon("models", "--json", env=env)
        filtered = place.akmon("models", "ZET", env=env)
        absent = place.akmon("models", "absent", env=env)
    assert ran.code == as_json.code == filtered.code == absent.code == 0
    names = [line.split()[0] for line in ran.out.splitlines()]
    own = ["openai-compatible/openai/gpt-oss-20b", "openai-compatible/zeta"]
    assert names == ["model", *own, "ollama/llama3.2:3b"]
    assert "unpriced" in ran.out
    (problem,) = ran.err.splitlines()
    assert problem.startswith("akmon: the models of groq cannot be listed: ")
    assert KEY not in ran.out + ran.err
    entries = {each["model"]: each for each in json.loads(as_json.out)}
    assert list(entries) == names[1:]
    assert entries[own[0]]["context_window"] == 4096
    assert entries[own[1]]["prices"] is None
    assert {each["source"] for each in entries.values()} == {"live"}
    assert [line.split()[0] for line in filtered.out.splitlines()] == ["model", own[1]]
    assert absent.out == ""


def test_what_is_printed_can_be_given_as_the_model(place: Place) -> None:
    with serving(OPENAI) as server:
        env = {"OPENAI_BASE_URL": f"{server}/v1"}
        listed = json.loads(place.akmon("models", "--json", "--provider", "openai", env=env).out)
        backends = {"openai": Backend("", f"{server}/v1")}
    assert len(listed) == 2
    for each in listed:
        choice = resolve(each["model"], backends)
        assert (choice.provider, choice.model) == (each["provider"], each["id"])


def test_a_provider_without_its_key_is_shown_from_the_catalog(place: Place) -> None:
    ran = place.akmon("models", "--provider", "anthropic", "--json", env={"AKMON_MODELS": ROWS})
    assert ran.code == 0
    assert "taken from the catalog" in ran.err
    assert "ANTHROPIC_API_KEY is not set" in ran.err
    entries = {each["id"]: each for each in json.loads(ran.out)}
    assert {each["source"] for each in entries.values()} == {"catalog"}
    assert entries["claude-of-mine"]["context_window"] == 1000
    assert entries["claude-of-mine"]["prices"] is None
    assert entries["claude-sonnet-5-5"]["prices"]["input"] == 2


ROWS = (
    '[{"match": "claude-of-mine", "provider": "anthropic", "window": 1000}, {"match": "c[lm]*", "output": 9}]'
)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--provider", "ollama"], ("the models of ollama cannot be listed", "ollama serve")),
        (["--provider", "azure"], ("no models of azure are known", "azure/ID", "AZURE_OPENAI_ENDPOINT")),
    ],
)
def test_nothing_listed_is_a_failure_that_says_why(
    place: Place, arguments: list[str], words: tuple[str, ...]
) -> None:
    ran = place.akmon("models", *arguments, env={"OLLAMA_HOST": NOWHERE})
    assert (ran.code, ran.out) == (1, "")
    assert all(word in ran.err for word in words), ran.err
    assert place.akmon("models", "--json", *arguments, env={"OLLAMA_HOST": NOWHERE}).out == "[]\n"


def test_a_provider_that_is_none_is_refused(place: Place) -> None:
    ran = place.akmon("models", "--provider", "scripted")
    assert (ran.code, ran.out) == (2, "")
    assert "Use one of bedrock, anthropic" in ran.err


def test_a_name_from_a_server_cannot_steer_the_terminal(place: Place) -> None:
    with serving({"/v1/models": {"data": [{"id": "a\x1b[2Jb\nollama/c"}]}}) as server:
        env = {"AKMON_OPENAI_COMPATIBLE_URL": f"{server}/v1"}
        ran = place.akmon("models", "--provider", "openai-compatible", env=env)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert sum("ollama/c" in line for line in ran.out.splitlines()) == 1
    assert not any(line.startswith("ollama/c") for line in ran.out.splitlines())


# With providers of our own ------------------------------------------------------------------------

BACKENDS = {"anthropic": Backend(KEY), "openai": Backend(KEY), "groq": Backend(KEY)}


def listings(ask: Any, **how: Any) -> dict[str, Listing]:
    found = asyncio.run(list_all(BACKENDS, **{"ask": ask, "local": NOWHERE, **how}))
    return {each.provider: each for each in found}


def test_all_are_asked_at_the_same_time_and_shown_in_order() -> None:
    all_asked = asyncio.Barrier(len(BACKENDS))

    async def ask(provider: str, backend: Backend) -> list[Listed]:
        await all_asked.wait()
        return [Listed(id="b", detail="new"), Listed(id="a", context_window=7)]

    found = listings(ask)
    assert list(found) == ["anthropic", "openai", "groq"]
    assert [each.model for each in found["groq"].entries] == ["groq/a", "groq/b"]
    assert found["groq"].entries[0].context_window == 7
    assert found["groq"].entries[1].detail == "new"


def test_one_that_does_not_answer_and_one_that_fails_are_told_apart_from_the_others() -> None:
    async def ask(provider: str, backend: Backend) -> list[Listed]:
        if provider == "anthropic":
            await asyncio.Event().wait()
        if provider == "openai":
            raise ProviderError("authentication", "openai refused access. Check OPENAI_API_KEY.")
        return [Listed(id="a")]

    found = listings(ask, seconds=0.01)
    assert "did not list its models within 0.01 seconds" in found["anthropic"].problem
    assert "ANTHROPIC_BASE_URL" in found["anthropic"].problem
    assert "Check OPENAI_API_KEY." in found["openai"].problem
    assert [each.id for each in found["groq"].entries] == ["a"]


def test_a_server_without_a_list_is_shown_from_the_catalog() -> None:
    async def ask(provider: str, backend: Backend) -> None:
        return None

    found = listings(ask)
    for provider in ("anthropic", "openai", "groq"):
        entries = found[provider].entries
        assert entries
        assert not found[provider].problem
        assert "its server lists none" in found[provider].note
        for each in entries:
            assert each.source == "catalog"
            assert resolve(each.model, BACKENDS).provider == provider


def test_rows_of_one_s_own_go_before_the_catalog() -> None:
    async def ask(provider: str, backend: Backend) -> list[Listed]:
        return [Listed(id="claude-sonnet-5-5")]

    rows = (ModelRow(match="claude-sonnet-5-5", output=5, price=(1, 2, 3, 4), images=False),)
    (entry,) = listings(ask, rows=rows)["anthropic"].entries
    assert entry.max_output == 5
    assert entry.prices is not None
    assert (entry.prices.input, entry.prices.output) == (1, 2)
    assert entry.images is False


def test_an_ollama_that_runs_is_asked_though_nothing_is_said_of_it() -> None:
    asked: dict[str, Backend] = {}

    async def ask(provider: str, backend: Backend) -> list[Listed]:
        asked[provider] = backend
        return []

    assert "ollama" not in listings(ask)
    with serving({}) as address:
        assert listings(ask, local=address)["ollama"].note == "ollama lists no models."
        assert asked["ollama"].base_url == address
        listings(ask, local=address, provider="groq")
    assert asked.keys() == {*BACKENDS, "ollama"}


def test_only_the_provider_that_is_named_is_asked() -> None:
    async def ask(provider: str, backend: Backend) -> list[Listed]:
        return [Listed(id=provider)]

    for provider in ACCESS:
        assert list(listings(ask, provider=provider)) == [provider]
    with pytest.raises(SettingsError, match="nobody has no list of models"):
        listings(ask, provider="nobody")
