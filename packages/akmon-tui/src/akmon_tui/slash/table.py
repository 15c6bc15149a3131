"""What the table of slash commands is made of, and how a line finds its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from akmon_tui.slash.replies import Reply, Say
from akmon_tui.view import View

NAME = r"(?:[a-z0-9][a-z0-9_:-]*|[A-Za-z0-9][A-Za-z0-9_-]*:[A-Za-z0-9][A-Za-z0-9_.-]*)"
"""Of a command; those of servers may have capitals and dots."""
_LINE = re.compile(rf"/({NAME})(?:\s+(.*))?", re.DOTALL)


class Value(NamedTuple):
    """Something that a command's argument can be."""

    text: str
    about: str = ""


class Slash(NamedTuple):
    """A row: ``/name``, what help says of it, and what it does with the words behind it."""

    name: str
    usage: str
    about: str
    run: Callable[[View, str], Reply]
    aliases: tuple[str, ...] = ()
    complete: Callable[[View], Sequence[Value]] | None = None
    """All that the argument can be; None if that is not known."""


Table: TypeAlias = Mapping[str, Slash]
"""By name, without the aliases."""


def table_of(*groups: Sequence[Slash]) -> dict[str, Slash]:
    return {slash.name: slash for group in groups for slash in group}


def named(table: Table, word: str) -> Slash | None:
    """The row whose name or alias is ``word``."""
    return table.get(word) or next((slash for slash in table.values() if word in slash.aliases), None)


def reply_to(line: str, view: View, table: Table) -> Reply | None:
    """What ``line`` asks for as a slash command; None if it is a prompt, such as one about ``/etc/hosts``."""
    found = _LINE.fullmatch(line.strip())
    if not found:
        return None
    if slash := named(table, found[1]):
        return slash.run(view, (found[2] or "").strip())
    return Say(unknown(found[1], table))


def unknown(word: str, table: Table) -> str:
    """That there is no such command, with those that are spelt like it."""
    import difflib

    names = [name for slash in table.values() for name in (slash.name, *slash.aliases)]
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    meant = f" Is it {' or '.join(f'/{name}' for name in close)}?" if close else ""
    return f"There is no command /{word}.{meant} /help lists those there are."
