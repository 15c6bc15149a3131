"""``akmon permissions``: the rules in force, what would come of a call, and saving rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_cli.commands.permissions import ASKED
from akmon_cli.exitcodes import DENIED, OK, USAGE
from tests.e2e.program import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def user(place: Place, text: str) -> Path:
    path = place.home / ".config" / "akmon" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_rules_the_mode_decides(place: Place) -> None:
    ran = place.akmon("permissions")
    assert (ran.code, ran.out, ran.err) == (OK, "", "no rules: the mode default decides\n")


def test_rules_are_listed_with_their_origins(place: Place) -> None:
    file = user(place, 'allow = ["shell(make *)"]\n')
    ran = place.akmon("permissions", "--deny", "fetch", "list")
    assert ran.out == f"deny   fetch  (flag --deny)\nallow  shell(make *)  (user file {file})\n"
    ran = place.akmon("permissions", "list", "--json")
    assert json.loads(ran.out) == [
        {"rule": "shell(make *)", "decision": "allow", "message": "", "origin": f"user file {file}"}
    ]


def test_a_rule_that_is_added_holds_until_it_is_removed(place: Place) -> None:
    saved = place.home / ".config" / "akmon" / "permissions.toml"
    assert place.akmon("permissions", "add", "shell(touch tested)").code == OK
    assert place.akmon("permissions", "add", "fetch", "--deny", "--everywhere").code == OK
    ran = place.akmon("permissions", "list")
    assert ran.out == f"allow  shell(touch tested)  (saved in {saved})\ndeny   fetch  (saved in {saved})\n"
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    assert place.akmon("permissions", "list", cwd=elsewhere).out == f"deny   fetch  (saved in {saved})\n"
    ran = place.akmon("permissions", "remove", "shell(touch tested)", cwd=elsewhere)
    assert ran.code == USAGE
    assert "no rule 'shell(touch tested)' was saved for this project" in ran.err
    assert place.akmon("permissions", "remove", "shell(touch tested)").code == OK
    assert "touch" not in place.akmon("permissions", "list").out


@pytest.mark.parametrize("rule", ["shell(", "shell()", "a b", ""])
def test_what_is_no_rule_is_not_saved(place: Place, rule: str) -> None:
    ran = place.akmon("permissions", "add", rule)
    assert (ran.code, ran.out) == (USAGE, "")
    assert "rule" in ran.err
    assert not (place.home / ".config" / "akmon" / "permissions.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("git push",), DENIED, "by hand"),
        (("make", "test"), OK, "shell(make *)"),
        (("touch a",), ASKED, "default mode asks before running a command"),
        (("touch a && git push -f",), DENIED, "by hand"),
        (("--tool", "edit", "src/a.py"), ASKED, "default mode asks before writing"),
        (("--tool", "edit", "src/a.py", "--mode", "accept-edits"), OK, "accept-edits mode"),
        (("--tool", "read", "/etc/passwd"), DENIED, "outside the project"),
        (("--tool", "write", ".git/hooks/x", "--mode", "full-auto"), ASKED, "protected"),
        (("--tool", "fetch", "https://docs.rs/"), OK, "fetch(docs.rs)"),
    ],
)
def test_a_call_is_judged_without_being_made(
    place: Place, arguments: tuple[str, ...], code: int, why: str
) -> None:
    user(
        place,
        'allow = ["shell(make *)", "fetch(docs.rs)"]\n'
        '[[rules]]\nrule = "shell(git push *)"\ndecision = "deny"\nmessage = "by hand"\n',
    )
    ran = place.akmon("permissions", "test", *arguments)
    assert ran.code == code
    assert why in ran.out
    assert list(place.project.iterdir()) == []


def test_the_answer_says_how_the_command_was_read_and_where_the_rule_stands(place: Place) -> None:
    file = user(place, 'deny = ["shell(git push *)"]\n')
    ran = place.akmon("permissions", "test", "cd sub && git 'push' -f")
    assert f"rule     shell(git push *)  (user file {file})" in ran.out
    assert "read as  cd sub; then git push -f" in ran.out
    said = place.akmon("permissions", "test", "git push", "--json").json
    assert (said["decision"], said["read"]) == ("deny", [["git", "push"]])
    assert said["origin"] == f"user file {file}"
    ran = place.akmon("permissions", "test", "x $(y)")
    assert "something that cannot be told for certain" in ran.out


def test_nothing_of_a_command_steers_the_terminal(place: Place) -> None:
    ran = place.akmon("permissions", "test", "echo \x1b[2J \u202e")
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
