"""Decides what a call may do: ``judge`` over its effects, by mode, rules and what was granted before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal, TypeAlias, get_args

import msgspec

from akmon_core.errors import SettingsError
from akmon_core.lines import changes_nothing, judge_line
from akmon_core.proposals import propose
from akmon_core.protected import PROTECTED, SENSITIVE, may_hold_secrets, named_by, protected
from akmon_core.rules import (
    EDITING,
    Decision,
    Rule,
    Target,
    allows,
    check_examples,
    concerns_tool,
    parse_rule,
    reading_rules,
    restricts,
    warning_about,
)
from akmon_core.tools import Effect, EffectKind
from akmon_core.verdicts import Verdict, by_rule

__all__ = [
    "MODES",
    "PROTECTED",
    "SENSITIVE",
    "Decision",
    "Grant",
    "Mode",
    "Policy",
    "Rule",
    "SandboxChoice",
    "Sandboxing",
    "Scope",
    "Taint",
    "Target",
    "Verdict",
    "canonical",
    "check_examples",
    "hidden_tools",
    "judge",
    "may_hold_secrets",
    "parse_rule",
    "propose",
    "warning_about",
]

Mode: TypeAlias = Literal["default", "accept-edits", "plan", "full-auto", "deny-all"]
MODES: tuple[Mode, ...] = get_args(Mode)

Scope: TypeAlias = Literal["once", "session", "writes", "always"]
Sandboxing: TypeAlias = Literal["bubblewrap", "landlock", "seatbelt", "none", "off"]
"""What holds commands in: a mechanism of the system; nothing, as none works here; nothing, as the person
has switched it off."""
SandboxChoice: TypeAlias = Literal["auto", "bubblewrap", "landlock", "seatbelt", "off"]
"""What is to hold commands in: the best that works here, one mechanism and no other, or nothing."""
_HOLDING = frozenset(("bubblewrap", "landlock", "seatbelt"))


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person allowed for the rest of the session: one target, or all writes in the project."""

    tool: str = ""
    targets: tuple[Effect, ...] = ()
    writes: bool = False
    rule: str = ""
    """A rule that allows, which the person has saved for later sessions too."""


class Taint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a session has taken in that may be meant to mislead, and what the turn does besides."""

    sources: tuple[str, ...] = ()
    """Where it came from, such as ``web``; it stays in the conversation."""
    networked: bool = False
    """The turn has used the network."""
    changed: bool = False
    """The turn has written, run or remembered something."""
    accepted: bool = False
    """A person has allowed the two together for this turn."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a whole session, before anything is granted."""

    rules: tuple[Rule, ...] = ()
    approve_reads: bool = False
    """Answers yes wherever only reading inside the roots would be asked about."""
    unattended: bool = False
    """Nobody can be asked: what would be asked is denied."""
    sandbox: Sandboxing = "off"
    """What holds commands in. With ``none`` each is asked; only inside one does full-auto run any."""
    ask_when_tainted: bool = True
    """Asks again before a turn uses the network and changes something, once untrusted text has come in."""


def judge(
    tool: str,
    targets: tuple[Target, ...],
    mode: Mode,
    policy: Policy,
    grants: Iterable[Grant] = (),
    taint: Taint = Taint(),  # noqa: B008 - a frozen value
) -> Verdict:
    """Whether a call of ``tool`` may do what ``targets`` say. Deny beats ask beats allow."""
    grants = tuple(grants)
    rules = [rule for rule in (*policy.rules, *_granted_rules(grants)) if concerns_tool(rule, tool)]
    if not targets and (rule := _about_all(rules)):
        return by_rule(rule)
    reading = [*rules, *reading_rules(policy.rules, tool)]
    verdicts = [
        _judge_one(target, mode, policy, reading if _shows(tool, target) else rules) for target in targets
    ]
    verdict = min(verdicts, key=lambda v: _STRICTNESS[v.decision], default=_NO_EFFECT)
    if verdict.decision == "deny":
        return verdict
    if verdict.decision == "ask":
        asked = [target for target, one in zip(targets, verdicts, strict=True) if one.decision == "ask"]
        verdict = _granted(tool, targets, asked, grants, mode, policy) or verdict
    if verdict.decision == "allow":
        verdict = _tainted(targets, policy, taint) or verdict
    if verdict.decision == "ask" and (policy.unattended or mode == "deny-all"):
        nobody = "nobody is there to ask" if policy.unattended else "deny-all mode asks nobody"
        return msgspec.structs.replace(verdict, decision="deny", reason=f"{verdict.reason}, and {nobody}")
    return verdict


