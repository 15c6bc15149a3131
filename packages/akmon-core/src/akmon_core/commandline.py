"""Reads a shell line as the simple commands that it would run, or says that it cannot.

It fails closed: words, quotes, the operators ``&& || ; |``, redirections to files and ``2>&1`` are
understood, nothing else is. An expansion, a substitution, a comment, a glob, an assignment, a keyword, a
second line, a background job or a builtin that evaluates its arguments makes the whole line unreadable, and
an unreadable line is never allowed by a rule that names a command.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from akmon_core.limits import COMMAND_READ_CHARS

Words: TypeAlias = tuple[str, ...]
Operator: TypeAlias = Literal["", "&&", "||", "|", ";"]


class Redirect(msgspec.Struct, frozen=True):
    """A file that a command's input comes from or its output goes to; ``/dev/null`` is none."""

    writes: bool
    path: str


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """A simple command: a program or builtin with its arguments."""

    words: Words
    redirects: tuple[Redirect, ...] = ()
    operator: Operator = ""
    """What stands before it in the line."""


_OPERATORS: tuple[Operator, ...] = ("&&", "||", "|", ";")
_OPAQUE = frozenset("$`\\<>(){}[]*?~!#&\n\r\x00")
_OPAQUE_IN_DOUBLE_QUOTES = frozenset("$`\\!")
_JOINED = re.compile(r"(?:2>&1|1?>&2)(?![^ \t;|])")
_REDIRECTION = re.compile(r"(?:[012]?(?:>>|>\||>|<)|&>>|&>)[ \t]*")
_KEYWORDS = "case coproc do done elif else esac fi for function if in select then time until while"
_EVALUATORS = (
    ". alias bind builtin command compgen complete declare enable eval exec fc hash history jobs let local "
    "mapfile popd pushd readarray readonly source trap typeset"
)
_UNREADABLE = frozenset((*_KEYWORDS.split(), *_EVALUATORS.split()))
"""First words with which bash runs something else than a program or builtin of that name, or leaves the
folder for one that the line does not name."""
_SUBSCRIPTS = frozenset(("[", "export", "getopts", "printf", "read", "test", "unset", "wait"))
"""Builtins that evaluate the subscript of a variable that they are told of: ``printf -v 'a[$(id)]' x``."""


def read_command_line(line: str) -> tuple[Command, ...] | None:
    """The simple commands of ``line``; None if it cannot be read for certain.

    >>> [command.words for command in read_command_line("cd src && pytest -k 'a b' > log")]
    [('cd', 'src'), ('pytest', '-k', 'a b')]
    >>> read_command_line("echo $(rm -rf x)") is None
    True
    """
    return None if len(line) > COMMAND_READ_CHARS else _Reader(line.strip(" \t\n")).read()


class _Unreadable(Exception):
    """The line cannot be read for certain."""


class _Reader:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def read(self) -> tuple[Command, ...] | None:
        commands: list[Command] = []
        operator: Operator | None = ""
        try:
            while operator is not None:
                words, redirects = self._command()
                commands.append(Command(tuple(words), tuple(redirects), operator))
                operator = self._operator()
        except _Unreadable:
            return None
        return tuple(commands)

    def _command(self) -> tuple[list[str], list[Redirect]]:
        words: list[str] = []
        redirects: list[Redirect] = []
        while True:
            self._skip_blanks()
            if joined := _JOINED.match(self._line, self._at):
                self._at = joined.end()
            elif found := _REDIRECTION.match(self._line, self._at):
                self._at = found.end()
                redirects += _redirect(found[0], self._word())
            elif (word := self._word()) is not None:
                words.append(word)
            else:
                break
        if not words or _means_more(words):
            raise _Unreadable
        return words, redirects

    def _skip_blanks(self) -> None:
        while self._at < len(self._line) and self._line[self._at] in " \t":
            self._at += 1

    def _operator(self) -> Operator | None:
        """The operator at the place where a command has ended; None is the end of the line."""
        if self._at >= len(self._line):
            return None
        found = next((one for one in _OPERATORS if self._line.startswith(one, self._at)), None)
        if found is None:
            raise _Unreadable
        self._at += len(found)
        return found

    def _word(self) -> str | None:
        """The next word, if one begins here."""
        begin, word, quoted = self._at, "", False
        while self._at < len(self._line):
            char = self._line[self._at]
            if char in "'\"":
                word, quoted = word + self._quoted(char), True
                continue
            if char in " \t;|<>" or self._line.startswith(("&&", "&>"), self._at):
                break
            if char == "~" and word and word[-1] not in "=:":
                pass  # bash expands it nowhere else than where a path begins: HEAD~1 is a word
            elif char in _OPAQUE or not char.isprintable():
                raise _Unreadable
            word += char
            self._at += 1
        if self._at == begin:
            return None
        if word.isdigit() and not quoted and self._line.startswith((">", "<"), self._at):
            raise _Unreadable  # the number of a descriptor
        return word

    def _quoted(self, quote: str) -> str:
        end = self._line.find(quote, self._at + 1)
        if end < 0:
            raise _Unreadable
        text = self._line[self._at + 1 : end]
        if quote == '"' and not _OPAQUE_IN_DOUBLE_QUOTES.isdisjoint(text):
            raise _Unreadable
        if not text.replace("\n", "").replace("\t", "").isprintable():
            raise _Unreadable
        self._at = end + 1
        return text


def _redirect(operator: str, path: str | None) -> list[Redirect]:
    if path == "/dev/null":
        return []
    if not path or path.startswith("/dev/"):
        raise _Unreadable  # bash itself gives /dev/tcp/HOST/PORT and others a meaning
    return [Redirect(writes="<" not in operator, path=path)]


def _means_more(words: list[str]) -> bool:
    """Whether bash does more with ``words`` than to run the first with the others as its arguments."""
    first = words[0]
    if not first or first.startswith("%") or "=" in first or first in _UNREADABLE:
        return True
    return first in _SUBSCRIPTS and any("[" in word for word in words)
