"""The servers of others (MCP) that are configured here: by the user, the project, and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from akmon_config.claims import read_claimed
from akmon_config.mcpentry import (
    NAME_CHARS,
    WORKSPACE,
    Written,
    WrongEntry,
    filled,
    is_address,
    is_relative,
    name_problem,
    read_entry,
    server_of,
    usable_name,
)
from akmon_config.mcpmasked import shown, shown_where
from akmon_config.paths import home
from akmon_config.privatefile import read_private
from akmon_core.errors import SettingsError
from akmon_core.limits import MCP_CONFIG_BYTES
from akmon_core.servers import Server
from akmon_core.text import one_line

USER_FILE = "mcp.json"
"""In the folder of the user's settings."""
PROJECT_FILE = ".mcp.json"
SERVERS = "mcpServers"
DISABLED = "disabledServers"

EntryState: TypeAlias = Literal["enabled", "disabled", "waits for trust", "wrong"]
Scope: TypeAlias = Literal["user", "project", "option"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A configured server as it is shown to people: nothing in it is secret."""

    name: str
    scope: Scope
    origin: str
    """Where it is configured, in words."""
    transport: str = ""
    """Empty if that cannot be told."""
    where: str = ""
    """Its command line or its address, with variables as they are written."""
    state: EntryState
    detail: str = ""
    """Why it is not enabled; empty if it is."""
    fields: dict[str, Any] = {}
    ignored: tuple[str, ...] = ()
    """Fields that have no meaning here."""


class ServersFound(msgspec.Struct, frozen=True, kw_only=True):
    servers: tuple[Server, ...] = ()
    """Those to be used, in the order of their names."""
    entries: tuple[Entry, ...] = ()
    """All of them, in the order of their names."""
    warnings: tuple[str, ...] = ()
    """Of files and names."""
    wrong: tuple[str, ...] = ()
    """What is wrong with each server that is."""


class _Source(msgspec.Struct, frozen=True):
    scope: Scope
    origin: str
    servers: dict[str, Any] = {}
    waits: bool = False
    """For the person to trust the folder."""


class _Found(msgspec.Struct, frozen=True):
    entry: Entry
    server: Server | None = None
    waits: bool = False
    """It does not count before the folder is trusted, whatever else is to be said of it."""


def load_servers(
    *,
    user_file: Path | None,
    root: Path,
    trusted: bool,
    configs: Sequence[str] = (),
    urls: Sequence[str] = (),
    environ: Mapping[str, str],
) -> ServersFound:
    """Reads ``user_file``, the project's file at the canonical ``root``, and then what was typed: files or
    JSON texts in ``configs``, addresses in ``urls``. Of one name, the last one counts.

    The project's servers wait, and nothing of theirs is filled in, unless the folder is ``trusted``. What is
    wrong in a file is a warning; raises ``SettingsError`` for what was typed and cannot be read.
    """
    warnings: list[str] = []
    sources: list[_Source] = []
    switched_off: frozenset[str] = frozenset()
    if user_file is not None:
        user, switched_off = _user(user_file, warnings)
        sources.append(user)
    sources.append(_project(root, warnings, trusted=trusted))
    sources += [_typed(text) for text in configs]
    taken = {name for source in sources for name in source.servers}
    sources += list(_addresses(urls, taken))
    found = _by_name(sources, root, environ, switched_off, warnings)
    found.sort(key=lambda each: (each.entry.name, each.waits))
    used = [each.entry for each in found if not each.waits]
    return ServersFound(
        servers=tuple(each.server for each in found if each.server),
        entries=tuple(each.entry for each in found),
        warnings=tuple(warnings),
        wrong=tuple(_wrong(entry) for entry in used if entry.state == "wrong"),
    )


def parse_file(data: bytes, origin: str) -> dict[str, Any]:
    """The object that a file with servers holds, whose ``mcpServers`` is one, too, if it is there.

    Raises ``SettingsError``.
    """
    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_object)
    except _Twice as error:
        raise SettingsError(
            f"{origin}: {one_line(str(error), 60)} stands there twice in one object."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{origin} is not UTF-8 text. Save the file as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise SettingsError(f"{origin}, line {error.lineno} is not valid JSON: {error.msg}.") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{origin} is not JSON that can be read.") from None
    if not isinstance(value, dict):
        raise SettingsError(f'{origin} should hold an object, such as {{"{SERVERS}": {{}}}}.')
    if not isinstance(value.get(SERVERS, {}), dict):
        raise SettingsError(f"{origin}, {SERVERS}: it should be an object with a server under each name.")
    if SERVERS not in value and (hint := _misnamed(value)):
        raise SettingsError(f"{origin} has no {SERVERS}. {hint}")
    return value


def disabled_names(value: Mapping[str, Any], origin: str) -> list[str]:
    """Raises ``SettingsError``."""
    names = value.get(DISABLED, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f'{origin}, {DISABLED}: it should be a list of names, such as ["github"].')
    return names


class _Twice(ValueError):
    """A key stands twice in one object, so that people and programs may read different things."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _misnamed(value: Mapping[str, Any]) -> str:
    if "servers" in value:
        return f"Rename servers to {SERVERS}."
    from akmon_config.values import near

    return next((f"Rename {one_line(key, 60)}." for key in value if near(key, (SERVERS.lower(),))), "")


def _user(path: Path, warnings: list[str]) -> tuple[_Source, frozenset[str]]:
    origin = f"user file {one_line(str(path), 300)}"
    try:
        data = read_private(path, MCP_CONFIG_BYTES)
        value = parse_file(data, origin) if data is not None else {}
        names = frozenset(disabled_names(value, origin))
    except SettingsError as error:
        warnings.append(f"{error} None of its MCP servers is used.")
        return _Source("user", origin), frozenset()
    return _Source("user", origin, value.get(SERVERS, {})), names


def _project(root: Path, warnings: list[str], *, trusted: bool) -> _Source:
    origin = f"project file {one_line(str(root / PROJECT_FILE), 300)}"
    try:
        data = read_claimed(root, PROJECT_FILE)
        value = parse_file(data, origin) if data is not None else {}
    except SettingsError as error:
        if trusted:
            warnings.append(f"{error} None of its MCP servers is used.")
        return _Source("project", origin)
    return _Source("project", origin, value.get(SERVERS, {}), waits=not trusted)


def _typed(text: str) -> _Source:
    """A file, or JSON. Raises ``SettingsError``."""
    if text.lstrip().startswith("{"):
        origin, data = "--mcp-config", text.encode("utf-8", "surrogateescape")
    else:
        origin, data = f"--mcp-config {one_line(text, 300)}", _content(text)
    value = parse_file(data, origin)
    if SERVERS not in value:
        raise SettingsError(f'{origin} has no {SERVERS}. It should be such as {{"{SERVERS}": {{}}}}.')
    return _Source("option", origin, value[SERVERS])


def _content(path: str) -> bytes:
    """Of a file that a person named, which may be a pipe."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MCP_CONFIG_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"--mcp-config {one_line(path, 300)} cannot be read: {why}. Name a file, or give JSON."
        ) from None
    if len(data) > MCP_CONFIG_BYTES:
        raise SettingsError(f"--mcp-config {one_line(path, 300)} is larger than {MCP_CONFIG_BYTES:,} bytes.")
    return data


def _addresses(urls: Sequence[str], taken: set[str]) -> Iterator[_Source]:
    for url in urls:
        if not is_address(url):
            raise SettingsError("--mcp-server: it should be an address that starts with https:// or http://.")
        name = _unique(_host_name(url), taken)
        taken.add(name)
        yield _Source("option", "--mcp-server", {name: {"type": "http", "url": url}})


def _host_name(url: str) -> str:
    parts = urlsplit(url)
    port = f"-{parts.port}" if parts.port else ""
    return usable_name(f"{parts.hostname}"[: NAME_CHARS - 10] + port) or "server"


def _unique(name: str, taken: set[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found = f"{name}-{number}"
        number += 1
    return found


def _by_name(
    sources: Sequence[_Source],
    root: Path,
    environ: Mapping[str, str],
    switched_off: frozenset[str],
    warnings: list[str],
) -> list[_Found]:
    """The strongest of each name, and besides these what waits for trust."""
    found: dict[str, _Found] = {}
    waiting: list[_Found] = []
    for source in sources:
        for name, value in source.servers.items():
            each = _read(name, value, source, root, environ, off=name in switched_off)
            if source.waits:
                waiting.append(msgspec.structs.replace(each, waits=True))
                continue
            if earlier := found.get(name):
                warnings.append(
                    f"the MCP server {one_line(name, 60)} of {source.origin} is used, and hides the one "
                    f"of {earlier.entry.origin}. Rename one of them to have both."
                )
            found[name] = each
    return [*found.values(), *waiting]


def _wrong(entry: Entry) -> str:
    return f"{entry.origin}, server {one_line(entry.name, 60)}, {entry.detail}. This server is left out."


def _read(
    name: str, value: object, source: _Source, root: Path, environ: Mapping[str, str], *, off: bool
) -> _Found:
    entry = Entry(name=name, scope=source.scope, origin=source.origin, state="wrong")
    try:
        if problem := name_problem(name):
            raise WrongEntry(problem.rstrip("."))
        written = read_entry(value)
        entry = _described(entry, written, root)
        if source.waits:
            why = "this folder is not trusted: akmon trust"
            return _Found(msgspec.structs.replace(entry, state="waits for trust", detail=why))
        if off or written.disabled:
            why = f"it is switched off: akmon mcp enable {name}" if off else f"it says so in {source.origin}"
            return _Found(msgspec.structs.replace(entry, state="disabled", detail=why))
        environ = {**environ, WORKSPACE: str(root)}
        if source.scope == "user":
            _refuse_relative(filled(written, environ).command)
        server = server_of(name, written, root, environ, source.origin)
        if source.scope == "user" and server.transport == "stdio":
            # A package runner, or python -m, would run what lies in a folder that nobody has trusted.
            server = msgspec.structs.replace(server, cwd=server.cwd or str(home()))
    except WrongEntry as error:
        return _Found(msgspec.structs.replace(entry, detail=str(error)))
    return _Found(msgspec.structs.replace(entry, state="enabled"), server)


def _described(entry: Entry, written: Written, root: Path) -> Entry:
    return msgspec.structs.replace(
        entry,
        transport=written.transport,
        where=shown_where(written, root),
        fields=shown(written, root),
        ignored=written.ignored,
    )


def _refuse_relative(command: str) -> None:
    """It would be another program in each project, and so one that nobody has looked at."""
    if is_relative(command):
        raise WrongEntry(
            "command: in your own file it should be the name of a program or its whole path, such as "
            "${HOME}/bin/server"
        )
