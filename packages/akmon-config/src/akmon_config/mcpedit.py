"""Changes which servers a file configures, and leaves all else in it as it is."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec

from akmon_config.claims import read_claimed
from akmon_config.mcpentry import WrongEntry, name_problem, read_entry
from akmon_config.mcpservers import DISABLED, PROJECT_FILE, SERVERS, disabled_names, parse_file
from akmon_config.privatefile import locked, read_private, write_private, write_whole
from akmon_core.errors import SettingsError
from akmon_core.limits import MCP_CONFIG_BYTES
from akmon_core.text import json_escaped, one_line

_INDENT = re.compile(r"^([ \t]+)[\"}]", re.MULTILINE)


class ServersFile(msgspec.Struct, frozen=True):
    """A file with servers: the user's own, or the project's ``.mcp.json``."""

    path: Path
    root: Path | None = None
    """The canonical root of the project whose file it is; None is the user's."""

    @property
    def name(self) -> str:
        return one_line(str(self.path), 300)

    def read(self) -> tuple[dict[str, Any], str]:
        """The object in it and its text; both are empty if it is not there. Raises ``SettingsError``."""
        if self.root:
            data = read_claimed(self.root, PROJECT_FILE)
        else:
            data = read_private(self.path, MCP_CONFIG_BYTES)
        if data is None:
            return {}, ""
        value = parse_file(data, self.name)
        disabled_names(value, self.name)
        return value, data.decode("utf-8-sig")

    def write(self, value: dict[str, Any], before: str) -> None:
        """Raises ``SettingsError``."""
        data = written_like(value, before).encode()
        if len(data) > MCP_CONFIG_BYTES:
            raise SettingsError(f"{self.name} would be larger than {MCP_CONFIG_BYTES:,} bytes.")
        if self.root is None:
            write_private(self.path, data)
            return
        mode = stat.S_IMODE(self.path.stat().st_mode) if before else 0o666
        write_whole(self.path, data, mode)

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes from changing it; there is no place for a lock in a project."""
        return nullcontext() if self.root else locked(self.path)


def user_servers(path: Path) -> ServersFile:
    return ServersFile(path)


def project_servers(root: Path) -> ServersFile:
    return ServersFile(root / PROJECT_FILE, root)


def add(file: ServersFile, name: str, entry: dict[str, Any]) -> None:
    """Raises ``SettingsError`` if there is one of that name, or if it could not be used."""
    try:
        if problem := name_problem(name):
            raise WrongEntry(problem.rstrip("."))
        read_entry(entry)
    except WrongEntry as error:
        raise SettingsError(f"{one_line(name, 60)}: {error}.") from None
    with _changing(file) as value:
        servers = value.setdefault(SERVERS, {})
        if name in servers:
            raise SettingsError(
                f"{file.name} has a server {name} already. Choose another name, or remove that one first: "
                f"akmon mcp remove {name}{file_option(file)}"
            )
        servers[name] = entry


def remove(file: ServersFile, name: str) -> None:
    """Raises ``SettingsError`` if there is none of that name."""
    with _changing(file) as value:
        if name not in value.get(SERVERS, {}):
            raise SettingsError(f"{file.name} has no server {one_line(name, 60)}.{_near(name, value)}")
        del value[SERVERS][name]
        _off(value, name, off=False)


def switch(file: ServersFile, name: str, *, on: bool) -> bool:
    """Switches a server on or off: in the user's file one of any origin, in a project's file its own.

    Gives whether that changed anything. Raises ``SettingsError`` if it cannot be done.
    """
    with _changing(file) as value:
        own = value.get(SERVERS, {}).get(name)
        if file.root and not isinstance(own, dict):
            raise SettingsError(f"{file.name} has no server {one_line(name, 60)}.{_near(name, value)}")
        before = json.dumps(value)
        if file.root and not on:
            own["disabled"] = True
        elif isinstance(own, dict) and on:
            own.pop("disabled", None)
        if not file.root:
            _off(value, name, off=not on)
        return json.dumps(value) != before


def file_option(file: ServersFile) -> str:
    """How a command is told that this is the file."""
    return " --scope project" if file.root else ""


def written_like(value: dict[str, Any], before: str) -> str:
    """``value`` as JSON with the indentation and the line ends of ``before``; it steers no terminal."""
    found = _INDENT.search(before)
    text = json.dumps(value, indent=found[1] if found else "  ", ensure_ascii=False) + "\n"
    text = json_escaped(text)
    return text.replace("\n", "\r\n") if "\r\n" in before else text


@contextmanager
def _changing(file: ServersFile) -> Iterator[dict[str, Any]]:
    """What is in the file, which is written if that is another than before."""
    with file.locked():
        value, before = file.read()
        was = json.dumps(value)
        yield value
        if json.dumps(value) != was:
            file.write(value, before)


def _off(value: dict[str, Any], name: str, *, off: bool) -> None:
    names = value.get(DISABLED, [])
    if (name in names) == off:
        return
    kept = [each for each in names if each != name]
    value[DISABLED] = [*kept, name] if off else kept
    if not value[DISABLED]:
        del value[DISABLED]


def _near(name: str, value: dict[str, Any]) -> str:
    from akmon_config.values import near

    return near(name, tuple(value.get(SERVERS, {})))
