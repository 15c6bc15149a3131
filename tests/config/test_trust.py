"""Trust in a folder: bound to the content of what it would widen or run, and to that folder alone."""

from __future__ import annotations

import io
import json
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_config.claims import Claims, claims
from akmon_config.trust import Trust, ask_trust, trust_question
from akmon_core.errors import SettingsError
from akmon_core.limits import TRUST_FILE_BYTES, TRUST_FILES
from tests.config.places import Place

WIDENING = (
    'model = "m"\nallow = ["shell(make *)"]\ncheck_command = "make test"\npermission_mode = "accept-edits"\n'
)
MCP = '{"mcpServers": {"db": {"command": "node", "args": ["tools/server.js", "--all"], "env": {"A": "b"}}}}'


@pytest.fixture
def trust(place: Place) -> Trust:
    return Trust(place.home / "state" / "trust.json", clock=lambda: 1.0)


def put(place: Place, name: str, content: str) -> Path:
    path = place.project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def said(found: Claims) -> str:
    return "\n".join(line for claim in found.claims for line in claim.says)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        'deny = ["shell"]\nask = ["write"]\nmax_turns = 3\npermission_mode = "plan"\n',
        '[[rules]]\nrule = "shell"\ndecision = "deny"\n',
        "broken = [",
        'openai_api_key = "sk-evil"\n',
    ],
)
def test_what_only_restricts_or_never_counts_has_nothing_to_trust(
    place: Place, trust: Trust, content: str | None
) -> None:
    if content is not None:
        place.repository(content)
    place.policy("p", 'name = "p"\ndeny = ["fetch"]\n')
    assert trust.status(place.project) == "nothing to trust"
    assert not trust.path.parent.exists()


def test_all_that_a_folder_would_do_is_named(place: Place, trust: Trust) -> None:
    place.repository(f'{WIDENING}[[rules]]\nrule = "shell(x)"\ndecision = "allow"\n')
    place.policy("p", 'name = "p"\nallow = ["fetch"]\n')
    put(place, ".mcp.json", MCP)
    put(place, ".akmon/hooks.toml", '[[start]]\ncommand = "sh tools/hook.sh"\n')
    put(place, "tools/hook.sh", "echo")
    put(place, "tools/server.js", "x")
    found = trust.claims(place.project)
    assert [claim.path for claim in found.claims] == [
        *(".akmon/config.toml", ".akmon/hooks.toml", ".akmon/policies/p.toml", ".mcp.json"),
        *("tools/hook.sh", "tools/server.js"),
    ]
    assert said(found).splitlines() == [
        "sends what you work on to the model m",
        "names the command that checks changes: make test",
        "sets the permission mode accept-edits",
        "allows without asking: shell(make *)",
        "allows without asking: shell(x)",
        "runs the hook start: sh tools/hook.sh",
        "allows without asking: fetch",
        "starts the MCP server db: node tools/server.js --all, with {'env': {'A': 'b'}}",
    ]
    assert trust.status(place.project) == "untrusted"


@pytest.mark.parametrize("name", [".mcp.json", ".akmon/hooks.toml"])
def test_a_file_that_makes_no_sense_is_asked_about_as_well(place: Place, trust: Trust, name: str) -> None:
    put(place, name, "}{")
    assert trust.status(place.project) == "untrusted"
    assert said(trust.claims(place.project)) == "cannot be understood as it is"


def test_what_was_trusted_stays_so_until_it_changes(place: Place, trust: Trust) -> None:
    place.repository(WIDENING)
    trust.trust(trust.claims(place.project))
    assert trust.status(place.project) == "trusted"
    assert stat.S_IMODE(trust.path.stat().st_mode) == 0o600
    put(place, "main.py", "anything else may change")
    assert Trust(trust.path).status(place.project) == "trusted"
    place.repository(WIDENING.replace("make *", "sh *"))
    found = trust.claims(place.project)
    assert trust.status_of(found) == "changed"
    assert trust.changes(found) == (
        ".akmon/config.toml: - allows without asking: shell(make *)",
        ".akmon/config.toml: + allows without asking: shell(sh *)",
    )
    place.repository(WIDENING)
    assert trust.status(place.project) == "trusted"
    assert trust.forget(place.project)
    assert not trust.forget(place.project)
    assert trust.status(place.project) == "untrusted"


