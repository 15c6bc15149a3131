"""``akmon mcp`` from the outside: configuring servers, trying them, and approving what their tools say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akmon_cli.exitcodes import OK, USAGE
from tests.e2e.program import Place

OWN = Path(".config/akmon/mcp.json")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def own(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.home / OWN).read_text())
    return found


def put(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    path.chmod(0o600)


def states(place: Place) -> dict[str, str]:
    entries = json.loads(place.akmon("mcp", "list", "--json").out)
    return {entry["name"]: entry["state"] for entry in entries}


def test_without_servers_it_is_said_how_one_is_added(place: Place) -> None:
    ran = place.akmon("mcp")
    assert (ran.code, ran.out) == (OK, "")
    assert "akmon mcp add NAME -- COMMAND" in ran.err
    assert not (place.home / OWN).exists()


def test_a_program_and_an_address_are_added_and_listed(place: Place) -> None:
    ran = place.akmon("mcp", "add", "files", "--env", "MODE=a=b", "--", "npx", "-y", "x", "--", "/data")
    assert ran.code == OK, ran.err
    header = "Authorization: Bearer ${TOKEN:-none}"
    ran = place.akmon("mcp", "add", "web", "--header", header, "https://mcp.example/mcp", "--client-id", "me")
    assert ran.code == OK, ran.err
    assert own(place) == {
        "mcpServers": {
            "files": {"command": "npx", "args": ["-y", "x", "--", "/data"], "env": {"MODE": "a=b"}},
            "web": {
                "type": "http",
                "url": "https://mcp.example/mcp",
                "headers": {"Authorization": "Bearer ${TOKEN:-none}"},
                "oauth": {"clientId": "me"},
            },
        }
    }
    ran = place.akmon("mcp", "list")
    assert ran.err == ""
    first, second = ran.out.splitlines()
    assert first.split() == ["files", "enabled", "user", "stdio", "npx", "-y", "x", "--", "/data"]
    assert second.split() == ["web", "enabled", "user", "http", "https://mcp.example/mcp"]
    ran = place.akmon("mcp", "get", "web")
    assert "Authorization: Bearer ${TOKEN:-…}" in ran.out
    assert f"from: user file {place.home / OWN}" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "x"], "Give a URL, or -- COMMAND ARGS"),
        (["add", "x", "npx"], "npx is no URL. A command stands behind --, such as: akmon mcp add x -- npx"),
        (["add", "x", "https://a.example", "--", "npx"], "a URL does not go with a command"),
        (["add", "x", "--header", "A: b", "--", "npx"], "--header does not go with a command"),
        (["add", "x", "https://a.example", "--env", "A=b"], "--env does not go with a URL"),
        (["add", "x", "--env", "A", "--", "npx"], "--env should be NAME=VALUE"),
        (["add", "x", "https://a.example", "--header", "A"], "--header should be 'NAME: VALUE'"),
        (["add", "x y", "--", "npx"], "Call it x-y."),
        (["add", "x", "a://b"], "added"),
        (["add", "x", "https://a.example", "more"], "unrecognized arguments: more"),
        (["get", "x"], "there is no MCP server x. There are: none."),
        (["remove", "x"], "has no server x"),
        (["disable", "x"], "there is no MCP server x"),
        (["test", "x"], "there is no MCP server x"),
        (["approve", "x"], "there is no MCP server x"),
        (["login", "x"], "there is no MCP server x"),
        (["list", "--", "x"], "only add takes a command behind --"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    place: Place, arguments: list[str], said: str
) -> None:
    ran = place.akmon("mcp", *arguments)
    assert said in ran.err
    if said != "added":
        assert ran.code == USAGE
        assert not (place.home / OWN).exists()


def test_a_server_is_switched_off_and_on_and_removed(place: Place) -> None:
    place.akmon("mcp", "add", "a", "--", "x")
    assert place.akmon("mcp", "add", "a", "--", "y").code == USAGE
    assert place.akmon("mcp", "disable", "a").code == OK
    assert states(place) == {"a": "disabled"}
    ran = place.akmon("mcp", "test", "a")
    assert ran.code == USAGE
    assert "is not used (disabled): it is switched off: akmon mcp enable a" in ran.err
    assert place.akmon("mcp", "enable", "a").code == OK
    assert states(place) == {"a": "enabled"}
    assert "already" in place.akmon("mcp", "enable", "a").err
    assert place.akmon("mcp", "remove", "a").code == OK
    assert own(place) == {"mcpServers": {}}


def test_a_secret_on_the_command_line_is_warned_about_and_not_repeated(place: Place) -> None:
    ran = place.akmon(
        "mcp", "add", "a", "https://a.example", "--header", "Authorization: Bearer hunter2hunter2"
    )
    assert ran.code == OK
    assert "the value of Authorization stands in the file as it is" in ran.err
    assert "in single quotes: '${MY_TOKEN}'" in ran.err
    ran = place.akmon("mcp", "add", "b", "--env", "API_KEY=hunter2hunter2", "--env", "MODE=fast", "--", "x")
    assert "the value of API_KEY stands" in ran.err
    assert "MODE" not in ran.err
    for shown in (
        ran,
        *(place.akmon("mcp", *words) for words in (["list"], ["get", "a"], ["list", "--json"])),
    ):
        assert "hunter2" not in shown.out + shown.err
    ran = place.akmon("mcp", "add", "c", "https://c.example", "--header", "Authorization: Bearer ${A:-}")
    assert "stands in the file" not in ran.err


def test_a_projects_server_is_shared_in_its_file_and_waits_for_trust(place: Place) -> None:
    ran = place.akmon("mcp", "add", "db", "--scope", "project", "--", "./server", "--all")
    assert ran.code == OK
    assert "it is not used: this folder is not trusted: akmon trust" in ran.err
    assert json.loads((place.project / ".mcp.json").read_text()) == {
        "mcpServers": {"db": {"command": "./server", "args": ["--all"]}}
    }
    assert states(place) == {"db": "waits for trust"}
    asked = place.akmon("trust").out
    assert f"starts the MCP server db: {place.project}/server --all" in asked
    assert place.akmon("trust", "yes").code == OK
    assert states(place) == {"db": "enabled"}
    ran = place.akmon("mcp", "remove", "db")
    assert ran.code == USAGE
    assert "akmon mcp remove db --scope project" in ran.err
    assert place.akmon("mcp", "disable", "db").code == OK
    assert states(place) == {"db": "disabled"}
    assert own(place) == {"disabledServers": ["db"]}
    assert place.akmon("mcp", "enable", "db").code == OK
    assert place.akmon("mcp", "remove", "db", "--scope", "project").code == OK
    assert states(place) == {}


@pytest.mark.parametrize(
    "arguments", [["test"], ["test", "evil"], ["approve", "evil", "--yes"], ["login", "evil"]]
)
def test_nothing_starts_a_server_of_a_folder_that_is_not_trusted(place: Place, arguments: list[str]) -> None:
    made = place.folder / "made"
    put(place.project / ".mcp.json", {"mcpServers": {"evil": {"command": "touch", "args": [str(made)]}}})
    ran = place.akmon("mcp", *arguments)
    assert ran.code != OK
    assert not made.exists()
    assert "evil" not in arguments or "waits for trust" in ran.err


def test_what_a_stranger_wrote_steers_nothing_and_hides_nothing(place: Place) -> None:
    entry = {"command": "sh\x1b]0;t\x07", "args": ["-c", "x\n\u202ey\u200b"], "env": {"A\u0430": "b"}}
    put(place.project / ".mcp.json", {"mcpServers": {"n\x1b[2J": entry, "m": entry}})
    shown = [place.akmon("mcp", *arguments).out for arguments in (["list"], ["get", "m"])]
    for out in shown:
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "<U+202E>" in out
    assert "A<U+0430>" in shown[1]


def test_one_wrong_file_is_a_warning_and_is_never_written_over(place: Place) -> None:
    (place.home / OWN).parent.mkdir(parents=True)
    (place.home / OWN).write_text("{")
    (place.home / OWN).chmod(0o600)
    ran = place.akmon("mcp", "list")
    assert ran.code == OK
    assert "line 1 is not valid JSON" in ran.err
    assert place.akmon("mcp", "add", "a", "--", "x").code == USAGE
    assert (place.home / OWN).read_text() == "{"


def test_completion_and_help_know_the_command(place: Place) -> None:
    script = place.akmon("completion", "bash").out
    assert "_shtab_akmon_mcp_add" in script
    shown = place.akmon("--help").out
    assert " mcp," in shown
    assert "--mcp-config FILE_OR_JSON" in shown
    assert "approve" in place.akmon("mcp", "--help").out
