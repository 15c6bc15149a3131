"""The servers and the conformance checks that the makers of the protocol publish for node."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from akmon_core.servers import Server, Transport
from tests.rigs.places import PATIENCE, RIGS

MODULES = RIGS / "mcp" / "node_modules"
PROTOCOL = MODULES / "@modelcontextprotocol"
EVERYTHING = PROTOCOL / "server-everything" / "dist" / "index.js"
FILESYSTEM = PROTOCOL / "server-filesystem" / "dist" / "index.js"
CONFORMANCE = PROTOCOL / "conformance" / "dist" / "index.js"
NEXT_CONFORMANCE = RIGS / "conformance" / CONFORMANCE.relative_to(RIGS / "mcp")
"""Those that are to be released next, which know the newer generation."""


def missing() -> str:
    """Why they cannot be started; empty if they can."""
    if shutil.which("node") is None:
        return "node is not installed"
    return "" if (RIGS / "mcp" / ".installed").exists() else "the MCP servers are not installed: make rig-mcp"


def node() -> str:
    """A node that is new enough for all of them."""
    fetched = MODULES / "node" / "bin" / "node"
    return str(fetched) if fetched.exists() else str(shutil.which("node"))


def everything() -> Server:
    return Server(name="everything", transport="stdio", command=(node(), str(EVERYTHING), "stdio"))


def filesystem(*folders: Path) -> Server:
    command = (node(), str(FILESYSTEM), *map(str, folders))
    return Server(name="files", transport="stdio", command=command)


@contextmanager
def everything_at(transport: Transport) -> Iterator[Server]:
    """server-everything at an address of this machine: ``http`` or ``sse``."""
    argument, path = {"http": ("streamableHttp", "mcp"), "sse": ("sse", "sse")}[transport]
    port = _free_port()
    quiet = subprocess.DEVNULL
    env = {**os.environ, "PORT": str(port)}
    command = [node(), str(EVERYTHING), argument]
    with subprocess.Popen(command, env=env, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            _await(port, process)
            yield Server(name="everything", transport=transport, url=f"http://127.0.0.1:{port}/{path}")
        finally:
            process.kill()


def _free_port() -> int:
    """One that was free a moment ago; the server cannot be told to take any and say which."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until something listens; these servers answer no plain request."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the server does not listen")
