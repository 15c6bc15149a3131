"""Which MCP servers are configured: what files and options say, and what of it is not taken."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_config import mcpedit
from akmon_config.mcpentry import name_problem, usable_name
from akmon_config.mcpmasked import HIDDEN, masked
from akmon_config.mcpservers import Entry, ServersFound, load_servers
from akmon_core.errors import SettingsError
from tests.config.places import Place

STDIO = {"command": "npx", "args": ["-y", "a-server"]}
HTTP = {"type": "http", "url": "https://mcp.example/mcp"}


def user(place: Place, value: object) -> Path:
    return place.own("mcp.json", value if isinstance(value, str) else json.dumps(value))


def project(place: Place, value: object) -> Path:
    path = place.project / ".mcp.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def load(
    place: Place, *, trusted: bool = True, environ: Mapping[str, str] | None = None, **how: Any
) -> ServersFound:
    return load_servers(
        user_file=place.user_file.with_name("mcp.json"),
        root=place.project,
        trusted=trusted,
        environ={"HOME": str(place.home), **(environ or {})},
        **how,
    )


def servers(**entries: object) -> dict[str, Any]:
    return {"mcpServers": entries}


def only(found: ServersFound) -> Entry:
    (entry,) = found.entries
    return entry


def warned(place: Place, entry: object, **how: Any) -> str:
    """What is said of the one server that cannot be used; the one beside it is not touched by that."""
    user(place, servers(bad=entry, good=STDIO))
    found = load(place, **how)
    assert [server.name for server in found.servers] == ["good"]
    assert [entry.state for entry in found.entries] == ["wrong", "enabled"]
    assert found.warnings == ()
    (warning,) = found.wrong
    start = f"user file {place.user_file.with_name('mcp.json')}, server bad, "
    assert warning.startswith(start)
    return warning.removeprefix(start)


def test_nothing_is_configured_where_nothing_is_said(place: Place) -> None:
    assert load(place) == ServersFound()
    user(place, {})
    project(place, {})
    assert load(place) == ServersFound()


def test_a_program_and_addresses_are_read_with_all_their_fields(place: Place) -> None:
    local = {
        **STDIO,
        "type": "stdio",
        "env": {"TOKEN": "${TOKEN}", "MODE": "${MODE:-fast}"},
        "cwd": "sub",
        "timeout": 90_000,
    }
    remote = {
        **HTTP,
        "headers": {"Authorization": "Bearer ${TOKEN}"},
        "oauth": {"clientId": "me", "clientSecret": "s3"},
    }
    user(place, servers(local=local, remote=remote, old={"type": "sse", "url": "http://127.0.0.1:1/sse"}))
    found = load(place, environ={"TOKEN": "t0ps3cret"})
    assert found.warnings == ()
    one, old, two = found.servers
    assert (one.name, one.transport, one.command) == ("local", "stdio", ("npx", "-y", "a-server"))
    assert one.cwd == str(place.project / "sub")
    assert {key: value.reveal() for key, value in one.env.items()} == {"TOKEN": "t0ps3cret", "MODE": "fast"}
    assert one.seconds == 90
    assert one.origin == f"user file {place.user_file.with_name('mcp.json')}"
    assert (two.transport, two.url, two.client_id) == ("http", "https://mcp.example/mcp", "me")
    assert two.headers["Authorization"].reveal() == "Bearer t0ps3cret"
    assert two.client_secret.reveal() == "s3"
    assert old.transport == "sse"
    assert "t0ps3cret" not in repr(found)
    assert "s3" not in repr(found)


def test_what_people_see_of_where_a_server_is_has_no_value_of_a_variable(place: Place) -> None:
    entry = {"command": "${TOOL}", "args": ["--key", "${KEY}", "${workspaceFolder}", "${NONE:-all}"]}
    user(
        place,
        servers(
            a=entry,
            b={"url": "https://${HOST}/mcp/${KEY}"},
            c={"url": "${ALL}"},
            d={"url": "https://mcp.example/mcp"},
        ),
    )
    environ = {
        "TOOL": "npx",
        "KEY": "hunter2",
        "HOST": "h.example:8",
        "ALL": "https://u:p@all.example/hunter2",
    }
    found = load(place, environ=environ).servers
    assert found[0].command == ("npx", "--key", "hunter2", str(place.project), "all")
    assert [server.where for server in found] == [
        f"npx --key ${{KEY}} {place.project} ${{NONE:-all}}",
        "https://h.example:8/…",
        "https://all.example/…",
        "https://mcp.example/mcp",
    ]
    assert "hunter2" not in repr([server.where for server in found])


@pytest.mark.parametrize(
    ("kind", "transport"),
    [
        ("http", "http"),
        ("streamable-http", "http"),
        ("streamableHttp", "http"),
        ("sse", "sse"),
        (None, "http"),
    ],
)
def test_the_names_that_other_programs_have_for_transports_are_known(
    place: Place, kind: str | None, transport: str
) -> None:
    user(place, servers(a={"url": "https://a.example", **({"type": kind} if kind else {})}))
    (server,) = load(place).servers
    assert server.transport == transport


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("npx", "it should be an object"),
        ({}, "it should have a command (a program to start) or a url"),
        ({**STDIO, **HTTP}, "a command or a url, and not both"),
        (
            {"command": ["npx", "x"]},
            "command: it should be a text: the program alone, whose arguments stand in args",
        ),
        ({"command": ""}, "command: it should be a text"),
        ({**STDIO, "args": "-y"}, "args: it should be a list of texts"),
        ({**STDIO, "env": {"A": 1}}, "env, A: it should be a text in quotes"),
        ({**STDIO, "env": {"A=B": "1"}}, "env: 'A=B' cannot be the name of a variable"),
        ({**STDIO, "timeout": 1.5}, "timeout: it should be a whole number of milliseconds"),
        ({**STDIO, "timeout": True}, "timeout: it should be a whole number of milliseconds"),
        ({**STDIO, "timeout": 10**400}, "timeout: it should be a whole number of milliseconds"),
        ({**STDIO, "args": ["\ud800"]}, "it holds half of a character"),
        ({**STDIO, "env": {"\ud800": "1"}}, "it holds half of a character"),
        ({**STDIO, "disabled": "no"}, "disabled: it should be true or false"),
        ({**STDIO, "headers": {}}, "headers: this is not for a server of type stdio"),
        ({**HTTP, "cwd": "/"}, "cwd: this is not for a server of type http"),
        ({**STDIO, "type": "studio"}, "type: it should be stdio, http or sse. Did you mean stdio?"),
        ({"type": "http"}, "url: it is missing, and a server of type http needs one"),
        ({"command": "x", "type": "http"}, "url: it is missing"),
        ({**STDIO, "timout": 1}, "timout: there is no such field. Did you mean timeout?"),
        ({**STDIO, "environment": {}}, "environment: call it env"),
        ({"serverUrl": "https://x.example"}, "serverUrl: call it url"),
        ({"url": "ftp://x.example"}, "url: it should be an address that starts with https:// or http://"),
        ({"url": "https://x.example/ a"}, "url: it should be an address"),
        ({**HTTP, "headers": {"a b": "c"}}, "headers: 'a b' cannot be sent"),
        ({**HTTP, "headers": {"A": "b\r\nC: d"}}, "headers, A: its value should be one line"),
        (
            {**HTTP, "oauth": {"clientid": "x"}},
            "oauth: it may have clientId and clientSecret, and not clientid",
        ),
        ({**STDIO, "args": ["${env:HOME}"]}, "args: ${env:HOME} has no meaning here. Write ${NAME}"),
        ({**STDIO, "args": ["a\0b"]}, "args: there is a NUL character in it"),
        (
            {"command": "./server"},
            "command: in your own file it should be the name of a program or its whole path",
        ),
        ({"command": "~/bin/server"}, "command: in your own file"),
        ({**STDIO, "cwd": "~/x"}, "cwd: write ${HOME} in the place of ~"),
    ],
)
def test_one_wrong_server_is_left_out_alone_and_it_is_said_what_is_expected(
    place: Place, entry: object, said: str
) -> None:
    assert said in warned(place, entry)


def test_a_variable_that_is_not_set_leaves_the_server_out_and_is_named(place: Place) -> None:
    entry = {**STDIO, "env": {"TOKEN": "${GITHUB_TOKEN}"}}
    said = warned(place, entry)
    assert said.startswith(
        "env, TOKEN: the variable GITHUB_TOKEN is not set. Set it, or write ${GITHUB_TOKEN:-default}"
    )


def test_variables_are_filled_in_everywhere_and_defaults_stand_for_empty_ones(place: Place) -> None:
    entry = {"command": "${BIN}/x", "args": ["${A:-a}${B:-}", "$A", "${1}"], "cwd": "${HOME}/w"}
    user(place, servers(a=entry))
    (server,) = load(place, environ={"BIN": "/opt", "A": ""}).servers
    assert server.command == ("/opt/x", "a", "$A", "${1}")
    assert server.cwd == f"{place.home}/w"


@pytest.mark.parametrize("name", ["a b", "a/b", "a.b", "ä", "", "a__b", "a_", "-a", "x" * 33, "\x1b[2Jx"])
def test_a_name_that_could_not_be_told_apart_is_refused(place: Place, name: str) -> None:
    user(place, servers(**{name: STDIO, "good": STDIO}))
    found = load(place)
    assert [server.name for server in found.servers] == ["good"]
    (warning,) = found.wrong
    assert "the name of a server should have letters, digits, - and single _" in warning
    assert "\x1b" not in warning


@given(st.text(max_size=60))
def test_what_is_suggested_as_a_name_is_one(text: str) -> None:
    name = usable_name(text)
    assert not name or not name_problem(name)
    if not name_problem(text):
        assert usable_name(text) == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", ", line 1 is not valid JSON"),
        ("[]", "should hold an object"),
        ('{"mcpServers": []}', "mcpServers: it should be an object"),
        ('{"servers": {}}', "has no mcpServers. Rename servers to mcpServers."),
        ('{"mcpservers": {}}', "has no mcpServers. Rename mcpservers."),
        ('{"mcpServers": {"a": {}, "a": {}}}', "a stands there twice"),
        ('{"disabledServers": "a"}', "disabledServers: it should be a list of names"),
        ("[" * 100_000, "is not JSON that can be read"),
        ('{"a": "' + "x" * 1_000_000 + '"}', "is larger than"),
    ],
)
def test_a_file_that_is_no_such_file_is_a_warning(place: Place, content: str, said: str) -> None:
    user(place, content)
    project(place, servers(a=STDIO))
    found = load(place)
    assert [server.name for server in found.servers] == ["a"]
    (warning,) = found.warnings
    assert said in warning
    assert warning.endswith("None of its MCP servers is used.")


def test_a_file_that_others_can_change_does_not_count(place: Place) -> None:
    user(place, servers(a=STDIO)).chmod(0o666)
    found = load(place)
    assert found.servers == ()
    assert "can be changed by other users" in found.warnings[0]


def test_the_strongest_of_a_name_counts_and_it_is_said_what_it_hides(place: Place) -> None:
    user(place, servers(a={"command": "users"}, b=STDIO))
    project(place, servers(a={"command": "projects"}, c=STDIO))
    found = load(place)
    assert [(server.name, server.command[0]) for server in found.servers] == [
        ("a", "projects"),
        ("b", "npx"),
        ("c", "npx"),
    ]
    (warning,) = found.warnings
    assert (
        f"the MCP server a of project file {place.project}/.mcp.json is used, and hides the one of user file"
        in warning
    )
    typed = place.home / "typed.json"
    typed.write_text(json.dumps(servers(a={"command": "file"})))
    found = load(place, configs=[str(typed), json.dumps(servers(a={"command": "text"}))])
    assert found.servers[0].command == ("text",)
    assert found.servers[0].origin == "--mcp-config"
    assert len(found.warnings) == 3


def test_an_address_on_the_command_line_is_a_server_under_a_name_of_its_own(place: Place) -> None:
    user(place, servers(**{"mcp-example": STDIO}))
    found = load(place, urls=["https://mcp.example/mcp", "https://mcp.example/mcp", "http://[::1]:80/"])
    assert [server.name for server in found.servers] == [
        "1-80",
        "mcp-example",
        "mcp-example-2",
        "mcp-example-3",
    ]
    assert found.warnings == ()
    with pytest.raises(SettingsError, match="--mcp-server: it should be an address"):
        load(place, urls=["mcp.example"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere.json", "--mcp-config nowhere.json cannot be read: No such file or directory"),
        ('{"mcpServers"', "--mcp-config, line 1 is not valid JSON"),
        ("{}", "--mcp-config has no mcpServers"),
        ('{"servers": {}}', "Rename servers to mcpServers"),
        ("/dev/zero", "is larger than"),
    ],
)
def test_what_was_typed_and_cannot_be_read_is_an_error(place: Place, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(place, configs=[text])
    assert said in str(caught.value)


def test_servers_of_a_folder_that_is_not_trusted_wait_and_hide_nothing(place: Place) -> None:
    user(place, servers(a={"command": "users"}))
    project(place, servers(a={"command": "./evil", "env": {"K": "${NOT_SET}"}}, b={"wrong": 1}))
    found = load(place, trusted=False)
    assert [server.command for server in found.servers] == [("users",)]
    assert found.warnings == ()
    mine, waits, wrong = found.entries
    assert (mine.name, mine.state) == ("a", "enabled")
    assert (waits.name, waits.state, waits.scope) == ("a", "waits for trust", "project")
    assert waits.where == str(place.project / "evil")
    assert "akmon trust" in waits.detail
    assert wrong.state == "wrong"
    assert found.wrong == ()


def test_a_projects_file_that_leads_elsewhere_is_not_read(place: Place) -> None:
    outside = place.home / "outside.json"
    outside.write_text(json.dumps(servers(a=STDIO)))
    (place.project / ".mcp.json").symlink_to(outside)
    found = load(place)
    assert found.servers == ()
    assert found.warnings == (".mcp.json leads out of the project. None of its MCP servers is used.",)


def test_programs_and_folders_of_a_project_are_shown_and_started_by_their_whole_paths(place: Place) -> None:
    project(place, servers(a={"command": "./bin/server", "args": ["--x"], "cwd": "data"}))
    found = load(place)
    (server,) = found.servers
    assert server.command == (str(place.project / "bin/server"), "--x")
    assert only(found).where == f"{place.project}/bin/server --x"
    assert only(found).fields["cwd"] == f"{place.project}/data"


def test_what_may_be_secret_is_shown_by_no_entry(place: Place) -> None:
    local = {**STDIO, "env": {"A": "literal", "B": "${B:-fallback}", "C": "x${B}y"}}
    remote = {
        "url": "https://me:pass@mcp.example/mcp?key=literal",
        "headers": {"Authorization": "Bearer ${B}", "X": "Bearer literal"},
        "oauth": {"clientId": "id", "clientSecret": "literal"},
    }
    user(place, servers(a=local, b=remote))
    found = load(place, environ={"B": "value-of-b"})
    one, two = found.entries
    assert one.fields["env"] == {"A": HIDDEN, "B": "${B:-…}", "C": f"{HIDDEN}${{B}}{HIDDEN}"}
    assert two.fields["headers"] == {"Authorization": "Bearer ${B}", "X": HIDDEN}
    assert two.fields["oauth"] == {"clientId": "id", "clientSecret": HIDDEN}
    assert two.where == f"https://{HIDDEN}@mcp.example/mcp?…"
    for secret in ("literal", "value-of-b", "pass@", "fallback"):
        assert secret not in repr(found.entries)


@given(st.text(max_size=40).filter(lambda text: "$" not in text and len(text.strip()) > 8))
def test_no_literal_value_is_ever_shown(text: str) -> None:
    assert text.strip() not in masked(f"${{A}}{text}${{B:-x}}")


def test_a_server_can_be_switched_off_where_it_stands_and_by_the_user_wherever_it_is_from(
    place: Place,
) -> None:
    user(place, {**servers(a=STDIO), "disabledServers": ["b", "c"]})
    project(place, servers(b=STDIO, d={**STDIO, "disabled": True}))
    found = load(place, configs=[json.dumps(servers(c=STDIO))])
    assert [server.name for server in found.servers] == ["a"]
    assert [(entry.name, entry.state) for entry in found.entries] == [
        ("a", "enabled"),
        *((name, "disabled") for name in "bcd"),
    ]
    assert "akmon mcp enable b" in found.entries[1].detail
    assert found.warnings == ()


def digest_of(place: Place, entry: object, environ: Mapping[str, str] | None = None, name: str = "a") -> str:
    user(place, servers(**{name: entry}))
    (server,) = load(place, environ=environ).servers
    return server.digest


def test_the_digest_is_of_what_was_written_and_not_of_values_or_switches(place: Place) -> None:
    entry = {**STDIO, "env": {"T": "${T}", "U": "1"}}
    first = digest_of(place, entry, {"T": "one"})
    assert len(first) == 64
    assert digest_of(place, entry, {"T": "two"}) == first
    again = {
        "env": {"U": "1", "T": "${T}"},
        "type": "stdio",
        "timeout": 5,
        "disabled": False,
        "note": "x",
        **STDIO,
    }
    assert digest_of(place, again, {"T": "one"}) == first
    for other in (
        {**entry, "args": ["-y", "b-server"]},
        {**entry, "env": {"T": "${T}", "U": "2"}},
        {**entry, "command": "npm"},
        {**entry, "cwd": "/"},
    ):
        assert digest_of(place, other, {"T": "one"}) != first
    assert digest_of(place, entry, {"T": "one"}, name="b") != first


def test_the_same_words_in_another_project_mean_another_program(place: Place, tmp_path: Path) -> None:
    text = json.dumps(servers(a={"command": "./server"}, b=STDIO))
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / ".mcp.json").write_text(text)
        found = load_servers(user_file=None, root=folder, trusted=True, environ={})
        digests.append([server.digest for server in found.servers])
    assert digests[0][0] != digests[1][0]
    assert digests[0][1] == digests[1][1]


def test_fields_of_other_programs_are_ignored_and_named(place: Place) -> None:
    user(place, servers(a={**STDIO, "autoApprove": ["x"], "description": "d"}))
    found = load(place)
    assert found.warnings == ()
    assert only(found).ignored == ("autoApprove", "description")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["command", "args", "url", "env", "type", "mcpServers", "disabledServers", "x"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_file_is_more_than_a_warning(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.mktemp("p")
    (folder / ".mcp.json").write_text(json.dumps(value))
    found = load_servers(user_file=None, root=folder, trusted=True, environ={})
    assert all(server.command or server.url for server in found.servers)


EDITED = """\
{
    "other": [1, 2.5],
    "mcpServers": {
        "b": {"command": "x", "mine": "é"}
    }
}
"""


def test_a_change_keeps_everything_else_in_the_file(place: Place) -> None:
    path = user(place, EDITED)
    file = mcpedit.user_servers(path)
    mcpedit.add(file, "a", STDIO)
    text = path.read_text()
    assert list(json.loads(text)) == ["other", "mcpServers"]
    assert '\n    "other"' in text
    assert '"mine": "é"' in text
    assert list(json.loads(text)["mcpServers"]) == ["b", "a"]
    mcpedit.remove(file, "a")
    assert json.loads(path.read_text()) == json.loads(EDITED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_line_ends_of_a_file_stay(place: Place) -> None:
    path = user(place, EDITED.replace("\n", "\r\n"))
    mcpedit.add(mcpedit.user_servers(path), "a", STDIO)
    data = path.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") > 6


def test_a_file_is_made_where_there_is_none(place: Place) -> None:
    own = place.user_file.with_name("mcp.json")
    mcpedit.add(mcpedit.user_servers(own), "a", STDIO)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    mcpedit.add(mcpedit.project_servers(place.project), "b", HTTP)
    assert [server.name for server in load(place).servers] == ["a", "b"]
    assert sorted(path.name for path in place.project.iterdir()) == [".mcp.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"mcpServers": 1}', '{"servers": {}}', '{"a": 1, "a": 2}'])
def test_a_broken_file_is_never_written_over(place: Place, content: str) -> None:
    path = user(place, content)
    with pytest.raises(SettingsError):
        mcpedit.add(mcpedit.user_servers(path), "a", STDIO)
    with pytest.raises(SettingsError):
        mcpedit.switch(mcpedit.user_servers(path), "a", on=False)
    assert path.read_text() == content


def test_only_what_can_be_used_is_added_and_nothing_is_written_over(place: Place) -> None:
    path = user(place, servers(a=STDIO))
    file = mcpedit.user_servers(path)
    before = path.read_text()
    with pytest.raises(SettingsError, match="has a server a already"):
        mcpedit.add(file, "a", HTTP)
    with pytest.raises(SettingsError, match=r"Call it a-b\."):
        mcpedit.add(file, "a b", HTTP)
    with pytest.raises(SettingsError, match="a command or a url"):
        mcpedit.add(file, "b", {**STDIO, **HTTP})
    with pytest.raises(SettingsError, match=r"has no server ab\. Did you mean a\?"):
        mcpedit.remove(file, "ab")
    assert path.read_text() == before


def test_switches_of_the_user_are_for_servers_of_any_origin(place: Place) -> None:
    path = user(place, EDITED)
    file = mcpedit.user_servers(path)
    project(place, servers(p=STDIO))
    assert mcpedit.switch(file, "p", on=False)
    assert not mcpedit.switch(file, "p", on=False)
    assert [(entry.name, entry.state) for entry in load(place).entries] == [
        ("b", "enabled"),
        ("p", "disabled"),
    ]
    assert mcpedit.switch(file, "p", on=True)
    assert json.loads(path.read_text()) == json.loads(EDITED)


def test_a_project_switches_its_own(place: Place) -> None:
    path = project(place, servers(p=STDIO))
    path.chmod(0o640)
    file = mcpedit.project_servers(place.project)
    assert mcpedit.switch(file, "p", on=False)
    assert json.loads(path.read_text())["mcpServers"]["p"]["disabled"] is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert mcpedit.switch(file, "p", on=True)
    assert json.loads(path.read_text()) == servers(p=STDIO)
    with pytest.raises(SettingsError, match="has no server q"):
        mcpedit.switch(file, "q", on=False)


def test_what_is_written_steers_no_terminal(place: Place) -> None:
    path = user(place, servers(b={"command": "x", "note": "\x9b2J\u202e"}))
    mcpedit.add(mcpedit.user_servers(path), "a", STDIO)
    text = path.read_text()
    assert "\x9b" not in text
    assert json.loads(text)["mcpServers"]["b"]["note"] == "\x9b2J\u202e"