def hidden_tools(policy: Policy, names: Iterable[str]) -> frozenset[str]:
    """Which of the tools a rule denies as a whole, so that the model need not know of them."""
    return frozenset(
        name for name in names if _about_all([rule for rule in policy.rules if concerns_tool(rule, name)])
    )


def canonical(targets: tuple[Target, ...]) -> tuple[Effect, ...]:
    """The effects of ``targets`` with the paths that they lead to, as a grant should keep them."""
    return tuple(map(_canonical, targets))


def _canonical(target: Target) -> Effect:
    match target.effect.kind:
        case "run":
            return msgspec.structs.replace(target.effect, folder=target.path)
        case "read" | "write" if target.path:
            return Effect(target.effect.kind, target.path)
        case _:
            return target.effect


_STRICTNESS = {"deny": 0, "ask": 1, "allow": 2}
_NO_EFFECT = Verdict("allow", "it has no effect outside the session")


def _shows(tool: str, target: Target) -> bool:
    """Whether the model gets to see what is in a file, so that rules about reading concern it."""
    return target.effect.kind == "read" or (target.effect.kind == "write" and tool in EDITING)


def _about_all(rules: Iterable[Rule]) -> Rule | None:
    """The rule that denies a tool as a whole, also where it touches nothing."""
    return next((rule for rule in rules if rule.decision == "deny" and rule.pattern in ("", "*")), None)


def _granted_rules(grants: Iterable[Grant]) -> list[Rule]:
    rules = []
    for grant in grants:
        try:
            rules += [parse_rule(grant.rule)] if grant.rule else []
        except SettingsError:
            continue  # what is no rule allows nothing
    return rules


def _judge_one(target: Target, mode: Mode, policy: Policy, rules: list[Rule]) -> Verdict:
    kind = target.effect.kind
    if target.problem:
        return Verdict("deny", f"{target.effect.target} cannot be used: {target.problem}")
    if kind in ("read", "write") and target.relative is None:
        where = target.path or target.effect.target
        return Verdict("deny", f"{where} is outside the project; --add-dir can add a folder")
    if kind == "run":
        return _judge_run(target, mode, policy, rules)
    rule = _restricting(rules, target)
    if mode == "plan" and kind in ("write", "remember") and not (rule and rule.decision == "deny"):
        return _PLANNING
    allowed = [rule for rule in rules if rule.decision == "allow" and allows(rule, target)]
    reads = bool(allowed) and target.effect.claims_to_read  # a server's own word never suffices
    if mode == "plan" and kind == "call" and not reads and not (rule and rule.decision == "deny"):
        return _PLANNING_CALL
    if rule:
        return by_rule(rule)
    if kind == "write" and (name := protected(target.relative or "")):
        if rule := next((rule for rule in allowed if named_by(rule.pattern, target.relative or "")), None):
            return by_rule(rule)
        return Verdict("ask", f"{name} is protected")
    return by_rule(allowed[0]) if allowed else _by_mode(kind, target, mode)


_PLANNING = Verdict("deny", "plan mode only reads")
_PLANNING_CALL = Verdict(
    "deny", "plan mode only reads, and calls of servers only what a rule allows and says that it only reads"
)


def _judge_run(target: Target, mode: Mode, policy: Policy, rules: list[Rule]) -> Verdict:
    held = policy.sandbox in _HOLDING

    def judge_path(file: Target, waived: bool) -> Verdict:
        tool = "write" if file.effect.kind == "write" else "read"
        about = [rule for rule in policy.rules if concerns_tool(rule, tool)]
        return _judge_one(file, "full-auto" if waived and mode != "plan" else mode, policy, about)

    verdict = judge_line(target, rules, policy.rules, judge_path, sandboxed=held)
    if verdict and verdict.decision == "deny":
        return verdict
    reads = changes_nothing(target, sandboxed=held)
    if mode == "plan" and not reads:
        return _PLANNING
    if policy.sandbox == "none":
        return Verdict("ask", "nothing holds commands in on this system, so that each is asked about")
    if verdict:
        return verdict
    if reads and mode != "deny-all":
        return Verdict("allow", "it is a command that only reads in the project")
    return _by_mode("run", target, mode, held=held)


