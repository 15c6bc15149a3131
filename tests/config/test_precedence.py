"""Every field over every level: which value wins, and what is said of where it is from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from akmon_config.load import shown
from akmon_config.project import PROJECT_KEYS
from akmon_config.ruletables import RuleTable
from akmon_config.settings import FIELDS, Settings
from akmon_config.sources import WELL_KNOWN
from akmon_core.errors import SettingsError
from tests.config.places import Place

VALUES: dict[str, tuple[object, ...]] = {
    "model": ("user-model", "project-model", "env-model", "flag-model"),
    "provider": ("openai", None, "groq", "ollama"),
    "fallback_model": ("m-user", "m-project", "m-env", "m-flag"),
    "planner_model": ("m-user", "m-project", "m-env", "m-flag"),
    "effort": ("low", "max", "high", "none"),
    "permission_mode": ("accept-edits", "plan", "full-auto", "default"),
    "max_turns": (20, 10, 30, 40),
    "max_tokens_total": (2_000_000, 1, 30, 40),
    "max_budget_usd": (2.0, 1.0, 3.5, 4.0),
    "max_seconds": (20.0, 10.0, 30.5, 40.0),
    "auto_compact": (False, True, True, False),
    "auto_commit": (True, None, False, True),
    "max_checkpoint_bytes": (2_000_000_000, None, 3_000_000_000, 10_000_000),
    "check_command": ("make test", "make check", "none", "pytest -q"),
    "models": ([{"match": "u"}], None, [{"match": "e", "window": 5}], [{"match": "f"}]),
    "headers": ({"openai": {"X-U": "u"}}, None, {"groq": {"X-E": "e"}}, {"azure": {}}),
    "ca_file": ("/u", None, "/e", "/f"),
    "bedrock": (True, None, False, True),
    "aws_region": ("eu-west-1", None, "us-east-1", "us-west-2"),
    "aws_profile": ("u", None, "e", "f"),
    "azure_openai_api_version": ("2024-10-21", None, "preview", "v1"),
    "ollama_num_ctx": (1, None, 2, 3),
    "ollama_keep_alive": ("1h", None, "-1", "5m"),
    "web_search": ("searxng", None, "brave", "tavily"),
    "theme": ("dark", None, "light", "ansi"),
    "vim": (True, None, False, True),
    "status_line": (["model"], None, ["mode", "cost"], []),
    "notify": ("bell", None, "off", "auto"),
    "plain": (True, None, False, True),
    "allow": (["read(u)"], ["read(p)"], ["read(e)"], ["read(f)"]),
    "ask": (["read(u)"], ["read(p)"], ["read(e)"], ["read(f)"]),
    "rules": tuple([{"rule": f"read({each})", "decision": "allow", "message": "m"}] for each in "upef"),
    "profile": ("dev", None, "staging", "prod"),
    "policy_packs": (["/p/u.toml"], None, ["/p/e.toml"], ["/p/f.toml"]),
    "sandbox": ("bubblewrap", None, "landlock", "off"),
    "sandbox_write": (["/u"], None, ["/e"], ["/f"]),
    "environment": (["U"], None, ["E"], ["F"]),
    "ask_when_tainted": (False, None, True, False),
    "deny": (["read(u)"], ["read(p)"], ["read(e)"], ["read(f)"]),
    "add_dirs": (["/u"], None, ["/e"], ["/f"]),
    **{key: ("sk-user", None, "sk-env", None) for key in FIELDS if key.endswith(("_key", "_token"))},
    **{
        key: ("https://user:1/v1", None, "https://env:1/v1", "https://flag:1/v1")
        for key in FIELDS
        if key.endswith(("_url", "_endpoint"))
    },
}
"""By field, what the user file, the project file, the environment and a flag say; None is not accepted.
The project is trusted."""

COLLECTED = (*("allow", "ask", "deny", "rules", "add_dirs", "policy_packs", "sandbox_write", "environment"),)
LEVELS = ("user", "project", "environment", "flag")


def test_the_table_covers_every_field_and_every_project_key() -> None:
    assert set(VALUES) == set(FIELDS)
    assert {key for key, values in VALUES.items() if values[1] is not None} == set(PROJECT_KEYS)


@pytest.mark.parametrize("key", FIELDS)
@pytest.mark.parametrize("present", range(16))
def test_the_strongest_level_that_speaks_wins_and_is_named(place: Place, key: str, present: int) -> None:
    said: dict[str, object] = {
        level: value
        for bit, (level, value) in enumerate(zip(LEVELS, VALUES[key], strict=True))
        if present & 1 << bit and value is not None
    }
    if key == "policy_packs":
        said = {level: [_pack(place, level)] for level in said}
    loaded = place.load(*_written(place, key, said), trusted=True)
    if key == "profile" and said:
        assert loaded.origins.pop("permission_mode") == f"profile {loaded.settings.profile}"
    assert _plain(getattr(loaded.settings, key)) == _expected(key, said)
    assert loaded.origins[key] == _origin(place, key, said)
    assert {origin for other, origin in loaded.origins.items() if other != key} == {"default"}
    assert loaded.warnings == ()


def _pack(place: Place, name: str) -> str:
    return str(place.own(f"{name}.toml", f'name = "{name}"\n'))


def _written(place: Place, key: str, said: dict[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    if "user" in said:
        place.user(f"{key} = {_toml(said['user'])}\n")
    if "project" in said:
        place.repository(f"{key} = {_toml(said['project'])}\n")
    flags = {key: said["flag"]} if "flag" in said else {}
    value = said.get("environment")
    text = value if isinstance(value, str) else json.dumps(value)
    return flags, {f"AKMON_{key.upper()}": text} if "environment" in said else {}


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value)


def _expected(key: str, said: dict[str, object]) -> object:
    if key in COLLECTED:
        return [item for value in said.values() if isinstance(value, list) for item in value]
    return list(said.values())[-1] if said else _plain(Settings.model_fields[key].default)


def _origin(place: Place, key: str, said: dict[str, object]) -> str:
    own = {
        "add_dirs": "--add-dir",
        "auto_compact": "--no-auto-compact",
        "check_command": "--check",
        "policy_packs": "--policy",
    }
    flag = own.get(key, f"--{key.replace('_', '-')}")
    texts = {
        "user": f"user file {place.user_file}",
        "project": f"project file {place.project_file}",
        "environment": f"environment AKMON_{key.upper()}",
        "flag": f"flag {flag}",
    }
    origins = [texts[level] for level in said]
    if not origins:
        return "default"
    return " + ".join(origins) if key in COLLECTED else origins[-1]


@pytest.mark.parametrize(("key", "names"), WELL_KNOWN.items())
def test_well_known_variables_count_and_akmons_own_beat_them(
    place: Place, key: str, names: tuple[str, ...]
) -> None:
    values = [str(value) for value in VALUES[key] if value is not None]
    environ: dict[str, str] = {}
    for name, value in zip((*reversed(names), f"AKMON_{key.upper()}"), values, strict=False):
        environ[name] = value
        loaded = place.load(environ=environ)
        assert loaded.origins[key] == f"environment {name}"
        assert _plain(getattr(loaded.settings, key)) == value


def _plain(value: object) -> object:
    """A setting as it was written."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [
                {"rule": row.rule, "decision": row.decision, "message": row.message}
                if isinstance(row, RuleTable)
                else row
                for row in value
            ]
        case tuple():
            return [
                row
                if isinstance(row, str)
                else {field: each for field, each in msgspec.structs.asdict(row).items() if each is not None}
                for row in value
            ]
        case _:
            return value


