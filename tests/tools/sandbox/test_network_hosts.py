"""Rules for ``network``: which hosts and addresses they open, and which never."""

from __future__ import annotations

import pytest

from akmon_core.errors import SettingsError
from akmon_core.permissions import Rule
from akmon_tools.sandbox.hosts import Hosts, Ruling, pattern_for
from tests.tools.sandbox.networks import allow, deny


@pytest.mark.parametrize(
    ("pattern", "host", "port", "allowed"),
    [
        ("example.org", "example.org", 443, True),
        ("example.org", "example.org", 80, True),
        ("example.org", "example.org", 22, False),
        ("example.org", "files.example.org", 443, False),
        ("example.org", "evilexample.org", 443, False),
        ("Example.org.", "example.org", 443, True),
        ("bücher.example", "xn--bcher-kva.example", 443, True),
        ("*.example.org", "files.example.org", 443, True),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "evilexample.org", 443, False),
        ("*.corp.example:8443", "a.corp.example", 8443, True),
        ("*.corp.example:8443", "a.corp.example", 443, False),
        ("github.com:22", "github.com", 22, True),
        ("github.com:22", "github.com", 443, False),
        ("*", "any.example", 443, True),
        ("*", "any.example", 22, True),
        ("[::1]", "::1", 80, True),
        ("[0:0::1]:8080", "::1", 8080, True),
    ],
)
def test_a_rule_opens_a_host_at_the_usual_ports_or_at_the_one_it_names(
    pattern: str, host: str, port: int, allowed: bool
) -> None:
    assert Hosts(allow(pattern)).ruling(host, port).allowed is allowed


def test_without_a_rule_nothing_is_open() -> None:
    assert not Hosts(())
    assert Hosts(()).ruling("example.org", 443) == Ruling(False)
    assert not Hosts(
        (Rule("fetch", "example.org"), Rule("shell", "curl *"), Rule("*"), Rule("net*", "example.org"))
    )


@pytest.mark.parametrize(
    "closing",
    [
        *deny("example.org", "*.org", "*", "example.org:443"),
        Rule("network", decision="deny"),
        Rule("network", "example.org", decision="ask"),
        Rule("*", decision="deny"),
        Rule("net*", "example.org", decision="deny"),
    ],
    ids=str,
)
def test_what_closes_beats_what_opens(closing: Rule) -> None:
    for rules in ((*allow("example.org", "example.org:443"), closing), (closing, *allow("*", "*.org"))):
        ruling = Hosts(rules).ruling("example.org", 443)
        assert ruling == Ruling(False, str(closing))


def test_a_rule_of_other_tools_that_is_about_paths_closes_no_host() -> None:
    rules = (*allow("example.org"), Rule("*", "src/**", decision="deny"))
    assert Hosts(rules).ruling("example.org", 443).allowed


def test_a_host_that_is_closed_is_closed_at_all_its_ports() -> None:
    hosts = Hosts((*allow("a.example:8443"), *deny("a.example")))
    assert not hosts.ruling("a.example", 8443).allowed


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "https://example.org",
            "example.org/simple",
            "user@example.org",
            "pypi*.org",
            "a.*.org",
            "127.1",
            "0x7f.1",
        ),
        *(
            "example.org:0",
            "example.org:99999",
            "example.org:*",
            "*.127.0.0.1",
            "[::1",
            "a b",
            "*.",
            "example.org:",
        ),
    ],
)
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_rule_that_names_no_host_is_an_error_that_says_so(pattern: str, decision: str) -> None:
    rule = Rule("network", pattern, decision="allow" if decision == "allow" else "deny", origin="a file")
    with pytest.raises(SettingsError) as caught:
        Hosts((rule,))
    assert f"the rule network({pattern}) (a file) cannot be understood" in str(caught.value)
    assert "network(HOST:PORT)" in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "host", "port", "address", "why"),
    [
        ("a.example", "a.example", 443, "93.184.216.34", ""),
        ("a.example", "a.example", 443, "10.0.0.1", "a private address"),
        ("a.example", "a.example", 443, "127.0.0.1", "a loopback address"),
        ("a.example", "a.example", 443, "169.254.169.254", "a link-local address"),
        ("a.example", "a.example", 443, "::ffff:10.0.0.1", "a private address"),
        ("*", "10.0.0.1", 80, "10.0.0.1", "a private address"),
        ("10.0.0.1", "10.0.0.1", 80, "10.0.0.1", "a private address"),
        ("10.0.0.1:80", "10.0.0.1", 80, "10.0.0.1", ""),
        ("127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1", ""),
        ("localhost:5432", "localhost", 5432, "127.0.0.1", ""),
        ("localhost:5432", "localhost", 5432, "10.0.0.1", "a private address"),
        ("a.example:443", "a.example", 443, "10.0.0.1", ""),
        ("a.example:443", "a.example", 443, "127.0.0.1", "a loopback address"),
        ("a.example:443", "a.example", 443, "169.254.169.254", "a link-local address"),
        ("a.example:80", "a.example", 80, "100.100.100.200", "a metadata address"),
        ("a.example:80", "a.example", 80, "fd00:ec2::254", "a metadata address"),
        ("*.example:443", "a.example", 443, "10.0.0.1", "a private address"),
    ],
)
def test_what_is_not_public_is_reached_only_where_a_rule_names_it_with_its_port(
    pattern: str, host: str, port: int, address: str, why: str
) -> None:
    assert Hosts(allow(pattern)).unfit(host, port, address) == why


def test_an_address_that_is_closed_is_closed_under_any_name() -> None:
    hosts = Hosts((*allow("a.example"), *deny("93.184.216.34")))
    assert hosts.unfit("a.example", 443, "93.184.216.34") == "closed by the rule network(93.184.216.34)"


@pytest.mark.parametrize(
    ("host", "port", "pattern"),
    [
        ("example.org", 443, "example.org"),
        ("example.org", 8443, "example.org:8443"),
        ("10.0.0.1", 80, "10.0.0.1:80"),
        ("::1", 8080, "[::1]:8080"),
    ],
)
def test_the_rule_that_is_proposed_opens_what_was_refused(host: str, port: int, pattern: str) -> None:
    assert pattern_for(host, port) == pattern
    assert Hosts(allow(pattern)).ruling(host, port).allowed
