"""Reads each source of the person's own settings by itself: the user's file, the environment, the flags."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource

from akmon_config.paths import home
from akmon_config.privatefile import changeable_warning
from akmon_config.secrets import key_origin
from akmon_config.settings import FIELDS, Places, Settings, check
from akmon_config.tomlfile import read_toml
from akmon_core.errors import SettingsError

_SAME_NAME = (
    *("anthropic_api_key", "anthropic_base_url", "openai_api_key", "openai_base_url"),
    *("openrouter_api_key", "openrouter_base_url", "groq_api_key", "groq_base_url"),
    *("azure_openai_endpoint", "azure_openai_api_key", "azure_openai_ad_token"),
    *("aws_region", "aws_profile", "ollama_api_key"),
)
WELL_KNOWN: dict[str, tuple[str, ...]] = {
    **{key: (key.upper(),) for key in _SAME_NAME},
    "aws_region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "azure_openai_api_version": ("OPENAI_API_VERSION",),
    "bedrock_api_key": ("AWS_BEARER_TOKEN_BEDROCK",),
    "bedrock_base_url": ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
    "ollama_base_url": ("OLLAMA_HOST",),
}
"""Variables that other programs read too, in order. The ``AKMON_`` one of a field goes before them."""

_SHAPES = {
    "headers": 'a table in JSON, such as {"openai": {"X-Team": "blue"}}',
    "rules": 'a list in JSON, such as [{"rule": "shell(git push *)", "decision": "deny"}]',
    "models": 'a list in JSON, such as [{"match": "qwen*", "window": 32768}]',
}


@dataclass(frozen=True)
class Level:
    """What one source says: checked values, where each is from, and what was not accepted."""

    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def user_level(path: Path, environ: Mapping[str, str]) -> Level:
    """The user's own file; a missing one says nothing.

    Raises ``SettingsError`` for whatever is wrong in it.
    """
    file = read_toml(path)
    if file is None:
        return Level()
    values = check(file.table, file.place)
    _place_folders(values, None, environ, file.place)
    return Level(values, dict.fromkeys(values, f"user file {file.name}"), changeable_warning(path))


def environment_level(environ: Mapping[str, str], cwd: Path) -> Level:
    """``AKMON_<FIELD>`` (lists and tables as JSON) and the well-known variables; empty ones are unset.

    Raises ``SettingsError`` for a value that does not fit.
    """
    names = {key: name for key in FIELDS if (name := _variable(key, environ))}
    source = EnvSettingsSource(Settings)
    source.env_vars = {f"akmon_{key}": environ[name] for key, name in names.items()}

    def place(key: str, number: int = 1) -> str:  # noqa: ARG001
        return names[key]

    values = check({key: _decoded(source, key, name) for key, name in names.items()}, place)
    _refuse_sources(values, place)
    _place_folders(values, cwd, environ, place)
    return Level(values, {key: f"environment {name}" for key, name in names.items()})


def flag_level(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Level:
    """What was really typed, by field name. Raises ``SettingsError`` for a value that does not fit."""
    _refuse_keys(flags)
    values = check(flags, flag)
    _place_folders(values, cwd, environ, flag)
    return Level(values, {key: f"flag {flag(key)}" for key in values})


def flag(key: str, number: int = 1) -> str:  # noqa: ARG001
    """The flag that sets a field."""
    return _FLAGS.get(key) or "--" + key.replace("_", "-")


_FLAGS = {
    "add_dirs": "--add-dir",
    "auto_compact": "--no-auto-compact",
    "check_command": "--check",
    "policy_packs": "--policy",
}


def _variable(key: str, environ: Mapping[str, str]) -> str:
    """The name of the variable that sets a field, empty if none does."""
    names = (f"AKMON_{key.upper()}", *WELL_KNOWN.get(key, ()))
    return next((name for name in names if environ.get(name)), "")


def _decoded(source: EnvSettingsSource, key: str, name: str) -> object:
    info = Settings.model_fields[key]
    text, _, is_complex = source.get_field_value(info, key)
    try:
        return source.prepare_field_value(key, info, text, is_complex)
    except json.JSONDecodeError:
        shape = _SHAPES.get(key, 'a list in JSON, such as ["first", "second"]')
        raise SettingsError(f"{name}: it should be {shape}.") from None


def _refuse_keys(flags: Mapping[str, object]) -> None:
    """Every user of the machine can read the command line of a process. No message repeats the key."""
    for key in flags:
        if key.endswith(("_key", "_token")):
            raise SettingsError(
                f"{flag(key)}: a key on the command line can be seen by every user of this machine. "
                f"Set AKMON_{key.upper()}, or put it into the user file (`akmon config path` names it)."
            )


def _refuse_sources(values: Mapping[str, object], place: Places) -> None:
    """An environment may be a project's doing (``.envrc``): it must not make akmon run a command."""
    for key, value in values.items():
        if isinstance(value, SecretStr) and (origin := key_origin(value.get_secret_value())):
            raise SettingsError(
                f"{place(key)}: a key {origin} can only be set in the user file. "
                "Give the key itself here, or move the line into that file (`akmon config path` names it)."
            )


def _place_folders(
    values: dict[str, object], base: Path | None, environ: Mapping[str, str], place: Places
) -> None:
    """Makes paths absolute: ``~`` is the home folder, and relative ones in lists are below ``base``."""
    for key in ("add_dirs", "sandbox_write"):
        if isinstance(folders := values.get(key), list):
            values[key] = [_path(folder, base, environ, place(key)) for folder in folders]
    if isinstance(packs := values.get("policy_packs"), list):
        values["policy_packs"] = [
            _path(pack, base, environ, place("policy_packs")) if is_path(pack) else pack for pack in packs
        ]
    if isinstance(file := values.get("ca_file"), str) and file:
        values["ca_file"] = _path(file, None, environ, place("ca_file"))


def is_path(pack: str) -> bool:
    """Whether a policy pack is named by its file, and not by its name among the user's own."""
    return pack.endswith(".toml") or "/" in pack or os.sep in pack


def _path(text: str, base: Path | None, environ: Mapping[str, str], where: str) -> str:
    path = Path(text)
    if path.parts[:1] == ("~",):
        path = home(environ).joinpath(*path.parts[1:])
    if base is None and not path.is_absolute():
        raise SettingsError(
            f"{where}: {text!r} is relative. Write an absolute path, or one that starts with ~/."
        )
    return str(base / path if base else path)
