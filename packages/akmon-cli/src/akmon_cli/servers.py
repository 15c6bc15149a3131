"""The MCP servers that are configured here, with what a session needs to use them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akmon_config.paths import config_file, state_dir
from akmon_core.errors import SettingsError
from akmon_core.ports import Approvals, Credentials
from akmon_core.secret import Secret
from akmon_core.servers import Server

if TYPE_CHECKING:
    from akmon_config.mcpservers import Entry
    from akmon_tools.mcp.facts import Surroundings


class ConfiguredServers(msgspec.Struct, frozen=True, kw_only=True):
    servers: tuple[Server, ...] = ()
    """Those to be used."""
    entries: tuple[Entry, ...] = ()
    """All, for people."""
    warnings: tuple[str, ...] = ()
    """Of files and names."""
    wrong: tuple[str, ...] = ()
    """What is wrong with each server that is; to be said where not all entries are shown."""
    approvals: Approvals | None = None
    credentials: Credentials | None = None
    logs: Path | None = None
    """The folder for what they print on standard error."""


def may_have_servers(
    options: argparse.Namespace, root: Path, environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether there is anything to read; looks for two files, and imports nothing."""
    if getattr(options, "mcp_config", None) or getattr(options, "mcp_server", None):
        return True
    own = user_file(environ)
    return bool(own and os.path.lexists(own)) or os.path.lexists(root / ".mcp.json")


def configured_servers(
    options: argparse.Namespace, root: Path, environ: Mapping[str, str] = os.environ
) -> ConfiguredServers:
    """Those of the user's file, of the project's at the canonical ``root`` if it is trusted, and those that
    were typed. Their secrets are taken out of all output from here on.

    Raises ``SettingsError`` for what was typed and cannot be read.
    """
    if not may_have_servers(options, root, environ):
        return ConfiguredServers()
    from akmon_cli.trusting import is_trusted
    from akmon_config.mcpservers import load_servers

    found = load_servers(
        user_file=user_file(environ),
        root=root,
        trusted=is_trusted(root, this_run=getattr(options, "trust", False), environ=environ),
        configs=getattr(options, "mcp_config", None) or (),
        urls=getattr(options, "mcp_server", None) or (),
        environ=environ,
    )
    _learn(found.servers)
    if not found.servers:
        return ConfiguredServers(entries=found.entries, warnings=found.warnings, wrong=found.wrong)
    state = _state(environ)
    return ConfiguredServers(
        servers=found.servers,
        entries=found.entries,
        warnings=found.warnings,
        wrong=found.wrong,
        approvals=_approvals(state),
        credentials=_Credentials(state / "credentials.json") if state else None,
        logs=state / "logs" if state else None,
    )


def surroundings(found: ConfiguredServers, root: Path, ca_file: str = "") -> Surroundings:
    """What their connections need, of a process that works in the project at ``root``."""
    from akmon_cli.redaction import redactor
    from akmon_tools.mcp.facts import Surroundings

    return Surroundings(
        roots=(root,),
        environ=os.environ,
        redactor=redactor(),
        logs=found.logs,
        credentials=found.credentials,
        ca_file=ca_file,
    )


def user_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The user's own file, which need not exist; None where there is no place for it."""
    with suppress(SettingsError):
        return config_file(environ).with_name("mcp.json")
    return None


def _state(environ: Mapping[str, str]) -> Path | None:
    try:
        return state_dir(environ) / "mcp"
    except SettingsError:
        return None


def _approvals(state: Path | None) -> Approvals | None:
    if state is None:
        return None
    from akmon_config.approvals import ApprovedTools

    return ApprovedTools(state / "approved")


class _Credentials:
    """Looks for a keyring when a login is needed: few servers want one, and a keyring takes time to load."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: Credentials | None = None

    def load(self, server: str) -> Secret:
        return self._opened().load(server)

    def save(self, server: str, text: Secret) -> None:
        self._opened().save(server, text)

    def _opened(self) -> Credentials:
        from akmon_config.credentials import KeptCredentials, system_keyring

        self._kept = self._kept or KeptCredentials(self._path, system_keyring())
        return self._kept


def _learn(servers: tuple[Server, ...]) -> None:
    """What only names a setting, such as ``production``, must not be taken for a secret."""
    from akmon_cli.redaction import redactor

    redactor().add(*(each for server in servers for each in _secrets(server)))


def _secrets(server: Server) -> Iterator[str]:
    from urllib.parse import parse_qsl, urlsplit

    from akmon_tools.environment import secret_values

    yield from secret_values({name: value.reveal() for name, value in server.env.items()})
    headers = {name.replace("-", "_"): value.reveal() for name, value in server.headers.items()}
    yield from secret_values(headers)
    for name, value in headers.items():
        if name.upper() in ("AUTHORIZATION", "PROXY_AUTHORIZATION", "COOKIE"):
            yield from value.split()
    yield server.client_secret.reveal()
    parts = urlsplit(server.url)
    yield parts.password or ""
    yield from secret_values(dict(parse_qsl(parts.query)))
