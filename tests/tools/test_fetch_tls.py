"""Secure connections: to the address that was checked, for the name that was asked for."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.tools.webs import Fetching, certificate, page, site


def test_a_connection_goes_to_the_checked_address_and_is_verified_for_the_name(tmp_path: Path) -> None:
    """Nobody knows the name pages.test but the port for addresses, so there was no second look-up."""
    authority, context = certificate(tmp_path, "pages.test")
    named: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    with site({"/": page("secure", "text/plain")}, context) as server:
        fetch = Fetching(ca_file=str(authority))
        output = fetch(server.url("/", scheme="https"))
    assert output.text.endswith("secure")
    assert named == ["pages.test"]
    assert server.requests[0].headers["host"] == f"pages.test:{server.port}"


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path, "other.test")
    with site({"/": page("secret", "text/plain")}, context) as server:
        said = Fetching(ca_file=str(authority)).refused(server.url("/", scheme="https"))
    assert "there is no secure connection to pages.test" in said
    assert "not valid for 'pages.test'" in said
    assert server.requests == []


def test_a_certificate_for_the_address_does_not_do_for_the_name(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path, "127.0.0.1")
    with site({"/": page("secret", "text/plain")}, context) as server:
        said = Fetching(ca_file=str(authority)).refused(server.url("/", scheme="https"))
        assert "not valid for 'pages.test'" in said
        bare = Fetching(ca_file=str(authority))
        bare.names.known["127.0.0.1"] = ["127.0.0.1"]
        assert bare(server.url("/", "127.0.0.1", "https")).text.endswith("secret")


def test_an_authority_that_nobody_trusts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, context = certificate(tmp_path, "pages.test")
    with site({"/": page("secret", "text/plain")}, context) as server:
        said = Fetching().refused(server.url("/", scheme="https"))
    assert said.startswith("there is no secure connection to pages.test: ")
    assert server.requests == []


def test_a_server_that_speaks_no_tls_is_refused() -> None:
    with site({"/": page("plain", "text/plain")}) as server:
        assert "no secure connection" in Fetching().refused(server.url("/", scheme="https"))


def test_http_may_become_https_at_the_same_host_but_not_the_other_way(tmp_path: Path) -> None:
    """A redirect that gives up the encryption is told like one to another site."""
    authority, context = certificate(tmp_path, "pages.test")
    with site(tls=context) as server:
        server.pages["/"] = page("", status=302, location=server.url("/x"))
        output = Fetching(ca_file=str(authority))(server.url("/", scheme="https"))
    assert f"redirects to {server.url('/x')}, which was not fetched" in output.text


def test_a_file_without_certificates_is_an_error_that_names_it(tmp_path: Path) -> None:
    nothing = tmp_path / "ca.pem"
    for content in (None, "no certificate"):
        if content:
            nothing.write_text(content)
        said = Fetching(ca_file=str(nothing)).refused("https://pages.test:1/")
        assert f"no certificates can be read from {nothing}" in said
        assert "ca_file" in said


def test_old_versions_of_the_protocol_are_refused(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path, "pages.test")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with site({"/": page("x", "text/plain")}, context) as server:
        assert "no secure connection" in Fetching(ca_file=str(authority)).refused(
            server.url("/", scheme="https")
        )
