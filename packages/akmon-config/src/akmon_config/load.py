"""Puts the settings together from all their sources, and remembers where each value is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akmon_config.paths import config_file
from akmon_config.policy import Layer
from akmon_config.secrets import key_origin
from akmon_core.errors import SettingsError
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_config.packs import Pack
    from akmon_config.settings import Settings
    from akmon_config.sources import Level


@dataclass(frozen=True)
class Loaded:
    """The settings in force, where each is from, and what a person should hear about them."""

    settings: Settings
    origins: dict[str, str]
    """By field: ``default``, ``profile …``, ``user file …``, ``project file …``, ``environment NAME`` or
    ``flag --name``. For a list that several sources add to, all of them, joined by a plus sign."""
    warnings: tuple[str, ...]
    layers: tuple[Layer, ...] = ()
    """The rules of each source, weakest first; see ``akmon_config.policy.effective_rules``."""
    packs: tuple[Pack, ...] = ()
    """The policy packs in force."""


def load(
    flags: Mapping[str, object],
    *,
    environ: Mapping[str, str],
    cwd: Path,
    root: Path,
    trusted: bool = False,
) -> Loaded:
    """The settings for a session in ``root``. ``flags`` holds only what was typed, by field name.

    Later levels override earlier ones (defaults, profile, user file, project file, environment, flags), and
    lists but ``models`` collect from all of them. Folders come out absolute: relative ones of the environment
    and the flags are below ``cwd``. Only of a ``trusted`` project is taken what does more than restrict.
    Raises ``SettingsError`` for anything wrong in the user's files, in a policy pack (also one of the
    project), in the environment or the flags.
    """
    from akmon_config.packs import named_pack, named_profile
    from akmon_config.policy import layer
    from akmon_config.project import project_level, project_policies
    from akmon_config.savedrules import SavedRules
    from akmon_config.sources import Level, environment_level, flag_level, user_level

    try:
        path = config_file(environ)
    except SettingsError as error:
        folder = None
        user = Level(warnings=(f"no user file is read: {error}",))
    else:
        folder = path.parent
        user = user_level(path, environ)
    outside, typed = environment_level(environ, cwd), flag_level(flags, environ, cwd)
    own = _merge(user, outside, typed).settings
    profile = named_profile(own.profile, folder).level if own.profile else Level()
    packs = tuple(named_pack(name, folder) for name in own.policy_packs)
    mode = _only(profile, "permission_mode")
    project = project_level(root, _merge(mode, user).settings, trusted=trusted)
    policies = project_policies(root, trusted=trusted)
    merged = _merge(mode, user, project, outside, typed)
    saved = SavedRules(saved_rules_file(folder), root).rules() if folder else ()
    further = (profile, *(pack.level for pack in packs), *policies)
    return replace(
        merged,
        warnings=(*merged.warnings, *(warning for level in further for warning in level.warnings)),
        layers=(
            layer("profile", profile),
            layer("pack", *(pack.level for pack in packs)),
            layer("user", user),
            Layer("saved", saved),
            layer("project", project, *policies),
            layer("environment", outside),
            layer("flag", typed),
        ),
        packs=packs,
    )


def saved_rules_file(folder: Path) -> Path:
    """Where saved rules are kept, in the ``folder`` of the user's settings file."""
    return folder / "permissions.toml"


def _only(level: Level, *keys: str) -> Level:
    from akmon_config.sources import Level

    values = {key: value for key, value in level.values.items() if key in keys}
    return Level(values, {key: level.origins[key] for key in values})


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
            return neutralise(", ".join(row if isinstance(row, str) else row.match for row in value))
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
