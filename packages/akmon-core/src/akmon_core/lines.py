"""Judges command lines by the rules: what they run, which files they name, where their output goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import TypeAlias

from akmon_core.commandline import Command, read_command_line
from akmon_core.operands import Operand, named_files
from akmon_core.programs import runs_others
from akmon_core.protected import may_hold_secrets, protected
from akmon_core.readonly import only_reads
from akmon_core.rules import Rule, Target, concerns_tool, covers, restricts, restricts_any
from akmon_core.tools import Effect
from akmon_core.verdicts import Verdict, by_rule
from akmon_core.wrappers import reach

Place: TypeAlias = tuple[Operand, Target]
JudgePath: TypeAlias = Callable[[Target, bool], Verdict]
"""Judges the file of a redirection as the tool that reads or writes it would be; the flag says whether a rule
for all commands waives what the mode would ask."""


def judge_line(
    target: Target, rules: list[Rule], every: Iterable[Rule], judge_path: JudgePath, *, sandboxed: bool
) -> Verdict | None:
    """What the rules say of a command line: ``rules`` those for the tool, ``every`` those for all tools.

    None if none of them decides.
    """
    commands = read_command_line(target.effect.target)
    places = places_of(commands, target)
    bare = next((rule for rule in rules if rule.decision == "allow" and rule.pattern in ("", "*")), None)
    found = [_restricting(rules, commands), _uncertain(rules, commands)]
    found += [_about_file(place, every) for place in places or ()]
    found += [judge_path(_as_file(place), bare is not None) for place in places or () if place[0].word < 0]
    if places is None and commands is not None and bare is None:
        found.append(Verdict("ask", "the files that it names have not been looked up"))
    for decision in ("deny", "ask"):
        if verdict := next((one for one in found if one and one.decision == decision), None):
            return verdict
    if bare:
        return by_rule(bare)
    return _allowed(commands, places or [], rules, sandboxed=sandboxed) if commands else None


def changes_nothing(target: Target, *, sandboxed: bool) -> bool:
    """Whether a command line only reads files inside the roots that hold no secrets."""
    commands = read_command_line(target.effect.target)
    places = places_of(commands, target)
    if commands is None or places is None:
        return False
    if not all(only_reads(command, sandboxed=sandboxed) for command in commands):
        return False
    return not any(fault_of(place) for place in places)


def places_of(commands: tuple[Command, ...] | None, target: Target) -> list[Place] | None:
    """What the line names and where that is; None if it is unknown."""
    operands = named_files(commands) if commands is not None else None
    if operands is None or len(operands) != len(target.operands):
        return None
    return list(zip(operands, target.operands, strict=True))


def _as_file(place: Place) -> Target:
    operand, target = place
    return Target(Effect(operand.kind, target.effect.target), target.path, target.relative, target.problem)


def _restricting(rules: list[Rule], commands: tuple[Command, ...] | None) -> Verdict | None:
    for decision in ("deny", "ask"):
        for rule in rules:
            if rule.decision != decision:
                continue
            if rule.pattern in ("", "*") or restricts_any(rule, commands or ()):
                return by_rule(rule)
    return None


def _uncertain(rules: list[Rule], commands: tuple[Command, ...] | None) -> Verdict | None:
    """Asks where a rule would restrict a line if only it could be told what that runs."""
    rule = next((rule for rule in rules if rule.decision != "allow"), None)
    if rule is None:
        return None
    if commands is None:
        return Verdict("ask", f"the line cannot be read for certain, and the rule {rule} may concern it")
    named = [other for other in rules if other.decision == "allow" and other.pattern not in ("", "*")]
    for command in commands:
        reached = reach(command)
        runner = reached.uncertain or next(
            (word for each in reached.commands if (word := runs_others(each.words))), ""
        )
        if runner and not any(covers(other, command.words) for other in named):
            return Verdict("ask", f"{runner} can run what the rule {rule} is about")
    return None


def _about_file(place: Place, every: Iterable[Rule]) -> Verdict | None:
    """What rules about reading and writing files say of one that a command names.

    Whether a program that is not known reads or writes it cannot be told, so that a rule which denies either
    asks.
    """
    operand, _ = place
    tools = {"read"} if operand.kind == "read" else {"read", "write", "edit"}
    if operand.word < 0:
        tools -= {"read"} if operand.kind == "write" else set()
    file = _as_file(place)
    for decision in ("deny", "ask"):
        for rule in every:
            if rule.decision != decision or not any(concerns_tool(rule, tool) for tool in tools):
                continue
            if (rule.pattern not in ("", "*") or operand.word < 0) and restricts(rule, file):
                verdict = by_rule(rule)
                return verdict if operand.certain else Verdict("ask", verdict.reason, verdict.rule)
    return None


def _allowed(
    commands: tuple[Command, ...], places: list[Place], rules: list[Rule], *, sandboxed: bool
) -> Verdict | None:
    """Allows a line of which each command is covered by a rule, or only reads; at least one by a rule."""
    allowing = [rule for rule in rules if rule.decision == "allow"]
    used: dict[str, None] = {}
    for at, command in enumerate(commands):
        named = 0
        if rule := next((rule for rule in allowing if covers(rule, command.words)), None):
            named = covers(rule, command.words)
            used[str(rule)] = None
        elif not only_reads(command, sandboxed=sandboxed):
            return None
        for place in places:
            if place[0].command == at and not 0 <= place[0].word < named and (wrong := fault_of(place)):
                return Verdict("ask", wrong)
    names = ", ".join(used)
    return Verdict("allow", f"the rule {names} allows it", names) if used else None


def fault_of(place: Place) -> str:
    """Why a file that a command names has to be asked about; empty if it need not be."""
    operand, target = place
    shown = target.effect.target
    if target.problem:
        return f"{shown} cannot be looked up: {target.problem}"
    if target.relative is None:
        return f"{shown} leads outside the project"
    if may_hold_secrets(target.relative):
        return f"{PurePosixPath(target.relative).name} may hold secrets"
    if operand.kind == "write" and (name := protected(target.relative)):
        return f"{name} is protected"
    return ""
