"""Saved rules: kept whole, with what else is in the file, and never read as more than they say."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_config.policy import effective_rules
from akmon_config.savedrules import SavedRules
from akmon_core.errors import SettingsError
from akmon_core.permissions import Decision, parse_rule
from akmon_core.ports import RuleStore
from tests.config.places import Place

COMMENTED = """\
# mine
[[rules]]  # first
rule = "shell(make a)"
decision = "allow"

# about the second
[[rules]]
rule = "shell(make b)"
decision = "deny"
message = "no"
# at the end
"""


@pytest.fixture
def store(place: Place) -> SavedRules:
    return SavedRules(place.user_file.parent / "permissions.toml", place.project)


def test_a_saved_rule_holds_in_its_project_from_the_next_start_on(place: Place, store: SavedRules) -> None:
    port: RuleStore = store
    assert port.save(parse_rule("shell(make test)")) == f"{store.path} (this project)"
    (rule,) = effective_rules(place.load())
    assert (str(rule), rule.decision, rule.origin) == ("shell(make test)", "allow", f"saved in {store.path}")
    other = SavedRules(store.path, place.home)
    assert other.rules() == ()
    other.add(parse_rule("fetch", "deny", message="never"), everywhere=True)
    assert [str(rule) for rule in store.rules()] == ["shell(make test)", "fetch"]
    assert store.rules()[1].message == "never"


def test_what_is_saved_twice_stands_once(store: SavedRules) -> None:
    for _ in range(2):
        store.save(parse_rule("read(a)"))
    store.save(parse_rule("read(a)", "deny"))
    assert store.path.read_text().count("[[rules]]") == 2


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
def test_the_file_is_for_its_owner_only_and_a_link_stays_one(place: Place, store: SavedRules) -> None:
    real = place.home / "dotfiles.toml"
    store.path.parent.mkdir(parents=True)
    store.path.symlink_to(real)
    store.save(parse_rule("read(a)"))
    assert store.path.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    store.path.chmod(0o666)
    for act in (store.rules, lambda: store.save(parse_rule("read(b)")), lambda: store.remove("read(a)")):
        with pytest.raises(SettingsError, match="can be changed by other users of this machine"):
            act()
    with pytest.raises(SettingsError, match="nothing in it counts"):
        place.load()


def test_comments_stay_when_rules_come_and_go(place: Place, store: SavedRules) -> None:
    place.own("permissions.toml", COMMENTED)
    store.save(parse_rule("read(c)"))
    text = store.path.read_text()
    assert text.startswith(COMMENTED)
    assert store.remove("shell(make a)") == 1
    assert [str(rule) for rule in store.rules()] == ["shell(make b)", "read(c)"]
    text = store.path.read_text()
    assert "# mine" in text
    assert "# about the second\n[[rules]]" in text
    assert "# at the end" in text
    assert (store.remove("shell(make b)"), store.remove("read(c)"), store.remove("read(c)")) == (1, 1, 0)
    assert store.rules() == ()


def test_only_what_holds_here_is_removed(place: Place, store: SavedRules) -> None:
    SavedRules(store.path, place.home).save(parse_rule("read(a)"))
    assert store.remove("read(a)") == 0
    store.add(parse_rule("read(a)"), everywhere=True)
    store.save(parse_rule("read(a)"))
    assert store.remove("read(a)") == 2
    assert store.path.read_text().count("[[rules]]") == 1


def test_a_file_written_in_an_unforeseen_way_is_left_as_it_is(place: Place, store: SavedRules) -> None:
    text = 'rules = [{rule = "read(a)", decision = "allow"}]\n'
    place.own("permissions.toml", text)
    assert len(store.rules()) == 1
    for act in (lambda: store.save(parse_rule("read(b)")), lambda: store.remove("read(a)")):
        with pytest.raises(SettingsError, match="Change it in an editor"):
            act()
    assert store.path.read_text() == text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[[rules]]\nrule = "read"\n', "line 1, rules: decision"),
        ('[[rules]]\nrule = "read"\ndecision = "allow"\nproject = ""\n', "it is empty"),
        ('[[rules]]\nrule = "read"\ndecision = "allow"\nproject = "."\n', "the absolute path of a project"),
        ('[[rules]]\nrule = "read"\ndecision = "allow"\nproject = 1\n', "the absolute path of a project"),
        ('allow = ["shell"]\n', "only tables [[rules]]"),
        ("[[rules]\n", "is not valid TOML"),
        ("rules = 1\n", "a list of tables"),
    ],
)
def test_a_wrong_file_stops_akmon_and_is_not_overwritten(
    place: Place, store: SavedRules, content: str, problem: str
) -> None:
    place.own("permissions.toml", content)
    for act in (place.load, store.rules, lambda: store.save(parse_rule("read"))):
        with pytest.raises(SettingsError) as caught:
            act()
        assert problem in str(caught.value)
    assert store.path.read_text() == content


def test_processes_that_save_at_the_same_time_lose_nothing(place: Place, store: SavedRules) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from akmon_config.savedrules import SavedRules\n"
        "from akmon_core.permissions import parse_rule\n"
        "store = SavedRules(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "for number in range(10): store.save(parse_rule(f'read({sys.argv[3]}-{number})'))\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(store.path), str(place.project), name])
        for name in ("a", "b", "c")
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(store.rules()) == 30


def test_a_rule_that_could_not_be_read_again_is_not_kept(place: Place, store: SavedRules) -> None:
    for rule in (parse_rule("read(a)", message="two\nlines"), parse_rule("read(\udcff)")):
        with pytest.raises(SettingsError, match="cannot be saved"):
            store.save(rule)
    assert not store.path.exists()


texts = st.text(max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.tuples(texts, st.sampled_from(["allow", "ask", "deny"]), texts), max_size=4), st.data())
def test_whatever_can_be_saved_is_read_again_as_it_was(
    tmp_path: Path, wanted: list[tuple[str, Decision, str]], data: st.DataObject
) -> None:
    store = SavedRules(tmp_path / "permissions.toml", tmp_path)
    store.path.unlink(missing_ok=True)
    kept: list[tuple[str, str, str]] = []
    for pattern, decision, message in wanted:
        try:
            rule = parse_rule(f"read({pattern})", decision, message=message)
            store.save(rule)
        except SettingsError:
            continue
        kept.append((str(rule), decision, message))
    kept = list(dict.fromkeys(kept))
    assert [(str(rule), rule.decision, rule.message) for rule in store.rules()] == kept
    if kept:
        gone = data.draw(st.sampled_from(kept))[0]
        store.remove(gone)
        assert [str(rule) for rule in store.rules()] == [text for text, _, _ in kept if text != gone]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=80) | st.text(alphabet='[]="rules\n# ', max_size=60).map(str.encode))
def test_a_damaged_file_never_allows_anything(tmp_path: Path, data: bytes) -> None:
    store = SavedRules(tmp_path / "permissions.toml", tmp_path)
    store.path.write_bytes(data)
    store.path.chmod(0o600)
    try:
        rules = store.rules()
    except SettingsError:
        return
    assert rules == ()