def test_the_script_that_a_file_names_counts_with_its_content(place: Place, trust: Trust) -> None:
    put(place, ".akmon/hooks.toml", "[[start]]\ncommand = \"sh -c 'tools/hook.sh;x'\"\n")
    script = put(place, "tools/hook.sh", "echo")
    trust.trust(trust.claims(place.project))
    script.write_text("echo; curl evil.example")
    found = trust.claims(place.project)
    assert trust.status_of(found) == "changed"
    assert trust.changes(found) == ("tools/hook.sh: its content is another one",)
    script.write_text("echo")
    assert trust.status(place.project) == "trusted"
    script.unlink()
    assert trust.changes(trust.claims(place.project)) == ("tools/hook.sh: gone",)
    put(place, ".mcp.json", MCP)
    assert ".mcp.json: new" in trust.changes(trust.claims(place.project))


def test_a_script_counts_by_the_folder_that_it_is_started_in(place: Place, trust: Trust) -> None:
    server = {"command": "bin/python", "args": ["run.py"], "cwd": "scripts"}
    put(place, ".mcp.json", json.dumps({"mcpServers": {"db": server}}))
    script = put(place, "scripts/run.py", "pass")
    trust.trust(trust.claims(place.project))
    assert f"starts the MCP server db: {place.project}/bin/python run.py" in said(trust.claims(place.project))
    script.write_text("evil()")
    assert trust.changes(trust.claims(place.project)) == ("scripts/run.py: its content is another one",)


def test_a_script_that_came_after_the_answer_is_not_trusted(place: Place, trust: Trust) -> None:
    put(place, ".akmon/hooks.toml", '[[start]]\ncommand = "tools/hook.sh"\n')
    trust.trust(trust.claims(place.project))
    put(place, "tools/hook.sh", "echo")
    assert trust.status(place.project) == "changed"


def test_a_link_in_the_project_counts_by_what_it_leads_to(place: Place, trust: Trust) -> None:
    put(place, ".akmon/hooks.toml", '[[start]]\ncommand = "run.sh"\n')
    real = put(place, "tools/real.sh", "echo")
    (place.project / "run.sh").symlink_to(real)
    trust.trust(trust.claims(place.project))
    real.write_text("evil")
    assert trust.status(place.project) == "changed"


def test_a_repository_inside_a_trusted_one_is_asked_about_by_itself(place: Place, trust: Trust) -> None:
    place.repository(WIDENING)
    trust.trust(trust.claims(place.project))
    child = place.project / "vendor" / "child"
    (child / ".akmon").mkdir(parents=True)
    (child / ".akmon" / "config.toml").write_text(WIDENING)
    assert trust.status(child) == "untrusted"
    assert trust.status(place.project) == "trusted"


def test_a_no_is_kept_until_something_changes(place: Place, trust: Trust) -> None:
    place.repository(WIDENING)
    found = trust.claims(place.project)
    assert not trust.declined(found)
    trust.decline(found)
    assert trust.declined(found)
    assert trust.status_of(found) == "untrusted"
    place.repository(WIDENING + "\n")
    assert not trust.declined(trust.claims(place.project))


def test_what_cannot_be_looked_at_whole_cannot_be_trusted(place: Place, trust: Trust) -> None:
    outside = place.home / "mcp.json"
    outside.write_text(MCP)
    (place.project / ".mcp.json").symlink_to(outside)
    found = trust.claims(place.project)
    assert found.problems == (".mcp.json leads out of the project.",)
    assert trust.status_of(found) == "untrusted"
    with pytest.raises(SettingsError, match="cannot be trusted"):
        trust.trust(found)
    (place.project / ".mcp.json").unlink()
    os.mkfifo(place.project / ".mcp.json")
    assert trust.claims(place.project).problems == (".mcp.json is not an ordinary file.",)
    (place.project / ".mcp.json").unlink()
    put(place, ".mcp.json", '{"command": "big.bin"}')
    with (place.project / "big.bin").open("wb") as big:
        big.truncate(TRUST_FILE_BYTES + 1)
    assert "larger than" in trust.claims(place.project).problems[0]