def _restricting(rules: list[Rule], target: Target) -> Rule | None:
    for decision in ("deny", "ask"):
        for rule in rules:
            if rule.decision == decision and restricts(rule, target):
                return rule
    return None


def _by_mode(kind: EffectKind, target: Target, mode: Mode, *, held: bool = False) -> Verdict:
    if kind == "ask":
        return Verdict("allow", "asking is always allowed")
    if mode == "deny-all":
        return Verdict("deny", "deny-all mode allows only what a rule allows")
    if kind == "read" and may_hold_secrets(target.relative or ""):
        return Verdict("ask", f"{PurePosixPath(target.relative or '').name} may hold secrets")
    if kind == "read":
        return Verdict("allow", "reading in the project is allowed")
    if mode == "full-auto" and kind == "run" and not held:
        return Verdict("ask", "full-auto mode runs commands without asking only inside a sandbox")
    if mode == "full-auto" and kind == "call":
        return Verdict("ask", "full-auto mode asks before calling a server, which no sandbox holds in")
    if mode == "full-auto":
        return Verdict("allow", "full-auto mode allows it")
    if mode == "accept-edits" and kind == "write":
        return Verdict("allow", "accept-edits mode allows it")
    return Verdict("ask", f"{mode} mode asks before {_DOING[kind]}")


_DOING: dict[EffectKind, str] = {
    "read": "reading",
    "write": "writing",
    "run": "running a command",
    "fetch": "fetching from the network",
    "remember": "remembering",
    "ask": "asking",
    "call": "calling a server",
}


# --- grants and taint -------------------------------------------------------------------------------


def _granted(
    tool: str,
    targets: tuple[Target, ...],
    asked: list[Target],
    grants: Iterable[Grant],
    mode: Mode,
    policy: Policy,
) -> Verdict | None:
    if mode == "deny-all":
        return None
    ordinary = all(target.effect.kind == "write" and not protected(target.relative or "") for target in asked)
    for grant in grants:
        if grant.tool == tool and _is_granted(grant, targets):
            return Verdict("allow", "allowed for this session")
        if grant.writes and ordinary:
            return Verdict("allow", "all writes are allowed for this session")
    if policy.approve_reads and all(target.effect.kind == "read" for target in targets):
        return Verdict("allow", "reads are approved")
    return None


def _is_granted(grant: Grant, targets: tuple[Target, ...]) -> bool:
    if len(grant.targets) != len(targets):
        return False
    return all(_is_same(effect, target) for effect, target in zip(grant.targets, targets, strict=True))


def _is_same(granted: Effect, target: Target) -> bool:
    """By the path that the target leads to now, unless only its text was kept."""
    if granted.kind in ("read", "write") and not _is_absolute(granted.target):
        return granted == target.effect
    return granted == _canonical(target)


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or path[1:2] == ":"


def uses(targets: tuple[Target, ...], policy: Policy) -> tuple[bool, bool]:
    """Whether a call uses the network, and whether it changes anything."""
    held = policy.sandbox in _HOLDING
    open_network = any(rule.decision == "allow" and concerns_tool(rule, "network") for rule in policy.rules)
    networks = changes = False
    for target in targets:
        match target.effect.kind:
            case "fetch" | "call":
                networks = True
            case "write" | "remember":
                changes = True
            case "run" if not changes_nothing(target, sandboxed=held):
                changes = True
                networks = networks or open_network or not held
    return networks, changes


def _tainted(targets: tuple[Target, ...], policy: Policy, taint: Taint) -> Verdict | None:
    """Asks before a turn that may be misled both changes something and uses the network."""
    if not policy.ask_when_tainted or not taint.sources or taint.accepted:
        return None
    networks, changes = uses(targets, policy)
    if (networks and (changes or taint.changed)) or (changes and (networks or taint.networked)):
        sources = ", ".join(taint.sources)
        return Verdict(
            "ask",
            f"text from {sources}, which anybody may have written, is in the conversation, "
            "and this turn would both use the network and change something (ask_when_tainted)",
        )
    return None
