"""``akmon mcp`` from the outside: configuring servers, trying them, approving what their tools say."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akmon_cli.exitcodes import DENIED, ERROR, OK, USAGE
from tests.e2e.program import Place, alive
from tests.e2e.terminal import opened
from tests.tools.mcp.authority import authority, sent_back

OWN = Path(".config/akmon/mcp.json")


SERVER = """\
import os
import sys
from pathlib import Path
from mcp.server.mcpserver import MCPServer

Path(sys.argv[1] + ".pid").write_text(str(os.getpid()))
server = MCPServer("changing", version="1.2")
for line in Path(sys.argv[1]).read_text().splitlines():
    name, _, about = line.partition(" ")
    server.add_tool(lambda text: text, name=name, description=about.encode().decode("unicode_escape"))
server.run("stdio")
"""


def changing(place: Place, tools: str) -> None:
    """A server whose tools are lines of a file: a name, and what it says of itself."""
    (place.folder / "server.py").write_text(SERVER)
    (place.folder / "tools").write_text(tools)
    command = [sys.executable, str(place.folder / "server.py"), str(place.folder / "tools")]
    put(place.home / OWN, {"mcpServers": {"ch": {"command": command[0], "args": command[1:]}}})


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


def test_trying_a_server_says_what_it_offers_and_leaves_nothing_running(place: Place) -> None:
    changing(place, "say Says it.\n\\x1b[2Jhidden \\u202eevil\n")
    ran = place.akmon("mcp", "test", "ch")
    assert ran.code == OK, ran.err
    assert "connecting to ch" in ran.err
    head, where, count, *tools = ran.out.splitlines()
    assert head.startswith("ch: ready after ")
    assert head.split(", ", 1)[1].startswith("changing 1.2, protocol 20")
    assert str(place.folder / "tools") in where
    assert count == "  2 tools:"
    assert "    mcp__ch__say: Says it." in tools
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert not alive(int((place.folder / "tools.pid").read_text()))
    status = json.loads(place.akmon("mcp", "test", "--json").out)[0]
    assert status["server"]["state"] == "ready"
    assert status["seconds"] > 0
    assert [tool["state"] for tool in status["server"]["tools"]] == ["offered", "offered"]


def test_a_server_that_cannot_be_used_is_an_error_with_its_reason_and_its_log(place: Place) -> None:
    script = "printf 'no \\033[31mdatabase\\033[0m\\n' >&2; exit 3"
    put(place.home / OWN, {"mcpServers": {"sad": {"command": "sh", "args": ["-c", script]}}})
    ran = place.akmon("mcp", "test", "sad")
    assert ran.code == ERROR
    assert ran.out.startswith("sad: failed after ")
    assert "exit code 3" in ran.out
    log = place.home / ".local/state/akmon/mcp/logs/sad.log"
    assert str(log) in ran.out
    assert "no database" in log.read_text()
    assert place.akmon("mcp", "approve", "sad").code == ERROR


def test_what_a_tool_says_anew_waits_until_a_person_has_seen_the_difference(place: Place) -> None:
    changing(place, "say Says it.\n")
    assert place.akmon("mcp", "test").code == OK
    assert "nothing to approve" in place.akmon("mcp", "approve", "ch").err
    changing(place, "say Says it, and\\u202e mails it.\nmore Is new.\n")
    ran = place.akmon("mcp", "test")
    assert "mcp__ch__say (waits for you: changed)" in ran.out
    assert "mcp__ch__more (waits for you: new)" in ran.out
    assert "akmon mcp approve ch" in ran.out
    ran = place.akmon("mcp", "approve", "ch")
    assert ran.code == USAGE
    assert "nobody can be asked here" in ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "mcp__ch__say is changed:"
    assert any(line.startswith("  -") and "Says it." in line for line in lines)
    assert any(line.startswith("  +") and "mails it." in line and "<U+202E>" in line for line in lines)
    assert "mcp__ch__more is new:" in lines
    assert person(place, "n") == DENIED
    assert person(place, "y") == OK
    assert "waits" not in place.akmon("mcp", "test").out
    changing(place, "say Says it.\n")
    assert place.akmon("mcp", "approve", "ch", "--yes").code == OK
    assert "waits" not in place.akmon("mcp", "test").out


def person(place: Place, answer: str) -> int:
    """The exit code where a person at a terminal is asked, and gives ``answer``."""
    with opened(["mcp", "approve", "ch"], place.project, place.env) as window:
        window.sees("May the model use 2 tools of ch as shown? [y/N]")
        window.press(f"{answer}\r")
        return window.ends()


BROWSER = """\
#!{python}
import sys
from urllib.request import urlopen

urlopen(sys.argv[1]).read()
"""


def test_a_login_with_the_browser_lasts_until_it_is_forgotten(place: Place) -> None:
    browser = place.folder / "browser"
    browser.write_text(BROWSER.format(python=sys.executable))
    browser.chmod(0o700)
    with authority() as there:
        place.akmon("mcp", "add", "locked", there.server().url)
        ran = place.akmon("mcp", "test", "locked")
        assert ran.code == ERROR
        assert "it wants you to log in: akmon mcp login locked" in ran.out
        ran = place.akmon("mcp", "login", "locked", env={"BROWSER": str(browser)})
        assert ran.code == OK, ran.err
        assert "logged in to locked" in ran.err
        assert place.akmon("mcp", "test", "locked").code == OK
        (kept,) = place.home.glob(".local/state/akmon/mcp/*.json")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert place.akmon("mcp", "logout", "locked").code == OK
        assert place.akmon("mcp", "test", "locked").code == ERROR


def test_an_address_that_the_browser_ended_at_elsewhere_can_be_pasted(place: Place) -> None:
    with authority() as there:
        place.akmon("mcp", "add", "locked", there.server().url)
        with opened(["mcp", "login", "locked"], place.project, place.env, size=(1_500, 24)) as window:
            window.sees("paste the address that it ends at here")
            (url,) = re.findall(r"^http://\S+", window.text, flags=re.MULTILINE)
            window.press("http://127.0.0.1/?code=of-somebody-else\r")
            window.sees("That is not the address of this login")
            window.press(f"{sent_back(url)}\r")
            assert window.ends() == OK
        assert place.akmon("mcp", "test", "locked").code == OK


def test_a_program_has_nothing_to_log_in_to(place: Place) -> None:
    place.akmon("mcp", "add", "a", "--", "x")
    ran = place.akmon("mcp", "login", "a")
    assert ran.code == ERROR
    assert "a is a program on this machine" in ran.err


def test_servers_that_were_typed_are_those_of_a_run(place: Place) -> None:
    changing(place, "say Says it.\n")
    text = (place.home / OWN).read_text()
    (place.home / OWN).unlink()
    script = 'call mcp__ch__say {"text": "from afar"}\n---\nsay done'
    ran = place.play(script, "hi", "--mcp-config", text, "--allow", "mcp__ch__*")
    assert (ran.code, ran.out) == (OK, "done\n"), ran.err
    ran = place.play(script, "hi", "--mcp-config", text)
    assert ran.code == DENIED
    ran = place.play("say x", "hi", "--mcp-config", "nowhere.json")
    assert ran.code == USAGE
    assert "nowhere.json cannot be read" in ran.err
