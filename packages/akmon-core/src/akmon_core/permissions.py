"""Decides what a call may do: ``judge`` over its effects, by mode, rules and what was granted before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Literal, TypeAlias, get_args

import msgspec

from akmon_core.commandline import Words, read_command_line
from akmon_core.errors import SettingsError
from akmon_core.tools import Effect, EffectKind

Mode: TypeAlias = Literal["default", "accept-edits", "plan", "full-auto", "deny-all"]
MODES: tuple[Mode, ...] = get_args(Mode)

Decision: TypeAlias = Literal["allow", "ask", "deny"]
Scope: TypeAlias = Literal["once", "session", "writes", "always"]
Sandboxing: TypeAlias = Literal["bubblewrap", "landlock", "seatbelt", "none", "off"]
"""What holds commands in: a mechanism of the system; nothing, as none works here; nothing, as the person
has switched it off."""

PROTECTED = frozenset((".git", ".akmon", ".vscode", ".idea", ".mcp.json", ".envrc", ".gitmodules"))
"""Names of files and folders that make other programs run something: writing there is always asked."""

SENSITIVE = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "id_rsa*",
    "id_ed25519*",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "credentials*",
)
"""Names of files that usually hold secrets: reading them is asked."""
_NOT_SENSITIVE = (".env.example", ".env.sample", ".env.template", "*.pub")


def may_hold_secrets(path: str) -> bool:
    """Whether reading a file is asked because of its name, so that nothing else shows its content either."""
    name = PurePosixPath(path).name.lower()
    if any(fnmatchcase(name, pattern) for pattern in _NOT_SENSITIVE):
        return False
    return any(fnmatchcase(name, pattern) for pattern in SENSITIVE)


class Target(msgspec.Struct, frozen=True):
    """An effect with its path made canonical: links resolved, ``..`` removed."""

    effect: Effect
    path: str = ""
    relative: str | None = None
    """The path from the root that contains it, with forward slashes; None is outside every root."""
    problem: str = ""
    """Why the path leads nowhere at all, if it does."""
    operands: tuple[Target, ...] = ()
    """Of a command that can be read: the files that its words and redirections name."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """``decision`` for calls of ``tool``, all of them or those whose target matches ``pattern``.

    A pattern is a glob over the path from the project root (``write(src/**)``), a glob over the URL
    (``fetch(https://docs.python.org/*)``) or over the name of a note (``memory(project: *)``), or leading
    words of a command (``shell(git status)``, ``shell(pytest *)``, where a last ``*`` stands for any
    further words).
    """

    tool: str
    pattern: str = ""
    decision: Decision = "allow"
    message: str = ""
    """What the model is told where the rule denies or asks, such as what to do instead."""
    origin: str = ""
    """Where it stands, in words: ``user file /home/me/.config/akmon/config.toml``."""

    def __str__(self) -> str:
        return f"{self.tool}({self.pattern})" if self.pattern else self.tool


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
    """What holds commands in. With ``none`` every command is asked; only inside one does full-auto run any."""
    ask_when_tainted: bool = True
    """Asks again before a turn uses the network and changes something, once untrusted text has come in."""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    decision: Decision
    reason: str
    """Which mode, rule or grant decides, in words for the model and the person."""
    rule: str = ""
    """The rule that decides, as it is written; empty if none does."""


def parse_rule(text: str, decision: Decision = "allow") -> Rule:
    """``tool`` or ``tool(pattern)``. Raises ``SettingsError`` for anything else."""
    tool, bracket, rest = text.strip().partition("(")
    if not tool.replace("_", "").replace("-", "").isalnum() or (bracket and not rest.endswith(")")):
        raise SettingsError(
            f"not a permission rule: {text!r}. Write a tool name or tool(pattern), "
            "such as edit(src/**) or shell(pytest *)."
        )
    pattern = rest[:-1].strip() if bracket else ""
    if bracket and not pattern:
        raise SettingsError(
            f"the rule {text!r} has an empty pattern. Leave out the brackets to mean every call."
        )
    if tool == "shell" and pattern and pattern != "*" and _pattern_words(pattern) is None:
        raise SettingsError(
            f"the rule {text!r} must name plain words of one command: "
            "no pipes, quotes with expansions, or redirections."
        )
    return Rule(tool=tool, pattern=pattern, decision=decision)


def judge(
    tool: str, targets: tuple[Target, ...], mode: Mode, policy: Policy, grants: Iterable[Grant] = ()
) -> Verdict:
    """Whether a call of ``tool`` may do what ``targets`` say. Deny beats ask beats allow."""
    if not targets and (rule := _about_all_of(tool, policy)):
        return Verdict("deny", f"the rule {rule} says deny")
    verdicts = [_judge_one(tool, target, mode, policy) for target in targets]
    verdict = min(verdicts, key=lambda v: _STRICTNESS[v.decision], default=_NO_EFFECT)
    if verdict.decision != "ask":
        return verdict
    asked = [target for target, one in zip(targets, verdicts, strict=True) if one.decision == "ask"]
    if granted := _granted(tool, targets, asked, grants):
        return Verdict("allow", granted)
    if policy.approve_reads and all(target.effect.kind == "read" for target in targets):
        return Verdict("allow", "reads are approved")
    if policy.unattended:
        return Verdict("deny", f"{verdict.reason}, and nobody is there to ask")
    return verdict


_FORMS = {"multi_edit": "edit", "patch": "edit"}
"""Tools that do what another one does in another form: its rules concern them too."""


def _rules_of(tool: str, policy: Policy) -> list[Rule]:
    return [rule for rule in policy.rules if rule.tool in (tool, _FORMS.get(tool))]


_STRICTNESS = {"deny": 0, "ask": 1, "allow": 2}
_NO_EFFECT = Verdict("allow", "it has no effect outside the session")


def _about_all_of(tool: str, policy: Policy) -> Rule | None:
    """The rule that denies ``tool`` as a whole, also where it touches nothing."""
    denying = (rule for rule in _rules_of(tool, policy) if rule.decision == "deny")
    return next((rule for rule in denying if rule.pattern in ("", "*")), None)


def _judge_one(tool: str, target: Target, mode: Mode, policy: Policy) -> Verdict:
    kind = target.effect.kind
    if target.problem:
        return Verdict("deny", f"{target.effect.target} cannot be used: {target.problem}")
    if kind in ("read", "write") and target.relative is None:
        where = target.path or target.effect.target
        return Verdict("deny", f"{where} is outside the project; --add-dir can add a folder")
    if mode == "plan" and kind in ("write", "run", "remember"):
        return Verdict("deny", "plan mode only reads")
    rules = _rules_of(tool, policy)
    for decision in ("deny", "ask"):
        if rule := next(
            (rule for rule in rules if rule.decision == decision and _matches(rule, target)), None
        ):
            return Verdict(rule.decision, f"the rule {rule} says {decision}")
    if kind == "write" and (name := _protected(target.relative or "")):
        return Verdict("ask", f"{name} is protected")
    if kind == "run" and (verdict := _uncertain(rules, target.effect.target)):
        return verdict
    if allowed := _allowing([rule for rule in rules if rule.decision == "allow"], target):
        return Verdict("allow", f"the rule {allowed} allows it")
    return _by_mode(kind, target, mode)


def _by_mode(kind: EffectKind, target: Target, mode: Mode) -> Verdict:
    if kind == "ask":
        return Verdict("allow", "asking is always allowed")
    if kind == "read" and may_hold_secrets(target.relative or ""):
        return Verdict("ask", f"{PurePosixPath(target.relative or '').name} may hold secrets")
    if kind == "read":
        return Verdict("allow", "reading in the project is allowed")
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
}


def _protected(relative: str) -> str:
    return next((part for part in PurePosixPath(relative).parts if part.lower() in PROTECTED), "")


def _granted(tool: str, targets: tuple[Target, ...], asked: list[Target], grants: Iterable[Grant]) -> str:
    effects = tuple(target.effect for target in targets)
    ordinary_writes = all(
        target.effect.kind == "write" and not _protected(target.relative or "") for target in asked
    )
    for grant in grants:
        if grant.tool == tool and grant.targets == effects:
            return "allowed for this session"
        if grant.writes and ordinary_writes:
            return "all writes are allowed for this session"
    return ""


def _matches(rule: Rule, target: Target) -> bool:
    """Whether ``rule``, which is one of the target's tool, concerns any of it."""
    if not rule.pattern:
        return True
    match target.effect.kind:
        case "run":
            commands = read_command_line(target.effect.target) or ()
            return rule.pattern == "*" or any(_matches_command(rule, command) for command in commands)
        case "read" | "write":
            return target.relative is not None and _matches_path(rule.pattern, target.relative)
        case _:
            return fnmatchcase(target.effect.target, rule.pattern)


def _uncertain(rules: list[Rule], line: str) -> Verdict | None:
    """Asks where a rule would restrict ``line`` if only it could be told what that runs."""
    rule = next((rule for rule in rules if rule.decision != "allow"), None)
    if rule is None:
        return None
    commands = read_command_line(line)
    if commands is None:
        return Verdict("ask", f"the line cannot be read for certain, and the rule {rule} may concern it")
    named = [other for other in rules if other.decision == "allow" and other.pattern not in ("", "*")]
    for words in commands:
        if _LAUNCHERS.match(_program(words)) and not any(_matches_command(other, words) for other in named):
            return Verdict("ask", f"{_program(words)} can run what the rule {rule} is about")
    return None


_LAUNCHERS = re.compile(
    r"(?:awk|busybox|chroot|doas|env|find|flock|gawk|ionice|mawk|nice|node|nohup|parallel|perl|php|pypy|python|ruby"
    r"|script|setsid|ssh|stdbuf|strace|su|sudo|timeout|unshare|watch|xargs|[a-z]*sh)[0-9.]*\Z"
)
"""Programs that run whatever their arguments or their input say."""


def _program(words: Words) -> str:
    return PurePosixPath(words[0]).name


def _allowing(rules: list[Rule], target: Target) -> str:
    """The rules that together allow all of ``target``; a command line needs one for each of its commands."""
    if target.effect.kind != "run":
        return next((str(rule) for rule in rules if _matches(rule, target)), "")
    if rule := next((rule for rule in rules if rule.pattern in ("", "*")), None):
        return str(rule)
    commands = read_command_line(target.effect.target) or ()
    used = [next((rule for rule in rules if _matches_command(rule, words)), None) for words in commands]
    return ", ".join(dict.fromkeys(map(str, used))) if all(used) else ""


def _matches_path(pattern: str, relative: str) -> bool:
    """A glob over a whole path: ``*`` stays inside one folder, ``**`` does not."""
    return _match_parts(PurePosixPath(pattern).parts, PurePosixPath(relative).parts)


def _match_parts(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_match_parts(pattern[1:], parts[at:]) for at in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _match_parts(pattern[1:], parts[1:])


def _pattern_words(pattern: str) -> Words | None:
    commands = read_command_line(pattern.removesuffix("*").rstrip() if pattern.endswith(" *") else pattern)
    return commands[0] if commands and len(commands) == 1 else None


def _matches_command(rule: Rule, command: Words) -> bool:
    """Whether ``command`` starts with the words of ``rule``; to restrict means the program at any path."""
    words = _pattern_words(rule.pattern)
    if words is None:
        return rule.decision != "allow"
    if rule.decision != "allow" and "/" not in words[0]:
        command = (_program(command), *command[1:])
    return command[: len(words)] == words and (rule.pattern.endswith(" *") or len(command) == len(words))
