"""``akmon permissions``: the rules in force here, what they would say of a call, and saving some of them."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, RUN, Parser
from akmon_cli.commands.policy import POLICY_OPTIONS, rule_as_json
from akmon_cli.compose import load_settings
from akmon_cli.folders import change_folder, session_folders
from akmon_cli.rules import rule_store
from akmon_cli.streams import print_json
from akmon_core.errors import SettingsError
from akmon_core.permissions import MODES, Rule, Verdict, parse_rule, warning_about
from akmon_core.text import exposed, neutralise

if TYPE_CHECKING:
    from akmon_config.load import Loaded
    from akmon_core.permissions import SandboxChoice, Sandboxing
    from akmon_core.tools import EffectKind

ASKED = 9
"""The exit code of ``test`` for a call that would be asked about."""
_KINDS: dict[str, EffectKind] = {
    "read": "read",
    "search": "read",
    "list": "read",
    "write": "write",
    "edit": "write",
    "multi_edit": "write",
    "patch": "write",
    "shell": "run",
    "fetch": "fetch",
    "web_search": "fetch",
    "memory": "remember",
}
"""What a call of a tool would do to its target."""


def parser() -> Parser:
    parser = Parser(
        prog="akmon permissions", description="The rules in force here, and what they say of a call."
    )
    parser.add((*COMMON, *(option for option in RUN if option[0][0] in POLICY_OPTIONS)))
    actions = parser.add_subparsers(dest="action", metavar="list|test|add|remove")
    listing = actions.add_parser("list", help="list them, each with its origin (the default)")
    listing.add_argument("--json", action="store_true", help="as JSON")
    test = actions.add_parser(
        "test", help="what would come of a call (exit code: 0 allowed, 3 denied, 9 asked)"
    )
    test.add_argument("target", metavar="COMMAND", nargs="+", help="a command line, a path or an address")
    test.add_argument("--tool", choices=tuple(_KINDS), default="shell", help="whose call (shell)")
    kept = argparse.SUPPRESS  # what was typed before the action
    test.add_argument("--mode", dest="permission_mode", choices=MODES, default=kept, help="in this mode")
    test.add_argument("--json", action="store_true", help="as JSON")
    add = actions.add_parser("add", help="save a rule for this project: allow, or --ask, or --deny")
    add.add_argument("rule", metavar="RULE")
    how = add.add_mutually_exclusive_group()
    for decision in ("ask", "deny"):
        how.add_argument(f"--{decision}", dest="decision", action="store_const", const=decision)
    add.add_argument("--everywhere", action="store_true", help="in every project")
    remove = actions.add_parser("remove", help="take a saved rule away")
    remove.add_argument("rule", metavar="RULE")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    match options.action:
        case "add":
            return _add(options.rule, options.decision or "allow", everywhere=options.everywhere)
        case "remove":
            return _remove(options.rule)
        case "test":
            return _test(options)
        case _:
            return _list(_loaded(options), as_json=getattr(options, "json", False))


def _loaded(options: argparse.Namespace) -> Loaded:
    loaded = load_settings(options)
    for warning in loaded.warnings:
        print(f"akmon: {neutralise(warning)}", file=sys.stderr)
    return loaded


def _list(loaded: Loaded, *, as_json: bool) -> int:
    from akmon_config.policy import effective_rules

    rules = effective_rules(loaded)
    if as_json:
        print_json([rule_as_json(rule) for rule in rules])
        return exitcodes.OK
    if not rules:
        print(f"no rules: the mode {loaded.settings.permission_mode} decides", file=sys.stderr)
    for rule in rules:
        print(neutralise(f"{rule.decision:<5}  {rule}  ({rule.origin})").replace("\n", " "))
    return exitcodes.OK


def _add(text: str, decision: Literal["allow", "ask", "deny"], *, everywhere: bool) -> int:
    rule = parse_rule(text, decision)
    _, root = session_folders()
    where = rule_store(root).add(rule, everywhere=everywhere)
    print(f"saved in {neutralise(where)}: {decision} {neutralise(str(rule))}", file=sys.stderr)
    if warning := warning_about(rule):
        print(f"akmon: {neutralise(warning)}", file=sys.stderr)
    return exitcodes.OK


def _remove(text: str) -> int:
    _, root = session_folders()
    store = rule_store(root)
    if not store.remove(str(parse_rule(text))):
        raise SettingsError(
            f"no rule {text!r} was saved for this project. See where rules come from: akmon permissions list"
        )
    print(f"removed: {neutralise(text)}", file=sys.stderr)
    return exitcodes.OK


class Tested(msgspec.Struct, frozen=True):
    """What would come of a call."""

    tool: str
    target: str
    mode: str
    sandbox: str
    """What would hold a command in; ``off`` for other calls."""
    decision: str
    reason: str
    rule: str
    origin: str
    read: list[list[str]] | None
    """The simple commands of a command line; None if it cannot be read for certain, or is none."""


def _test(options: argparse.Namespace) -> int:
    tested = _tested(options, _loaded(options))
    if options.json:
        print_json(tested)
    else:
        print(exposed("\n".join(_lines(tested))))
    return {"allow": exitcodes.OK, "deny": exitcodes.DENIED}.get(tested.decision, ASKED)


def _tested(options: argparse.Namespace, loaded: Loaded) -> Tested:
    from akmon_config.policy import effective_rules
    from akmon_core.commandline import read_command_line
    from akmon_core.permissions import Policy, judge
    from akmon_core.tools import Effect
    from akmon_tools.workspace import Workspace

    tool, settings = options.tool, loaded.settings
    target = _target(options.target, tool)
    cwd, root = session_folders()
    roots = tuple(dict.fromkeys((cwd, root, *map(Path, settings.add_dirs))))
    rules = effective_rules(loaded)
    sandbox = _sandboxing(settings.sandbox, roots) if tool == "shell" else "off"
    policy = Policy(rules=rules, sandbox=sandbox)
    located = Workspace(roots).locate((Effect(_KINDS[tool], target),))
    verdict = judge(tool, located, settings.permission_mode, policy)
    commands = read_command_line(target) if tool == "shell" else None
    return Tested(
        tool=tool,
        target=target,
        mode=settings.permission_mode,
        sandbox=sandbox,
        decision=verdict.decision,
        reason=verdict.reason,
        rule=verdict.rule,
        origin=_origin(verdict, rules),
        read=None if commands is None else [list(command.words) for command in commands],
    )


def _sandboxing(choice: SandboxChoice, roots: Sequence[Path]) -> Sandboxing:
    """What would hold commands in here: that is tried out."""
    from akmon_tools.sandbox.ladder import rungs

    if choice == "off":
        return "off"
    working = {rung.name for rung in rungs(roots) if not rung.problem}
    chosen = _HOLDING if choice == "auto" else (choice,)
    return next((level for level in chosen if level in working), "none")


_HOLDING: tuple[Literal["bubblewrap", "landlock", "seatbelt"], ...] = ("bubblewrap", "landlock", "seatbelt")


def _target(words: Sequence[str], tool: str) -> str:
    """One word is a whole command line; several are the words of one."""
    if len(words) == 1:
        return words[0]
    if tool != "shell":
        raise SettingsError(f"a call of {tool} has one target: quote it")
    return shlex.join(words)


def _origin(verdict: Verdict, rules: Sequence[Rule]) -> str:
    found = (rule for rule in rules if str(rule) == verdict.rule and rule.decision == verdict.decision)
    return next((rule.origin for rule in found), "")


def _lines(tested: Tested) -> list[str]:
    lines = [f"{tested.decision}: {tested.reason}"]
    if tested.origin:
        lines.append(f"rule     {tested.rule}  ({tested.origin})")
    lines.append(f"mode     {tested.mode}")
    if tested.tool == "shell":
        lines.append(f"sandbox  {tested.sandbox}")
        read = [shlex.join(words) for words in tested.read or ()]
        lines.append(f"read as  {'; then '.join(read) or 'something that cannot be told for certain'}")
    return [line.replace("\n", "\\n") for line in lines]
