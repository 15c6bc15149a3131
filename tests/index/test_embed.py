"""Embedders: the hashed one, and those that ask a server, against real servers that answer as told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import AkmonError, SettingsError, ToolError
from akmon_core.plugins import Workplace
from akmon_index.embed import open_embedder
from akmon_index.embed.hashed import HashedEmbedder
from akmon_index.embed.openai import ADDRESS, find_key
from akmon_index.embed.server import batches
from akmon_index.embed.weights import find_weights
from akmon_index.limits import EMBEDDING_BATCH_CHARS, EMBEDDING_BATCH_TEXTS, EMBEDDING_TEXT_CHARS
from akmon_index.models import Choice, packaged_weights, parse_choice
from akmon_index.values import Embedder
from tests.index.servers import Server, ollama, openai


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def told() -> list[str]:
    """The secrets that embedders have come to know."""
    return []


@pytest.fixture
def place(tmp_path: Path, told: list[str]) -> Workplace:
    return Workplace(root=str(tmp_path), cache="", config="", withheld=lambda _: False, learn=told.append)


def opened(place: Workplace, spec: str, url: str = "") -> Embedder:
    return open_embedder(place, parse_choice(spec, url))


@given(st.lists(st.text(max_size=60), max_size=5))
def test_hashed_vectors_have_length_one_and_are_the_same_each_time(texts: list[str]) -> None:
    rows = HashedEmbedder().passages(texts)
    assert rows.shape == (len(texts), HashedEmbedder.id.dimension)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))
    assert np.array_equal(rows, HashedEmbedder().passages(texts))


def test_hashed_vectors_are_alike_where_words_are(place: Workplace) -> None:
    embedder = opened(place, "hashed")
    near, far = embedder.passages(["def read_header(line)", "the weather of tomorrow"])
    query = embedder.query("read the header")
    assert near @ query > far @ query


def test_ollama_is_asked_as_it_wants_to_be(server: Server, place: Workplace) -> None:
    server.answer = ollama
    embedder = opened(place, "ollama:nomic-embed-text", server.url)
    assert np.allclose(embedder.passages(["a", "bcd"]), [[0.6, 0.8, 0]] * 2)
    assert np.allclose(embedder.query("x"), [0.6, 0.8, 0])
    path, headers, body = server.asked[0]
    assert (path, body["model"], body["input"]) == ("/api/embed", "nomic-embed-text", ["a", "bcd"])
    assert "authorization" not in headers
    assert (embedder.id.name, embedder.id.dimension) == ("ollama:nomic-embed-text", 3)


def test_openai_is_asked_with_the_key_which_is_told_to_be_a_secret(
    server: Server, place: Workplace, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKMON_INDEX_KEY", "key-for-the-index")
    server.answer = openai
    embedder = opened(place, "openai:text-embedding-3-small", f"{server.url}/v1/")
    rows = embedder.passages(["a", "bc", "def"])
    assert rows.shape == (3, 3)
    path, headers, body = server.asked[0]
    assert (path, body["model"]) == ("/v1/embeddings", "text-embedding-3-small")
    assert headers["authorization"] == "Bearer key-for-the-index"
    assert told == ["key-for-the-index"]


def test_rows_of_an_answer_are_put_into_the_order_of_the_texts(server: Server, place: Workplace) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        rows = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]
        return 200, {}, json.dumps({"data": rows}).encode()

    server.answer = answer
    rows = opened(place, "openai:m", server.url).passages(["first", "second"])
    assert rows.tolist() == [[1, 0], [0, 1]]


def test_a_key_of_openai_goes_to_openai_alone_and_no_key_goes_out_unencrypted() -> None:
    both = {"OPENAI_API_KEY": "of-openai", "AKMON_INDEX_KEY": "of-the-index"}
    assert find_key(ADDRESS, both) == "of-the-index"
    assert find_key(ADDRESS, {"OPENAI_API_KEY": "of-openai"}) == "of-openai"
    assert find_key("https://example.com/v1", {"OPENAI_API_KEY": "of-openai"}) == ""
    assert find_key("http://127.0.0.1:8000/v1", both) == "of-the-index"
    for elsewhere in ("http://example.com/v1", "http://127.example.com/v1"):
        with pytest.raises(SettingsError, match="unencrypted"):
            find_key(elsewhere, both)
    with pytest.raises(SettingsError, match="set OPENAI_API_KEY or AKMON_INDEX_KEY"):
        find_key(ADDRESS, {})
    with pytest.raises(SettingsError, match="printable") as caught:
        find_key(ADDRESS, {"OPENAI_API_KEY": "line\nline"})
    assert "line\nline" not in str(caught.value)


def test_a_server_that_is_busy_is_asked_again(server: Server, place: Workplace) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        return ollama(body) if len(server.asked) > 1 else (503, {"retry-after": "0"}, b"loading")

    server.answer = answer
    assert opened(place, "ollama:m", server.url).passages(["a"]).shape == (1, 3)
    assert len(server.asked) == 2


def test_a_question_that_somebody_waits_for_is_not_asked_again(server: Server, place: Workplace) -> None:
    server.answer = lambda body: (503, {}, b"loading")
    with pytest.raises(ToolError, match=r"refused \(503\): “loading”"):
        opened(place, "ollama:m", server.url).query("a")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "sent", "wanted"),
    [
        (404, b'{"error":"model not found"}', "ollama pull m"),
        (400, b"\x1b[31mno\x1b[0m", "“no”"),
        (302, b"", "sends requests elsewhere"),
        (200, b"<html>", "did not answer with embeddings but “<html>”"),
        (200, b'{"embeddings": []}', "gave 0 vectors for 1 texts"),
        (200, b'{"embeddings": [[]]}', "different dimensions"),
        (200, b'{"embeddings": [[1e39]]}', "no numbers"),
        (200, b'{"embeddings": [["x"]]}', "did not answer with embeddings"),
    ],
)  # fmt: skip
def test_what_a_server_does_wrong_is_said_with_what_to_do(
    server: Server, place: Workplace, status: int, sent: bytes, wanted: str
) -> None:
    headers = {"location": "http://127.0.0.1:9/elsewhere"} if status == 302 else {}
    server.answer = lambda body: (status, headers, sent)
    with pytest.raises(ToolError) as caught:
        opened(place, "ollama:m", server.url).passages(["a"])
    assert wanted in str(caught.value)
    assert server.url in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(server.asked) == 1


def test_a_model_that_changes_its_dimension_is_an_error(server: Server, place: Workplace) -> None:
    server.answer = lambda body: (200, {}, json.dumps({"embeddings": [[1.0] * len(server.asked)]}).encode())
    embedder = opened(place, "ollama:m", server.url)
    embedder.passages(["a"])
    with pytest.raises(ToolError, match="different dimensions"):
        embedder.passages(["a"])


def test_a_server_that_is_not_there_is_an_error_that_says_how_to_start_it(place: Workplace) -> None:
    with pytest.raises(ToolError, match=r"cannot be asked: .*ollama serve"):
        opened(place, "ollama:m", "http://127.0.0.1:9").query("a")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "http://",
        "http://u:p@x",
        "http://x?key=1",
        "http://x:99999",
        "http://1.2.3.999",
        "x y",
        "http://x\n",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(place: Workplace, url: str) -> None:
    with pytest.raises(SettingsError, match="AKMON_INDEX_URL") as caught:
        opened(place, "ollama:m", url)
    assert "u:p" not in str(caught.value)


@given(st.lists(st.text(max_size=30) | st.integers(1, 20_000).map("x".__mul__), max_size=150))
def test_batches_hold_every_text_in_order_and_fit_a_request(texts: list[str]) -> None:
    made = list(batches(texts))
    assert [text for batch in made for text in batch] == [
        text[:EMBEDDING_TEXT_CHARS] or " " for text in texts
    ]
    for batch in made:
        assert 0 < len(batch) <= EMBEDDING_BATCH_TEXTS
        assert sum(map(len, batch)) <= EMBEDDING_BATCH_CHARS


@pytest.mark.parametrize("proxy", ["socks9://u:hidden@h", "http://u:hidden@h:port"])
def test_a_proxy_that_cannot_be_used_is_an_error_that_does_not_repeat_it(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(SettingsError, match="ALL_PROXY") as caught:
        opened(place, "ollama:m", "http://example.invalid").query("a")
    assert "hidden" not in str(caught.value)


def test_text_that_is_no_unicode_can_be_sent() -> None:
    assert list(batches(["a\udcffb"])) == [["a?b"]]


@pytest.mark.parametrize("kind", ["sentence-transformers", "static"])
def test_a_library_that_is_not_installed_is_named_with_the_line_that_installs_it(
    place: Workplace, kind: str
) -> None:
    package = {"sentence-transformers": "akmon[semantic]", "static": "akmon-index[static]"}[kind]
    module = {"sentence-transformers": "sentence_transformers", "static": "model2vec"}[kind]
    pytest.importorskip("numpy")
    try:
        __import__(module)
    except ImportError:
        with pytest.raises(SettingsError) as caught:
            opened(place, f"{kind}:some-model")
        assert f"pip install '{package}'" in str(caught.value)
    else:
        pytest.skip(f"{module} is installed here")


def test_weights_that_are_damaged_are_an_error_in_words(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of the libraries have no class of their own in common: ``SafetensorError`` is one of them."""
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "tokenizer.json", "modules.json"):
        (model / name).write_text("{}")
    (model / "model.safetensors").write_bytes(b"garbage")
    here = find_spec("model2vec") is not None
    if not here:
        (tmp_path / "model2vec.py").write_text(
            "class StaticModel:\n"
            "    @staticmethod\n"
            "    def from_pretrained(path):\n"
            "        raise Exception('header too large')\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
    try:
        with pytest.raises(SettingsError, match=r"cannot be loaded: .*header"):
            opened(place, f"static:{model}")
    finally:
        if not here:
            sys.modules.pop("model2vec", None)


def test_a_model_is_found_in_a_folder_or_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "weights_of_mine" / "model"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"1")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packaged_weights("weights_of_mine/model") == model.resolve()
    assert packaged_weights("weights_of_mine") is None
    assert packaged_weights("weights_of_mine/../x") is None
    found = find_weights(Choice(kind="static", name=str(model)), download=False)
    assert found.folder == model
    (model / "model.safetensors").write_bytes(b"2")
    assert find_weights(Choice(kind="static", name=str(model)), download=False).revision != found.revision


@pytest.mark.parametrize("name", ["./here", "/nowhere/at/all", "../up"])
def test_a_folder_is_given_whole_so_that_a_project_cannot_stand_in_for_a_model(name: str) -> None:
    with pytest.raises(AkmonError, match=r"given whole|does not exist"):
        find_weights(Choice(kind="static", name=name), download=False)
