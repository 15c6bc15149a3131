"""What slash commands are where there are no dialogs: numbered lists and words. Pure."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from akmon_core.permissions import MODES
from akmon_tui.places import listed
from akmon_tui.services import Leave
from akmon_tui.slash.helping import help_text, keys_text
from akmon_tui.slash.replies import Ask, Copy, Fetch, Reply, Say, Send, Set, Typed
from akmon_tui.slash.table import Table
from akmon_tui.view import View


class Approve(NamedTuple):
    """Show what the tools of a server say now, and ask whether that is accepted."""

    server: str


PlainReply: TypeAlias = Say | Send | Leave | Fetch | Typed | Approve

KEYS = (
    ("Enter", "sends; while a turn runs, a line is told to the model and a command waits"),
    ("Alt+Enter, Ctrl+J", "begins a new line"),
    ("Ctrl+C", "stops a running turn or clears the line; twice on an empty line ends"),
    ("Ctrl+D", "ends, on an empty line"),
)
"""Those of the plain conversation."""


def in_plain(reply: Reply, view: View, table: Table) -> PlainReply:
    """``reply`` without dialogs, and without what only the other screen can do."""
    match reply:
        case Ask():
            return _asked(reply, view, table)
        case Set(name):
            return Say(f"/{name} is about the screen with dialogs, and has no meaning here.")
        case Copy():
            return Say("Nothing is copied here: select the text, or write it to a file with /export.")
        case _:
            return reply


def _asked(ask: Ask, view: View, table: Table) -> Say | Fetch | Approve:
    match ask.kind:
        case "model":
            return Fetch("models")
        case "session":
            return Fetch("sessions", ask.argument)
        case "rewind":
            return Say(listed(view.places))
        case "settings":
            return Fetch("settings")
        case "theme":
            return Say("/theme is about the screen with dialogs, and has no meaning here.")
        case "help":
            return Say(help_text(table, KEYS, ask.argument))
        case "keys":
            return Say(keys_text(KEYS))
        case "servers":
            return Fetch("servers", ask.argument)
        case "approval":
            return Approve(ask.argument)
        case "permission-mode":
            now = f"The mode is {view.mode}." if view.mode else "The mode is the one that akmon started with."
            return Say(f"{now} There are: {', '.join(MODES)}. /mode MODE changes it.")
