"""Whether a rule may be saved as the answer to a question: it has to serve, and not to allow anything."""

from __future__ import annotations

from akmon_core.commandline import read_command_line
from akmon_core.errors import SettingsError
from akmon_core.events import PermissionAsked
from akmon_core.rules import Rule, Target, allows, covers, parse_rule
from akmon_core.tools import Effect, EffectKind


def rule_problem(asked: PermissionAsked, line: str) -> str:
    """Why the rule in ``line`` cannot be saved as an answer to ``asked``; empty if it can."""
    try:
        rule = parse_rule(line)
        proposed = parse_rule(asked.rule)
    except SettingsError as error:
        return str(error)
    if rule == proposed:
        return ""
    if rule.tool != proposed.tool:
        return f"The question is about {proposed.tool}, so the rule has to begin with {proposed.tool}(."
    if any(_allows(rule, _ANYTHING[effect.kind]) for effect in asked.effects):
        return f"{rule} would allow anything from now on. Name what may be done, such as {proposed}."
    if not all(_serves(rule, proposed, effect) for effect in asked.effects):
        return f"{rule} does not allow what is asked here, so nothing would change. {proposed} would."
    return ""


def _probe(kind: EffectKind, target: str) -> Target:
    return Target(Effect(kind, target), target, target)


_ANYTHING: dict[EffectKind, Target] = {
    "read": _probe("read", "no-such-folder/no-such-file"),
    "write": _probe("write", "no-such-folder/no-such-file"),
    "run": _probe("run", "no-such-program no-such-word"),
    "fetch": _probe("fetch", "https://no-such-host.invalid/no-such-page"),
    "remember": _probe("remember", "no-such-note"),
    "ask": _probe("ask", "no such question"),
    "call": _probe("call", "no such tool"),
}
"""What only a rule allows that says nothing of what it is about."""


def _allows(rule: Rule, target: Target) -> bool:
    everything = rule.pattern in ("", "*")
    return everything or (target.effect.kind != "run" and allows(rule, target))


def _serves(rule: Rule, proposed: Rule, effect: Effect) -> bool:
    """Whether ``rule`` allows what ``proposed`` does of ``effect``; of files the engine knows that."""
    match effect.kind:
        case "read" | "write":
            return True
        case "run":
            commands = read_command_line(effect.target) or ()
            meant = [command.words for command in commands if covers(proposed, command.words)]
            return all(covers(rule, words) for words in meant)
        case _:
            return _allows(rule, Target(effect))
