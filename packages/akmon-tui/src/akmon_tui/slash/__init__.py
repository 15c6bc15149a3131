"""The slash commands: a table whose rows say what to show, send or do. Pure, but for ``fetching``."""

from __future__ import annotations

from akmon_tui.slash.looking import LOOKING
from akmon_tui.slash.replies import Reply
from akmon_tui.slash.screen import SCREEN
from akmon_tui.slash.serving import SERVING
from akmon_tui.slash.sessions import SESSIONS
from akmon_tui.slash.table import Table, reply_to, table_of
from akmon_tui.slash.working import WORKING
from akmon_tui.view import View

SLASHES: Table = table_of(LOOKING[:1], WORKING, SESSIONS[:-1], LOOKING[1:], SERVING, SCREEN, SESSIONS[-1:])
"""Those that come with akmon, /help first and /exit last."""


def run_slash(line: str, view: View, table: Table = SLASHES) -> Reply | None:
    """What a line asks for as a slash command; None if it is a prompt, such as one about ``/etc/hosts``."""
    return reply_to(line, view, table)
