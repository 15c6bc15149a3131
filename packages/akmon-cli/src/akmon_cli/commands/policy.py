"""``akmon policy``: the policy in force here by its layers, and whether a policy pack is right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, RUN, Parser
from akmon_cli.compose import load_settings
from akmon_cli.folders import change_folder
from akmon_cli.rules import layers_by_strength
from akmon_cli.streams import print_json
from akmon_core.permissions import Rule, warning_about
from akmon_core.text import neutralise

if TYPE_CHECKING:
    from akmon_config.load import Loaded

POLICY_OPTIONS = (
    *("--permission-mode", "--allow", "--ask", "--deny", "--profile", "--policy", "--sandbox", "--trust"),
)


def parser() -> Parser:
    parser = Parser(
        prog="akmon policy",
        description="The policy in force here, by its layers (show-effective), or whether a policy pack is "
        "right (check FILE).",
    )
    parser.add((*COMMON, *(option for option in RUN if option[0][0] in POLICY_OPTIONS)))
    parser.add_argument("action", nargs="?", choices=("show-effective", "check"), default="show-effective")
    parser.add_argument("file", nargs="?", metavar="FILE", help="of check")
    parser.add_argument("--json", action="store_true", help="as JSON (show-effective)")
    return parser


def run(arguments: Sequence[str]) -> int:
    from akmon_core.errors import SettingsError

    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    if (options.action == "check") != (options.file is not None):
        raise SettingsError("name the file of a policy pack: akmon policy check FILE")
    return _check(options.file) if options.action == "check" else _show(options)


def _check(file: str) -> int:
    from akmon_config.packs import read_pack
    from akmon_config.policy import layer

    pack = read_pack(Path(file).absolute())
    rules = layer("pack", pack.level).rules
    for warning in (*pack.level.warnings, *filter(None, map(warning_about, rules))):
        print(f"akmon: {neutralise(warning)}", file=sys.stderr)
    version = f" {pack.version}" if pack.version else ""
    counted = "1 rule" if len(rules) == 1 else f"{len(rules)} rules"
    print(f"the policy pack {pack.name}{version} is right: {counted}")
    return exitcodes.OK


def _show(options: argparse.Namespace) -> int:
    loaded = load_settings(options)
    for warning in loaded.warnings:
        print(f"akmon: {neutralise(warning)}", file=sys.stderr)
    if options.json:
        print_json(_as_json(loaded))
        return exitcodes.OK
    settings, origins = loaded.settings, loaded.origins
    print(f"mode     {settings.permission_mode}  ({origins['permission_mode']})")
    print(f"sandbox  {settings.sandbox}  ({origins['sandbox']})")
    tainted = "ask" if settings.ask_when_tainted else "do not ask"
    print(f"tainted  {tainted} before network and changes in one turn  ({origins['ask_when_tainted']})")
    print(f"profile  {settings.profile or 'none'}  ({origins['profile']})")
    print(f"packs    {neutralise(', '.join(_named(loaded)) or 'none')}")
    print("rules    deny beats ask beats allow; without one the mode decides")
    for layer in layers_by_strength(loaded):
        print(f"  {layer.kind}")
        for rule in layer.rules:
            print(neutralise(f"    {rule.decision:<5}  {rule}  ({rule.origin})").replace("\n", " "))
    return exitcodes.OK


def _named(loaded: Loaded) -> list[str]:
    return [f"{pack.name} {pack.version}".strip() for pack in loaded.packs]


def _as_json(loaded: Loaded) -> dict[str, object]:
    settings = loaded.settings
    keys = ("permission_mode", "sandbox", "ask_when_tainted", "profile")
    return {
        **{key: {"value": getattr(settings, key), "origin": loaded.origins[key]} for key in keys},
        "packs": [
            {"name": each.name, "version": each.version, "description": each.description}
            for each in loaded.packs
        ],
        "layers": [
            {"layer": layer.kind, "rules": [rule_as_json(rule) for rule in layer.rules]}
            for layer in layers_by_strength(loaded)
        ],
    }


def rule_as_json(rule: Rule) -> dict[str, str]:
    return {
        "rule": str(rule),
        "decision": rule.decision,
        "message": rule.message,
        "origin": rule.origin,
    }
