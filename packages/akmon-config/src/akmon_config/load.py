"""Puts the settings together from all their sources, and remembers where each value is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akmon_config.paths import config_file
from akmon_config.secrets import key_origin
from akmon_core.errors import SettingsError
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_config.settings import Settings
    from akmon_config.sources import Level


@dataclass(frozen=True)
class Loaded:
    """The settings in force, where each is from, and what a person should hear about them."""

    settings: Settings
    origins: dict[str, str]
    """By field: ``default``, ``user file …``, ``project file …``, ``environment NAME`` or ``flag --name``.
    For a list that several sources add to, all of them, joined by a plus sign."""
    warnings: tuple[str, ...]


def load(flags: Mapping[str, object], *, environ: Mapping[str, str], cwd: Path, root: Path) -> Loaded:
    """The settings for a session in ``root``. ``flags`` holds only what was typed, by field name.

    Later levels override earlier ones (defaults, user file, project file, environment, flags), and
    ``allow``, ``deny`` and ``add_dirs`` collect from all of them. Folders come out absolute: relative
    ones of the environment and the flags are below ``cwd``.
    Raises ``SettingsError`` for anything wrong in the user's file, the environment or the flags.
    """
    from akmon_config.project import project_level
    from akmon_config.sources import Level, environment_level, flag_level, user_level

    try:
        path = config_file(environ)
    except SettingsError as error:
        user = Level(warnings=(f"no user file is read: {error}",))
    else:
        user = user_level(path, environ)
    return _merge(
        user,
        project_level(root, _merge(user).settings),
        environment_level(environ, cwd),
        flag_level(flags, environ, cwd),
    )


def shown(loaded: Loaded) -> list[tuple[str, str, str]]:
    """Key, value and origin of every setting, fit to be shown: of a secret only whether it is set,
    or where it will come from. Nothing is fetched."""
    return [(key, _value_text(key, value), loaded.origins[key]) for key, value in loaded.settings]


def _merge(*levels: Level) -> Loaded:
    from akmon_config.settings import FIELDS, Settings

    values: dict[str, object] = {}
    origins = dict.fromkeys(FIELDS, "default")
    for level in levels:
        for key, value in level.values.items():
            before = values.get(key)
            if isinstance(value, list) and isinstance(before, list):
                values[key] = list(dict.fromkeys([*before, *value]))
                origins[key] += f" + {level.origins[key]}"
            else:
                values[key] = value
                origins[key] = level.origins[key]
    warnings = tuple(warning for level in levels for warning in level.warnings)
    return Loaded(Settings.model_validate(values), origins, warnings)


def _value_text(key: str, value: object) -> str:
    from pydantic import SecretStr

    match value:
        case _ if value in (None, "", [], (), {}):
            return "not set"
        case bool():
            return str(value).lower()
        case SecretStr():
            return key_origin(value.get_secret_value()) or "set"
        case list():
            return neutralise(", ".join(map(str, value)))
        case tuple():
            return neutralise(", ".join(row.match for row in value))
        case dict():
            return "; ".join(f"{provider}: {', '.join(headers)}" for provider, headers in value.items())
        case str() if key.endswith(("_url", "_endpoint")):
            return _bare_url(value)
        case _:
            return neutralise(str(value))


def _bare_url(url: str) -> str:
    """An address may hold a password, before the host or after the question mark."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()
