"""``akmon config``: the settings in force here, each with its origin, and which provider they choose."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, MODEL, RUN, Parser
from akmon_cli.compose import load_settings
from akmon_cli.folders import change_folder
from akmon_cli.streams import print_json
from akmon_config.load import shown
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_config.settings import Settings
    from akmon_models.resolve import Trace


def parser() -> Parser:
    parser = Parser(
        prog="akmon config",
        description="Show the settings in force here and their origins (show), the files that they come from "
        "(path), or which provider is asked for a model, and why (explain-provider).",
    )
    parser.add((*COMMON, *MODEL, *(option for option in RUN if option[0][0] in _SETTABLE)))
    parser.add_argument("action", nargs="?", choices=("show", "path", "explain-provider"), default="show")
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
    if options.action == "explain-provider":
        return _explain(loaded.settings, as_json=options.json)
    rows = shown(loaded)
    if options.json:
        entries = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
        print_json(entries)
        return exitcodes.OK
    width = max(len(key) for key, _, _ in rows)
    for key, value, origin in rows:
        print(f"{key:<{width}}  {value}  ({origin})")
    return exitcodes.OK


_SETTABLE = (
    "--permission-mode",
    "--allow",
    "--ask",
    "--deny",
    "--profile",
    "--policy",
    "--sandbox",
    "--trust",
    "--add-dir",
    "--max-turns",
    "--max-tokens-total",
    "--max-budget-usd",
    "--max-seconds",
    "--no-auto-compact",
    "--auto-commit",
    "--check",
    "--plain",
)


def _paths() -> int:
    import os

    from akmon_cli.folders import project_sessions, working_folder
    from akmon_config.paths import config_file, project_root
    from akmon_config.project import PROJECT_FILE

    print(f"user settings     {config_file(os.environ)}")
    print(f"project settings  {project_root(working_folder()) / PROJECT_FILE}")
    print(f"sessions          {project_sessions()}")
    return exitcodes.OK


def _explain(settings: Settings, *, as_json: bool) -> int:
    from akmon_cli.backends import backends
    from akmon_models.resolve import explain

    trace = explain(settings.model, backends(settings), settings.provider)
    if as_json:
        print_json(trace)
    else:
        print(neutralise("\n".join(_lines(settings.model, trace))))
    return exitcodes.OK if trace.selected_provider else exitcodes.USAGE


def _lines(asked: str, trace: Trace) -> Iterator[str]:
    """A line for the model, for each provider in order, and for the outcome."""
    yield f"model     {asked or 'none is named'}"
    yield ""
    yield f"  {'':<2} {'provider':<18} {'eligible':<9} why"
    for each in trace.candidates:
        mark = ">" if each.provider == trace.selected_provider else " "
        unset = ", ".join(each.missing_prerequisites)
        why = each.reason + (f" (not set: {unset})" if unset else "")
        fits = "yes" if each.eligible else "no"
        yield f"{mark} {each.priority_order:<2} {each.provider:<18} {fits:<9} {why}"
    yield ""
    if trace.selected_provider:
        yield f"selected  {trace.selected_provider}, which is asked for {trace.model_id}"
        yield f"because   {trace.selected_reason}"
    else:
        yield f"none      {trace.resolution_error}"
