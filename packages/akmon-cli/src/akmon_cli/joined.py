"""Runs the subcommands of packages that join by entry point."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from akmon_cli.args import COMMON, Parser
from akmon_cli.plugins import plugin_commands, workplace
from akmon_core.plugins import Subcommand

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def plugin_parsers() -> dict[str, Parser]:
    """The options of those subcommands that can be loaded."""
    parsers = {}
    for name, entry in plugin_commands().items():
        with suppress(Exception):  # a broken package of others is no reason to complete nothing
            parsers[name] = _parser(entry.load())
    return parsers


def _parser(command: Subcommand) -> Parser:
    own = command.parser()
    return Parser(prog=own.prog, description=own.description, parents=[own], add_help=False).add(COMMON)


def run_plugin(entry: EntryPoint, arguments: Sequence[str]) -> int:
    """Runs the subcommand; gives the exit code. Raises ``AkmonError``."""
    from akmon_cli.compose import load_settings
    from akmon_cli.folders import change_folder, session_folders
    from akmon_config.policy import effective_rules

    command: Subcommand = entry.load()
    options = _parser(command).parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    _, root = session_folders()
    return command.run(options, workplace(root, effective_rules(load_settings(options))))
