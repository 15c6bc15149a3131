"""What a project's folder would change or run if it were trusted: read within bounds, and never run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from akmon_config.packs import RULE_KEYS
from akmon_config.project import POLICIES, PROJECT_FILE, TRUSTED_KEYS, policy_files, project_toml
from akmon_core.errors import SettingsError
from akmon_core.limits import TRUST_FILE_BYTES, TRUST_FILES
from akmon_core.text import exposed


class Claim(msgspec.Struct, frozen=True):
    """One file that would do something, or that such a one refers to."""

    path: str
    """From the root, with forward slashes; quoted and escaped if it is unusual. No two are alike."""
    digest: str
    """SHA-256 of its content."""
    says: tuple[str, ...] = ()
    """What it would do, one line each, for people; escaped, and never cut."""


class Claims(msgspec.Struct, frozen=True):
    root: str
    """Canonical."""
    claims: tuple[Claim, ...] = ()
    problems: tuple[str, ...] = ()
    """Why the folder cannot be trusted at all, whatever a person says."""

    @property
    def digest(self) -> str:
        """SHA-256 over every path and content."""
        whole = "".join(f"{claim.digest}  {claim.path}\n" for claim in self.claims)
        return hashlib.sha256(os.fsencode(whole)).hexdigest()


class Further(NamedTuple):
    """A file of a project that has akmon run something."""

    path: str
    decode: Callable[[str], object]
    what: str
    """What its commands are, such as ``starts the server``."""


FURTHER = (
    Further(".mcp.json", json.loads, "starts the MCP server"),
    Further(".akmon/hooks.toml", tomllib.loads, "runs the hook"),
)
"""Whoever has akmon run something that a project's file says adds the file here, and reads it
only in a trusted folder, with ``read_claimed``."""

_PATHS = re.compile(r"""[^\s'"`()\[\]{}<>|&;$=,]+""")
"""What may be the path of a file in a command or its arguments."""


def claims(root: Path) -> Claims:
    """What the folder at the canonical ``root`` would widen or run. Runs nothing, and writes nothing."""
    found: dict[str, Claim] = {}
    problems: list[str] = []
    try:
        for claim in _all(root):
            found.setdefault(claim.path, claim)
            if len(found) > TRUST_FILES:
                raise SettingsError(f"more than {TRUST_FILES} files of it would count.")
    except SettingsError as error:
        problems.append(str(error))
    return Claims(str(root), tuple(found[path] for path in sorted(found)), tuple(problems))


def read_claimed(root: Path, path: str) -> bytes | None:
    """The content of a file of the project, by its path from the canonical ``root``; None if it is not there.

    Raises ``SettingsError`` if it leads out of the project, is no ordinary file, or is too large.
    """
    real = Path(os.path.realpath(root / path))
    name = _line(path)
    if not real.is_relative_to(root):
        raise SettingsError(f"{name} leads out of the project.")
    try:
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            ordinary = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(TRUST_FILE_BYTES + 1) if ordinary else b""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name} cannot be read: {error}.") from None
    if not ordinary:
        raise SettingsError(f"{name} is not an ordinary file.")
    if len(data) > TRUST_FILE_BYTES:
        raise SettingsError(f"{name} is larger than {TRUST_FILE_BYTES:,} bytes.")
    return data


def _all(root: Path) -> Iterator[Claim]:
    yield from _settings(root)
    for path in policy_files(root):
        yield from _policy(root, path)
    for further in FURTHER:
        yield from _further(root, further)


def _settings(root: Path) -> Iterator[Claim]:
    """A file that cannot be read is ignored when settings are read, so it claims nothing."""
    try:
        file = project_toml(root)
    except SettingsError:
        return
    if file and (says := tuple(_widening(file.table))):
        yield _claim(root, PROJECT_FILE.as_posix(), says)


def _policy(root: Path, path: Path) -> Iterator[Claim]:
    """One that cannot be read stops akmon, with a better message, when settings are read."""
    try:
        file = project_toml(root, path)
    except SettingsError as error:
        raise SettingsError(f"{POLICIES.as_posix()}: {error}") from None
    if file and (says := tuple(_allowed(file.table))):
        yield _claim(root, path.as_posix(), says)


