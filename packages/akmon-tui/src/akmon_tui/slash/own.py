"""Slash commands of the person's own: prompts with places for arguments, as rows of the table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from akmon_core.text import one_line
from akmon_tui.services import UserCommand
from akmon_tui.slash.replies import Reply, Typed
from akmon_tui.slash.table import Slash, Table, named
from akmon_tui.view import View

_NAME = re.compile(r"[a-z0-9][a-z0-9_:-]*")
_PLACE = re.compile(r"\$(ARGUMENTS\b|[1-9](?!\d))")
_WIDTH = 100


def expand(command: UserCommand, argument: str) -> str:
    """The prompt that ``command`` stands for.

    ``$ARGUMENTS`` is all of ``argument``, ``$1`` to ``$9`` its words, which may be in quotes; those that are
    missing are empty. It follows the text where that has no place for it.
    """
    words = _words(argument)

    def filled(place: re.Match[str]) -> str:
        if place[1] == "ARGUMENTS":
            return argument
        number = int(place[1])
        return words[number - 1] if number <= len(words) else ""

    text, places = _PLACE.subn(filled, command.text)
    return text if places or not argument else f"{text.rstrip()}\n\n{argument}"


def with_own(commands: Sequence[UserCommand], builtin: Table) -> tuple[Table, list[str]]:
    """``builtin`` with a row for each of ``commands``; and what to say of those that get none.

    Of several with one name the first one counts.
    """
    table: dict[str, Slash] = dict(builtin)
    notes: list[str] = []
    for command in commands:
        if not _NAME.fullmatch(command.name):
            notes.append(
                f"{_of(command)} is left out: a name has small letters, digits, -, _ and : only, and begins "
                "with a letter or digit."
            )
        elif named(builtin, command.name):
            notes.append(f"{_of(command)} is left out: akmon has a command of that name. Rename the file.")
        elif command.name in table:
            notes.append(f"{_of(command)} is left out: there is another one of that name.")
        else:
            table[command.name] = _row(command)
    return table, notes


def _row(command: UserCommand) -> Slash:
    def run(_view: View, argument: str) -> Reply:
        return Typed(expand(command, argument))

    usage = one_line(f"/{command.name} {command.hint}".strip(), _WIDTH)
    return Slash(command.name, usage, one_line(command.about or command.origin, _WIDTH), run)


def _of(command: UserCommand) -> str:
    return one_line(f"/{command.name} ({command.origin})", _WIDTH)


def _words(argument: str) -> list[str]:
    try:
        return shlex.split(argument)
    except ValueError:  # a quote that has no end, such as the one in "don't"
        return argument.split()
