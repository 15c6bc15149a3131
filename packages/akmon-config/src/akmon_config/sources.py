"""Reads each source of the person's own settings by itself: the user's file, the environment, the flags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_settings import EnvSettingsSource

from akmon_config.paths import home
from akmon_config.settings import FIELDS, Settings, check
from akmon_config.tomlfile import read_toml
from akmon_core.errors import SettingsError

WELL_KNOWN = {
    "openai_api_key": "OPENAI_API_KEY",
    "openai_base_url": "OPENAI_BASE_URL",
    "anthropic_api_key": "ANTHROPIC_API_KEY",
    "anthropic_base_url": "ANTHROPIC_BASE_URL",
}
"""Variables that other programs read too. The ``AKMON_`` one of a field wins."""


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
    _place_folders(values, None, environ, file.place("add_dirs"))
    return Level(values, dict.fromkeys(values, f"user file {file.name}"))


def environment_level(environ: Mapping[str, str], cwd: Path) -> Level:
    """``AKMON_<FIELD>`` (lists as JSON) and the well-known variables; an empty one counts as unset.

    Raises ``SettingsError`` for a value that does not fit.
    """
    names = {key: name for key in FIELDS if (name := _variable(key, environ))}
    source = EnvSettingsSource(Settings)
    source.env_vars = {f"akmon_{key}": environ[name] for key, name in names.items()}
    values = check({key: _decoded(source, key, name) for key, name in names.items()}, names.__getitem__)
    _place_folders(values, cwd, environ, "AKMON_ADD_DIRS")
    return Level(values, {key: f"environment {name}" for key, name in names.items()})


def flag_level(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Level:
    """What was really typed, by field name. Raises ``SettingsError`` for a value that does not fit."""
    values = check(flags, flag)
    _place_folders(values, cwd, environ, flag("add_dirs"))
    return Level(values, {key: f"flag {flag(key)}" for key in values})


def flag(key: str) -> str:
    """The flag that sets a field."""
    return "--add-dir" if key == "add_dirs" else "--" + key.replace("_", "-")


def _variable(key: str, environ: Mapping[str, str]) -> str:
    """The name of the variable that sets a field, empty if none does."""
    return next((name for name in (f"AKMON_{key.upper()}", WELL_KNOWN.get(key, "")) if environ.get(name)), "")


def _decoded(source: EnvSettingsSource, key: str, name: str) -> object:
    info = Settings.model_fields[key]
    text, _, is_complex = source.get_field_value(info, key)
    try:
        return source.prepare_field_value(key, info, text, is_complex)
    except json.JSONDecodeError:
        raise SettingsError(f'{name}: it should be a list in JSON, such as ["first", "second"].') from None


def _place_folders(
    values: dict[str, object], base: Path | None, environ: Mapping[str, str], where: str
) -> None:
    """Makes ``add_dirs`` absolute: ``~`` is the home folder, anything relative is below ``base``."""
    folders = values.get("add_dirs")
    if isinstance(folders, list):
        values["add_dirs"] = [_folder(folder, base, environ, where) for folder in folders]


def _folder(text: str, base: Path | None, environ: Mapping[str, str], where: str) -> str:
    path = Path(text)
    if path.parts[:1] == ("~",):
        path = home(environ).joinpath(*path.parts[1:])
    if base is None and not path.is_absolute():
        raise SettingsError(
            f"{where}: {text!r} is relative. Write an absolute path, or one that starts with ~/."
        )
    return str(base / path if base else path)
