"""``akmon policy``: the policy in force by its layers, and checking a pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_cli.exitcodes import OK, USAGE
from tests.e2e.program import Place

PACK = 'name = "company"\nversion = "3"\ndeny = ["shell(kubectl *)"]\n'


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def test_the_policy_is_shown_by_layers_with_origins(place: Place) -> None:
    pack = place.project / "company.toml"
    pack.write_text(PACK)
    options = ("--profile", "prod", "--policy", "company.toml", "--allow", "read(x)")
    ran = place.akmon("policy", "show-effective", *options)
    assert ran.code == OK
    assert "mode     deny-all  (profile prod)\n" in ran.out
    assert "sandbox  auto  (default)\n" in ran.out
    assert "profile  prod  (flag --profile)\n" in ran.out
    assert "packs    company 3\n" in ran.out
    flag, rest = ran.out.split("  flag\n")[1].split("  pack\n")
    packed, profile = rest.split("  profile\n")
    assert flag == "    allow  read(x)  (flag --allow)\n"
    assert packed == f"    deny   shell(kubectl *)  (policy pack company ({pack}))\n"
    assert "    deny   shell  (profile prod)\n" in profile
    said = place.akmon("policy", "--json", *options).json
    assert said["permission_mode"] == {"value": "deny-all", "origin": "profile prod"}
    assert [each["layer"] for each in said["layers"]] == ["flag", "pack", "profile"]
    assert said["packs"] == [{"name": "company", "version": "3", "description": ""}]


def test_a_pack_is_checked_before_it_is_used(place: Place) -> None:
    pack = place.project / "company.toml"
    pack.write_text(PACK)
    ran = place.akmon("policy", "check", "company.toml")
    assert (ran.code, ran.out) == (OK, "the policy pack company 3 is right: 1 rule\n")
    pack.write_text(PACK + "allow = [")
    for arguments in (("policy", "check", "company.toml"), ("policy", "--policy", "company.toml")):
        ran = place.akmon(*arguments)
        assert (ran.code, ran.out) == (USAGE, "")
        assert f"{pack} is not valid TOML" in ran.err


@pytest.mark.parametrize("arguments", [("check",), ("show-effective", "x.toml")])
def test_only_check_takes_a_file(place: Place, arguments: tuple[str, ...]) -> None:
    ran = place.akmon("policy", *arguments)
    assert ran.code == USAGE
    assert "akmon policy check FILE" in ran.err


@pytest.mark.parametrize("where", ["user", "flag", "project"])
def test_a_wrong_pack_keeps_a_session_from_starting(place: Place, where: str) -> None:
    folder = place.home / ".config" / "akmon"
    pack = {
        "user": folder / "policies" / "p.toml",
        "flag": place.project / "p.toml",
        "project": place.project / ".akmon" / "policies" / "p.toml",
    }[where]
    pack.parent.mkdir(parents=True, exist_ok=True)
    pack.write_text('name = "p"\ndeny = ["shell(rm *)"\n')
    arguments = {"user": ("--policy", "p"), "flag": ("--policy", "p.toml"), "project": ()}[where]
    ran = place.play('call shell {"command": "touch made"}', "hi", *arguments, "--allow", "shell")
    assert (ran.code, ran.out) == (USAGE, "")
    assert f"{pack} is not valid TOML" in ran.err
    assert not (place.project / "made").exists()
