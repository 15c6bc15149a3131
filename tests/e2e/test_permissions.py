"""What a run may do without a person: modes, rules, folders, and how a refusal is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.program import Place, kinds, sound

WRITES = 'call write {"path": "new.txt", "content": "x"}'
RUNS = 'call shell {"command": "echo ran > ran.txt"}'
TESTS = 'call shell {"command": "touch tested"}'
SECRET = 'call read {"path": ".env"}'
TRIES_ALL = f"{WRITES}\n{TESTS}\n---\nsay That is all."


def done(place: Place) -> set[str]:
    """The files that a run has made."""
    return {path.name for path in place.project.iterdir()}


def test_without_a_person_the_default_mode_changes_nothing_and_says_so(place: Place) -> None:
    ran = place.play(TRIES_ALL, "change things")
    assert (ran.code, ran.out) == (3, "That is all.\n")
    assert done(place) == set()
    assert "akmon: 2 calls were denied. What may be done without asking is set by --allow" in ran.err
    assert "akmon: denied: write new.txt: default mode asks before writing" in ran.err
    assert "akmon: denied: shell touch tested: default mode asks before running a command" in ran.err


def test_the_report_lists_denials(place: Place) -> None:
    report = place.play(TRIES_ALL, "change things", "--output=json").json
    assert (report["status"], report["exit_reason"]) == ("error", "denied")
    assert report["result"] == "That is all."
    assert report["error"].startswith("2 calls were denied.")
    assert [(call["name"], call["success"]) for call in report["tool_calls"]] == [
        ("write", False),
        ("shell", False),
    ]
    write, shell = report["permission_denials"]
    assert (write["tool"], write["targets"]) == ("write", ["new.txt"])
    assert (shell["tool"], shell["targets"]) == ("shell", ["touch tested"])
    assert "nobody is there to ask" in shell["reason"]


def test_the_model_reads_why_it_was_denied(place: Place) -> None:
    place.play(TRIES_ALL, "change things")
    state = sound(place.journal())
    assert "Denied: default mode asks before writing, and nobody is there to ask." in str(state.history)


@pytest.mark.parametrize(
    ("mode", "code", "made"),
    [
        ("default", 3, set()),
        ("accept-edits", 3, {"new.txt"}),
        ("plan", 3, {".akmon"}),
        ("full-auto", 0, {"new.txt", "tested"}),
    ],
)
def test_each_mode_does_what_it_says(place: Place, mode: str, code: int, made: set[str]) -> None:
    ran = place.play(TRIES_ALL, "change things", "--permission-mode", mode)
    assert (ran.code, done(place)) == (code, made)


def test_full_auto_without_a_sandbox_warns_that_commands_are_asked_about(place: Place) -> None:
    ran = place.play("say ok", "hi", "--permission-mode", "full-auto", "--sandbox", "off")
    assert ran.err.startswith("akmon: full-auto mode: commands are asked about, as the sandbox is ")


MCP = ["--allow", "mcp_resource", "--deny", "use_tool", "--deny", "find_tools", "--allow", "mcp__any__tool"]
"""Tools that there are only where servers are connected."""


def test_a_rule_for_a_tool_that_there_is_not_is_reported(place: Place) -> None:
    ran = place.play(
        "say ok", "hi", "--deny", "Bash(rm *)", "--allow", "read", "--allow", "semantic_search", *MCP
    )
    assert ran.code == 0
    (warning,) = ran.err.splitlines()
    assert warning.startswith(
        "akmon: the rule Bash(rm *) has no effect: no tool is called Bash. The tools are: read, "
    )


@pytest.mark.parametrize(
    ("rules", "made"),
    [
        (["--allow", "write"], {"new.txt"}),
        (["--allow", "write(*.txt)"], {"new.txt"}),
        (["--allow", "write(src/**)"], set()),
        (["--allow", "shell(touch *)"], {"tested"}),
        (["--allow", "shell(touch tested)", "--allow", "write"], {"new.txt", "tested"}),
        (["--allow", "shell(rm *)"], set()),
        (["--allow", "shell", "--deny", "shell(touch *)"], set()),
        (["--deny", "write(new.txt)", "--allow", "write", "--allow", "shell"], {"tested"}),
        (["--permission-mode=full-auto", "--deny", "write"], {"tested"}),
        (["--permission-mode=plan", "--allow", "write", "--allow", "shell"], {".akmon"}),
    ],
)
def test_rules_permit_and_deny_beats_allow(place: Place, rules: list[str], made: set[str]) -> None:
    ran = place.play(TRIES_ALL, "change things", *rules)
    assert done(place) == made
    assert ran.code == (0 if len(made) == 2 else 3)


def test_a_command_that_only_begins_like_an_allowed_one_is_denied(place: Place) -> None:
    script = 'call shell {"command": "touch a; rm -rf b"}\ncall shell {"command": "touch $(id)"}\n---\nsay ok'
    ran = place.play(script, "go", "--allow", "shell(touch *)")
    assert ran.code == 3
    assert done(place) == set()


def test_rules_of_user_file_environment_and_flags_add_up(place: Place) -> None:
    file = place.home / ".config" / "akmon" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('allow = ["shell(touch *)"]\n')
    ran = place.play(TRIES_ALL, "go", "--allow", "write", env={"AKMON_DENY": '["shell(rm *)"]'})
    assert (ran.code, done(place)) == (0, {"new.txt", "tested"})


def test_a_project_file_may_deny_but_not_allow(place: Place) -> None:
    (place.project / ".akmon").mkdir()
    (place.project / ".akmon" / "config.toml").write_text('allow = ["write"]\ndeny = ["shell"]\n')
    ran = place.play(TRIES_ALL, "go", "--allow", "shell")
    assert ran.code == 3
    assert done(place) == {".akmon"}
    assert "allow waits for trust" in ran.err or "akmon trust" in ran.err


def test_files_that_hold_secrets_are_read_only_with_yes(place: Place) -> None:
    (place.project / ".env").write_text("TOKEN=hunter2")
    script = f'{SECRET}\ncall search {{"pattern": "TOKEN"}}\n---\nsay ok'
    ran = place.play(script, "go")
    assert ran.code == 3
    assert "denied: read .env: .env may hold secrets" in ran.err
    assert b"hunter2" not in place.journal().read_bytes()
    assert place.play(SECRET + "\n---\nsay ok", "go", "--yes").code == 0


def test_yes_does_not_permit_writing_or_running(place: Place) -> None:
    assert place.play(TRIES_ALL, "go", "-y").code == 3
    assert done(place) == set()


@pytest.mark.parametrize("file", [".git/hooks/pre-commit", ".akmon/config.toml", "sub/.envrc"])
def test_files_that_make_programs_run_are_not_written_in_any_mode(place: Place, file: str) -> None:
    ran = place.play(
        f'call write {{"path": "{file}", "content": "x"}}\n---\nsay ok', "go", "--permission-mode=full-auto"
    )
    assert ran.code == 3
    assert "is protected" in ran.err
    assert not (place.project / file).exists()


@pytest.fixture
def outside(place: Place) -> Path:
    """A folder beside the project, and links in the project that lead there."""
    folder = place.folder / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("hidden canary")
    (place.project / "link.txt").symlink_to(folder / "secret.txt")
    (place.project / "folder").symlink_to(folder)
    (place.project / "dangling").symlink_to(folder / "made.txt")
    return folder


ESCAPES = [
    "../outside/secret.txt",
    "{outside}/secret.txt",
    "link.txt",
    "folder/secret.txt",
    "folder/../outside/secret.txt",
    "/proc/self/cwd/../outside/secret.txt",
    "~/../outside/secret.txt",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out_of_the_project(place: Place, outside: Path, path: str) -> None:
    path = path.format(outside=outside)
    script = f"""
        call read {{"path": "{path}"}}
        call search {{"pattern": "hidden", "path": "{path}"}}
        call write {{"path": "{path}", "content": "overwritten"}}
        call edit {{"path": "{path}", "old": "hidden", "new": "changed"}}
        ---
        say ok
    """
    ran = place.play(script, "go", "--permission-mode=full-auto", "--yes", "--output=json")
    assert ran.code == 3
    assert len(ran.json["permission_denials"]) == 4
    assert all("is outside the project" in denial["reason"] for denial in ran.json["permission_denials"])
    assert not any(call["success"] for call in ran.json["tool_calls"])
    assert (outside / "secret.txt").read_text() == "hidden canary"
    assert b"canary" not in place.journal().read_bytes()


def test_new_files_are_not_made_through_links(place: Place, outside: Path) -> None:
    script = """
        call write {"path": "dangling", "content": "x"}
        call write {"path": "folder/made.txt", "content": "x"}
        call write {"path": "folder/deep/made.txt", "content": "x"}
        call list {"path": "folder"}
        ---
        say ok
    """
    assert place.play(script, "go", "--permission-mode=full-auto").code == 3
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]


def test_a_further_folder_can_be_worked_in(place: Place, outside: Path) -> None:
    script = (
        'call read {"path": "../outside/secret.txt"}\ncall write {"path": "folder/new.txt", "content": "x"}'
    )
    ran = place.play(
        script + "\n---\nsay ok", "go", "--add-dir", "../outside", "--permission-mode=accept-edits"
    )
    assert ran.code == 0
    assert (outside / "new.txt").read_text() == "x"


def test_every_decision_is_in_the_journal(place: Place) -> None:
    place.play(TRIES_ALL, "go", "--allow", "write")
    found = kinds(place.journal())
    assert found.count("permission_decided") == found.count("tool_finished") == 2
    assert found[-1] == "turn_ended"


def test_the_model_gets_no_secrets_from_the_environment(place: Place) -> None:
    script = 'call shell {"command": "env; cat /proc/self/environ"}\n---\nsay ok'
    env = {"ANTHROPIC_API_KEY": "canary", "GITHUB_TOKEN": "canary", "EMAIL": "shown", "PLAIN": "hidden"}
    assert place.play(script, "go", "--permission-mode=full-auto", env=env).code == 0
    journal = place.journal().read_bytes()
    assert b"EMAIL=shown" in journal
    assert b"PLAIN" not in journal
    assert b"canary" not in journal
