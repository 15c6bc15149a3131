"""Finds the programs that a command runs through other programs: ``nice make``, ``bash -c 'make'``."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from akmon_core.commandline import Command, Words, read_command_line
from akmon_core.limits import WRAPPER_DEPTH
from akmon_core.tables import names


class Wrapper(msgspec.Struct, frozen=True):
    """A program that runs the command which its arguments end with."""

    valued: str = ""
    """Letters of options whose value may be the next word."""
    long: tuple[str, ...] = ()
    """Long options whose value is the next word."""
    skipped: int = 0
    """Words between the options and the command, such as the time of ``timeout``."""
    assigns: bool = False
    """Whether ``NAME=value`` may stand before the command."""
    splits: bool = False
    """Whether ``-S`` takes a whole command line in one word."""
    certain: bool = True
    """Whether nothing but its arguments says what it runs, and as whom."""


_PREFIXES: dict[str, Wrapper] = {
    "nice": Wrapper("n", ("--adjustment",)),
    "nohup": Wrapper(),
    "timeout": Wrapper("ks", ("--kill-after", "--signal"), skipped=1),
    "time": Wrapper("fo", ("--format", "--output")),
    "stdbuf": Wrapper("ioe", ("--input", "--output", "--error")),
    "setsid": Wrapper(),
    "ionice": Wrapper("cnpPu", ("--class", "--classdata")),
    "chrt": Wrapper("TPD", skipped=1),
    "taskset": Wrapper(skipped=1),
    "env": Wrapper("uC", ("--unset", "--chdir"), assigns=True, splits=True),
    "xargs": Wrapper("adEILnPs", ("--arg-file", "--delimiter", "--max-args", "--max-procs"), certain=False),
    "sudo": Wrapper("ugCDRThpU", ("--user", "--group", "--chdir"), assigns=True, certain=False),
    "doas": Wrapper("uC", certain=False),
    "flock": Wrapper("wE", ("--wait", "--timeout"), skipped=1, certain=False),
    "chroot": Wrapper(skipped=1, certain=False),
    "strace": Wrapper("eopsuEa", certain=False),
    "watch": Wrapper("n", ("--interval",), certain=False),
    "unshare": Wrapper("SG", certain=False),
    "busybox": Wrapper(certain=False),
    "npx": Wrapper("p", ("--package",), certain=False),
    "bunx": Wrapper(certain=False),
    "uvx": Wrapper("p", ("--from", "--with", "--python"), certain=False),
    "uv run": Wrapper("p", ("--with", "--python", "--extra", "--group", "--package"), certain=False),
    "poetry run": Wrapper(certain=False),
    "pdm run": Wrapper("p", certain=False),
    "rye run": Wrapper(certain=False),
    "pipenv run": Wrapper(certain=False),
    "hatch run": Wrapper(certain=False),
    "npm exec": Wrapper(certain=False),
    "pnpm exec": Wrapper(certain=False),
    "pnpm dlx": Wrapper(certain=False),
    "yarn exec": Wrapper(certain=False),
    "yarn dlx": Wrapper(certain=False),
    "bundle exec": Wrapper(certain=False),
}
_SHELLS = re.compile(r"(?:ba|da|a|k|mk|z|c|tc|fi|pw)?sh[0-9.]*\Z|powershell\Z|cmd\Z")
_INTERPRETERS = re.compile(
    r"(?:python|pypy|perl|ruby|node|nodejs|php|lua|luajit|tclsh|Rscript|awk|gawk|mawk|nawk)[0-9.]*(?:\.exe)?\Z"
)
"""Programs that run a script, and leave all arguments behind it to the script."""
_COMMANDED = re.compile(
    r"(?:ld[-\w]*\.so|deno|bun|java|jshell|irb|ghci?|osascript|vi|vim|nvim|view|ex|emacs|nano|ed|ssh|scp|sftp|rsync|gdb|lldb"
    r"|script|parallel|su|runuser|systemd-run|crontab|at|batch|expect|tmux|screen|nsenter|bwrap|entr|watchexec"
    r"|nodemon|ts-node|tsx|sqlite3|psql|mysql|socat|nc|ncat)[0-9.]*(?:\.exe)?\Z"
)
"""Programs that run what any of their arguments, their files or their input says."""
_PLAIN = {
    "sh": frozenset(("-e", "-u", "-x", "-f", "--norc", "--noprofile", "--posix")),
    "python": names("-u -B -b -E -I -O -OO -P -q -s -S -v"),
    "perl": frozenset(("-w",)),
    "ruby": frozenset(("-w",)),
}


class Reach(msgspec.Struct, frozen=True):
    """What a command runs, as far as its words say."""

    commands: tuple[Command, ...]
    """The command itself and what it runs in turn."""
    uncertain: str = ""
    """The program that may run anything else as well; empty if none may."""


def program(words: Words) -> str:
    """The name of the program that ``words`` call, at whatever path."""
    return PurePosixPath(words[0]).name


def reach(command: Command, depth: int = WRAPPER_DEPTH) -> Reach:
    """What ``command`` runs, through any wrappers."""
    found, uncertain = [command], ""
    for inner, certain in _inside(command.words):
        if inner is None or not certain or not depth:
            uncertain = uncertain or program(command.words)
        for one in inner or ():
            deeper = reach(one, depth - 1) if depth else Reach((one,))
            found += deeper.commands
            uncertain = uncertain or deeper.uncertain
    return Reach(tuple(found), uncertain)


def is_launcher(words: Words) -> bool:
    """Whether the program runs what its arguments say, so that a rule has to name more than its options."""
    return bool(_wrapper(words) or _interprets(program(words)))


def subject(words: Words) -> Words | None:
    """Of the words of a launcher: the command that it runs, or the words from its script or module on.

    None if they do not say what it runs.
    """
    if _wrapper(words):
        inner = unwrapped(words)
        return inner if inner and program(words) not in ("xargs", "parallel") else None
    name = program(words)
    if _COMMANDED.match(name):
        return None
    plain = _plain_options(name)
    at = 1
    while at < len(words) and words[at] in plain:
        at += 1
    if at >= len(words):
        return None
    if words[at] in ("-m", "-c", "-e", "--eval"):
        return words[at:] if at + 1 < len(words) else None
    return None if words[at].startswith("-") else words[at:]


def unwrapped(words: Words) -> Words | None:
    """The command that a wrapper's words end with; None if there is none."""
    if (found := _wrapper(words)) is None:
        return None
    wrapper, at = found
    while at < len(words) and (words[at].startswith("-") or (wrapper.assigns and "=" in words[at])):
        word = words[at]
        at += 1
        if word == "--":
            break
        if wrapper.splits and (word.startswith("--s") or (word[1:2] != "-" and "S" in word)):
            return None
        valued = (
            any(option.startswith(word) for option in wrapper.long)  # also shortened, as far as they can be
            if word.startswith("--")
            else word[-1] in wrapper.valued and len(word) > 1
        )
        at += valued
    while wrapper.assigns and at < len(words) and "=" in words[at]:
        at += 1
    rest = words[at + wrapper.skipped :]
    return rest or None


