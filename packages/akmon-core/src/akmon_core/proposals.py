"""Proposes the rule that a person may save instead of allowing a call each time: a narrow one, or none."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from akmon_core.commandline import Command, Words, read_command_line
from akmon_core.errors import SettingsError
from akmon_core.lines import fault_of, places_of
from akmon_core.programs import git_command
from akmon_core.protected import may_hold_secrets, protected
from akmon_core.readonly import only_reads
from akmon_core.rules import FORMS, Target, covers, parse_rule
from akmon_core.tables import names
from akmon_core.wrappers import is_launcher


def propose(tool: str, targets: tuple[Target, ...]) -> str:
    """A rule that would allow a call of ``tool`` and others like it; empty if none should be kept.

    It is never about what is outside the project, protected or secret, and never leaves open what a program
    runs: of interpreters, and of commands that destroy or send something, it is the exact command.
    """
    if any(_is_delicate(target) for target in targets):
        return ""
    rules = {_for_target(FORMS.get(tool, tool), target) for target in targets} if targets else {tool}
    text = rules.pop() if len(rules) == 1 else ""
    try:
        return str(parse_rule(text)) if text else ""
    except SettingsError:
        return ""


def _is_delicate(target: Target) -> bool:
    kind, relative = target.effect.kind, target.relative
    if kind not in ("read", "write"):
        return False
    if target.problem or relative is None or may_hold_secrets(relative):
        return True
    return kind == "write" and bool(protected(relative))


def _for_target(tool: str, target: Target) -> str:
    match target.effect.kind:
        case "run":
            return _for_line(tool, target)
        case "read" | "write":
            path = PurePosixPath(target.relative or "")
            folder = _escaped(path.parent.as_posix())
            return f"{tool}({_escaped(path.as_posix()) if folder == '.' else f'{folder}/**'})"
        case "fetch":
            found = re.match(r"https?://([^/?#@]+)", target.effect.target)
            return f"{tool}({found[1]})" if found else ""
        case "remember":
            return f"{tool}({_escaped(target.effect.target)})"
        case "call":
            return tool
        case "ask":
            return ""


def _escaped(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)


# --- commands ---------------------------------------------------------------------------------------

_ANYHOW = names(
    "pytest ruff mypy pyright pyflakes flake8 pylint black isort coverage eslint prettier tsc jest "
    "vitest biome rubocop rspec shellcheck clang-format gofmt rustfmt ctest"
)
"""Programs that check, test or format a project, with whatever arguments. Not those of which a further
argument may be another task, such as ``make test deploy``."""
_BY_SUBCOMMAND = {
    "git": names("add blame commit diff log ls-files show status"),
    "npm": names("test t run run-script ls outdated"),
    "pnpm": names("test t run ls outdated"),
    "yarn": names("test run list outdated"),
    "cargo": names("build check clippy doc fmt test tree"),
    "go": names("build fmt list test vet"),
    "dotnet": names("build format test"),
}
"""Programs of which the first word says what they do, with the words that may be left open behind it."""


def _for_line(tool: str, target: Target) -> str:
    """For the one command of a line that does more than read."""
    commands = read_command_line(target.effect.target)
    places = places_of(commands, target)
    if commands is None or places is None or any(fault_of(place) for place in places):
        return ""
    deciding = [command for command in commands if not only_reads(command, sandboxed=False)]
    if len(deciding) != 1 and len(commands) != 1:
        return ""
    return _for_command(tool, (deciding or list(commands))[0])


def _for_command(tool: str, command: Command) -> str:
    words = command.words
    exact = _written(words)
    for pattern in (_open(words), exact):
        if pattern and covers(parse_rule(f"{tool}({pattern})"), words):
            return f"{tool}({pattern})"
    return ""


def _open(words: Words) -> str:
    """A pattern that leaves further words open; empty where that would be too wide."""
    name = words[0]
    if is_launcher(words):
        return ""
    if name in _ANYHOW:
        return f"{name} *"
    second = git_command(words)[0] if name == "git" else words[1] if len(words) > 1 else ""
    if not second or words[1] != second or second not in _BY_SUBCOMMAND.get(name, ()):
        return ""
    if second not in ("run", "run-script"):
        return f"{name} {second} *"
    script = words[2] if len(words) > 2 else ""
    if not re.fullmatch(r"[\w:.-]+", script) or script.startswith("-"):
        return ""
    return f"{name} {second} {script} *" if len(words) > 3 else f"{name} {second} {script}"


def _written(words: Words) -> str:
    """The words as one would type them; empty if a rule cannot hold them."""
    text = " ".join(map(_quoted, words))
    return text if text.isprintable() else ""


def _quoted(word: str) -> str:
    if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"
