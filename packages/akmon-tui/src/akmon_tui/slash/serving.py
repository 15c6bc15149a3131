"""The slash command about MCP servers."""

from __future__ import annotations

from akmon_core.commands import ManageServer
from akmon_tui.slash.replies import Ask, Reply, Say, Send
from akmon_tui.slash.table import Slash
from akmon_tui.view import View


def _mcp(_view: View, argument: str) -> Reply:
    what, _, name = argument.partition(" ")
    name = name.strip()
    match what:
        case "connect" | "stop" | "approve" if not name:
            return Say(f"Say which server: /mcp {what} NAME. /mcp lists them.")
        case "connect" | "stop":
            return Send((ManageServer(name, what),))
        case "approve":
            return Ask("approval", name)
        case _:
            return Ask("servers", argument)


SERVING = (Slash("mcp", "/mcp [[connect|stop|approve] NAME]", "the MCP servers, and what they offer", _mcp),)
