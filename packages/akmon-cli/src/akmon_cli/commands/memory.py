"""``akmon memory``: the notes that outlive a session, of this project and of the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, working_folder
from akmon_config.paths import data_dir, project_root
from akmon_core.errors import SettingsError
from akmon_core.text import neutralise
from akmon_tools.memory import matching_lines, search
from akmon_tools.notes import SCOPES, Note, Notes, Scope, clean_title, missing


def parser() -> Parser:
    parser = Parser(
        prog="akmon memory", description="The notes of this project and those for all of your projects."
    ).add(COMMON)
    actions = parser.add_subparsers(dest="action", metavar="list|search|show|delete")
    actions.add_parser("list", help="list them, last changed first (the default)")
    actions.add_parser("search", help="find them by words").add_argument("words", nargs="+")
    for action, what in (("show", "what one says"), ("delete", "delete one for good")):
        one = actions.add_parser(action, help=what)
        one.add_argument("title")
        where = one.add_mutually_exclusive_group()
        for scope, whose in (("project", "of this project"), ("user", "for all projects")):
            where.add_argument(
                f"--{scope}", dest="scope", action="store_const", const=scope, help=f"the one {whose}"
            )
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    notes = Notes(project_root(working_folder()), data_dir(os.environ) / "memory")
    match options.action:
        case "search":
            return _search(notes, " ".join(options.words))
        case "show":
            print(neutralise(_chosen(notes, options.title, options.scope).content), end="")
        case "delete":
            chosen = _chosen(notes, options.title, options.scope)
            notes.delete(chosen.scope, chosen.title)
            print(f"deleted {chosen.scope}: {chosen.title}", file=sys.stderr)
        case _:
            return _list(notes)
    return exitcodes.OK


def _list(notes: Notes) -> int:
    found = notes.all()
    if not found:
        print("no notes yet", file=sys.stderr)
    for note in found:
        print(f"{note.scope}: {note.title}")
    return exitcodes.OK


def _search(notes: Notes, query: str) -> int:
    found = search(notes.all(), query)
    if not found:
        print("no note has any of these words", file=sys.stderr)
    for note in found:
        print(f"{note.scope}: {note.title}")
        for line in matching_lines(note, query):
            print(f"    {line}")
    return exitcodes.OK


def _chosen(notes: Notes, title: str, scope: Scope | None) -> Note:
    """The one note of that title. Raises ``ToolError`` or ``SettingsError`` if there is none or two."""
    if scope:
        return notes.find(scope, title)
    known = notes.all()
    titled = [note for note in known if note.title == clean_title(title)]
    if len(titled) > 1:
        flags = " or ".join(f"--{scope}" for scope in SCOPES)
        raise SettingsError(f"there are two notes called {titled[0].title!r}. Say which one: {flags}.")
    if not titled:
        raise missing("note", title, known)
    return titled[0]
