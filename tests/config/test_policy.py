"""Profiles, packs and rule tables: what they put in force, whose it is, and that nothing goes missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_config.load import Loaded
from akmon_config.packs import PROFILES, named_profile, read_pack
from akmon_config.policy import effective_rules
from akmon_core.errors import SettingsError
from akmon_core.permissions import Mode, Policy, judge
from akmon_core.tools import Effect, EffectKind
from akmon_tools.workspace import Workspace
from tests.config.places import Place

TABLE = '[[rules]]\nrule = "shell(git push *)"\ndecision = "deny"\nmessage = "by hand"\n'


def said(loaded: Loaded) -> list[str]:
    return [f"{rule.decision} {rule}" for rule in effective_rules(loaded)]


def decided(place: Place, loaded: Loaded, tool: str, kind: EffectKind, target: str) -> str:
    policy = Policy(rules=effective_rules(loaded), sandbox="bubblewrap")
    targets = Workspace((place.project,)).locate((Effect(kind, target),))
    return judge(tool, targets, loaded.settings.permission_mode, policy).decision


def test_a_table_says_what_a_rule_is_for(place: Place) -> None:
    place.user(TABLE + 'matches = ["git push -f"]\nnot_matches = ["git status"]\n')
    (rule,) = effective_rules(place.load())
    assert (str(rule), rule.decision, rule.message) == ("shell(git push *)", "deny", "by hand")
    assert rule.origin == f"user file {place.user_file}"


@pytest.mark.parametrize(
    ("line", "named"), [('matches = ["git pull"]', "git pull"), ('not_matches = ["git push"]', "git push")]
)
def test_an_example_that_is_wrong_is_named_with_file_and_line(place: Place, line: str, named: str) -> None:
    place.user(f'model = "x"\n{TABLE}\n{TABLE}{line}\n')
    with pytest.raises(SettingsError) as caught:
        place.load()
    assert str(caught.value).startswith(f"{place.user_file}, line 7, rules: ")
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[[rules]]\nrule = "shell(a)"\n', "decision: it should be"),
        ('[[rules]]\nrule = "shell(a)"\ndecision = "maybe"\n', "decision: it should be"),
        ('[[rules]]\nrule = "shell("\ndecision = "deny"\n', "not a permission rule"),
        ('[[rules]]\nrule = 5\ndecision = "deny"\n', "rule: it should be"),
        ('[[rules]]\ndecision = "deny"\n', "rule: it should be"),
        ('[[rules]]\nrule = "read"\ndecision = "deny"\nmesage = "x"\n', "Did you mean message?"),
        ('[[rules]]\nrule = "read"\ndecision = "deny"\nmessage = "a\\nb"\n', "message: it should be"),
        ('[[rules]]\nrule = "read"\ndecision = "deny"\nmatches = "x"\n', "matches: it should be"),
        ("rules = [1]\n", "it should be a table"),
        ("rules = 1\n", "it should be a list of tables"),
    ],
)
def test_a_wrong_table_is_an_error_with_its_line(place: Place, content: str, problem: str) -> None:
    place.user(content)
    with pytest.raises(SettingsError) as caught:
        place.load()
    assert str(caught.value).startswith(f"{place.user_file}, line 1, rules: ")
    assert problem in str(caught.value)


def test_rules_come_by_strength_with_their_origins_and_the_strongest_words(place: Place) -> None:
    place.own("policies/company.toml", f'name = "company"\nallow = ["read(c)"]\n{TABLE}')
    place.user('policy_packs = ["company"]\ndeny = ["shell(git push *)"]\nallow = ["read(u)"]\n')
    place.own("permissions.toml", '[[rules]]\nrule = "read(s)"\ndecision = "allow"\n')
    place.repository('deny = ["read(p)"]\n')
    loaded = place.load({"ask": ["read(f)"]}, {"AKMON_DENY": '["read(e)"]'})
    rules = effective_rules(loaded)
    assert [str(rule) for rule in rules] == [
        *("read(f)", "read(e)", "read(p)", "read(s)", "shell(git push *)", "read(u)", "read(c)"),
    ]
    assert [rule.origin.split(" ")[0] for rule in rules] == [
        *("flag", "environment", "project", "saved", "user", "user", "policy"),
    ]
    assert rules[4].message == ""
    assert rules[-1].origin == f"policy pack company ({place.user_file.parent}/policies/company.toml)"


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_that_akmon_brings_can_be_read(place: Place, name: str) -> None:
    loaded = place.load({"profile": name})
    assert loaded.warnings == ()
    assert loaded.origins["permission_mode"] == f"profile {name}"
    assert {rule.origin for rule in effective_rules(loaded)} == {f"profile {name}"}
    assert named_profile(name, None).description


CASES: list[tuple[str, EffectKind, str, tuple[str, str, str]]] = [
    ("read", "read", "a.py", ("allow", "allow", "allow")),
    ("search", "read", ".", ("allow", "allow", "allow")),
    ("edit", "write", "a.py", ("allow", "allow", "deny")),
    ("write", "write", "tls/a.pem", ("deny", "deny", "deny")),
    ("shell", "run", "pytest -q", ("allow", "allow", "deny")),
    ("shell", "run", "git push", ("ask", "deny", "deny")),
    ("shell", "run", "git commit -m x", ("ask", "deny", "deny")),
    ("shell", "run", "sudo ls", ("deny", "deny", "deny")),
    ("shell", "run", "cat $(x)", ("ask", "ask", "deny")),
    ("fetch", "fetch", "https://docs.python.org/3/", ("allow", "deny", "deny")),
    ("fetch", "fetch", "https://evil.example/", ("ask", "deny", "deny")),
    ("mcp__github__search", "run", "x", ("ask", "deny", "deny")),
]


@pytest.mark.parametrize(("tool", "kind", "target", "expected"), CASES)
def test_profiles_decide_as_they_are_described(
    place: Place, tool: str, kind: EffectKind, target: str, expected: tuple[str, str, str]
) -> None:
    found = tuple(decided(place, place.load({"profile": name}), tool, kind, target) for name in PROFILES)
    assert found == expected


@pytest.mark.parametrize("mode", ["default", "accept-edits", "full-auto"])
def test_prod_changes_nothing_in_any_mode(place: Place, mode: Mode) -> None:
    loaded = place.load({"profile": "prod", "permission_mode": mode})
    assert loaded.settings.permission_mode == mode
    kinds: list[tuple[str, EffectKind, str]] = [("edit", "write", "a"), ("shell", "run", "ls")]
    for tool, kind, target in kinds:
        assert decided(place, loaded, tool, kind, target) == "deny"


def test_a_profile_of_ones_own_has_its_name_and_may_not_take_another_ones(place: Place) -> None:
    place.own("profiles/mine.toml", 'name = "mine"\npermission_mode = "plan"\ndeny = ["fetch"]\n')
    loaded = place.load({"profile": "mine"})
    assert (loaded.settings.permission_mode, said(loaded)) == ("plan", ["deny fetch"])
    with pytest.raises(SettingsError, match=r"there is no profile 'mien'\. Did you mean mine\?"):
        place.load({"profile": "mien"})
    place.own("profiles/dev.toml", 'name = "dev"\n')
    with pytest.raises(SettingsError, match="Rename the file"):
        place.load({"profile": "dev"})


@pytest.mark.parametrize("name", ["../mine", "a/b", "..", "a b", "\x1b"])
def test_the_name_of_a_profile_is_one_word(place: Place, name: str) -> None:
    with pytest.raises(SettingsError, match="--profile: it should be one word"):
        place.load({"profile": name})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('name = "x"\ndeny = ["shell(rm *)"', "is not valid TOML"),
        ('name = "x"\ndeny = ["shell("]', "line 2, deny: not a permission rule"),
        ('name = "x"\ndeni = ["shell"]', "Did you mean deny?"),
        ('name = "x"\nmodel = "y"', "a policy pack has no 'model'"),
        ('name = "x"\npermission_mode = "full-auto"', "a policy pack has no 'permission_mode'"),
        ('deny = ["shell"]', "needs a name"),
        ('name = 5\ndeny = ["shell"]', "it should be text"),
        ('name = "x"\ndeny = "shell"', "line 2, deny"),
        ('name = "x"\n[[rules]]\nrule = "shell"', "line 2, rules: decision"),
        (b"name = '\xff'", "this is not UTF-8 text"),
    ],
)
def test_a_pack_that_is_wrong_is_in_force_neither_whole_nor_in_part(
    place: Place, content: str | bytes, problem: str
) -> None:
    file = place.own("policies/p.toml", content)
    for flags in ({"policy_packs": ["p"]}, {"policy_packs": [str(file)]}):
        with pytest.raises(SettingsError) as caught:
            place.load(flags)
        assert str(caught.value).startswith(str(file))
        assert problem in str(caught.value)


def test_a_pack_that_is_not_there_is_an_error(place: Place) -> None:
    with pytest.raises(SettingsError, match="there is no policy pack 'none'"):
        place.load({"policy_packs": ["none"]})
    with pytest.raises(SettingsError, match=f"there is no policy pack {place.project}/none.toml"):
        place.load({"policy_packs": ["none.toml"]})
    place.user('policy_packs = ["below/none.toml"]\n')
    with pytest.raises(SettingsError, match="is relative"):
        place.load()


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
def test_a_file_that_others_can_change_is_told_of(place: Place) -> None:
    place.user('policy_packs = ["p"]\n')
    pack = place.own("policies/p.toml", 'name = "p"\n')
    assert place.load().warnings == ()
    for file in (place.user_file, pack):
        file.chmod(0o666)
        (warning,) = place.load().warnings
        assert warning.startswith(f"{file} can be changed by other users of this machine")
        file.chmod(0o664)
        assert place.load().warnings == ()


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "OPENAI_API_KEY",
        "db_password",
        "AKMON_MODEL",
        "A*",
        "A=1",
        "",
    ],
)
def test_commands_cannot_be_made_to_inherit_what_looks_like_a_secret(place: Place, name: str) -> None:
    with pytest.raises(SettingsError, match="--environment: "):
        place.load({"environment": [name]})
    assert place.load({"environment": ["JAVA_HOME", "CARGO_TARGET_DIR"]}).settings.environment


tomls = st.recursive(
    st.one_of(
        st.booleans(), st.integers(-9, 9), st.text(max_size=8), st.sampled_from(["shell(rm *)", "deny"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["rule", "decision", "message", "matches", "x"]), inner, max_size=4),
    ),
    max_leaves=8,
)


def _toml(value: object) -> str:
    import json

    match value:
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value).replace("\x7f", "\\u007f")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.dictionaries(st.sampled_from(["allow", "ask", "deny", "rules", "name", "y"]), tomls, max_size=4))
def test_a_pack_of_any_shape_is_read_whole_or_refused(tmp_path: Path, table: dict[str, object]) -> None:
    path = tmp_path / "p.toml"
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in table.items()), "utf-8")
    try:
        pack = read_pack(path)
    except SettingsError:
        return
    for key in ("allow", "ask", "deny", "rules"):
        written = table.get(key, [])
        assert isinstance(written, list)
        kept = pack.level.values.get(key, [])
        assert isinstance(kept, list)
        assert len(kept) == len(written)
    assert set(table) <= {"allow", "ask", "deny", "rules", "name"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_pack_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(data)
    with pytest.raises(SettingsError):
        read_pack(path)