def _widening(table: dict[str, object]) -> Iterator[str]:
    for key in TRUSTED_KEYS:
        if key in table and key != "allow":
            yield f"{_SAID[key]} {_value(table[key])}"
    mode = table.get("permission_mode", "plan")
    if mode != "plan":
        yield f"sets the permission mode {_value(mode)}"
    yield from _allowed(table)


_SAID = {
    "model": "sends what you work on to the model",
    "planner_model": "sends what is to be planned to the model",
    "fallback_model": "sends what you work on, should the first one fail, to the model",
    "effort": "sets how much the model thinks:",
    "check_command": "names the command that checks changes:",
    "auto_compact": "sets whether conversations are shortened by themselves:",
}


def _allowed(table: dict[str, object]) -> Iterator[str]:
    for key in RULE_KEYS:
        rules = table.get(key)
        for rule in rules if isinstance(rules, list) else ():
            if key == "allow":
                yield f"allows without asking: {_value(rule)}"
            elif key == "rules" and isinstance(rule, dict) and rule.get("decision") not in ("ask", "deny"):
                yield f"allows without asking: {_value(rule.get('rule'))}"


def _further(root: Path, further: Further) -> Iterator[Claim]:
    if not os.path.lexists(root / further.path):
        return
    data = read_claimed(root, further.path)
    if data is None:
        return
    try:
        value = further.decode(data.decode("utf-8-sig"))
        started = tuple(_started(value, root))
    except (ValueError, RecursionError):  # whoever reads it later can make nothing of it either
        value, started = None, ()
    says = tuple(f"{further.what} {name}" for name in started) or ("cannot be understood as it is",)
    yield _claim(root, further.path, says)
    for folder, text in dict.fromkeys(_texts(value, root)):
        yield from _referenced(root, folder, text)


def _started(value: object, root: Path, name: str = "") -> Iterator[str]:
    """What would be started or reached, wherever in a file it stands."""
    if isinstance(value, list):
        for each in value:
            yield from _started(each, root, name)
    if not isinstance(value, dict):
        return
    if "command" in value or "url" in value:
        from akmon_config.mcpentry import is_relative

        command = value.get("command", value.get("url"))
        if isinstance(command, str) and "command" in value and is_relative(command):
            line = " " in command and not command.startswith(("./", "../"))  # for a shell, as hooks have it
            command = command if line else str(root / command)
        words = [command]
        arguments = value.get("args")
        words += arguments if isinstance(arguments, list) else []
        more = {key: each for key, each in value.items() if key not in ("command", "url", "args")}
        besides = f", with {_value(more)}" if more else ""
        yield f"{_line(name)}: {' '.join(map(_value, words))}{besides}".removeprefix(": ")
    for key, each in value.items():
        yield from _started(each, root, str(key))


def _texts(value: object, folder: Path) -> Iterator[tuple[Path, str]]:
    """All texts, with the folder that their paths may count from: that of a ``cwd`` beside them."""
    match value:
        case str():
            yield folder, value
        case list():
            for each in value:
                yield from _texts(each, folder)
        case dict():
            inside = value.get("cwd")
            for each in value.values():
                yield from _texts(each, folder)
                if isinstance(inside, str):
                    yield from _texts(each, folder / inside)


def _referenced(root: Path, folder: Path, text: str) -> Iterator[Claim]:
    """The project's own files that a command names, so that their content counts, too."""
    for word in dict.fromkeys([text, *_PATHS.findall(text)]):
        try:
            real = Path(os.path.realpath(folder / word))
            if not (real.is_relative_to(root) and real.is_file()):
                continue
        except (OSError, ValueError):
            continue
        yield _claim(root, real.relative_to(root).as_posix())


def _claim(root: Path, path: str, says: tuple[str, ...] = ()) -> Claim:
    data = read_claimed(root, path)
    return Claim(_name(path), hashlib.sha256(data or b"").hexdigest(), says)


def _value(value: object) -> str:
    return _line(value if isinstance(value, str) else str(value))


def _name(path: str) -> str:
    """Unlike that of any other path: a file whose name passes for another one's would not be looked at."""
    return path if path.isprintable() and path[:1] not in "\"'" else ascii(path)


def _line(text: str) -> str:
    """All of ``text`` on one line, with nothing in it that could move the cursor or hide."""
    shown = exposed(text.encode("utf-8", "backslashreplace").decode())
    return shown.replace("\n", "\\n").replace("\t", "\\t")
