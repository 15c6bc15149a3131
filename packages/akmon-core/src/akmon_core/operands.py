"""Says which files the words and redirections of commands may name, and from which folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

from akmon_core.commandline import Command, Words, read_command_line
from akmon_core.limits import COMMAND_FOLDERS, NAME_CHARS
from akmon_core.readonly import bare_reader, is_reader, may_take_value
from akmon_core.tables import names
from akmon_core.wrappers import program

Kind: TypeAlias = Literal["read", "write"]


class Operand(msgspec.Struct, frozen=True):
    """A path that a command may name."""

    kind: Kind
    path: str
    """From the folder in which the line is run."""
    command: int
    """Which command of the line names it."""
    word: int
    """Which word of that command; -1 is a redirection."""
    certain: bool = True
    """Whether ``kind`` is known; of a program that is not, it may as well be the other one, or no path."""
    below: bool = False
    """Whether the contents of all files below it are read too."""
    follows: bool = False
    """Whether so are those that links below it lead to."""


def operands_of(line: str) -> tuple[Operand, ...]:
    """What ``Target.operands`` of a command line are about, in that order; nothing if it cannot be read."""
    commands = read_command_line(line)
    return (named_files(commands) if commands else None) or ()


def named_files(commands: tuple[Command, ...]) -> tuple[Operand, ...] | None:
    """The paths that ``commands`` of one line may name, in a fixed order; one word may hold several.

    ``cd`` counts. Where it is uncertain whether a ``cd`` has been done, a path counts from either folder.
    None if that makes too many.
    """
    found: list[Operand] = []
    for at, (command, folders) in enumerate(zip(commands, _folders(commands), strict=True)):
        if len(folders) > COMMAND_FOLDERS:
            return None
        for operand in _of_command(command, at):
            found += [
                msgspec.structs.replace(operand, path=_from(folder, operand.path))
                for folder in folders
                if not _is_too_long(operand.path)
            ]
    return tuple(dict.fromkeys(found))


def _of_command(command: Command, at: int) -> Iterator[Operand]:
    for redirect in command.redirects:
        if redirect.path in _DEVICES:
            continue
        yield Operand("write" if redirect.writes else "read", redirect.path, at, -1)
    words = bare_reader(command.words)
    skipped = len(command.words) - len(words)
    reads, below, silent = is_reader(words), _reads_below(words), _no_paths(words)
    follows = program(words) == "diff"
    for number, word in enumerate(command.words):
        if number and number - skipped not in silent:
            for path in _paths_in(word):
                kind: Kind = "read" if reads else "write"
                yield Operand(kind, path, at, number, certain=reads, below=below, follows=follows)
    if words[0] == "cd" and all(word.startswith("-") for word in words[1:]):
        yield Operand("read", "~", at, len(command.words))
    if words[0] not in _ANYWHERE:
        yield Operand("read", ".", at, len(command.words), below=below and not _names_paths(words))


_ANYWHERE = names("basename cd date dirname echo false id printf pwd seq sleep true uname which whoami")
"""Programs that do the same in every folder; all others are taken to look at the one they run in."""
_PIECE = re.compile(r"[:,]")
_DEVICES = frozenset(
    f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr")
)
"""Places that hold nothing and keep nothing: to read or write there touches no file."""


def _paths_in(word: str) -> Iterator[str]:
    """What a word may name: itself, what is behind ``=``, ``-o``, ``@`` or ``file://``, parts of a list."""
    if word in ("", "-") or word in _DEVICES:
        return
    seen = {word}
    if not word.startswith("-"):
        yield word
    for more in _behind_marks(word):
        if more and more not in seen and more not in _DEVICES:
            seen.add(more)
            yield more


def _behind_marks(word: str) -> Iterator[str]:
    if "=" in word:
        yield word.partition("=")[2]
        yield word.rpartition("=")[2]
    if word.startswith("-") and not word.startswith("--"):
        yield word[2:]
        places = [word.find(mark) for mark in ("/", "..", "~", ".") if mark in word]
        yield from (word[place:] for place in sorted(places))
    if "@" in word:
        yield word.rpartition("@")[2]
    if "file:" in word.lower():
        yield re.sub(r"(?i).*?file:(?://(?:localhost)?)?", "", word, count=1)
    if "://" not in word and _PIECE.search(word):
        yield from _PIECE.split(word)


def _reads_below(words: Words) -> bool:
    match program(words):
        case "grep":
            return any(
                word in ("--recursive", "--dereference-recursive", "--directories=recurse")
                or (word[:1] == "-" and word[1:2] != "-" and not {"r", "R", "d"}.isdisjoint(word))
                for word in words
            )
        case "rg":
            return "--files" not in words
        case "diff":
            return True
    return False


def _no_paths(words: Words) -> frozenset[int]:
    """Which words are surely no paths: what is printed, searched for, or said of a commit."""
    match words[0]:
        case "echo" | "printf" | "tr" | "seq" | "sleep" | "basename" | "dirname" | "which" | "true" | "false":
            return frozenset(range(len(words)))
        case "grep" | "rg":
            bare = [at for at, word in enumerate(words) if at and not word.startswith("-")]
            given = any(_names_pattern(word) for word in words[1:])
            return frozenset() if given else frozenset(bare[:1])
        case "git":
            said = [at + 1 for at, word in enumerate(words) if word in ("-m", "--message")]
            return frozenset(said if "commit" in words[1:3] else ())
    return frozenset()


def _names_paths(words: Words) -> bool:
    """Whether a program that reads all below some folders is surely told of one."""
    bare: list[str] = []
    for before, word in pairwise(words):
        if not word.startswith("-") and not (before.startswith("-") and may_take_value(words[0], before)):
            bare.append(word)
    pattern = 0 if any(_names_pattern(word) for word in words[1:]) or words[0] == "diff" else 1
    return len(bare) > pattern


def _names_pattern(word: str) -> bool:
    """Whether an option of grep says what to look for, so that no other word does."""
    if word.startswith("--"):
        return word.partition("=")[0] in ("--f", "--fi", "--fil", "--file") or word.startswith("--reg")
    return word.startswith("-") and not {"e", "f"}.isdisjoint(word)


def _is_too_long(path: str) -> bool:
    return any(len(part) > NAME_CHARS for part in path.split("/"))


# --- folders ----------------------------------------------------------------------------------------


def _folders(commands: tuple[Command, ...]) -> Iterator[tuple[str, ...]]:
    """For each command, the folders that it may be run in, from the one of the line."""
    doubtful = any(command.operator == "||" for command in commands)
    every: dict[str, None] = {"": None}
    now: tuple[str, ...] = ("",)
    for at, command in enumerate(commands):
        if doubtful or command.operator in (";", "||"):
            now = tuple(every)
        yield now
        piped = command.operator == "|" or (at + 1 < len(commands) and commands[at + 1].operator == "|")
        if command.words[0] == "cd" and not piped:
            target = next((word for word in command.words[1:] if not word.startswith("-")), "~")
            now = tuple(dict.fromkeys(one for folder in now for one in _entered(folder, target)))
            every.update(dict.fromkeys(now))
            if len(every) > COMMAND_FOLDERS:
                yield from [tuple(every)] * (len(commands) - at - 1)
                return


def _entered(folder: str, target: str) -> Iterator[str]:
    """``cd`` takes ``..`` away from the path as it is written, and everything else from where it leads."""
    joined = _from(folder, target)
    yield joined
    if ".." in joined.split("/"):
        yield posixpath.normpath(joined)


def _from(folder: str, path: str) -> str:
    return posixpath.join(folder, path) if folder and not path.startswith("~") else path