def test_a_folder_that_names_too_many_files_cannot_be_trusted(place: Place, trust: Trust) -> None:
    names = [f"f{number}" for number in range(TRUST_FILES)]
    for name in names:
        put(place, name, "x")
    put(place, ".mcp.json", json.dumps({"command": " ".join(names)}))
    assert "more than" in trust.claims(place.project).problems[0]


def test_no_file_hides_behind_the_name_of_another_one(place: Place, trust: Trust) -> None:
    names = ["a\x1bb", "a<U+001B>b", "'a\\x1bb'", "c\nd", "c\\nd"]
    for name in names:
        put(place, name, name)
    put(place, ".mcp.json", json.dumps({"command": "x", "args": names}))
    found = trust.claims(place.project)
    assert len(found.claims) == 1 + len(names)
    assert all(claim.path.isprintable() for claim in found.claims)


def test_the_question_shows_all_of_it_and_steers_no_terminal(place: Place, trust: Trust) -> None:
    long = "x" * 5_000 + "; rm -rf ~"
    put(place, ".mcp.json", json.dumps({"a\x1b[2J": {"command": f"sh\x1b]0;t\x07\n\u202e{long}"}}))
    question = trust_question(trust.claims(place.project))
    assert long in question
    assert "<U+001B>[2J" in question
    assert "<U+202E>" in question
    assert not {"\x1b", "\x07", "\u202e"} & set(question)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), ("YES\n", True), ("\n", False), ("", False), ("n\n", False), ("yeah\n", False)],
)
def test_only_a_yes_is_a_yes(place: Place, trust: Trust, typed: str, answer: bool) -> None:
    place.repository(WIDENING)
    output = io.StringIO()
    assert ask_trust(trust.claims(place.project), io.StringIO(typed), output) is answer
    assert "allows without asking: shell(make *)" in output.getvalue()
    assert output.getvalue().endswith("[y/N] ")


def test_what_has_changed_is_shown_with_the_question(place: Place, trust: Trust) -> None:
    place.repository(WIDENING)
    output = io.StringIO()
    ask_trust(trust.claims(place.project), io.StringIO(), output, ("x: its content is another one",))
    assert "not as it was when you last answered:\n  x: its content is another one" in output.getvalue()


def test_a_store_that_others_can_write_or_that_is_damaged_trusts_nobody(place: Place, trust: Trust) -> None:
    place.repository(WIDENING)
    found = trust.claims(place.project)
    trust.trust(found)
    trust.path.chmod(0o666)
    with pytest.raises(SettingsError, match="can be changed by other users"):
        trust.status_of(found)
    trust.path.chmod(0o600)
    content = trust.path.read_bytes()
    trust.path.write_bytes(content[:-3])
    for act in (trust.status_of, trust.trust, trust.declined, trust.changes):
        with pytest.raises(SettingsError, match="no folder counts as trusted"):
            act(found)
    assert trust.path.read_bytes() == content[:-3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_no_damage_to_the_store_makes_a_folder_trusted(place: Place, data: st.DataObject) -> None:
    trust = Trust(place.home / "trust.json", clock=lambda: 1.0)
    trust.path.unlink(missing_ok=True)
    place.repository(WIDENING)
    trust.decline(trust.claims(place.project))
    content = trust.path.read_bytes()
    at = data.draw(st.integers(0, len(content)))
    damage = data.draw(st.binary(max_size=4))
    trust.path.write_bytes(content[:at] + damage + content[at + len(damage) :])
    with suppress(SettingsError):
        assert trust.status(place.project) == "untrusted"


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.just("tools/a.sh"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["command", "args", "url", "mcpServers", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(jsons)
def test_whatever_is_in_a_file_it_is_asked_about(place: Place, value: object) -> None:
    put(place, ".mcp.json", json.dumps(value))
    put(place, "tools/a.sh", "echo")
    found = claims(place.project)
    assert found.problems == ()
    assert found.claims[0].path == ".mcp.json"
    assert found.claims[0].says
    assert ("tools/a.sh" in json.dumps(value)) == (found.claims[-1].path == "tools/a.sh")
    assert claims(place.project) == found


def test_a_json_that_is_nested_too_deeply_is_asked_about(place: Place) -> None:
    put(place, ".mcp.json", "[" * 100_000)
    assert said(claims(place.project)) == "cannot be understood as it is"
