"""URLs in normal form: what rules are compared with is what a server is asked."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_core.tools import Effect
from akmon_tools.fetch import FetchArguments, FetchTool
from akmon_tools.outputs import Outputs
from akmon_tools.urls import normalise, redirected, same_site
from akmon_tools.web import Web
from tests.tools.webs import Names, page, site

SAME = {
    "https://Example.COM": "https://example.com/",
    "  https://example.com/a  ": "https://example.com/a",
    "HTTPS://example.com:443/a": "https://example.com/a",
    "http://example.com:80/": "http://example.com/",
    "http://example.com:8080/": "http://example.com:8080/",
    "https://example.com./a": "https://example.com/a",
    "https://example.com/a#part": "https://example.com/a",
    "https://example.com?q=1": "https://example.com/?q=1",
    "https://example.com/a/../b/./c/..": "https://example.com/b/",
    "https://example.com/a/%2e%2e/b": "https://example.com/b",
    "https://example.com/../../b": "https://example.com/b",
    "https://example.com//b//c": "https://example.com//b//c",
    "https://example.com/%70rivate/%c3%bc%2f": "https://example.com/private/%C3%BC%2F",
    "https://example.com/ü b?q=ä|{}": "https://example.com/%C3%BC%20b?q=%C3%A4%7C%7B%7D",
    "https://example.com/100%": "https://example.com/100%",
    "https://bücher.example/": "https://xn--bcher-kva.example/",
    "https://ＥＸＡＭＰＬＥ.com/": "https://example.com/",
    "http://127。0。0。1/": "http://127.0.0.1/",
    "http://①②⑦.⓪.⓪.①:81/": "http://127.0.0.1:81/",
    "http://[0:0::1]:8000/": "http://[::1]:8000/",
    "http://[::FFFF:127.0.0.1]/": "http://[::ffff:7f00:1]/",
    "http://a_b.example/": "http://a_b.example/",
}

REFUSED = {
    "file:///etc/passwd": "begin with https",
    "gopher://127.0.0.1/_x": "begin with https",
    "data:text/html,x": "begin with https",
    "javascript:alert(1)": "begin with https",
    "example.com/a": "begin with https",
    "https:///a": "a host",
    "https:example.com": "a host",
    "": "begin with https",
    "http://example.com@127.0.0.1/": "user name",
    "https://docs.python.org@evil.test/": "user name",
    "https://user:secret@example.com/": "user name",
    "https://@example.com/": "user name",
    "https://attacker.test\0.example.com": "control characters",
    "https://example.com/a\nb": "control characters",
    "https://example.com/\u202eb": "control characters",
    "https://example.com\\@evil.test/": "backslash",
    "http://2130706433/": "unusual spelling",
    "http://0x7f000001/": "unusual spelling",
    "http://0x7f.1/": "unusual spelling",
    "http://127.1/": "unusual spelling",
    "http://0177.0.0.1/": "unusual spelling",
    "http://127.0.0.1.2/": "unusual spelling",
    "http://0/": "unusual spelling",
    "http://example.0x/": "unusual spelling",
    "http://[fe80::1%eth0]/": "version 6",
    "http://[::1/": "Invalid IPv6",
    "http://[v1.x]/": "version 6",
    "http://exa mple.com/": "not a valid name",
    "http://example..com/": "not a valid name",
    "http://%65xample.com/": "not a valid name",
    "http://" + "a" * 64 + ".com/": "not a valid name",
    "http://-a.example/": "not a valid name",
    "https://example.com:0/": "port 0",
    "https://example.com:99999/": "Port out of range",
    "https://example.com:x/": "Port could not",
    "https://example.com/" + "a" * 5_000: "longer than",
}


@pytest.mark.parametrize("url", SAME)
def test_a_url_is_brought_into_one_form(url: str) -> None:
    assert normalise(url) == SAME[url]
    assert normalise(SAME[url]) == SAME[url]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_no_plain_url_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(ToolError) as caught:
        normalise(url)
    assert REFUSED[url] in str(caught.value)


@pytest.mark.parametrize("url", [*SAME, *REFUSED])
def test_the_effect_of_a_call_is_the_url_that_is_fetched_or_nothing(url: str) -> None:
    expected = (Effect("fetch", SAME[url]),) if url in SAME else ()
    assert FetchTool(Outputs()).effects(FetchArguments(url)) == expected


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_server_is_asked_for_exactly_what_the_rules_saw(path: str, query: str) -> None:
    try:
        url = normalise(f"http://pages.test/{path}?{query}")
    except ToolError:
        return
    target = url.removeprefix("http://pages.test")
    with site({target: page("found")}) as server:
        at = f"http://pages.test:{server.port}{target}"
        assert normalise(at) == at
        answer = asyncio.run(Web(Names(pages_test="127.0.0.1")).get(at))
    assert [request.path for request in server.requests] == [target]
    assert answer.body == b"found"


@given(st.text(alphabet="ab%2eE.F/7?#:@[]", max_size=30))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    try:
        url = normalise(f"https://example.com/{text}")
    except ToolError:
        return
    assert normalise(url) == url
    assert url.isascii()
    assert "/../" not in url.partition("?")[0] + "/"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("https://a.test/x", "https://a.test/y?z", True),
        ("http://a.test/", "https://a.test/", True),
        ("http://a.test:81/", "http://a.test:81/x", True),
        ("https://a.test/", "http://a.test/", False),
        ("http://a.test/", "https://b.test/", False),
        ("http://a.test:8080/", "https://a.test/", False),
        ("https://a.test/", "https://a.test:8443/", False),
        ("https://a.test/", "https://www.a.test/", False),
    ],
)
def test_a_redirect_stays_at_a_site_only_with_its_host_and_port(before: str, after: str, same: bool) -> None:
    assert same_site(before, after) is same


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "https://a.test/b"),
        ("c?d#e", "https://a.test/x/c?d"),
        ("//b.test/", "https://b.test/"),
        ("HTTP://B.test:80", "http://b.test/"),
    ],
)
def test_a_redirect_may_be_relative(location: str, target: str) -> None:
    assert redirected("https://a.test/x/y", location) == target


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "https://u:p@b.test/", "http://[", "mailto:a@b.c"]
)
def test_a_redirect_to_what_cannot_be_fetched_is_an_error(location: str) -> None:
    with pytest.raises(ToolError, match=r"https://a\.test/ redirects to an address that cannot be fetched"):
        redirected("https://a.test/", location)
