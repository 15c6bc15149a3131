"""Puts into words what the SDK raises when a server refuses, ends or answers nonsense."""

from __future__ import annotations

from akmon_core.limits import MCP_ERROR_CHARS
from akmon_core.text import one_line

_FORGOTTEN = "Session terminated"
"""What the SDK's HTTP transport says of a 404 within a session."""


class Ended(Exception):
    """A connection is at its end, for the reason that it says."""


def plainly(error: Exception) -> Exception:
    """The first of those that were raised together."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def closed(error: Exception) -> bool:
    """Whether the connection may have ended under what was done. Servers can say the same of their own."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and error.code == CONNECTION_CLOSED


def forgotten(error: Exception) -> bool:
    """Whether a server over HTTP does not know our session any more, so that it has done nothing."""
    from mcp import MCPError

    return isinstance(error, MCPError) and error.message == _FORGOTTEN


def said(error: Exception) -> str:
    """What went wrong, for a person or a model: text of a stranger, on one bounded line."""
    from mcp import MCPError
    from pydantic import ValidationError

    match error:
        case MCPError():
            return f"it refused: {one_line(error.message, MCP_ERROR_CHARS)} (error {error.code})"
        case ValidationError():
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return "its answer is not what the protocol says: " + one_line(f"{where}: {first['msg']}", 300)
        case _:
            return one_line(str(error) or type(error).__name__, MCP_ERROR_CHARS)
