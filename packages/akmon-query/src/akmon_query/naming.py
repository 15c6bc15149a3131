"""Gives a session a name, if it is one that people can read and type."""

from __future__ import annotations

from akmon_core.errors import JournalError
from akmon_core.events import Noticed, Renamed
from akmon_core.limits import SESSION_NAME_CHARS
from akmon_core.text import reveal
from akmon_query.ledger import Ledger


def rename(ledger: Ledger, name: str, cause: str) -> None:
    """Reports a ``Renamed``, or a ``Noticed`` on why the name stays. An empty name is none."""
    name = name.strip(" ")
    problem = name_problem(name)
    try:
        if not problem:
            ledger.report(Renamed(name), cause)
            return
    except JournalError as error:
        problem = str(error)
    ledger.report(Noticed(f"the session keeps its name: {problem}"), cause)


def name_problem(name: str) -> str:
    """Why no session can be called ``name``; empty if one can."""
    if len(name) > SESSION_NAME_CHARS:
        return f"a name has at most {SESSION_NAME_CHARS} characters, and this one has {len(name):,}"
    if "\n" in name or "\t" in name or reveal(name) != name:
        return "a name is one line without control characters"
    return ""
