"""Reads the project's file, which is not trusted: a cloned repository may only make akmon more careful."""

from __future__ import annotations

from pathlib import Path

from akmon_config.settings import Settings, check
from akmon_config.sources import Level
from akmon_config.tomlfile import TomlFile, read_toml
from akmon_core.errors import SettingsError
from akmon_core.text import one_line

PROJECT_FILE = Path(".akmon", "config.toml")
"""Below the project root."""
_LIMITS = ("max_turns", "max_tokens_total", "max_budget_usd", "max_seconds")
PROJECT_KEYS = ("model", *_LIMITS, "permission_mode", "deny")
_NAMED = 10
"""Keys and rules that warnings name, of however many a file has."""


def project_level(root: Path, below: Settings) -> Level:
    """What the project's file may say over ``below``, the settings of the levels under it.

    Never raises for the file: one that cannot be read or parsed is ignored whole, a key that is
    unknown, wrong or not allowed is ignored alone, each with a warning.
    """
    path = root / PROJECT_FILE
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise SettingsError(f"{one_line(str(path), 300)} leads out of the project.")
        file = read_toml(path)
    except (SettingsError, OSError, RuntimeError) as error:
        return Level(warnings=(f"the project's settings are ignored: {one_line(str(error), 500)}",))
    return _accepted(file, below) if file else Level()


def _accepted(file: TomlFile, below: Settings) -> Level:
    values: dict[str, object] = {}
    warnings = _others(file)
    for key in (key for key in PROJECT_KEYS if key in file.table):
        value = file.table[key]
        if key == "deny" and isinstance(value, list):
            values["deny"], refused = _rules(value, file)
        else:
            accepted, refused = _value(key, value, file, below)
            values |= accepted
        warnings += [f"{each}; ignored" for each in refused]
    return Level(values, dict.fromkeys(values, f"project file {file.name}"), tuple(warnings))


def _others(file: TomlFile) -> list[str]:
    keys = [one_line(key, 40) for key in file.table if key not in PROJECT_KEYS]
    if not keys:
        return []
    return [
        f"{file.name}: a project may only set {', '.join(PROJECT_KEYS)}; ignored: {', '.join(_some(keys))}"
    ]


def _value(key: str, value: object, file: TomlFile, below: Settings) -> tuple[dict[str, object], list[str]]:
    """What is accepted of a key, and why it was not."""
    try:
        accepted = check({key: value}, file.place)
    except SettingsError as error:
        return {}, [one_line(str(error), 500)]
    if refusal := _refusal(key, accepted[key], below):
        return {}, [f"{file.place(key)}: {refusal}"]
    return accepted, []


def _refusal(key: str, value: object, below: Settings) -> str:
    match key, value:
        case "model", str() if not value.strip():
            return "it is empty"
        case "model", str() if value.strip().casefold().startswith("scripted"):
            return "a scripted model comes from the person, not from a project"
        case "permission_mode", mode if mode != "plan":
            return 'a project may only set it to "plan"'
        case _, int() | float() if key in _LIMITS:
            limit = getattr(below, key)
            return "" if limit is None or value < limit else f"it does not lower your limit of {limit}"
        case _:
            return ""


def _rules(rules: list[object], file: TomlFile) -> tuple[list[object], list[str]]:
    """Each rule stands by itself: one that is wrong must not take away the others."""
    good: list[object] = []
    wrong: list[str] = []
    place = file.place("deny")
    for rule in rules:
        try:
            check({"deny": [rule]}, lambda _: place)
            good.append(rule)
        except SettingsError as error:
            wrong.append(one_line(str(error), 500))
    return good, _some(wrong)


def _some(texts: list[str]) -> list[str]:
    """The first of them, and how many more there are: a hostile file has thousands."""
    more = len(texts) - _NAMED
    return [*texts[:_NAMED], f"{more} more"] if more > 0 else texts
