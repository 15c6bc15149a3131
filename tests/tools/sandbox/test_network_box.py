"""Commands in a real network of their own: only what the proxy lets out gets out, and they notice nothing."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_tools.sandbox.network import PORT, Network
from tests.tools.sandbox.networks import (
    Direct,
    allow,
    boxed,
    counting,
    during,
    in_a_box,
    in_box,
    without_proxies,
)
from tests.tools.webs import Site, page, site

pytestmark = in_a_box


@pytest.fixture(autouse=True)
def _no_proxies() -> Iterator[None]:
    with without_proxies():
        yield


@pytest.fixture
def server() -> Iterator[Site]:
    with site({"/": page("hello", "text/plain")}) as running:
        yield running


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", code)


def test_a_command_reaches_what_is_open_and_is_told_of_what_is_not(server: Site, tmp_path: Path) -> None:
    network = Network(allow(f"127.0.0.1:{server.port}"))
    line = (
        f"curl -sS http://127.0.0.1:{server.port}/; curl -sS http://evil.test/; curl -sS https://evil.test/"
    )
    done = boxed(network, tmp_path, "sh", "-c", line)
    told = "evil.test:80 may not be reached: no rule opens it. To allow it: akmon permissions add "
    assert done.out == f"helloakmon: {told}'network(evil.test)'\n"
    assert "403" in done.err
    assert network.refused() == ("evil.test",)
    assert network.used()["127.0.0.1"].received == len(page("hello", "text/plain"))


@pytest.mark.parametrize(
    "code",
    [
        "s = socket.create_connection(('127.0.0.1', {port}), 2)",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', {port}))",
        "s = socket.socket(socket.AF_INET6); s.connect(('::ffff:127.0.0.1', {port}))",
        "s = socket.create_connection(('192.0.2.1', 80), 2)",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('8.8.8.8', 53))",
        "socket.getaddrinfo('localhost.localdomain.invalid', 80)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socket(40, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1).sendto(b'x' * 8, ('8.8.8.8', 1))",
    ],
)
def test_nothing_gets_out_but_through_the_proxy(code: str, tmp_path: Path) -> None:
    """To the machine's own loopback the command's datagrams go too, but that is another loopback."""
    with counting() as (port, came):
        network = Network(allow("*"))
        done = boxed(network, tmp_path, *python("import socket\n" + code.format(port=port)))
        assert done.code == 1 or "SOCK_DGRAM); s.sendto" in code
        assert "rror" in done.err or done.code == 0
    assert came == []


def test_whoever_comes_to_the_port_outside_of_a_box_is_counted() -> None:
    with (
        counting() as (port, came),
        socket.create_connection(("127.0.0.1", port)) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        udp.sendto(b"x", ("127.0.0.1", port))
        assert tcp.recv(1) == b""
    assert sorted(came) == ["tcp", "udp"]


def test_the_proxy_does_not_lend_itself_to_the_machines_own_ports(tmp_path: Path) -> None:
    with counting() as (port, came):
        network = Network(allow("*", "localhost", "127.0.0.1"))
        requests = "".join(
            f"s = socket.create_connection(('127.0.0.1', {PORT})); "
            f"s.sendall(b'CONNECT {host}:{port} HTTP/1.1\\r\\n\\r\\n'); print(s.recv(12)[9:].decode())\n"
            for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "a.localhost")
        )
        done = boxed(network, tmp_path, *python("import socket\n" + requests))
        assert done.out.split() == ["403", "403", "403", "403", "400", "403"]
    assert came == []


def test_the_relay_can_be_reached_by_no_other_way(tmp_path: Path) -> None:
    """It may open unix sockets: who could write into its memory could have it do so."""
    code = """
import os, sys
for name in sorted(filter(str.isdecimal, os.listdir("/proc")), key=int):
    words = open(f"/proc/{name}/cmdline", "rb").read().split(b"\\0")
    if name != str(os.getpid()) and any(each.endswith(b"relay.py") for each in words[:5]) and name != "1":
        for part, flags in (("mem", os.O_RDWR), ("environ", os.O_RDONLY), ("fd/3", os.O_RDWR)):
            try:
                os.open(f"/proc/{name}/{part}", flags)
                print("open", part)
            except PermissionError:
                print("closed", part)
"""
    done = boxed(Network(allow("*")), tmp_path, *python(code))
    assert done.out.split("\n") == ["closed mem", "closed environ", "closed fd/3", ""]


def test_a_command_does_not_notice_that_something_was_before_it(tmp_path: Path) -> None:
    code = """
import os, signal, sys
print(sorted(os.environb.items()))
print(sorted(int(each) for each in os.listdir("/proc/self/fd")))
print(signal.getsignal(signal.SIGXFSZ))
print([line for line in open("/proc/self/status") if line.startswith(("Sig", "Shd", "PPid", "Cap"))])
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("childless")
sys.stdout.flush()
os.write(2, sys.stdin.buffer.read())
os.kill(os.getpid(), 9)
"""
    network = Network(allow("*"))
    through = boxed(network, tmp_path, *python(code), data=b"in put")
    plain = boxed(Direct(network), tmp_path, *python(code), data=b"in put")
    assert (through.code, through.out.count("childless"), through.err) == (137, 1, "in put")
    assert through == plain


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("sh", "-c", "exit 7"), 7, ""),
        (("true",), 0, ""),
        (("no-such-program",), 127, "akmon: no-such-program: No such file or directory\n"),
        (("/etc/passwd",), 126, "akmon: /etc/passwd: Permission denied\n"),
        (("sh", "-c", "yes | head -1 >/dev/null; exit $?"), 0, ""),
        (("bash", "-c", "yes | head -1 >/dev/null; exit ${PIPESTATUS[0]}"), 141, ""),
    ],
)
def test_the_exit_code_is_the_commands_own(
    argv: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = boxed(Network(allow("*")), tmp_path, *argv)
    assert (done.code, done.err) == (code, said)


def test_a_command_is_not_started_where_the_relay_cannot_be(tmp_path: Path) -> None:
    network = Network(allow("*"))
    holding = f"import socket, subprocess, sys; s = socket.create_server(('127.0.0.1', {PORT})); "
    inner = network.launcher(("touch", "started"))
    code = f"{holding}sys.exit(subprocess.call({inner!r}))"

    async def scenario() -> tuple[int, str]:
        done = await in_box(Direct(network), tmp_path, *python(code))
        return done.code, done.err

    code_, said = during(network, scenario)
    assert code_ == 125
    assert "akmon: the way to the network cannot be opened: " in said
    assert not (tmp_path / "started").exists()


def test_large_bodies_come_through_whole_both_ways(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "body").write_bytes(data)
    with site(
        {"/up": page("got it", "text/plain"), "/down": page(data, "application/octet-stream")}
    ) as server:
        network = Network(allow(f"127.0.0.1:{server.port}"))
        base = f"http://127.0.0.1:{server.port}"
        line = f"curl -sS --data-binary @body {base}/up; curl -sS -o back {base}/down"
        assert boxed(network, tmp_path, "sh", "-c", line).out == "got it"
        assert server.requests[0].body == data
    assert (tmp_path / "back").read_bytes() == data


def test_a_command_may_serve_and_reach_itself_without_the_proxy(tmp_path: Path) -> None:
    code = """
import http.server, threading, urllib.request
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for host in ("127.0.0.1", "localhost"):
    print(urllib.request.urlopen(f"http://{host}:{server.server_port}/").status)
"""
    network = Network(allow("example.org"))
    assert boxed(network, tmp_path, *python(code)).out == "200\n200\n"
    assert network.used() == {}