def test_a_flag_that_repeats_the_default_still_wins(place: Place) -> None:
    place.user("max_turns = 3\nmodel = 'theirs'\n")
    loaded = place.load({"max_turns": 25, "model": ""})
    assert (loaded.settings.max_turns, loaded.settings.model) == (25, "")
    assert loaded.origins["max_turns"] == "flag --max-turns"


def test_an_empty_variable_counts_as_unset(place: Place) -> None:
    loaded = place.load(environ={"AKMON_MODEL": "", "AKMON_MAX_TURNS": "", "OPENAI_API_KEY": ""})
    assert set(loaded.origins.values()) == {"default"}


def test_lists_keep_each_item_once_in_the_order_of_the_levels(place: Place) -> None:
    place.user('deny = ["write", "fetch"]\n')
    place.repository('deny = ["fetch", "shell"]\n')
    assert place.load({"deny": ["write", "edit"]}).settings.deny == ["write", "fetch", "shell", "edit"]


def test_only_the_given_environment_is_read(place: Place) -> None:
    code = (
        "from pathlib import Path; from akmon_config.load import load\n"
        f"there = Path({str(place.project)!r})\n"
        f"loaded = load({{}}, environ={{'HOME': {str(place.home)!r}}}, cwd=there, root=there)\n"
        "print(loaded.settings.model, loaded.settings.openai_api_key)\n"
    )
    environ = {**os.environ, "AKMON_MODEL": "stray", "OPENAI_API_KEY": "sk-stray", "MODEL": "stray"}
    (place.project / ".env").write_text("AKMON_MODEL=stray\nOPENAI_API_KEY=sk-stray\n")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        cwd=place.project,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == " None\n"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("box.lan:8080", "http://box.lan:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:80", "http://[::1]:80"),
        ("box.lan/ollama", "http://box.lan:11434/ollama"),
        ("http://box.lan", "http://box.lan"),
        ("https://ollama.com", "https://ollama.com"),
    ],
)
def test_the_address_of_ollama_may_be_a_host_or_a_port(place: Place, written: str, address: str) -> None:
    assert place.load(environ={"OLLAMA_HOST": written}).settings.ollama_base_url == address
    assert place.load({"ollama_base_url": written}).settings.ollama_base_url == address


