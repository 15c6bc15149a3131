"""``akmon mcp login|logout``: the login to a server with a browser, and forgetting it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from akmon_cli import exitcodes
from akmon_cli.commands.mcptry import chosen, surroundings_of
from akmon_cli.servers import configured_servers

_PASTED_BYTES = 20_000


def add_parsers(actions: argparse._SubParsersAction[Any]) -> None:
    for action, what in (("login", "log in to one with the browser"), ("logout", "forget the login to one")):
        actions.add_parser(action, help=what).add_argument("name", metavar="NAME")


def run(options: argparse.Namespace, root: Path) -> int:
    from akmon_tools.mcp import oauth

    found = configured_servers(options, root)
    server = chosen(found, options.name)
    around = surroundings_of(options, found, root)
    if options.action == "logout":
        asyncio.run(oauth.logout(server, around))
        print(f"the login to {server.name} is forgotten", file=sys.stderr)
        return exitcodes.OK
    asyncio.run(oauth.login(server, around, _show, browse=browse, pasted=_pasted()))
    print(f"logged in to {server.name}", file=sys.stderr)
    return exitcodes.OK


def browse(url: str) -> bool:
    """Opens ``url`` in a browser with a window; a text browser would take the terminal away."""
    if urlsplit(url).scheme not in ("http", "https") or not _has_windows():
        return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


def _has_windows() -> bool:
    named = any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    return named or sys.platform in ("darwin", "win32")


def _show(text: str) -> None:
    """On standard output, as on standard error what looks like a secret goes, and an address has some."""
    print(text, flush=True)
    if sys.stdin.isatty():
        print(
            "If the browser runs on another machine, paste the address that it ends at here.", file=sys.stderr
        )


def _pasted() -> Callable[[], Awaitable[str]] | None:
    """Reads a line from the terminal, without a thread that would keep the program from ending."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        return None
    return _line


async def _line() -> str:
    loop = asyncio.get_running_loop()
    read: asyncio.Future[str] = loop.create_future()
    descriptor = sys.stdin.fileno()
    data = bytearray()

    def take() -> None:
        more = os.read(descriptor, 4096)
        data.extend(more)
        if (not more or b"\n" in more or len(data) > _PASTED_BYTES) and not read.done():
            read.set_result(data.decode(errors="replace").strip())

    loop.add_reader(descriptor, take)
    try:
        return await read
    finally:
        loop.remove_reader(descriptor)
