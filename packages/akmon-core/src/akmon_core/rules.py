"""Rules of permissions: how they are written, and which calls they concern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

import msgspec

from akmon_core.commandline import Command, Words, read_command_line
from akmon_core.errors import SettingsError
from akmon_core.hosts import checked_address, matches_url
from akmon_core.limits import RULED_FOLDERS
from akmon_core.pathglobs import Parts, is_met, matches_path, parts_of, within
from akmon_core.programs import goes_beyond
from akmon_core.tools import Effect, EffectKind
from akmon_core.wrappers import is_launcher, program, reach, subject, unwrapped

Decision: TypeAlias = Literal["allow", "ask", "deny"]


class Target(msgspec.Struct, frozen=True):
    """An effect with its path made canonical: links resolved, ``..`` removed."""

    effect: Effect
    path: str = ""
    """Of a command the folder in which it is to be run."""
    relative: str | None = None
    """The path from the root that contains it, with forward slashes; None is outside every root."""
    problem: str = ""
    """Why the path leads nowhere at all, if it does."""
    operands: tuple[Target, ...] = ()
    """Of a command that can be read: the files that ``akmon_core.operands.named_files`` gives for it, each
    with its place, in that order. In place of one that is read with all below it stands what holds secrets
    there."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """``decision`` for calls of ``tool``, all of them or those whose target matches ``pattern``.

    ``tool`` may be a glob (``mcp__github__*``). A pattern is a glob over the path from the project root
    (``write(src/**)``), a host or URL (``fetch(docs.python.org)``, ``fetch(*.python.org)`` for subdomains,
    ``fetch(https://docs.python.org/3/*)``), a glob over the name of a note (``memory(project: *)``), or
    leading words of a command (``shell(git status)``, ``shell(pytest *)``, where a last ``*`` stands for any
    further words but those that make the program do something else, see ``akmon_core.programs``).
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


HOST_TOOLS = frozenset(("fetch", "network", "web_search"))
"""Tools whose patterns are hosts or URLs."""
FORMS = {"multi_edit": "edit", "patch": "edit"}
"""Tools that do what another one does in another form: its rules concern them too."""
EDITING = frozenset(("edit", *FORMS))
"""Tools whose answers show what is in the file that they write."""
_TOOL = re.compile(r"[A-Za-z0-9_*?-]+")


def parse_rule(text: str, decision: Decision = "allow", *, message: str = "", origin: str = "") -> Rule:
    """``tool`` or ``tool(pattern)``. Raises ``SettingsError`` for anything else."""
    tool, bracket, rest = text.strip().partition("(")
    if not _TOOL.fullmatch(tool) or not tool.strip("_-") or (bracket and not rest.endswith(")")):
        raise SettingsError(
            f"not a permission rule: {text!r}. Write a tool name or tool(pattern), "
            "such as edit(src/**) or shell(pytest *)."
        )
    pattern = rest[:-1].strip() if bracket else ""
    if bracket and not pattern:
        raise SettingsError(
            f"the rule {text!r} has an empty pattern. Leave out the brackets to mean every call."
        )
    if decision == "allow" and not tool.strip("*?"):
        raise SettingsError(f"the rule {text!r} would allow every tool there is. Name the tools.")
    if tool == "shell" and pattern and pattern != "*" and pattern_words(pattern) is None:
        raise SettingsError(
            f"the rule {text!r} must name plain words of one command: "
            "no pipes, quotes with expansions, or redirections."
        )
    if tool in HOST_TOOLS and pattern and (wrong := checked_address(pattern, url=tool != "network")):
        raise SettingsError(f"the rule {text!r} {wrong}.")
    return Rule(tool=tool, pattern=pattern, decision=decision, message=message, origin=origin)


def warning_about(rule: Rule) -> str:
    """What a person should know who has written ``rule``; empty if it means what it seems to."""
    words = pattern_words(rule.pattern) if rule.tool == "shell" and rule.pattern not in ("", "*") else None
    if rule.decision != "allow" or not words or not rule.pattern.endswith(" *"):
        return ""
    if is_launcher(words) and subject(words) is None:
        return (
            f"the rule {rule} allows nothing: {program(words)} runs whatever its arguments say. "
            "Name what it is to run, such as a script or module, before the *, or write the whole command."
        )
    return ""


def concerns_tool(rule: Rule, tool: str) -> bool:
    names = (tool, FORMS.get(tool, tool))
    return any(name == rule.tool or fnmatchcase(name, rule.tool) for name in names)


def restricts(rule: Rule, target: Target) -> bool:
    """Whether ``rule``, which denies or asks and is one of the target's tool, concerns any of it."""
    if rule.pattern in ("", "*"):
        return True
    match target.effect.kind:
        case "run":
            return restricts_any(rule, read_command_line(target.effect.target) or ())
        case "read" | "write":
            return target.relative is not None and matches_path(
                rule.pattern.casefold(), target.relative.casefold()
            )
        case "fetch":
            unclear = bool(checked_address(rule.pattern, url=True))
            return unclear or matches_url(rule.pattern, target.effect.target, strict=False)
        case _:
            return fnmatchcase(target.effect.target, rule.pattern)


def allows(rule: Rule, target: Target) -> bool:
    """Whether ``rule``, which is one of the target's tool, covers all of it. Commands: see ``covers``."""
    if rule.pattern in ("", "*"):
        return True
    match target.effect.kind:
        case "read" | "write":
            return target.relative is not None and matches_path(rule.pattern, target.relative)
        case "fetch":
            return matches_url(rule.pattern, target.effect.target, strict=True)
        case _:
            return fnmatchcase(target.effect.target, rule.pattern)


def restricts_command(rule: Rule, command: Words) -> bool:
    """Whether a command begins with the words of ``rule``; its program may be called at any path."""
    words = pattern_words(rule.pattern)
    if words is None:
        return True
    if "/" not in words[0]:
        command = (program(command).casefold(), *command[1:])
        words = (words[0].casefold(), *words[1:])
    return _begins(rule, words, command)


def covers(rule: Rule, command: Words) -> int:
    """How many words of ``command`` an allowing rule names itself, if it stands for the others; else 0."""
    words = pattern_words(rule.pattern)
    if words is None or not _begins(rule, words, command):
        return 0
    if len(command) == len(words):
        return len(words)
    return len(words) if _stands_for(words, command) else 0


def _stands_for(rule: Words, command: Words) -> bool:
    """Whether a ``*`` behind the words of ``rule`` stands for the rest of ``command``."""
    if not is_launcher(command):
        return not goes_beyond(rule, command)
    named = subject(rule)
    if named is None:
        return False
    if unwrapped(rule) is None:
        return True
    return _stands_for(named, command[len(rule) - len(named) :])


def _begins(rule: Rule, words: Words, command: Words) -> bool:
    return command[: len(words)] == words and (rule.pattern.endswith(" *") or len(command) == len(words))


def pattern_words(pattern: str) -> Words | None:
    """The words of a pattern for commands; None if they are not those of one plain command."""
    commands = read_command_line(pattern.removesuffix("*").rstrip() if pattern.endswith(" *") else pattern)
    if not commands or len(commands) != 1 or commands[0].redirects:
        return None
    return commands[0].words


# --- reading ----------------------------------------------------------------------------------------


def reading_rules(rules: Iterable[Rule], tool: str = "read") -> tuple[Rule, ...]:
    """Those that keep ``tool`` from reading some files: its own and those for ``read``, which hold for all
    that reads. One without a pattern is about the tool alone."""
    return tuple(
        rule
        for rule in rules
        if rule.decision != "allow"
        and rule.pattern not in ("", "*")
        and (concerns_tool(rule, "read") or concerns_tool(rule, tool))
    )


def withheld(rules: Iterable[Rule], tool: str, relative: str) -> Decision:
    """What ``rules`` say of ``tool`` showing what it has come across, by its path from the root."""
    path = relative.casefold()
    found = [
        rule.decision for rule in reading_rules(rules, tool) if matches_path(rule.pattern.casefold(), path)
    ]
    return "deny" if "deny" in found else "ask" if found else "allow"


def withholding(rules: Iterable[Rule], tool: str = "read") -> Callable[[str], bool]:
    """Says of many paths from the root, one after the other, whether ``withheld`` does not allow them."""
    patterns = frozenset(parts_of(rule.pattern) for rule in reading_rules(rules, tool))

    @lru_cache(maxsize=RULED_FOLDERS)
    def left_in(folder: str) -> frozenset[Parts]:
        above, _, name = folder.rpartition("/")
        return within(left_in(above) if above else patterns, name)

    def is_withheld(relative: str) -> bool:
        folder, _, name = relative.rpartition("/")
        return bool(patterns) and is_met(within(left_in(folder) if folder else patterns, name))

    return is_withheld


def unreadable_globs(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The patterns of what may not be read at all."""
    return tuple(rule.pattern for rule in reading_rules(rules) if rule.decision == "deny")


# --- examples ---------------------------------------------------------------------------------------

_KINDS: dict[str, EffectKind] = {
    "shell": "run",
    "fetch": "fetch",
    "web_search": "fetch",
    "network": "fetch",
    "memory": "remember",
}


def check_examples(rule: Rule, matches: Sequence[str], not_matches: Sequence[str]) -> None:
    """Raises ``SettingsError``, which names it, if an example is not what ``rule`` is about, or is though it
    should not be.

    An example is a command line, a path from the root, a URL or host, or the name of a note. Of a command
    line, a rule that allows has to cover every command, one that denies or asks has to concern any.
    """
    for examples, wanted in ((matches, True), (not_matches, False)):
        for example in examples:
            if _concerns(rule, example) is not wanted:
                does = "does not match" if wanted else "matches"
                raise SettingsError(
                    f"the rule {rule} ({rule.decision}) {does} its example {example!r}. "
                    "Correct the rule or the example."
                )


def _concerns(rule: Rule, example: str) -> bool:
    kind = _KINDS.get(rule.tool, "write")
    target = Target(Effect(kind, example), example, PurePosixPath(example).as_posix())
    if kind != "run":
        return allows(rule, target) if rule.decision == "allow" else restricts(rule, target)
    if rule.pattern in ("", "*"):
        return True
    commands = read_command_line(example)
    if commands is None:
        return False
    if rule.decision == "allow":
        return all(covers(rule, command.words) for command in commands)
    return restricts_any(rule, commands)


def restricts_any(rule: Rule, commands: Iterable[Command]) -> bool:
    """Whether ``rule`` concerns one of ``commands``, or what they run in turn."""
    return any(restricts_command(rule, one.words) for command in commands for one in reach(command).commands)
