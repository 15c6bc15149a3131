"""``akmon search`` and ``akmon index`` as processes, and akmon without the package."""

from __future__ import annotations

import json
import os
import pty
import signal
import site
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import PATIENCE, Place, wait_for
from tests.index.servers import Server, ollama

HASHED = {"AKMON_INDEX_MODEL": "hashed"}


@pytest.fixture(autouse=True)
def project(place: Place) -> Path:
    (place.project / "net.py").write_text("def open_socket(port):\n    return port\n")
    (place.project / "http.py").write_text("def read_header(line):\n    return line.split(':')\n")
    (place.project / "notes.md").write_text("# Weather\n\nHow it was.\n")
    return place.project


def test_a_search_shows_places_with_their_lines(place: Place) -> None:
    ran = place.akmon("search", "where", "is", "a", "header", "read?")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("http.py:1-2  read_header\ndef read_header(line):\n")


def test_a_search_as_json_says_what_found_each_place(place: Place) -> None:
    ran = place.akmon("search", "socket", "--json", "--limit", "1")
    assert ran.code == 0, ran.err
    (result,) = ran.json["results"]
    assert (result["path"], result["first"], result["last"]) == ("net.py", 1, 2)
    assert (result["symbol"], result["language"], result["by"]) == ("open_socket", "python", ["words"])
    assert ran.json["query"] == "socket"


