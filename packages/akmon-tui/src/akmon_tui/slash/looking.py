"""Slash commands that show something: help, what holds, what was spent, what the program's reports say."""

from __future__ import annotations

from collections.abc import Callable

from akmon_tui import __version__
from akmon_tui.services import Report
from akmon_tui.slash.replies import Ask, Fetch, Reply, Say
from akmon_tui.slash.table import Slash
from akmon_tui.standing import permissions_text, sandbox_text
from akmon_tui.view import View


def _help(_view: View, argument: str) -> Reply:
    return Ask("help", argument.removeprefix("/"))


def _permissions(view: View, _argument: str) -> Reply:
    return Say(permissions_text(view))


def _sandbox(view: View, _argument: str) -> Reply:
    return Say(sandbox_text(view))


def _todos(view: View, _argument: str) -> Reply:
    return Say(view.pins.get("todos", "There is no to-do list."))


def _context(_view: View, _argument: str) -> Reply:
    return Fetch("context")


def _cost(_view: View, _argument: str) -> Reply:
    return Fetch("costs")


def _diff(_view: View, _argument: str) -> Reply:
    return Fetch("diff")


def _report(what: Report) -> Callable[[View, str], Reply]:
    def run(_view: View, _argument: str) -> Reply:
        return Fetch("report", what)

    return run


def _bug(view: View, _argument: str) -> Reply:
    import platform

    return Say(
        f"akmon {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}, "
        f"model {view.model or 'unknown'}\n"
        "Report it where the repository of akmon is hosted: the line above, what you did, what happened.\n"
        "/export writes this conversation to a file: look through it before you pass it on.\n"
        "A weakness in security is not for a public report: SECURITY.md says how to tell of it."
    )


LOOKING = (
    Slash("help", "/help [COMMAND]", "list the commands and keys", _help),
    Slash("context", "/context", "what fills the context window", _context),
    Slash("cost", "/cost", "tokens and cost so far", _cost, ("usage",)),
    Slash("stats", "/stats", "tokens and cost of all sessions", _report("stats")),
    Slash("status", "/status", "session, model, mode, folders and settings files", _report("status")),
    Slash("permissions", "/permissions", "the rules in force, and what was allowed", _permissions),
    Slash("policy", "/policy", "where the rules come from, layer by layer", _report("policy")),
    Slash("sandbox", "/sandbox", "what holds commands in", _sandbox),
    Slash("trust", "/trust", "what of the project's own settings is trusted", _report("trust")),
    Slash("audit", "/audit", "what was done and decided in this session", _report("audit")),
    Slash("memory", "/memory", "the notes and instruction files that the model is given", _report("memory")),
    Slash("todos", "/todos", "the to-do list of the model", _todos),
    Slash("diff", "/diff", "what differs from the last commit", _diff),
    Slash("doctor", "/doctor", "check what akmon needs", _report("doctor")),
    Slash("bug", "/bug", "how to report that something is wrong", _bug),
)
