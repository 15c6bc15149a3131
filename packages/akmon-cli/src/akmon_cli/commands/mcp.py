"""``akmon mcp``: the MCP servers that are configured here, what they offer, and what of it is approved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.commands import mcpfiles, mcplogin, mcptry
from akmon_cli.commands.mcpshown import entry_lines, table
from akmon_cli.folders import change_folder, working_folder
from akmon_cli.servers import ConfiguredServers, configured_servers
from akmon_cli.streams import print_json
from akmon_config.paths import project_root
from akmon_core.errors import SettingsError
from akmon_core.text import one_line


def parser() -> Parser:
    parser = Parser(
        prog="akmon mcp",
        description="MCP servers: which ones are configured, what they offer, and what of it is approved.",
    ).add(COMMON)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="all that are configured (the default); connects to none")
    listing.add_argument("--json", action="store_true", help="as JSON")
    one = actions.add_parser("get", help="how one is configured")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--json", action="store_true", help="as JSON")
    mcpfiles.add_parsers(actions)
    mcptry.add_parsers(actions)
    mcplogin.add_parsers(actions)
    return parser


def run(arguments: Sequence[str]) -> int:
    arguments, command = mcpfiles.split_command(arguments)
    options = _options(arguments)
    if command is not None and options.action != "add":
        raise SettingsError("only add takes a command behind --. See: akmon mcp --help")
    if options.cwd:
        change_folder(options.cwd)
    root = project_root(working_folder())
    match options.action:
        case "add" | "remove" | "enable" | "disable":
            return mcpfiles.run(options, root, command)
        case "test" | "approve":
            return mcptry.run(options, root)
        case "login" | "logout":
            return mcplogin.run(options, root)
        case "get":
            return _get(configured_servers(options, root), options.name, as_json=options.json)
        case _:
            return _list(configured_servers(options, root), as_json=getattr(options, "json", False))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """argparse takes the words of ``add`` only where they stand together."""
    whole = parser()
    options, left = whole.parse_known_args(arguments)
    if options.action == "add" and left and options.url is None and not left[0].startswith("-"):
        options.url = left.pop(0)
    if left:
        whole.error(f"unrecognized arguments: {' '.join(left)}")
    return options


def _list(found: ConfiguredServers, *, as_json: bool) -> int:
    _warn(found.warnings)
    if as_json:
        print_json(found.entries)
        return exitcodes.OK
    if not found.entries:
        print("no MCP servers yet. Add one: akmon mcp add NAME -- COMMAND", file=sys.stderr)
    for line in table(found.entries):
        print(line)
    return exitcodes.OK


def _get(found: ConfiguredServers, name: str, *, as_json: bool) -> int:
    entries = [entry for entry in found.entries if entry.name == name]
    if not entries:
        known = ", ".join(one_line(entry.name, 60) for entry in found.entries) or "none"
        raise SettingsError(f"there is no MCP server {one_line(name, 60)}. There are: {known}.")
    if as_json:
        print_json(entries)
        return exitcodes.OK
    for entry in entries:
        for line in entry_lines(entry):
            print(line)
    return exitcodes.OK


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        print(f"akmon: {warning}", file=sys.stderr)
