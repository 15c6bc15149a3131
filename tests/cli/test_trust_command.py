"""Trust from the outside: ``akmon trust``, ``--trust``, and what a folder may say until it is trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_cli.exitcodes import DENIED, OK, USAGE
from akmon_cli.trusting import is_trusted, settle_trust
from tests.e2e.program import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def repository(place: Place, text: str) -> Path:
    path = place.project / ".akmon" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def settings(place: Place, *arguments: str, env: dict[str, str] | None = None) -> dict[str, str]:
    ran = place.akmon("config", "--json", *arguments, env=env)
    return {entry["key"]: entry["value"] for entry in json.loads(ran.out)}


def test_a_folder_is_trusted_as_it_was_shown(place: Place) -> None:
    repository(place, 'model = "theirs"\nallow = ["shell(make *)"]\n')
    ran = place.akmon("trust")
    assert ran.code == DENIED
    assert "sends what you work on to the model theirs" in ran.out
    assert "allows without asking: shell(make *)" in ran.out
    assert settings(place)["model"] == "not set"
    assert place.akmon("trust", "yes").code == OK
    assert place.akmon("trust").code == OK
    assert settings(place)["model"] == "theirs"
    repository(place, 'model = "another"\n')
    ran = place.akmon("trust")
    assert ran.code == DENIED
    assert "+ sends what you work on to the model another" in ran.out
    assert settings(place)["model"] == "not set"
    assert place.akmon("trust", "--json").json["status"] == "changed"
    assert place.akmon("trust", "yes").code == OK
    assert str(place.project) in place.akmon("trust", "list").out
    assert place.akmon("trust", "forget").code == OK
    assert settings(place)["model"] == "not set"
    assert place.akmon("trust", "list", "--json").out == "[]\n"


def test_a_folder_that_only_restricts_has_nothing_to_trust(place: Place) -> None:
    repository(place, 'deny = ["fetch"]\n')
    ran = place.akmon("trust")
    assert (ran.code, ran.out) == (OK, "nothing to trust: this folder can only restrict what akmon does\n")
    assert "nothing to trust here" in place.akmon("trust", "yes").err
    assert not (place.home / ".local").exists()


def test_a_flag_trusts_for_one_run_and_ci_does_not(place: Place) -> None:
    repository(place, 'model = "theirs"\n')
    assert settings(place, "--trust")["model"] == "theirs"
    assert settings(place)["model"] == "not set"
    assert settings(place, env={"CI": "true"})["model"] == "not set"
    (place.project / ".mcp.json").symlink_to("/etc/passwd")
    ran = place.akmon("config", "--trust")
    assert ran.code == USAGE
    assert "this folder cannot be trusted" in ran.err


def test_a_damaged_store_is_an_error_and_not_a_yes(place: Place) -> None:
    repository(place, 'model = "theirs"\n')
    place.akmon("trust", "yes")
    (place.home / ".local" / "state" / "akmon" / "trust.json").write_text("{")
    ran = place.akmon("config")
    assert ran.code == USAGE
    assert "no folder counts as trusted" in ran.err


def test_the_environment_file_of_a_project_is_never_loaded(place: Place) -> None:
    (place.project / ".env").write_text(
        f"AKMON_MODEL=theirs\nAKMON_STATE_DIR={place.project}/state\nAKMON_HOME=./.akmon\nHOME={place.project}\n"
    )
    repository(place, 'allow = ["read(x)"]\n')
    assert place.akmon("trust", "yes").code == OK
    assert settings(place)["model"] == "not set"
    assert not (place.project / "state").exists()


def test_a_repository_below_a_trusted_one_is_asked_about_by_itself(place: Place) -> None:
    repository(place, 'model = "theirs"\n')
    (place.project / ".git").mkdir()
    assert place.akmon("trust", "yes").code == OK
    child = place.project / "child"
    (child / ".git").mkdir(parents=True)
    (child / ".akmon").mkdir()
    (child / ".akmon" / "config.toml").write_text('model = "childs"\n')
    assert place.akmon("trust", cwd=child).code == DENIED
    below = place.project / "src"
    below.mkdir()
    assert place.akmon("trust", cwd=below).code == OK


def test_where_nobody_can_be_asked_the_folder_waits_with_a_warning(place: Place) -> None:
    environ = {"HOME": str(place.home)}
    repository(place, 'model = "theirs"\n')
    assert settle_trust(place.project, interactive=False, environ=environ) == ()
    assert "model waits until you trust this folder: akmon trust" in place.akmon("config").err
    (place.project / ".mcp.json").write_text('{"mcpServers": {"x": {"command": "touch made"}}}')
    (warning,) = settle_trust(place.project, interactive=False, environ=environ)
    assert warning == "this folder is not trusted, so .mcp.json runs nothing: akmon trust"
    assert not is_trusted(place.project, environ=environ)
    assert is_trusted(place.project, this_run=True, environ=environ)
    assert settle_trust(place.project, interactive=False, this_run=True, environ=environ) == ()
    assert not is_trusted(place.project, environ=environ)
    assert place.akmon("trust", "yes").code == OK
    assert settle_trust(place.project, interactive=False, environ=environ) == ()
    (place.project / ".mcp.json").write_text('{"mcpServers": {"x": {"command": "touch other"}}}')
    changed, _ = settle_trust(place.project, interactive=False, environ=environ)
    assert "+ starts the MCP server x: touch other" in changed


@pytest.mark.parametrize(("typed", "trusted"), [("y\n", True), ("\n", False), ("", False)])
def test_a_person_is_asked_once(place: Place, typed: str, trusted: bool) -> None:
    (place.project / ".mcp.json").write_text('{"mcpServers": {"x": {"command": "touch made"}}}')
    code = (
        "from pathlib import Path; from akmon_cli.trusting import settle_trust, is_trusted\n"
        "root = Path.cwd()\n"
        "for _ in range(2): print(len(settle_trust(root, interactive=True)), is_trusted(root))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place.project,
        env={**place.env, "PYTHONPATH": os.pathsep.join(sys.path)},
        input=typed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ("0 True\n0 True\n" if trusted else "1 False\n1 False\n")
    assert done.stderr.count("[y/N]") == 1


TOUCHES = 'call shell {"command": "touch made"}\n---\nsay done'


def test_a_headless_run_leaves_out_what_waits_for_trust_and_says_so(place: Place) -> None:
    repository(place, 'allow = ["shell(touch *)"]\n')
    ran = place.play(TOUCHES, "hi", "--sandbox=off", env={"CI": "true"})
    assert ran.code == DENIED
    assert "allow waits until you trust this folder: akmon trust" in ran.err
    assert not (place.project / "made").exists()
    ran = place.play(TOUCHES, "hi", "--sandbox=off", "--trust")
    assert (ran.code, ran.out) == (OK, "done\n")
    assert (place.project / "made").exists()
    (place.project / "made").unlink()
    assert place.play(TOUCHES, "hi", "--sandbox=off").code == DENIED


def test_rules_that_change_on_disk_during_a_session_change_nothing_in_it(place: Place) -> None:
    config = place.home / ".config" / "akmon" / "config.toml"
    config.parent.mkdir(parents=True)
    loosen = place.project / "loosen.sh"
    loosen.write_text(f"#!/bin/sh\necho 'allow = [\"shell\"]' > {config}\n")
    loosen.chmod(0o700)
    script = 'call shell {"command": "./loosen.sh"}\n---\n' + TOUCHES
    ran = place.play(script, "hi", "--sandbox=off", "--allow", "shell(./loosen.sh)")
    assert "allow" in config.read_text()
    assert ran.code == DENIED
    assert not (place.project / "made").exists()
    assert place.play(TOUCHES, "hi", "--sandbox=off").code == OK
