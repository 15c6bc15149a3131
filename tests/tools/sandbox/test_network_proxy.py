"""The proxy of commands: whom it lets to which host, and that nothing else gets through it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from akmon_core.limits import PROXY_HEAD_BYTES, REFUSED_HOSTS
from akmon_core.permissions import Rule
from akmon_tools.sandbox.network import Network
from akmon_tools.sandbox.proxy import Traffic
from tests.tools.sandbox.networks import World, allow, asked, deny, during, say, without_proxies
from tests.tools.webs import Site, page, site

HELLO = {"/": page("hello", "text/plain"), "/a?b=%2f": page("there", "text/plain")}
GET = b"GET http://a.example/ HTTP/1.1\r\n\r\n"
CONNECT = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_proxies() -> Iterator[None]:
    with without_proxies():
        yield


@pytest.fixture
def server() -> Iterator[Site]:
    with site(HELLO) as running:
        yield running


@pytest.fixture
def world(server: Site) -> World:
    names = {"a.example": ("93.184.216.34",), "b.example": ("93.184.216.35", "93.184.216.36")}
    return World(server.port, names)


def test_a_plain_request_goes_to_the_address_that_was_looked_up(world: World, server: Site) -> None:
    network = world.network(*allow("a.example"))
    said = asked(network, b"GET http://A.example.:80/a?b=%2f HTTP/1.1\r\nAccept: x\r\n\r\n")
    assert said.startswith("HTTP/1.1 200")
    assert said.endswith("there")
    (request,) = server.requests
    assert request.line == "GET /a?b=%2f HTTP/1.1"
    assert request.headers == {"host": "a.example", "accept": "x", "connection": "close"}
    assert (world.looked_up, world.dialled) == (["a.example"], [("93.184.216.34", 80)])
    assert network.refused() == ()


def test_a_tunnel_carries_bytes_both_ways_and_each_side_may_end_first(world: World) -> None:
    async def scenario(network: Network) -> tuple[bytes, bytes]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            data = await reader.read(-1)
            writer.write(data[::-1])
            writer.close()

        far = await asyncio.start_server(answer, "127.0.0.1", 0)
        world.port = far.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_unix_connection(network.socket)
        writer.write(CONNECT + b"abc")
        said = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"d" * 1_000_000)
        writer.write_eof()
        back = await reader.read(-1)
        writer.close()
        far.close()
        return said, back

    network = world.network(*allow("a.example"))
    said, back = during(network, lambda: scenario(network))
    assert said == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert back == b"d" * 1_000_000 + b"cba"
    assert network.used() == {"a.example": Traffic(sent=1_000_003, received=1_000_003)}


@pytest.mark.parametrize("request_", [CONNECT, GET])
def test_a_host_that_no_rule_opens_is_refused_with_the_rule_that_would(
    world: World, server: Site, request_: bytes
) -> None:
    network = world.network(*allow("b.example"))
    said = asked(network, request_)
    head, _, body = said.partition("\r\n\r\n")
    port = 443 if request_ == CONNECT else 80
    assert head.startswith(f"HTTP/1.1 403 akmon: a.example:{port} may not be reached: no rule opens it\r\n")
    told = f"a.example:{port} may not be reached: no rule opens it. To allow it: akmon permissions add "
    assert f"X-Proxy-Error: {told}'network(a.example)'\r\n" in head
    assert body == f"akmon: {told}'network(a.example)'\n"
    assert (world.looked_up, world.dialled, server.requests) == ([], [], [])
    assert network.refused() == ("a.example",)
    assert network.refused() == ()


def test_a_host_that_a_rule_closes_is_refused_without_advice(world: World) -> None:
    said = asked(world.network(*allow("*"), *deny("*.example")), GET)
    assert "the rule network(*.example) closes it." in said
    assert "akmon permissions add" not in said
    rule = Rule("network", "a.example", decision="deny", message="Use the\nmirror.")
    assert "closes it. Use the mirror.\r\n" in asked(world.network(*allow("*"), rule), GET)
    assert world.looked_up == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("CONNECT a.example:22", "network(a.example:22)"),
        ("CONNECT 93.184.216.34:443", "network(93.184.216.34:443)"),
        ("CONNECT [2606:2800::1]:443", "network([2606:2800::1]:443)"),
        ("CONNECT 169.254.169.254:80", "may not be reached"),
        ("CONNECT a.example.evil.test:443", "network(a.example.evil.test)"),
        ("CONNECT evila.example:443", "network(evila.example)"),
        ("CONNECT a.example", "names no port"),
        ("CONNECT a.example:0", "its port is not one"),
        ("CONNECT a.example:", "not a host or a host with a port"),
        ("CONNECT a.example@evil.test:443", "not a valid name"),
        ("CONNECT evil.test@a.example:443", "not a valid name"),
        ("CONNECT a.example:443@evil.test", "not a host"),
        ("CONNECT evil.test\0.a.example:443", "not one that a proxy understands"),
        ("CONNECT evil.test%00.a.example:443", "not a valid name"),
        ("CONNECT 2130706433:443", "unusual spelling"),
        ("CONNECT 127.1:443", "unusual spelling"),
        ("CONNECT 0x7f000001:443", "unusual spelling"),
        ("CONNECT a..example:443", "not a valid name"),
        ("CONNECT http://a.example:443/", "not a host"),
        ("CONNECT ａ.example:443", "not one that a proxy understands"),
        ("GET http://user@a.example/", "not a valid name"),
        ("GET http://a.example\\@evil.test/", "not a valid name"),
        ("GET http://a.example#@evil.test/", "only http://"),
        ("GET //evil.test/", "only http://"),
        ("GET /", "only http://"),
        ("GET https://a.example/", "only http://"),
        ("GET ftp://a.example/", "only http://"),
        ("GET http:///", "not a valid name"),
        ("GET http://evil.test/?http://a.example/", "network(evil.test)"),
        ("GET http://a.example/ http://a.example/", "not one that a proxy understands"),
        ("get http://a.example/", "not one that a proxy understands"),
    ],
)
def test_a_place_that_is_not_plainly_an_open_one_is_never_dialled(
    world: World, target: str, said: str
) -> None:
    answer = asked(world.network(*allow("a.example")), f"{target} HTTP/1.1\r\n\r\n".encode())
    assert said in answer
    assert answer.startswith(("HTTP/1.1 403 ", "HTTP/1.1 400 "))
    assert (world.looked_up, world.dialled) == ([], [])


@pytest.mark.parametrize(
    "fields",
    [
        *("Host : a", " folded", "no colon", "X: a\nb", "X: a\rb", "X: a\0b", "\tX: a", "X\0: a", ": a"),
        *("Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6"),
        *("Content-Length: -1", "Content-Length: +5", "Content-Length: 0x5", "Content-Length: 5, 5"),
        *("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: identity"),
        *("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Content-Length: " + "9" * 30),
    ],
)
def test_a_head_that_two_readers_could_understand_in_two_ways_is_refused(world: World, fields: str) -> None:
    said = asked(world.network(*allow("a.example")), f"{GET.decode().strip()}\r\n{fields}\r\n\r\n".encode())
    assert said.startswith("HTTP/1.1 400 ")
    assert world.dialled == []


def test_the_server_is_told_the_host_that_was_judged(world: World, server: Site) -> None:
    head = (
        b"Host: evil.test\r\nhOST: other.test\r\nConnection: x-secret, host\r\nX-Secret: 1\r\n"
        b"Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-Kept: 1\r\n"
    )
    asked(world.network(*allow("a.example")), GET.removesuffix(b"\r\n") + head + b"\r\n")
    assert server.requests[0].headers == {"host": "a.example", "x-kept": "1", "connection": "close"}


@pytest.mark.parametrize(
    "framing", ["", "Content-Length: 0\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"]
)
def test_a_second_request_on_a_connection_reaches_nobody(world: World, framing: str) -> None:
    """Also not the server of the first, which may know other hosts that no rule opens."""
    body = {
        "Content-Length: 3\r\n": b"abc",
        "Transfer-Encoding: chunked\r\n": b"3;x=y\r\nabc\r\n0\r\nT: x\r\n\r\n",
    }
    second = b"GET http://evil.test/second HTTP/1.1\r\nHost: evil.test\r\n\r\n"
    seen = bytearray()

    async def scenario(network: Network) -> None:
        done = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.extend(await reader.read(-1))
            writer.close()
            done.set()

        far = await asyncio.start_server(answer, "127.0.0.1", 0)
        world.port = far.sockets[0].getsockname()[1]
        head = b"POST http://a.example/ HTTP/1.1\r\n" + framing.encode() + b"\r\n"
        await say(network, head + body.get(framing, b"") + second)
        await done.wait()
        far.close()

    network = world.network(*allow("a.example", "evil.test"))
    during(network, lambda: scenario(network))
    assert seen.count(b"HTTP/1.1") == 1
    assert b"second" not in seen
    if framing.startswith("Transfer"):
        assert seen.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert world.dialled == [("93.184.216.34", 80)]


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"3\r\nabcd\r\n", b"-1\r\n", b"0\r\n" + b"T: x\r\n" * 200])
def test_a_body_in_chunks_that_are_wrong_ends_the_connection(world: World, chunks: bytes) -> None:
    head = b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert not asked(world.network(*allow("a.example")), head + chunks).startswith("HTTP/1.1 2")


@pytest.mark.parametrize(
    "addresses",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00:ec2::254", "0.0.0.0"),
        *("93.184.216.34 127.0.0.1", "10.0.0.1 93.184.216.34", "64:ff9b::7f00:1", "100.100.100.200"),
    ],
)
def test_a_name_with_any_address_that_is_not_public_is_refused_whole(world: World, addresses: str) -> None:
    world.names["a.example"] = tuple(addresses.split())
    network = world.network(*allow("a.example"))
    said = asked(network, CONNECT)
    assert said.startswith("HTTP/1.1 403 akmon: a.example:443 may not be reached: it leads to ")
    assert world.dialled == []
    assert network.refused() == ("a.example",)
    assert ("akmon permissions add 'network(a.example:443)'" in said) == ("a private address" in said)


@pytest.mark.parametrize("framing", ["Content-Length: 9000000", "Transfer-Encoding: chunked"])
def test_an_answer_that_comes_before_the_body_is_read_reaches_the_command(world: World, framing: str) -> None:
    async def scenario(network: Network) -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too much\r\n\r\n")
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read(-1)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            gone.set()

        gone = asyncio.Event()

        async def send(writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                writer.write(f"POST http://a.example/ HTTP/1.1\r\n{framing}\r\n\r\n".encode())
                for _ in range(20):
                    writer.write(b"x" * 60_000 if "Length" in framing else b"4\r\nabcd\r\n" * 6_000)
                    await writer.drain()

        far = await asyncio.start_server(answer, "127.0.0.1", 0)
        world.port = far.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_unix_connection(network.socket)
        sending = asyncio.create_task(send(writer))
        said = await reader.read(-1)
        await sending
        writer.close()
        await gone.wait()
        far.close()
        return said

    network = world.network(*allow("a.example"))
    assert during(network, lambda: scenario(network)) == b"HTTP/1.1 413 Too much\r\n\r\n"


def test_a_name_is_looked_up_once_and_the_next_of_its_addresses_is_tried(world: World, server: Site) -> None:
    """Nobody can answer the check with one address and the connection with another."""

    class Failing(World):
        async def connect(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            made = await super().connect(address, port)
            if len(self.dialled) == 1:
                made[1].close()
                raise ConnectionRefusedError(111, "Connection refused")
            return made

    failing = Failing(server.port, world.names)
    said = asked(failing.network(*allow("b.example")), b"GET http://b.example/ HTTP/1.1\r\n\r\n")
    assert said.endswith("hello")
    assert failing.looked_up == ["b.example"]
    assert failing.dialled == [("93.184.216.35", 80), ("93.184.216.36", 80)]


def test_what_cannot_be_reached_or_found_is_an_answer_that_says_so(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        world.port = listener.getsockname()[1]
    network = world.network(*allow("*.example"))
    assert asked(network, GET).startswith("HTTP/1.1 502 akmon: a.example:80 cannot be reached: ")
    assert "no address of c.example can be found" in asked(network, GET.replace(b"a.ex", b"c.ex"))
    assert network.refused() == ()


def test_this_machine_is_reached_only_at_the_port_that_a_rule_names(server: Site) -> None:
    with site(HELLO) as other:
        for host in ("127.0.0.1", "localhost"):
            network = Network(allow(f"{host}:{server.port}", "*"))
            wanted = f"GET http://{host}:{server.port}/ HTTP/1.1\r\n\r\n".encode()
            assert asked(network, wanted).endswith("hello")
            said = asked(network, wanted.replace(str(server.port).encode(), str(other.port).encode()))
            assert said.startswith("HTTP/1.1 403 ")
            assert f"akmon permissions add 'network({host}:{other.port})'" in said
        assert other.requests == []


def test_a_head_without_an_end_is_refused(world: World) -> None:
    said = asked(
        world.network(*allow("*")), b"GET http://a.example/ HTTP/1.1\r\nX: " + b"x" * PROXY_HEAD_BYTES
    )
    assert said.startswith("HTTP/1.1 400 akmon: the head of the request is too long")
    assert world.dialled == []


def test_many_connections_are_served_at_once(world: World, server: Site) -> None:
    network = world.network(*allow("a.example"))

    async def scenario() -> list[bytes]:
        return await asyncio.gather(*(say(network, GET) for _ in range(100)))

    assert all(said.endswith(b"hello") for said in during(network, scenario))
    assert len(server.requests) == 100
    assert network.used()["a.example"].received == sum(map(len, [page("hello", "text/plain")] * 100))


def test_of_very_many_refused_hosts_the_first_are_told(world: World) -> None:
    network = world.network(*allow("a.example"))

    async def scenario() -> None:
        for number in range(REFUSED_HOSTS + 5):
            await say(network, f"CONNECT h{number}.test:443 HTTP/1.1\r\n\r\n".encode())

    during(network, scenario)
    assert network.refused() == tuple(f"h{number}.test" for number in range(REFUSED_HOSTS))


def test_a_connection_without_a_word_is_closed_after_a_while(world: World) -> None:
    from akmon_tools.sandbox.dial import Dialer
    from akmon_tools.sandbox.hosts import Hosts
    from akmon_tools.sandbox.proxy import Proxy

    network = world.network()

    async def scenario() -> bytes:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(-1)
            writer.close()

        far = await asyncio.start_server(silent, "127.0.0.1", 0)
        world.port = far.sockets[0].getsockname()[1]
        proxy = Proxy(Dialer(Hosts(allow("a.example")), world.find, world.connect), idle=0.05)
        await proxy.listen(network.socket)
        said = await say(network, CONNECT)
        await proxy.close()
        far.close()
        await network.close()
        return said

    assert asyncio.run(scenario()) == b"HTTP/1.1 200 Connection established\r\n\r\n"


def test_closing_ends_what_is_open_and_removes_the_socket(world: World) -> None:
    network = world.network(*allow("a.example"))

    async def scenario() -> bytes:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(-1)
            writer.close()

        far = await asyncio.start_server(silent, "127.0.0.1", 0)
        world.port = far.sockets[0].getsockname()[1]
        await network.start()
        folder = network.socket.parent
        assert folder.stat().st_mode & 0o777 == 0o700
        reader, writer = await asyncio.open_unix_connection(network.socket)
        writer.write(CONNECT)
        await reader.readuntil(b"\r\n\r\n")
        await network.close()
        assert not folder.exists()
        rest = await reader.read(-1)
        writer.close()
        far.close()
        return rest

    assert asyncio.run(scenario()) == b""


def test_a_proxy_of_the_persons_environment_is_used_for_both_kinds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    async def scenario(network: Network) -> list[bytes]:
        async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append(head)
            if head.startswith(b"CONNECT a."):
                writer.write(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n")
                writer.write(await reader.readexactly(2))
            elif head.startswith(b"CONNECT"):
                writer.write(b"HTTP/1.1 407 Who are you\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 204 X\r\n\r\n")
            writer.close()

        far = await asyncio.start_server(upstream, "127.0.0.1", 0)
        port = far.sockets[0].getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{port}")
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{port}")
        said = [
            await say(network, GET),
            await say(network, CONNECT + b"hi"),
            await say(network, CONNECT.replace(b"a.", b"b.")),
            await say(network, b"CONNECT 10.0.0.1:443 HTTP/1.1\r\n\r\n"),
            await say(network, b"CONNECT x.localhost:443 HTTP/1.1\r\n\r\n"),
            await say(network, b"CONNECT other.test:443 HTTP/1.1\r\n\r\n"),
        ]
        far.close()
        return said

    network = world.network(*allow("*"), *deny("other.test"))
    said = during(network, lambda: scenario(network))
    assert said[0] == b"HTTP/1.1 204 X\r\n\r\n"
    assert said[1] == b"HTTP/1.1 200 Connection established\r\n\r\nhi"
    assert b"502 akmon: the proxy 127.0.0.1 of the environment did not connect to b.example:443" in said[2]
    assert b"407 Who are you" in said[2]
    assert all(each.startswith(b"HTTP/1.1 403 ") for each in said[3:])
    assert seen[0].startswith(b"GET http://a.example:80/ HTTP/1.1\r\nHost: a.example\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in seen[0]
    assert seen[1].startswith(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
    assert len(seen) == 3
    assert (world.looked_up, world.dialled) == ([], [])


@pytest.mark.parametrize(
    "url", ["socks5://127.0.0.1:1", "http://[::1", "http://a:99999999", "http://", "ftp://x"]
)
def test_a_proxy_of_the_environment_that_cannot_be_used_is_said_to_be_so(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", url)
    said = asked(world.network(*allow("a.example")), GET)
    assert said.startswith("HTTP/1.1 502 akmon: the proxy ")
    assert "of the environment cannot be used" in said
    assert world.dialled == []


def test_a_host_that_the_environment_takes_out_of_its_proxy_is_checked_like_any(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "a.example,b.example")
    world.names["b.example"] = ("10.0.0.1",)
    network = world.network(*allow("*.example"))
    assert asked(network, GET).endswith("hello")
    assert asked(network, GET.replace(b"a.ex", b"b.ex")).startswith("HTTP/1.1 403 ")
    assert world.dialled == [("93.184.216.34", 80)]