def test_a_search_stays_where_it_is_told_to(place: Place) -> None:
    ran = place.akmon("search", "header weather socket", "--path", "*.md")
    assert ran.out.startswith("notes.md:1-3  Weather\n")
    assert "net.py" not in ran.out
    ran = place.akmon("search", "header weather socket", "--language", "python", "--json")
    assert {result["path"] for result in ran.json["results"]} == {"net.py", "http.py"}
    nothing = place.akmon("search", "zebra")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing was found\n")


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (["search"], 2, "the following arguments are required: query. See: akmon search --help"),
        (["search", "x", "--limit", "0"], 2, "'0' is no number from 1 to 200. See: akmon search --help"),
        (["search", "x", "--path", "/etc"], 1, "/etc is not given from the project root"),
        (["search", "?!"], 1, "the query has no word in it"),
        (["index"], 2, "required: build|status|clear|doctor. See: akmon index --help"),
        (["index", "paint"], 2, "See: akmon index --help"),
        (["index", "build", "--fast"], 2, "unrecognized arguments: --fast. See: akmon index --help"),
    ],
)
def test_wrong_arguments_are_explained(place: Place, arguments: list[str], code: int, wanted: str) -> None:
    ran = place.akmon(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("akmon: ")
    assert wanted in ran.err
    assert ran.err.count("\n") == 1


def test_an_index_is_built_described_and_cleared(place: Place) -> None:
    before = place.akmon("index", "status")
    assert "not built yet" in before.out
    ran = place.akmon("index", "build", env=HASHED)
    assert (ran.code, ran.err) == (0, "")
    assert "of 3 files are indexed, by words and with hashed" in ran.out
    status = place.akmon("index", "status", "--json").json
    assert status["model"]["name"] == "hashed"
    assert status["counts"]["files"] == 3
    assert status["counts"]["embedded"] == status["counts"]["texts"] > 0
    assert Path(status["file"]).is_file()
    assert "hashed, 256 dimensions" in place.akmon("index", "status").out
    found = place.akmon("search", "socket", "--json").json
    assert found["results"][0]["by"] == ["words", "meaning"]
    cleared = place.akmon("index", "clear")
    assert (cleared.code, cleared.err) == (0, "the index is cleared\n")
    assert place.akmon("index", "status", "--json").json["model"] is None


def test_without_a_model_a_build_says_exactly_what_to_do(place: Place) -> None:
    ran = place.akmon("index", "build", env={"AKMON_INDEX_MODEL": "sentence-transformers:nobody/has-this"})
    assert (ran.code, ran.out) == (2, "")
    assert "pip install 'akmon[semantic]'" in ran.err or "--download" in ran.err
    wrong = place.akmon("index", "build", env={"AKMON_INDEX_MODEL": "bert"})
    assert wrong.code == 2
    assert "AKMON_INDEX_MODEL says 'bert', which is no embedding model" in wrong.err


def test_the_file_in_the_config_folder_names_the_model(place: Place) -> None:
    file = place.home / ".config" / "akmon" / "index.toml"
    file.parent.mkdir(parents=True)
    file.write_text('model = "hashed"\n')
    assert "with hashed" in place.akmon("index", "build").out
    file.write_text("model = hashed\n")
    ran = place.akmon("index", "build")
    assert ran.code == 2
    assert f"{file} is not valid TOML" in ran.err


def test_the_doctor_says_what_is_installed_and_whether_all_is_sound(place: Place) -> None:
    place.akmon("index", "build", env=HASHED)
    ran = place.akmon("index", "doctor", "--json", env=HASHED)
    assert ran.code == 0, ran.out
    checks: dict[str, Any] = {check["name"]: check for check in ran.json["checks"]}
    assert checks["files"]["detail"] == "3 to be indexed"
    assert checks["model"]["detail"] == "hashed (AKMON_INDEX_MODEL), 256 dimensions"
    assert "all embedded with hashed" in checks["index"]["detail"]
    gone = place.akmon(
        "index", "doctor", env={"AKMON_INDEX_MODEL": "ollama:m", "AKMON_INDEX_URL": "http://127.0.0.1:9"}
    )
    assert gone.code == 1
    assert "failed   model" in gone.out
    assert "ollama serve" in gone.out


def test_a_damaged_index_is_begun_anew(place: Place) -> None:
    place.akmon("index", "build", env=HASHED)
    file = Path(place.akmon("index", "status", "--json").json["file"])
    file.write_bytes(b"this is no database" * 1000)
    found = place.akmon("search", "socket")
    assert found.code == 0, found.err
    assert found.out.startswith("net.py:1-2")


def test_rules_keep_files_out_of_the_index_and_of_what_is_found(place: Place) -> None:
    place.akmon("index", "build", env=HASHED)
    settings = place.home / ".config" / "akmon" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('deny = ["read(net.py)"]\n')
    found = place.akmon("search", "socket", "--json").json
    assert "net.py" not in [result["path"] for result in found["results"]]
    assert place.akmon("index", "status", "--json").json["counts"]["files"] == 2


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_a_build_that_is_interrupted_keeps_what_is_done_and_goes_on(place: Place, server: Server) -> None:
    for number in range(150):
        (place.project / f"f{number}.py").write_text(f"def work_{number}():\n    return {number}\n")
    held = threading.Event()

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if len(server.asked) > 3:
            held.wait(PATIENCE)
        return ollama(body)

    server.answer = answer
    env = {"AKMON_INDEX_MODEL": "ollama:m", "AKMON_INDEX_URL": server.url}
    running = place.start("index", "build", env=env)
    wait_for(lambda: len(server.asked) > 3)
    running.signal(signal.SIGINT)
    ran = running.wait()
    held.set()
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "akmon: stopped; what is done is kept, and akmon index build goes on from there\n"
    counts = place.akmon("index", "status", "--json").json["counts"]
    assert 0 < counts["embedded"] < counts["texts"]
    before = sum(len(body["input"]) for _, _, body in server.asked)
    assert place.akmon("index", "build", env=env).code == 0
    after = place.akmon("index", "status", "--json").json["counts"]
    assert after["embedded"] == after["texts"]
    again = sum(len(body["input"]) for _, _, body in server.asked) - before
    assert again <= after["texts"] - counts["embedded"] + 1  # and one that asks for the dimension


def test_progress_is_shown_on_a_terminal_and_taken_away_again(place: Place) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "akmon_cli", "index", "build"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**place.env, **HASHED},
        cwd=place.project,
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=PATIENCE)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert process.returncode == 0
    assert b"are indexed" in out
    assert "3 of 3 files indexed" in shown
    assert "pieces embedded" in shown
    assert shown.endswith("\r\x1b[K")