def _wrapper(words: Words) -> tuple[Wrapper, int] | None:
    """How the program wraps others, and where its own arguments begin."""
    name = program(words)
    if len(words) > 1 and (found := _PREFIXES.get(f"{name} {words[1]}")):
        return found, 2
    found = _PREFIXES.get(name)
    return (found, 1) if found else None


def _interprets(name: str) -> bool:
    return bool(_SHELLS.match(name) or _INTERPRETERS.match(name) or _COMMANDED.match(name))


def _inside(words: Words) -> list[tuple[tuple[Command, ...] | None, bool]]:
    """The commands that one program runs, each with whether it runs nothing else. None is unknown ones."""
    name = program(words)
    if found := _wrapper(words):
        inner = unwrapped(words)
        alone = len(words) == 1 and name in ("env", "time")
        return [] if alone else [((Command(inner),) if inner else None, found[0].certain)]
    if _SHELLS.match(name):
        return [(_inline(words), True)]
    if name == "find":
        return _executed_by_find(words)
    return [(None, False)] if _interprets(name) else []


def _inline(words: Words) -> tuple[Command, ...] | None:
    """The commands of ``sh -c LINE``."""
    at = 1
    while at < len(words) and words[at] in _PLAIN["sh"]:
        at += 1
    if at + 1 >= len(words) or words[at] not in ("-c", "-ec", "-xc", "-uc"):
        return None
    return read_command_line(words[at + 1])


def _executed_by_find(words: Words) -> list[tuple[tuple[Command, ...] | None, bool]]:
    found: list[tuple[tuple[Command, ...] | None, bool]] = []
    for at, word in enumerate(words):
        if word.startswith(("-exec", "-ok")):
            rest = words[at + 1 :]
            end = next((i for i, one in enumerate(rest) if one in (";", "+")), len(rest))
            found.append(((Command(rest[:end]),) if rest[:end] else None, False))
        elif word == "-delete":
            found.append((None, False))
    return found


def _plain_options(name: str) -> frozenset[str]:
    if _SHELLS.match(name):
        return _PLAIN["sh"]
    return _PLAIN.get(re.sub(r"[0-9.]+\Z", "", name), frozenset())
