"""``akmon mcp test|approve``: connects to servers, shows what they offer, and keeps what a person accepts."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from akmon_cli import exitcodes
from akmon_cli.commands.mcpshown import change_lines, counted, safe, status_lines
from akmon_cli.servers import ConfiguredServers, configured_servers, surroundings
from akmon_cli.streams import print_json
from akmon_core.errors import SettingsError
from akmon_core.events import Event, Noticed, ServerChanged
from akmon_core.servers import Server, ServerStatus
from akmon_core.text import one_line

if TYPE_CHECKING:
    from akmon_tools.mcp.facts import Surroundings
    from akmon_tools.mcp.servers import McpServers


def add_parsers(actions: argparse._SubParsersAction[Any]) -> None:
    testing = actions.add_parser("test", help="connect to one, or to all, and say what they offer")
    testing.add_argument("name", metavar="NAME", nargs="?")
    testing.add_argument("--json", action="store_true", help="as JSON")
    approving = actions.add_parser("approve", help="look at what its tools say now, and accept it")
    approving.add_argument("name", metavar="NAME")
    approving.add_argument("--yes", action="store_true", help="accept without being asked")


def run(options: argparse.Namespace, root: Path) -> int:
    found = configured_servers(options, root)
    for warning in found.warnings if options.name else (*found.warnings, *found.wrong):
        print(f"akmon: {warning}", file=sys.stderr)
    servers = (chosen(found, options.name),) if options.name else found.servers
    if options.action == "approve":
        return asyncio.run(
            _approve(servers[0], surroundings_of(options, found, root), found, yes=options.yes)
        )
    if not servers:
        print("akmon: no MCP server is switched on here: akmon mcp list", file=sys.stderr)
        return exitcodes.ERROR
    around = surroundings_of(options, found, root)
    return asyncio.run(_test(servers, around, found, as_json=options.json))


def surroundings_of(options: argparse.Namespace, found: ConfiguredServers, root: Path) -> Surroundings:
    """As in a session here."""
    from akmon_cli.compose import load_settings

    return surroundings(found, root, load_settings(options).settings.ca_file)


def chosen(found: ConfiguredServers, name: str) -> Server:
    """The server of that name. Raises ``SettingsError`` with the reason if it is not to be used."""
    for server in found.servers:
        if server.name == name:
            return server
    for entry in found.entries:
        if entry.name == name:
            why = safe(entry.detail).rstrip(".")
            raise SettingsError(f"the MCP server {name} is not used ({entry.state}): {why}.")
    known = ", ".join(safe(entry.name) for entry in found.entries) or "none"
    raise SettingsError(f"there is no MCP server {one_line(name, 60)}. There are: {known}.")


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of connecting to a server, as JSON."""

    server: ServerStatus
    seconds: float
    """Until it was ready or had failed."""


class _Watch:
    """Hears how connecting goes on, and says what is for people."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._servers: McpServers | None = None
        self._seconds: dict[str, float] = {}

    def begin(self, servers: McpServers) -> None:
        self._servers = servers
        for status in servers.statuses:
            print(f"connecting to {status.name} ({one_line(safe(status.where), 100)})", file=sys.stderr)
        servers.begin(self._hear)

    def seconds(self, server: str) -> float:
        return self._seconds.get(server, time.monotonic() - self._began)

    def _hear(self, event: Event) -> None:
        match event:
            case Noticed(text):
                print(one_line(text, 500), file=sys.stderr)
            case ServerChanged(server):
                self._look(server)
            case _:
                pass

    def _look(self, server: str) -> None:
        for status in self._servers.statuses if self._servers else ():
            if status.name == server and status.state in ("ready", "failed"):
                self._seconds.setdefault(status.name, time.monotonic() - self._began)


@asynccontextmanager
async def _connected(
    servers: Sequence[Server], around: Surroundings, found: ConfiguredServers
) -> AsyncIterator[tuple[McpServers, _Watch]]:
    """Each is ready or has failed; whatever happens, none of their processes is left behind."""
    from akmon_cli.redaction import redactor
    from akmon_tools.mcp.servers import McpServers
    from akmon_tools.outputs import Outputs

    watch = _Watch()
    connections = McpServers(servers, around, found.approvals, Outputs(redactor=redactor()))
    try:
        watch.begin(connections)
        await connections.settled()
        yield connections, watch
    finally:
        await connections.close()


async def _test(
    servers: Sequence[Server], around: Surroundings, found: ConfiguredServers, *, as_json: bool
) -> int:
    async with _connected(servers, around, found) as (connections, watch):
        tried = [
            Tried(server=status, seconds=round(watch.seconds(status.name), 3))
            for status in connections.statuses
        ]
    if as_json:
        print_json(tried)
    else:
        for each in tried:
            print("\n".join(status_lines(each.server, each.seconds)))
    return exitcodes.OK if all(each.server.state == "ready" for each in tried) else exitcodes.ERROR


async def _approve(server: Server, around: Surroundings, found: ConfiguredServers, *, yes: bool) -> int:
    async with _connected([server], around, found) as (connections, watch):
        (status,) = connections.statuses
        waiting = [tool for tool in status.tools if tool.state != "offered"]
        if status.state != "ready":
            print("\n".join(status_lines(status, watch.seconds(server.name))), file=sys.stderr)
            return exitcodes.ERROR
        for tool in waiting:
            print("\n".join(change_lines(tool)))
        # Nothing else may run until it is approved: what is kept has to be what was shown.
        if waiting and not (yes or _agreed(len(waiting), server.name)):
            print("nothing was approved", file=sys.stderr)
            return exitcodes.DENIED
        print(await connections.manage(server.name, "approve", status.unapproved), file=sys.stderr)
        return exitcodes.OK


def _agreed(count: int, name: str) -> bool:
    """Asks at the terminal. Only y or yes is a yes. Raises ``SettingsError`` if nobody is there."""
    if not sys.stdin.isatty():
        raise SettingsError(
            "nobody can be asked here. Look at the changes above, and add --yes to accept them."
        )
    sys.stdout.flush()
    question = f"May the model use {counted(count, 'tool')} of {name} as shown? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline(100).strip().lower() in ("y", "yes")
