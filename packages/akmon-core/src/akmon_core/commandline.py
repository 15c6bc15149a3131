"""Reads a shell line as the simple commands that it would run, or says that it cannot.

It fails closed: words, quotes and the operators ``&& || ; |`` are understood, nothing else is. An
expansion, a redirection, a substitution, a comment, a glob, an assignment, a second line or a
background job makes the whole line unreadable, and an unreadable line is never matched by a rule
that names a command.
"""

from __future__ import annotations

from typing import TypeAlias

Words: TypeAlias = tuple[str, ...]

_OPERATORS = ("&&", "||", "|", ";")
_OPAQUE = frozenset("$`\\<>(){}[]*?~!#&\n\r\x00")
_OPAQUE_IN_DOUBLE_QUOTES = frozenset("$`\\!\n\r\x00")


def read_command_line(line: str) -> tuple[Words, ...] | None:
    """The simple commands of ``line``, each as its words; None if it cannot be read for certain.

    >>> read_command_line("cd src && pytest -k 'a b'")
    (('cd', 'src'), ('pytest', '-k', 'a b'))
    >>> read_command_line("echo $(rm -rf x)") is None
    True
    """
    tokens = _tokens(line.strip())
    if tokens is None:
        return None
    commands: list[list[str]] = [[]]
    for word, is_operator in tokens:
        if is_operator:
            commands.append([])
        else:
            commands[-1].append(word)
    if not all(commands) or any("=" in words[0] for words in commands):
        return None
    return tuple(tuple(words) for words in commands)


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
            if not quoted.isprintable():
                return None
            word = (word or "") + quoted
            at = end + 1
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
