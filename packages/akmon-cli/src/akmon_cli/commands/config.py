"""``akmon config``: the settings in force here, each with where it comes from."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, MODEL, RUN, Parser
from akmon_cli.compose import change_folder, load_settings
from akmon_config.load import shown


def parser() -> Parser:
    parser = Parser(prog="akmon config", description="Show the settings in force here and their origins.")
    parser.add((*COMMON, *MODEL, *(option for option in RUN if option[0][0] in _SETTABLE)))
    parser.add_argument("action", nargs="?", choices=("show", "path"), default="show")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    if options.action == "path":
        return _paths()
    loaded = load_settings(options)
    for warning in loaded.warnings:
        print(f"akmon: {warning}", file=sys.stderr)
    rows = shown(loaded)
    if options.json:
        entries = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
        print(msgspec.json.encode(entries).decode())
        return exitcodes.OK
    width = max(len(key) for key, _, _ in rows)
    for key, value, origin in rows:
        print(f"{key:<{width}}  {value}  ({origin})")
    return exitcodes.OK


_SETTABLE = (
    "--permission-mode",
    "--allow",
    "--deny",
    "--add-dir",
    "--max-turns",
    "--max-tokens-total",
    "--max-budget-usd",
)


def _paths() -> int:
    import os

    from akmon_cli.compose import project_sessions, working_folder
    from akmon_config.paths import config_file, project_root
    from akmon_config.project import PROJECT_FILE

    print(f"user settings     {config_file(os.environ)}")
    print(f"project settings  {project_root(working_folder()) / PROJECT_FILE}")
    print(f"sessions          {project_sessions()}")
    return exitcodes.OK
