"""``akmon mcp add|remove|enable|disable``: changes which servers the user's or the project's file has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akmon_cli import exitcodes
from akmon_cli.servers import configured_servers, user_file
from akmon_core.errors import SettingsError
from akmon_core.text import one_line

if TYPE_CHECKING:
    from akmon_config.mcpedit import ServersFile


def add_parsers(actions: argparse._SubParsersAction[Any]) -> None:
    adding = actions.add_parser("add", help="add one: akmon mcp add NAME URL, or NAME -- COMMAND ARGS")
    adding.add_argument("name", metavar="NAME", help="letters, digits, - and _")
    adding.add_argument("url", metavar="URL", nargs="?", help="where it is; else -- COMMAND ARGS")
    adding.add_argument("--transport", choices=("http", "sse"), help="of a URL: http, or sse for old servers")
    adding.add_argument(
        "--env", metavar="NAME=VALUE", action="append", default=[], help="of a command; '${VAR}' is filled in"
    )
    adding.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="of a URL; '${VAR}' is filled in",
    )
    adding.add_argument(
        "--client-id", metavar="ID", help="of a URL: an OAuth client that is registered there"
    )
    parsers = [adding]
    for action, what in (
        ("remove", "remove one from the file"),
        ("enable", "switch one on again"),
        ("disable", "switch one off; yours and of a project alike"),
    ):
        parsers.append(actions.add_parser(action, help=what))
        parsers[-1].add_argument("name", metavar="NAME")
    for parser in parsers:
        parser.add_argument(
            "--scope",
            choices=("user", "project"),
            default="user",
            help="which file is changed: your own (the default), or .mcp.json of this project",
        )


def split_command(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str] | None]:
    """What stands before ``--``, and the command behind it; None without ``--``."""
    if "--" not in arguments:
        return arguments, None
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def run(options: argparse.Namespace, root: Path, command: Sequence[str] | None) -> int:
    from akmon_config import mcpedit

    file = _file(options.scope, root)
    name: str = options.name
    match options.action:
        case "add":
            entry = _entry(options, command)
            mcpedit.add(file, name, entry)
            _warn_of_secrets(options, shared=bool(file.root))
            _say(f"added to {file.name}: {name}")
        case "remove":
            _elsewhere(file, name, root)
            mcpedit.remove(file, name)
            _say(f"removed from {file.name}: {name}")
            return exitcodes.OK
        case switching:
            on = switching == "enable"
            if not file.root:
                _known(options, name, root)
            changed = mcpedit.switch(file, name, on=on)
            _say(f"{'switched' if changed else 'was already switched'} {'on' if on else 'off'}: {name}")
    return _how_it_stands(options, name, root)


def _file(scope: str, root: Path) -> ServersFile:
    from akmon_config.mcpedit import project_servers, user_servers

    if scope == "project":
        return project_servers(root)
    if path := user_file():
        return user_servers(path)
    raise SettingsError("there is no place for your own settings. Set HOME to an absolute path.")


def _entry(options: argparse.Namespace, command: Sequence[str] | None) -> dict[str, Any]:
    """Raises ``SettingsError`` for what does not go together."""
    if command:
        if wrong := next(
            (flag for flag in ("url", "transport", "client_id", "header") if getattr(options, flag)), ""
        ):
            flag = "a URL" if wrong == "url" else f"--{wrong.replace('_', '-')}"
            raise SettingsError(f"{flag} does not go with a command. Give a URL, or -- COMMAND ARGS.")
        env = dict(_pair(each, "=", "--env", "NAME=VALUE") for each in options.env)
        program, *words = command
        return {"command": program, **({"args": words} if words else {}), **({"env": env} if env else {})}
    if not options.url:
        raise SettingsError("what is it? Give a URL, or -- COMMAND ARGS. See: akmon mcp add --help")
    if "://" not in options.url and not options.url.startswith("$"):
        raise SettingsError(
            f"{one_line(options.url, 100)} is no URL. A command stands behind --, such as: "
            f"akmon mcp add {options.name} -- {one_line(options.url, 60)}"
        )
    if options.env:
        raise SettingsError("--env does not go with a URL, which has --header. A command stands behind --.")
    headers = dict(_pair(each, ":", "--header", "'NAME: VALUE'") for each in options.header)
    entry: dict[str, Any] = {"type": options.transport or "http", "url": options.url}
    if headers:
        entry["headers"] = headers
    if options.client_id:
        entry["oauth"] = {"clientId": options.client_id}
    return entry


def _pair(text: str, by: str, flag: str, form: str) -> tuple[str, str]:
    """The message leaves the text out: it may hold a secret."""
    name, found, value = text.partition(by)
    if not (found and name.strip()):
        raise SettingsError(f"{flag} should be {form}.")
    return name.strip(), value if by == "=" else value.strip()


def _warn_of_secrets(options: argparse.Namespace, *, shared: bool) -> None:
    """A value on a command line can be seen by others, and is kept by the shell and in the file."""
    from akmon_cli.redaction import redactor
    from akmon_config.mcpmasked import is_literal
    from akmon_tools.environment import is_secret

    pairs = [_pair(each, "=", "", "") for each in options.env]
    pairs += [_pair(each, ":", "", "") for each in options.header]
    for name, value in pairs:
        key = "TOKEN" if name.lower() in _KEYS else name.replace("-", "_")
        if is_literal(value) and (is_secret(key) or redactor()(value) != value):
            whose = "whoever gets the project" if shared else "programs of yours"
            _say(
                f"akmon: the value of {one_line(name, 60)} stands in the file as it is, where {whose} can "
                "read it. Better keep it in a variable and name that, in single quotes: '${MY_TOKEN}'"
            )


_KEYS = ("authorization", "proxy-authorization", "cookie")


def _elsewhere(file: ServersFile, name: str, root: Path) -> None:
    """Says where else a server of that name stands if this file has none."""
    other = _file("user" if file.root else "project", root)
    if name in file.read()[0].get("mcpServers", {}):
        return
    if name in other.read()[0].get("mcpServers", {}):
        scope = "project" if other.root else "user"
        raise SettingsError(
            f"{file.name} has no server {name}, and {other.name} has: akmon mcp remove {name} --scope {scope}"
        )


def _known(options: argparse.Namespace, name: str, root: Path) -> None:
    """A switch for a server that is nowhere would be a typing error."""
    found = configured_servers(options, root)
    if not any(entry.name == name for entry in found.entries):
        from akmon_config.values import near

        names = [entry.name for entry in found.entries]
        raise SettingsError(f"there is no MCP server {one_line(name, 60)}.{near(name, names)}")


def _how_it_stands(options: argparse.Namespace, name: str, root: Path) -> int:
    """Says why a server is not used that was to be, and whether another one hides it."""
    found = configured_servers(options, root)
    for warning in found.warnings:
        _say(f"akmon: {warning}")
    for entry in found.entries:
        if entry.name == name and entry.state != "enabled" and options.action != "disable":
            _say(f"akmon: it is not used: {one_line(entry.detail, 300)}")
    return exitcodes.OK


def _say(text: str) -> None:
    print(text, file=sys.stderr)
