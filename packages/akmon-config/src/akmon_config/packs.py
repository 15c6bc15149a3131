"""Policy packs and profiles: TOML files of rules under a name. A wrong one is an error, never half of one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from akmon_config.privatefile import changeable_warning
from akmon_config.settings import check
from akmon_config.sources import Level, is_path
from akmon_config.tomlfile import TomlFile, read_toml
from akmon_config.values import near
from akmon_core.errors import SettingsError
from akmon_core.text import neutralise, one_line

PROFILES = ("dev", "staging", "prod")
RULE_KEYS = ("allow", "ask", "deny", "rules")
_TEXTS = ("name", "description", "version")
_PACK_KEYS = (*_TEXTS, *RULE_KEYS)


class Pack(msgspec.Struct, frozen=True):
    """A policy pack or a profile as it was read."""

    name: str
    level: Level
    description: str = ""
    version: str = ""


def read_pack(path: Path) -> Pack:
    """The policy pack in a file. Raises ``SettingsError``, also if there is none."""
    return _read(path, "policy pack", _PACK_KEYS)


def named_pack(name: str, folder: Path | None) -> Pack:
    """A pack by its file, or by its name among the user's own in ``folder``/policies."""
    if is_path(name):
        return read_pack(Path(name))
    return read_pack(_own("policy pack", name, folder and folder / "policies"))


def named_profile(name: str, folder: Path | None) -> Pack:
    """One of ``PROFILES``, or one of the user's own in ``folder``/profiles.

    It may say a ``permission_mode`` besides. Raises ``SettingsError``.
    """
    own = folder / "profiles" / f"{name}.toml" if folder else None
    if name in PROFILES:
        if own and own.exists():
            raise SettingsError(
                f"{one_line(str(own), 300)} has the name of a profile that akmon brings. Rename the file."
            )
        path = Path(__file__).with_name("profiles") / f"{name}.toml"
    else:
        path = _own("profile", name, folder and folder / "profiles", PROFILES)
    pack = _read(path, "profile", (*_PACK_KEYS, "permission_mode"))
    if name not in PROFILES:
        return pack
    origins = dict.fromkeys(pack.level.values, f"profile {name}")
    return msgspec.structs.replace(pack, level=Level(pack.level.values, origins))


def _own(kind: str, name: str, folder: Path | None, known: tuple[str, ...] = ()) -> Path:
    if folder is None:
        raise SettingsError(f"there is no {kind} {name!r}: no home folder is known, so none are read.")
    path = folder / f"{name}.toml"
    if path.is_file():
        return path
    found = [*known, *sorted(each.stem for each in folder.glob("*.toml"))]
    listed = f" There are: {', '.join(one_line(each, 60) for each in found)}." if found else ""
    shown = one_line(name, 60)
    raise SettingsError(
        f"there is no {kind} {shown!r}.{near(shown, found)}{listed} "
        f"A file {one_line(str(path), 300)} would make one of that name."
    )


def _read(path: Path, kind: str, keys: tuple[str, ...]) -> Pack:
    file = read_toml(path)
    if file is None:
        raise SettingsError(f"there is no {kind} {one_line(str(path), 300)}.")
    for key in file.table:
        if key not in keys:
            shown = one_line(key, 40)
            raise SettingsError(
                f"{file.place(key)}: a {kind} has no {shown!r}.{near(shown, keys)} It has: {', '.join(keys)}."
            )
    texts = {key: _text(file, key) for key in _TEXTS}
    if not texts["name"]:
        raise SettingsError(
            f'{file.name}: a {kind} needs a name, such as name = "{one_line(path.stem, 60)}".'
        )
    values = check({key: value for key, value in file.table.items() if key not in _TEXTS}, file.place)
    origins = dict.fromkeys(values, f"{kind} {texts['name']} ({file.name})")
    return Pack(**texts, level=Level(values, origins, changeable_warning(path)))


def _text(file: TomlFile, key: str) -> str:
    value = file.table.get(key, "")
    if not isinstance(value, str) or "\n" in value or neutralise(value) != value:
        raise SettingsError(f"{file.place(key)}: it should be text on one line, without control characters.")
    return value.strip()
