"""Reads what a project says of itself. Until its folder is trusted it can only make akmon more careful."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from akmon_config.packs import RULE_KEYS, read_pack
from akmon_config.ruletables import RuleTable
from akmon_config.settings import Settings, check
from akmon_config.sources import Level
from akmon_config.tomlfile import TomlFile, read_toml
from akmon_core.errors import SettingsError
from akmon_core.limits import PROJECT_POLICIES
from akmon_core.text import one_line

PROJECT_FILE = Path(".akmon", "config.toml")
"""Below the project root."""
POLICIES = Path(".akmon", "policies")
"""The folder with policy packs of the project; all of them count."""
_LIMITS = ("max_turns", "max_tokens_total", "max_budget_usd", "max_seconds")
TIGHTENING_KEYS = (*_LIMITS, "permission_mode", "ask", "deny", "rules")
"""What counts of any project, as far as it restricts."""
TRUSTED_KEYS = (
    *("model", "planner_model", "fallback_model", "effort", "allow", "check_command", "auto_compact"),
)
"""What counts of a trusted project besides. Everything else is the person's alone to set."""
PROJECT_KEYS = (*TIGHTENING_KEYS, *TRUSTED_KEYS)
_MODELS = ("model", "planner_model", "fallback_model")
_WORKING = ("default", "accept-edits", "plan")
_NAMED = 10
"""Keys and rules that warnings name, of however many a file has."""
WAITS = "waits until you trust this folder: akmon trust"


def project_level(root: Path, below: Settings, *, trusted: bool = False) -> Level:
    """What the project's file may say over ``below``, the settings of the levels under it.

    Never raises for the file: one that cannot be read or parsed is ignored whole, a key that is
    unknown, wrong or not allowed is ignored alone, each with a warning.
    """
    try:
        file = project_toml(root)
    except SettingsError as error:
        return Level(warnings=(f"the project's settings are ignored: {one_line(str(error), 500)}",))
    return _accepted(file, below, trusted=trusted) if file else Level()


def project_toml(root: Path, path: Path = PROJECT_FILE) -> TomlFile | None:
    """A TOML file of the project, by its path from ``root``. Raises ``SettingsError``, as for a link out."""
    file = root / path
    try:
        inside = file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise SettingsError(
            f"{one_line(str(file), 300)} cannot be read: {one_line(str(error), 200)}."
        ) from None
    if not inside:
        raise SettingsError(f"{one_line(str(file), 300)} leads out of the project.")
    return read_toml(file)


def project_policies(root: Path, *, trusted: bool = False) -> tuple[Level, ...]:
    """The rules of the project's own policy packs; of one that is not trusted, those that restrict.

    Raises ``SettingsError`` for a pack that is wrong: rules that were meant to restrict must not go missing.
    """
    return tuple(_policy(root, path, trusted=trusted) for path in policy_files(root))


