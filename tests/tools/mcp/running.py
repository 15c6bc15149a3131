"""Starts the servers of ``programs`` and says how a client is to reach them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from akmon_core.servers import Server, Transport

PROGRAMS = Path(__file__).parent / "programs"
EVERYTHING = PROGRAMS / "everything.py"


class Running(msgspec.Struct, frozen=True):
    """A server that listens."""

    server: Server
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.server.url.split(":")[2].split("/")[0])


def started_by_client(*arguments: str, name: str = "everything", program: Path = EVERYTHING) -> Server:
    """A server over standard input and output, which the client starts itself."""
    return Server(name=name, transport="stdio", command=(sys.executable, str(program), "stdio", *arguments))


@contextmanager
def listening(transport: Transport, *arguments: str, name: str = "everything") -> Iterator[Running]:
    """A server at an address of this machine: ``http`` or ``sse``."""
    command = [sys.executable, str(EVERYTHING), transport, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the server ended before it listened"
            yield Running(Server(name=name, transport=transport, url=url), process)
        finally:
            process.kill()
