"""Addresses: only what everybody can reach is fetched, however it is spelled."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest

from akmon_core.errors import ToolError
from akmon_tools.addresses import ChosenAddresses, PublicAddresses, not_public
from akmon_tools.urls import normalise, place

PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2001:4860:4860::8888"),
    *("64:ff9b::8.8.8.8", "2002:808:808::1"),
)
NOT_PUBLIC = {
    "127.0.0.1": "loopback",
    "127.255.0.1": "loopback",
    "::1": "loopback",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.0.1": "private",
    "100.64.0.1": "private",
    "100.100.100.200": "metadata",
    "198.18.0.1": "private",
    "203.0.113.1": "private",
    "169.254.169.254": "link-local",
    "fe80::1": "link-local",
    "192.0.0.192": "reserved",
    "192.88.99.1": "reserved",
    "255.255.255.255": "reserved",
    "168.63.129.16": "metadata",
    "224.0.0.1": "multicast",
    "ff02::1": "multicast",
    "fec0::1": "private",
    "fc00::1": "private",
    "fd00:ec2::254": "metadata",
    "2001:db8::1": "private",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "::ffff:100.100.100.200": "metadata",
    "::127.0.0.1": "loopback",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::169.254.169.254": "link-local",
    "64:ff9b:1::1": "private",
    "2002:7f00:1::": "loopback",
    "2002:a00:1::1": "private",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe": "private",
}


def test_another_way_is_named_for_this_machine_and_not_for_a_clouds_secrets() -> None:
    for address, kind in NOT_PUBLIC.items():
        with pytest.raises(ToolError) as caught:
            PublicAddresses().check(address)
        assert ("use a command" in str(caught.value)) == (kind == "loopback")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_used_as_it_is(address: str) -> None:
    assert not_public(ip_address(address)) == ""
    assert asyncio.run(PublicAddresses().resolve(address, 443)) == (address,)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_address_is_refused_with_its_kind(address: str) -> None:
    assert not_public(ip_address(address)) == NOT_PUBLIC[address]
    with pytest.raises(ToolError, match=f"is a {NOT_PUBLIC[address]} address"):
        asyncio.run(PublicAddresses().resolve(address, 443))
    with pytest.raises(ToolError, match=f"is a {NOT_PUBLIC[address]} address"):
        PublicAddresses().check(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost./", "http://LOCALHOST:8000/", "http://x.localhost/", "http://127。0。0。1/"),
        *("http://①②⑦.⓪.⓪.①/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0::1]/"),
    ],
)
def test_this_machine_is_refused_under_each_of_its_names(url: str) -> None:
    _, host, port = place(normalise(url))
    with pytest.raises(ToolError, match="loopback"):
        asyncio.run(PublicAddresses().resolve(host, port))


def test_a_name_that_leads_to_this_machine_is_refused_with_the_address() -> None:
    """The one name that every machine looks up without a network: its own host file has it."""

    async def scenario() -> tuple[str, ...]:
        return await PublicAddresses().resolve("ip6-localhost", 80)

    with pytest.raises(ToolError, match=r"ip6-localhost (leads to ::1, which is a loopback)|no address of"):
        asyncio.run(scenario())


def test_a_name_that_nobody_has_is_an_error_that_names_it() -> None:
    with pytest.raises(ToolError, match=r"no address of no\.such\.invalid can be found"):
        asyncio.run(PublicAddresses().resolve("no.such.invalid", 80))


def test_what_the_person_set_may_be_anywhere() -> None:
    chosen = ChosenAddresses()
    chosen.check("127.0.0.1")
    assert asyncio.run(chosen.resolve("127.0.0.1", 80)) == ("127.0.0.1",)
    assert "127.0.0.1" in asyncio.run(chosen.resolve("localhost", 80))
