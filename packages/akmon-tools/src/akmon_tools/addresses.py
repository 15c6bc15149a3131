"""Says where a host may be reached: the one place that decides which addresses of the network are used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol, TypeAlias

from akmon_core.errors import ToolError

Address: TypeAlias = IPv4Address | IPv6Address
LookUp: TypeAlias = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""The addresses of a name, for a port. Raises ``ToolError``."""


class Addresses(Protocol):
    """Asked before every connection, also those that a redirect leads to."""

    def check(self, host: str) -> None:
        """Raises ``ToolError`` if ``host`` may not be asked for; for a proxy, which looks it up itself."""
        ...

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of ``host`` to connect to, and to no other. Raises ``ToolError``."""
        ...


class PublicAddresses:
    """Addresses that anyone in the internet can reach. A host with any other is refused whole.

    ``find`` gives the addresses of a name, by default as the system does.
    """

    def __init__(self, find: LookUp | None = None) -> None:
        self._find = find or look_up

    def check(self, host: str) -> None:
        if host == "localhost" or host.endswith(".localhost"):
            raise _refused(host, host, "loopback")
        if (address := literal(host)) and (kind := not_public(address)):
            raise _refused(host, host, kind)

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        self.check(host)
        found = (host,) if literal(host) else await self._find(host, port)
        for address in found:
            if kind := not_public(ip_address(address)):
                raise _refused(host, address, kind)
        return found


class ChosenAddresses:
    """Any address: for a host that the person's own settings name."""

    def check(self, host: str) -> None:
        """Whatever is set is meant."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        return (host,) if literal(host) else await look_up(host, port)


def literal(host: str) -> Address | None:
    """``host`` as an address, if it is written as one."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def environment_proxy(scheme: str, host: str) -> str:
    """The proxy that the environment, or the system's settings, name for ``host``; empty is none."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all") or ""
    if not url or proxy_bypass(host):
        return ""
    return url if "://" in url else f"http://{url}"


async def look_up(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, in the system's order. Raises ``ToolError``."""
    import asyncio
    import socket

    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ToolError(f"no address of {host} can be found: {error}. Check the name.") from None
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


def not_public(address: Address) -> str:
    """What kind of address it is, in a word, if not everybody can reach it; empty if it is public."""
    return next((kind for each in (*_within(address), address) if (kind := _kind(each))), "")


_V4 = (
    # ``ipaddress`` calls some of these public, depending on the release of Python.
    (IPv4Network("0.0.0.0/8"), "unspecified"),
    (IPv4Network("100.100.100.200/32"), "metadata"),  # Alibaba
    (IPv4Network("100.64.0.0/10"), "private"),  # carriers' own
    (IPv4Network("168.63.129.16/32"), "metadata"),  # Azure
    (IPv4Network("169.254.0.0/16"), "link-local"),
    (IPv4Network("192.0.0.0/24"), "reserved"),  # protocol assignments, also metadata of a cloud
    (IPv4Network("192.88.99.0/24"), "reserved"),  # relays of 6to4
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved"),
)
_V6_PUBLIC = IPv6Network("2000::/3")
"""All that has been given out for use in the internet."""
_V6_METADATA = (IPv6Network("fd00:ec2::/32"), IPv6Network("fd20:ce::/32"))
"""Amazon, Google."""
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


def _kind(address: Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_unspecified:
        return "unspecified"
    if isinstance(address, IPv4Address):
        listed = next((kind for network, kind in _V4 if address in network), "")
        return listed or ("" if address.is_global else "private")
    if address.is_multicast:
        return "multicast"
    if address.is_link_local:
        return "link-local"
    if any(address in network for network in _V6_METADATA):
        return "metadata"
    if address in _NAT64:
        return ""  # the address within decides
    return "" if address.is_global and address in _V6_PUBLIC else "private"


def _within(address: Address) -> Iterator[IPv4Address]:
    """The addresses of version 4 that one of version 6 stands for."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):  # 0 and 1 are its own
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _refused(host: str, address: str, kind: str) -> ToolError:
    where = "" if address == host else f" leads to {address}, which"
    # Not a word on commands where a cloud gives out its secrets; some of that is at private addresses.
    hint = " For what runs on this machine use a command." if kind == "loopback" else ""
    return ToolError(f"{host}{where} is a {kind} address, and only public ones may be fetched.{hint}")
