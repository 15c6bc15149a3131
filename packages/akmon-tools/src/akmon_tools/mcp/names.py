"""The names by which models call the tools of servers: ``mcp__SERVER__TOOL``, the same on every run."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from hashlib import sha256

from akmon_core.limits import MCP_TOOL_NAME_CHARS

PREFIX = "mcp__"
_SERVER_CHARS = 32
_HASH = 8
_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_MARKED = re.compile(rf".*-[0-9a-f]{{{_HASH}}}", re.DOTALL)
"""What looks as if it had been changed here, and gets a mark of its own lest it be taken for another one."""


def tool_names(server: str, tools: Iterable[str], taken: Container[str] = ()) -> dict[str, str]:
    """The names for models, by the names that ``server`` gives its ``tools``.

    Letters, digits, ``-`` and ``_``, at most ``MCP_TOOL_NAME_CHARS``; none is in ``taken``. No two servers
    get the same, and which it is depends on nothing but the two names: what had to be cut or changed ends
    with a hash of what it was. A rule about the tools of one server, such as ``mcp__github__*``, does not
    fit those of another.
    """
    start = f"{PREFIX}{_server_part(server)}__"
    room = MCP_TOOL_NAME_CHARS - len(start)
    names: dict[str, str] = {}
    for tool in sorted(set(tools)):
        tried = (start + _part(tool, room, salt) for salt in range(1_000_000))
        names[tool] = next(name for name in tried if name not in taken and name not in names.values())
    return names


def _server_part(server: str) -> str:
    """Where it ends must be clear: it has no ``__`` and no ``_`` at its ends."""
    clear = "__" not in server and server.strip("_") == server
    return _part(server if clear else re.sub("_+", "-", server) + "\0", _SERVER_CHARS, 0, of=server)


def _part(text: str, room: int, salt: int, of: str = "") -> str:
    if text and len(text) <= room and not salt and not _ODD.search(text) and not _MARKED.fullmatch(text):
        return text
    mark = sha256(f"{of or text}\0{salt or ''}".encode(errors="surrogatepass")).hexdigest()[:_HASH]
    kept = _ODD.sub("-" if of else "_", text).strip("_-")[: room - _HASH - 1].strip("_-")
    return f"{kept}-{mark}" if kept else f"x-{mark}"
