"""Reads a shell line as the simple commands that it would run, or says that it cannot.

It fails closed: words, quotes, the operators ``&& || ; |`` and redirections that keep nothing
(``2>&1``, ``>/dev/null``) are understood, nothing else is. An expansion, any other redirection, a
substitution, a comment, a glob, an assignment, a keyword, a second line, a background job or a builtin
that evaluates its arguments makes the whole line unreadable, and an unreadable line is never allowed by
a rule that names a command.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Words: TypeAlias = tuple[str, ...]

_OPERATORS = ("&&", "||", "|", ";")
_OPAQUE = frozenset("$`\\<>(){}[]*?~!#&\n\r\x00")
_OPAQUE_IN_DOUBLE_QUOTES = frozenset("$`\\!")
_DISCARDED = re.compile(r"(?:[12]?>>?|&>>?|<)[ \t]*/dev/null(?![^ \t;|])|2>&1(?![^ \t;|])")
_KEYWORDS = "case coproc do done elif else esac fi for function if in select then time until while"
_EVALUATORS = (
    ". alias bind builtin command compgen complete declare enable eval exec fc hash history let local "
    "mapfile readarray readonly source trap typeset"
)
_UNREADABLE = frozenset((*_KEYWORDS.split(), *_EVALUATORS.split()))
"""First words with which bash runs something else than a program or builtin of that name."""
_SUBSCRIPTS = frozenset(("export", "getopts", "printf", "read", "test", "unset", "wait"))
"""Builtins that evaluate the subscript of a variable that they are told of: ``printf -v 'a[$(id)]' x``."""


def read_command_line(line: str) -> tuple[Words, ...] | None:
    """The simple commands of ``line``, each as its words; None if it cannot be read for certain.

    >>> read_command_line("cd src && pytest -k 'a b'")
    (('cd', 'src'), ('pytest', '-k', 'a b'))
    >>> read_command_line("echo $(rm -rf x)") is None
    True
    """
    tokens = _tokens(line.strip(" \t\n"))
    if tokens is None:
        return None
    commands: list[list[str]] = [[]]
    for word, is_operator in tokens:
        if is_operator:
            commands.append([])
        else:
            commands[-1].append(word)
    if not all(commands) or any(_means_more(words) for words in commands):
        return None
    return tuple(tuple(words) for words in commands)


def _means_more(words: list[str]) -> bool:
    """Whether bash does more with ``words`` than to run the first with the others as its arguments."""
    first = words[0]
    if first.startswith("%") or "=" in first or first in _UNREADABLE:
        return True
    return first in _SUBSCRIPTS and any("[" in word for word in words)


def _tokens(line: str) -> list[tuple[str, bool]] | None:
    tokens: list[tuple[str, bool]] = []
    word: str | None = None
    at = 0
    while at < len(line):
        char = line[at]
        if char in "'\"":
            end = line.find(char, at + 1)
            if end < 0:
                return None
            quoted = line[at + 1 : end]
            if char == '"' and not _OPAQUE_IN_DOUBLE_QUOTES.isdisjoint(quoted):
                return None
            if not quoted.replace("\n", "").replace("\t", "").isprintable():
                return None
            word = (word or "") + quoted
            at = end + 1
            continue
        if word is None and (discarded := _DISCARDED.match(line, at)):
            at = discarded.end()
            continue
        operator = next((op for op in _OPERATORS if line.startswith(op, at)), None)
        if operator or char in " \t":
            if word is not None:
                tokens.append((word, False))
                word = None
            if operator:
                tokens.append((operator, True))
            at += len(operator) if operator else 1
            continue
        if char in _OPAQUE or not char.isprintable():
            return None
        word = (word or "") + char
        at += 1
    if word is not None:
        tokens.append((word, False))
    return tokens