def policy_files(root: Path) -> tuple[Path, ...]:
    """The project's policy packs, by their paths from ``root``, in order. Raises ``SettingsError``."""
    folder = root / POLICIES
    try:
        names = sorted(each.name for each in folder.iterdir() if each.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise SettingsError(f"{one_line(str(folder), 300)} cannot be read: {error.strerror}.") from None
    if len(names) > PROJECT_POLICIES:
        raise SettingsError(f"{one_line(str(folder), 300)} has more than {PROJECT_POLICIES} policy packs.")
    return tuple(POLICIES / name for name in names)


def _policy(root: Path, path: Path, *, trusted: bool) -> Level:
    project_toml(root, path)  # no link out
    level = read_pack(root / path).level
    values: dict[str, object] = {}
    waiting = 0
    for key in RULE_KEYS:
        rules = level.values.get(key)
        if isinstance(rules, list):
            kept = [rule for rule in rules if trusted or not _allows(key, rule)]
            waiting += len(rules) - len(kept)
            values[key] = kept
    name = one_line(str(root / path), 300)
    warnings = (f"{name}: {waiting} {'rule that allows' if waiting == 1 else 'rules that allow'} {WAITS}",)
    return Level(values, dict.fromkeys(values, f"project policy {name}"), warnings if waiting else ())


def _allows(key: str, rule: object) -> bool:
    return key == "allow" or (isinstance(rule, RuleTable) and rule.decision == "allow")


def _accepted(file: TomlFile, below: Settings, *, trusted: bool) -> Level:
    values: dict[str, object] = {}
    warnings = list(_others(file, trusted=trusted))
    for key in (key for key in _keys(trusted=trusted) if key in file.table):
        value = file.table[key]
        if key in RULE_KEYS and isinstance(value, list):
            accepted, refused = _rules(key, value, file, trusted=trusted)
        else:
            accepted, refused = _value(key, value, file, below, trusted=trusted)
        values |= accepted
        warnings += [f"{each}; ignored" for each in refused]
    return Level(values, dict.fromkeys(values, f"project file {file.name}"), tuple(warnings))


def _keys(*, trusted: bool) -> tuple[str, ...]:
    return PROJECT_KEYS if trusted else TIGHTENING_KEYS


def _others(file: TomlFile, *, trusted: bool) -> Iterator[str]:
    """What is said of keys that do not count."""
    waiting = [] if trusted else [key for key in TRUSTED_KEYS if key in file.table]
    if waiting:
        yield f"{file.name}: {', '.join(waiting)} {WAITS}"
    keys = [one_line(key, 40) for key in file.table if key not in PROJECT_KEYS]
    if keys:
        yield (
            f"{file.name}: a project may only set {', '.join(PROJECT_KEYS)}; "
            f"ignored: {', '.join(_some(keys))}"
        )


def _value(
    key: str, value: object, file: TomlFile, below: Settings, *, trusted: bool
) -> tuple[dict[str, object], list[str]]:
    """What is accepted of a key, and why it was not."""
    try:
        accepted = check({key: value}, file.place)
    except SettingsError as error:
        return {}, [one_line(str(error), 500)]
    if refusal := _refusal(key, accepted[key], below, trusted=trusted):
        return {}, [f"{file.place(key)}: {refusal}"]
    return accepted, []


def _refusal(key: str, value: object, below: Settings, *, trusted: bool) -> str:
    match key, value:
        case _, str() if key in _MODELS and not value.strip():
            return "it is empty"
        case _, str() if key in _MODELS and value.strip().casefold().startswith("scripted"):
            return "a scripted model comes from the person, not from a project"
        case "permission_mode", mode:
            return _mode_refusal(str(mode), below.permission_mode, trusted=trusted)
        case _, int() | float() if key in _LIMITS:
            limit = getattr(below, key)
            return "" if limit is None or value < limit else f"it does not lower your limit of {limit}"
        case _:
            return ""


def _mode_refusal(mode: str, own: str, *, trusted: bool) -> str:
    """Plan mode reads without asking, so it would loosen deny-all; nothing leaves what the person chose."""
    if own == "deny-all":
        return "yours is deny-all, which no project changes"
    if mode == "plan":
        return ""
    if not trusted:
        return f'a project may only set it to "plan"; anything else {WAITS}'
    if mode not in _WORKING:
        return f"a project may only set it to one of {', '.join(_WORKING)}"
    return "yours is plan, which no project leaves" if own == "plan" else ""


def _rules(
    key: str, rules: list[object], file: TomlFile, *, trusted: bool
) -> tuple[dict[str, object], list[str]]:
    """Each rule stands by itself: one that is wrong must not take away the others."""
    good: list[object] = []
    wrong: list[str] = []
    for number, rule in enumerate(rules, 1):

        def place(key: str, _: int = 1, number: int = number if key == "rules" else 1) -> str:
            return file.place(key, number)

        try:
            accepted = check({key: [rule]}, place)[key]
        except SettingsError as error:
            wrong.append(one_line(str(error), 500))
            continue
        assert isinstance(accepted, list)
        if not trusted and _allows(key, accepted[0]):
            wrong.append(f"{place(key)}: a rule that allows {WAITS}")
        else:
            good += accepted
    return {key: good}, _some(wrong)


def _some(texts: list[str]) -> list[str]:
    """The first of them, and how many more there are: a hostile file has thousands."""
    more = len(texts) - _NAMED
    return [*texts[:_NAMED], f"{more} more"] if more > 0 else texts