def test_certificates_are_a_file_by_its_whole_path(place: Place) -> None:
    place.user('ca_file = "~/ca.pem"\n')
    assert place.load().settings.ca_file == str(place.home / "ca.pem")
    with pytest.raises(SettingsError, match=r"--ca-file: 'ca.pem' is relative"):
        place.load({"ca_file": "ca.pem"})


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("0", False), ("no", False)])
def test_a_variable_may_say_yes_or_no_in_many_ways(place: Place, text: str, value: bool) -> None:
    assert place.load(environ={"AKMON_BEDROCK": text}).settings.bedrock is value


def test_relative_folders_are_below_the_cwd_and_a_tilde_is_home(place: Place) -> None:
    place.user('add_dirs = ["~/shared", "/opt/lib"]\n')
    loaded = place.load({"add_dirs": ["../sibling", "~"]}, {"AKMON_ADD_DIRS": '["sub"]'})
    assert [Path(each) for each in loaded.settings.add_dirs] == [
        place.home / "shared",
        Path("/opt/lib"),
        place.project / "sub",
        place.project / "../sibling",
        place.home,
    ]


def test_everything_can_be_shown_with_its_origin(place: Place) -> None:
    place.user(
        'model = "m"\nallow = ["read", "search"]\nmax_budget_usd = 2\nbedrock = true\n'
        '[[models]]\nmatch = "qwen*"\n[[models]]\nmatch = "glm*"\n'
    )
    rows = {key: (text, origin) for key, text, origin in shown(place.load({"permission_mode": "plan"}))}
    assert tuple(rows) == FIELDS
    assert rows["model"] == ("m", f"user file {place.user_file}")
    assert rows["allow"][0] == "read, search"
    assert rows["max_budget_usd"][0] == "2.0"
    assert rows["permission_mode"] == ("plan", "flag --permission-mode")
    assert rows["max_turns"] == ("25", "default")
    assert (rows["bedrock"][0], rows["models"][0]) == ("true", "qwen*, glm*")
    assert rows["provider"] == ("not set", "default")
    assert rows["deny"] == ("not set", "default")


def test_the_settings_cannot_be_changed_afterwards(place: Place) -> None:
    with pytest.raises(ValueError, match="frozen"):
        place.load().settings.model = "other"
