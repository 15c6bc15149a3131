"""``akmon search`` and ``akmon index`` with a real model: what it finds, and that it needs no network."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.e2e.program import PROGRAM, Place
from tests.semantic.corpus import FILES, QUESTIONS, write
from tests.semantic.places import MODEL, PATIENCE, built, counts, found, needs_model

pytestmark = needs_model
ALONE = ["unshare", "--map-root-user", "--net"]


def test_an_index_is_built_with_progress_and_status_and_doctor_are_content(place: Place) -> None:
    write(place.project)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "index", "build"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=place.env,
        cwd=place.project,
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=PATIENCE)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert process.returncode == 0, shown
    held = counts(place)
    assert out.decode().startswith(
        f"{held['chunks']} pieces of {len(FILES)} files are indexed, by words and with {MODEL} ("
    )
    assert f"{len(FILES)} of {len(FILES)} files indexed" in shown
    assert f"{held['texts']} of {held['texts']} pieces embedded" in shown
    assert shown.endswith("\r\x1b[K")
    assert held["files"] == len(FILES)
    assert held["embedded"] == held["texts"] > 0
    assert (
        f"{held['texts']} of {held['texts']} texts, {MODEL}, 384 dimensions"
        in place.akmon("index", "status").out
    )
    doctor = place.akmon("index", "doctor", "--json")
    assert doctor.code == 0
    checks = {check["name"]: (check["status"], check["detail"]) for check in doctor.json["checks"]}
    assert {status for status, _ in checks.values()} == {"ok"}
    assert checks["model"][1] == f"{MODEL} (the default), 384 dimensions"
    assert checks["index"][1] == f"sound; {held['chunks']} pieces, all embedded with {MODEL}"


def test_meaning_finds_what_words_alone_do_not(place: Place) -> None:
    write(place.project)
    assert [found(place, question.text) for question in QUESTIONS] == [[]] * len(QUESTIONS)
    built(place)
    first = [found(place, question.text)[0] for question in QUESTIONS]
    assert [(hit["path"], hit["symbol"], hit["by"]) for hit in first] == [
        (question.path, question.symbol, ["meaning"]) for question in QUESTIONS
    ]


def test_a_place_that_both_words_and_meaning_find_comes_first(town: Place) -> None:
    first, *_ = found(town, "retry a request after a delay")
    assert (first["path"], first["symbol"]) == ("net/retry.py", "call_with_backoff")
    assert first["by"] == ["words", "meaning"]


def test_filters_hold_for_what_is_found_by_meaning(town: Place) -> None:
    question = QUESTIONS[0].text
    assert {hit["path"] for hit in found(town, question, "--path", "docs")} == {
        path for path in FILES if path.startswith("docs/")
    }
    assert {hit["path"] for hit in found(town, question, "--path", "sto*/*.ts")} == {
        "store/cache.ts",
        "store/backup.ts",
    }
    assert {hit["language"] for hit in found(town, question, "--language", "typescript")} == {"typescript"}
    assert len(found(town, question, "--limit", "3")) == 3


def test_rules_hold_for_what_was_embedded_before_they_were_made(place: Place) -> None:
    write(place.project)
    built(place)
    settings = place.home / ".config" / "akmon" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('deny = ["read(shop/*)"]\n')
    hits = found(place, QUESTIONS[0].text, "--limit", "200")
    assert hits
    assert not [hit for hit in hits if hit["path"].startswith("shop/")]


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """The address of a proxy that lets nothing through, and what it was asked for."""
    asked: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.requestline)
            self.send_error(403)

        do_HEAD = do_POST = do_CONNECT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_nothing_is_asked_of_the_network_unless_a_download_is(
    place: Place, proxy: tuple[str, list[str]]
) -> None:
    address, asked = proxy
    env = {name: address for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    write(place.project)
    built(place, env=env)
    assert found(place, QUESTIONS[0].text, env=env)[0]["path"] == QUESTIONS[0].path
    absent = {**env, "AKMON_INDEX_MODEL": "sentence-transformers:nobody/has-this"}
    ran = place.akmon("index", "build", env=absent)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "akmon: the model nobody/has-this is not on this machine, and nothing is downloaded without being asked. "
        "Download it once (akmon index build --download), or name a folder or an installed package that has it: "
        'model = "sentence-transformers:/path/to/the/model" in index.toml, or the same in AKMON_INDEX_MODEL.\n'
    )
    assert asked == []
    ran = place.akmon("index", "build", "--download", env=absent)
    assert (ran.code, ran.out) == (2, "")
    assert "the model nobody/has-this could not be downloaded: " in ran.err
    assert asked
    assert counts(place)["embedded"] == counts(place)["texts"] > 0


@pytest.mark.skipif(
    subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode != 0,
    reason="no process can be cut off from the network here (unshare --net)",
)
def test_it_works_where_there_is_no_network_at_all(place: Place) -> None:
    write(place.project)
    alone = f'exec {" ".join(ALONE)} "$@"'
    built(place, shell=alone)
    first, *_ = found(place, QUESTIONS[1].text, shell=alone)
    assert (first["path"], first["by"]) == (QUESTIONS[1].path, ["meaning"])


def test_weights_that_only_pickles_hold_are_not_loaded(place: Place) -> None:
    model = place.folder / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (model / "pytorch_model.bin").write_bytes(b"no safetensors")
    ran = place.akmon("index", "build", env={"AKMON_INDEX_MODEL": f"sentence-transformers:{model}"})
    assert (ran.code, ran.out) == (2, "")
    assert f"the model in {model} cannot be loaded: " in ran.err
    assert ran.err.count("\n") == 1