def test_the_agent_uses_the_same_index_and_its_rules_hold(place: Place) -> None:
    place.akmon("index", "build", env=HASHED)
    script = 'call semantic_search {"query": "where is a socket opened?", "limit": 1}\n---\nsay done'
    ran = place.play(script, "go", "--output-format", "stream-json")
    assert ran.code == 0, ran.err
    results = [line for line in ran.lines if "net.py:1-2  open_socket" in json.dumps(line)]
    assert results
    denied = place.play(script, "go", "--deny", "semantic_search")
    assert "open_socket" not in denied.out


def test_keys_that_servers_are_asked_with_are_not_shown(place: Place, server: Server) -> None:
    key = "kx-9f8a7b6c5d4e3f2a1b0c"
    server.answer = lambda body: (400, {}, f"bad key {key}".encode())
    env = {"AKMON_INDEX_MODEL": "openai:m", "AKMON_INDEX_URL": server.url, "AKMON_INDEX_KEY": key}
    ran = place.akmon("index", "build", env=env)
    assert ran.code == 1
    assert server.asked[0][1]["authorization"] == f"Bearer {key}"
    assert "refused (400)" in ran.err
    assert key not in ran.err + ran.out


# --- without the package ----------------------------------------------------------------------------

LOADED = """
import sys, akmon_cli.program
sys.argv = ["akmon", *sys.argv[1:]]
code = akmon_cli.program.run(sys.argv[1:])
print("loaded:", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def environment(folder: Path, *, without: str = "") -> Path:
    """This environment's packages, but for those whose names begin with ``without``."""
    folder.mkdir()
    (packages,) = [Path(each) for each in site.getsitepackages() if (Path(each) / "msgspec").is_dir()]
    for entry in packages.iterdir():
        own = entry.name.removeprefix("_editable_impl_")
        if not (without and own.startswith(without)):
            (folder / entry.name).symlink_to(entry)
    return folder


def run_in(packages: Path, place: Place, *arguments: str) -> tuple[str, str, set[str]]:
    """Standard output and error, and the modules that were loaded, of akmon with these packages alone."""
    start = f"import site; site.addsitedir({str(packages)!r})\n{LOADED}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start, *arguments],
        cwd=place.project,
        env=place.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    err, _, loaded = done.stderr.rpartition("loaded: ")
    return done.stdout, err, set(loaded.split())


def tools_of(packages: Path, place: Place) -> list[str]:
    script = place.script("call no_such_tool {}\n---\nsay done")
    out, err, _ = run_in(packages, place, "-m", script, "-p", "go", "--output-format", "stream-json")
    assert err == ""
    (said,) = {
        line.split("The tools are: ")[1].split('"')[0].rstrip(".")
        for line in out.splitlines()
        if "The tools are: " in line
    }
    return said.split(", ")


def test_akmon_without_the_package_is_the_same_but_for_what_it_brings(place: Place) -> None:
    with_it = environment(place.folder / "with")
    without = environment(place.folder / "without", without="akmon_index")
    helped, bare = run_in(with_it, place, "--help"), run_in(without, place, "--help")
    line = next(line for line in helped[0].splitlines() if line.startswith("of other packages:"))
    assert {"index", "search"} <= set(line.removeprefix("of other packages: ").split(", "))
    assert helped[0].replace(f"{line}\n", "") == bare[0]
    assert helped[1] == bare[1] == ""
    assert helped[2] == bare[2]
    assert tools_of(with_it, place) == [*tools_of(without, place), "semantic_search"]


def test_a_run_without_the_package_loads_what_one_with_it_does_but_for_its_tool(place: Place) -> None:
    script = place.script("say done")
    with_it = environment(place.folder / "with")
    without = environment(place.folder / "without", without="akmon_index")
    out, err, loaded = run_in(with_it, place, "-m", script, "-p", "go")
    bare_out, bare_err, bare = run_in(without, place, "-m", script, "-p", "go")
    assert (out, err) == (bare_out, bare_err) == ("done\n", "")
    assert not [name for name in bare if name.startswith("akmon_index")]
    assert loaded - bare == {"akmon_index", "akmon_index.tool", "akmon_index.places"}
    assert bare <= loaded
