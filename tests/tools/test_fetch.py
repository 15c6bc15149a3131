"""Fetching from a real server: what a model reads of a page, and every way in which it goes wrong."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
import zlib
from base64 import b64decode
from contextlib import suppress
from pathlib import Path

import pytest

from akmon_core.limits import FETCH_BYTES, FETCH_CACHE_BYTES, FETCH_CACHE_SECONDS, IMAGE_BYTES, READ_BYTES
from akmon_tools.fetch import Page, PageCache
from akmon_tools.outputs import Outputs
from tests.tools.webs import Fetching, moved, page, site

PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def fetched(body: bytes | str, kind: str = "text/plain", **headers: str) -> str:
    """What the model reads of a page, without the frame."""
    with site({"/": page(body, kind, 200, **headers)}) as server:
        return Fetching()(server.url("/")).text.split("\n\n", 1)[1]


def refused(body: bytes | str, kind: str = "text/plain", status: int = 200, **headers: str) -> str:
    with site({"/": page(body, kind, status, **headers)}) as server:
        return Fetching().failed(server.url("/")).replace(server.url("/"), "URL")


def test_a_page_is_framed_as_data_and_described_for_the_record() -> None:
    with site({"/a": page("<title>News</title><h1>All is well</h1>")}) as server:
        output = Fetching()(server.url("/a#top"))
    frame = f"[Content of {server.url('/a')} (text/html).]"
    assert output.text == f"{frame}\n\nTitle: News\n\n# All is well"
    assert output.summary == "text/html, 39 bytes"
    assert output.untrusted == "web"
    assert not output.error


def test_a_request_says_who_asks_and_carries_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine pages.test login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with site({"/": page("x", set_cookie="id=1"), "/b": page("y", www_authenticate="Basic")}) as server:
        fetch = Fetching()
        fetch(server.url("/"))
        fetch(server.url("/b"))
    for request in server.requests:
        assert request.line.startswith("GET /")
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert request.headers["user-agent"].startswith("akmon/")
        assert request.headers["host"] == f"pages.test:{server.port}"


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("plain\r\ntext\rhere", "text/plain", "plain\ntext\nhere"),
        ('{"a": [1, 2]}', "application/json", '{"a": [1, 2]}'),
        ("# Head\n\n*x*", "text/markdown", "# Head\n\n*x*"),
        ("<a><b>1</b></a>", "application/xml", "<a><b>1</b></a>"),
        ("<svg><text>x</text></svg>", "image/svg+xml", "<svg><text>x</text></svg>"),
        ("print(1)", "application/octet-stream", "print(1)"),
        ("<!DOCTYPE html><title>T</title>body", "", "Title: T\n\nbody"),
        ("<p>shown as source", "text/plain", "<p>shown as source"),
        ("a\u200eb\u202ec\x1b[31m\U000e0041", "text/plain", "a<U+200E>b<U+202E>c<U+001B>[31m<U+E0041>"),
    ],
)
def test_text_of_any_kind_is_given_as_it_is(body: str, kind: str, text: str) -> None:
    assert fetched(body, kind) == text


WORDS = "Straße – “naïve”"
JAPANESE = "日本語のページ"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (WORDS.encode(), "text/plain; charset=utf-8"),
        (WORDS.encode(), "text/plain"),
        (WORDS.encode("cp1252"), "text/plain; charset=iso-8859-1"),
        (WORDS.encode("cp1252"), 'text/plain; charset="windows-1252"'),
        (WORDS.encode("cp1252"), "text/plain"),
        (b"\xef\xbb\xbf" + WORDS.encode(), "text/plain; charset=latin-1"),
        (WORDS.encode("utf-16"), "text/plain"),
        (WORDS.encode("utf-16-le"), "text/plain; charset=UTF-16LE"),
        (b"<meta charset=windows-1252>" + WORDS.encode("cp1252"), "text/html"),
        (b"<meta charset=utf-16>" + WORDS.encode(), "text/html"),
        (
            b'<meta http-equiv="Content-Type" content="text/html; charset=x-nope">' + WORDS.encode(),
            "text/html",
        ),
        (WORDS.encode(), "text/plain; charset=rot13"),
        (WORDS.encode(), "text/plain; charset=punycode"),
    ],
)
def test_the_encoding_is_what_mark_header_or_page_say(body: bytes, kind: str) -> None:
    assert fetched(body, kind) == WORDS


@pytest.mark.parametrize(
    ("encoding", "head", "kind"),
    [
        ("shift_jis", b"", "text/plain; charset=Shift_JIS"),
        ("euc-jp", b'<meta http-equiv=content-type content="text/html; charset=EUC-JP">', "text/html"),
        ("gb18030", b"", "text/plain;charset=gb18030"),
    ],
)
def test_encodings_of_other_scripts_are_known(encoding: str, head: bytes, kind: str) -> None:
    assert fetched(head + JAPANESE.encode(encoding), kind) == JAPANESE


def test_no_character_is_split_where_a_body_comes_in_pieces() -> None:
    data = (WORDS * 50).encode()

    def play(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
        chunks = (b"1\r\n%c\r\n" % byte for byte in data)
        connection.sendall(head + b"".join(chunks) + b"0\r\n\r\n")

    with site({"/": play}) as server:
        assert Fetching()(server.url("/")).text.endswith("\n\n" + WORDS * 50)


@pytest.mark.parametrize("packed", [gzip.compress(b"a text", mtime=0), zlib.compress(b"a text")])
def test_a_compressed_page_is_unpacked(packed: bytes) -> None:
    encoding = "gzip" if packed[:1] == b"\x1f" else "deflate"
    assert fetched(packed, content_encoding=encoding) == "a text"


def test_a_compressed_page_in_two_members_is_whole() -> None:
    assert fetched(gzip.compress(b"one ") + gzip.compress(b"two"), content_encoding="gzip") == "one two"


@pytest.mark.parametrize("media", ["image/png", "application/octet-stream"])
def test_an_image_is_shown_to_the_model(media: str) -> None:
    with site({"/": page(PNG, media)}) as server:
        output = Fetching()(server.url("/"))
    (image,) = output.images
    assert (image.media_type, b64decode(image.data)) == ("image/png", PNG)
    assert output.untrusted == "web"


def test_an_image_that_is_too_large_is_refused() -> None:
    said = refused(PNG + bytes(IMAGE_BYTES), "image/png")
    assert (
        said
        == f"URL is an image of {IMAGE_BYTES + len(PNG):,} bytes; the most that can be shown is 5,000,000."
    )


def test_other_files_are_refused_with_what_they_are() -> None:
    assert refused(b"PK\3\4" + bytes(100), "application/zip") == (
        "URL is neither text nor an image (application/zip, 104 bytes). "
        "If it is needed as a file, download it with a command."
    )


def test_of_a_long_page_the_start_is_shown_and_the_rest_can_be_read_on(tmp_path: Path) -> None:
    lines = [f"line {number} ü" for number in range(10_000)]
    outputs = Outputs(tmp_path / "outputs")
    with site({"/": page("\n".join(lines), "text/plain")}) as server:
        output = Fetching(outputs)(server.url("/"))
    head, _, text = output.text.partition("]\n\n")
    assert len(output.text.encode()) < READ_BYTES + 500
    shown = text.splitlines()
    assert shown == lines[: len(shown)]
    assert "the whole is in output:1, a path that `read` (go on with offset=" in head
    offset = int(head.partition("offset=")[2].partition(")")[0])
    kept = outputs.path(1).read_text().split("\n")
    assert kept[offset - 1 :] == lines[len(shown) :]
    assert kept[0].startswith("[Content of ")
    assert outputs.untrusted(1) == "web"


def test_long_json_on_one_line_gets_lines(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "outputs")
    body = "[" + ",".join('{"key":"value"}' for _ in range(10_000)) + "]"
    with site({"/": page(body, "application/json")}) as server:
        Fetching(outputs)(server.url("/"))
    assert max(map(len, outputs.path(1).read_text().splitlines()[1:])) < 30


def test_a_long_line_without_an_end_is_cut_between_characters() -> None:
    with site({"/": page("ü" * READ_BYTES, "text/plain")}) as server:
        text = Fetching()(server.url("/")).text
    assert text.rpartition("\n")[2] == "ü" * len(text.rpartition("\n")[2])


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, 'URL answered 404 Not Found. It said: "no such page here"'),
        (
            500,
            'URL answered 500 Internal Server Error. It said: "no such page here"',
        ),
        (599, 'URL answered 599. It said: "no such page here"'),
        (304, 'URL answered 304 Not Modified. It said: "no such page here"'),
    ],
)
def test_an_error_of_the_server_is_told_with_the_start_of_its_page(status: int, said: str) -> None:
    expected = said if status >= 400 else said.partition(" It")[0]
    body = "" if status == 304 else "no such\npage here"
    assert refused(body, "text/plain", status) == expected


def test_the_page_of_an_error_is_short_whatever_its_length() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 500 X\r\ncontent-type: text/html\r\n\r\n<h1>Oops</h1><script>")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 65_536)

    with site({"/": endless}) as server:
        said = Fetching().failed(server.url("/"))
    assert said.endswith('"# Oops"')
    assert len(refused("y" * 100_000, "text/plain", 403)) < 700


@pytest.mark.parametrize("body", ["", " \n "])
def test_an_empty_page_is_an_error(body: str) -> None:
    assert refused(body, "text/html") == "URL answered 200 OK with nothing in it."
    assert "no text in the page" in refused("<script>render()</script>", "text/html")


def test_a_redirect_at_the_same_site_is_followed_and_every_hop_is_checked() -> None:
    with site(
        {"/a": moved("/b", 301), "/b": moved("c?d", 307), "/c?d": page("here", "text/plain")}
    ) as server:
        fetch = Fetching()
        output = fetch(server.url("/a"))
    assert output.text.startswith(f"[Content of {server.url('/c?d')} ")
    assert fetch.names.asked == ["pages.test"] * 3


def test_a_redirect_to_another_host_is_told_and_not_followed() -> None:
    with site({"/": moved("http://127.0.0.1:1/latest")}) as server:
        fetch = Fetching()
        output = fetch(server.url("/"))
    assert output.text == (
        f"[{server.url('/')} redirects to http://127.0.0.1:1/latest, which was not fetched, as it is at "
        "another site. Fetch that URL if it is what you need.]"
    )
    assert fetch.names.asked == ["pages.test"]
    assert "127.0.0.1 is not for tests" in fetch.refused("http://127.0.0.1:1/latest")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "https://u:p@pages.test/", "gopher://x/"])
def test_a_redirect_to_something_else_than_a_page_is_an_error(target: str) -> None:
    with site({"/": moved(target)}) as server:
        said = Fetching().failed(server.url("/"))
    assert said.startswith(f"{server.url('/')} redirects to an address that cannot be fetched: ")


def test_a_circle_of_redirects_ends() -> None:
    with site({"/a": moved("/b"), "/b": moved("/a")}) as server:
        assert "more than 5 redirects" in Fetching().failed(server.url("/a"))
    assert len(server.requests) == 6


def test_pages_that_send_a_browser_elsewhere_send_nobody_here() -> None:
    body = '<meta http-equiv=refresh content="0; url=/secret"><p>moving'
    with site({"/": page(body, refresh="0; url=/secret")}) as server:
        assert Fetching()(server.url("/")).text.endswith("moving")
    assert len(server.requests) == 1


def test_a_body_over_the_cap_is_refused_before_it_is_read_or_while_it_comes() -> None:
    said = f"larger than {FETCH_BYTES:,} bytes"

    def claims(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 65_536)

    with site({"/claims": claims, "/endless": endless}) as server:
        assert said in Fetching().failed(server.url("/claims"))
        assert said in Fetching().failed(server.url("/endless"))


def test_a_bomb_does_not_fill_the_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 1_000_000
    with site({"/": page(bomb, "text/plain", content_encoding="gzip")}) as server:
        fetch = Fetching()
        tracemalloc.start()
        try:
            assert "larger than" in fetch.failed(server.url("/"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 5 * FETCH_BYTES


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (b"", "was not fetched"),
        (b"not http at all\r\n\r\n", "was not fetched"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "was not fetched"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "was not fetched"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000, "was not fetched"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nabc", "compression is broken"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nabc", "compressed as br, which was not asked for"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"
            + gzip.compress(bytes(range(256)) * 9, mtime=0)[:-20],
            "the server broke off in the middle",
        ),
        (b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n", "answered 302 Found."),
    ],
)
def test_an_answer_that_is_broken_is_an_error_that_says_so(wire: bytes, said: str) -> None:
    with site({"/": wire}) as server:
        message = Fetching().failed(server.url("/"))
    assert said in message
    assert server.url("/") in message


def test_a_server_that_is_too_slow_is_left() -> None:
    import asyncio

    from akmon_core.errors import ToolError
    from akmon_tools.web import Web

    def drips(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):
            while not connection.recv(1):
                pass

    def silent(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.recv(1)

    with site({"/drips": drips, "/silent": silent}) as server:
        for path in ("/drips", "/silent"):
            web = Web(Fetching().names, seconds=0.2)
            with pytest.raises(
                ToolError, match=r"was not answered whole within 0\.2 seconds|was not fetched"
            ):
                asyncio.run(web.get(server.url(path)))


def test_a_port_where_nobody_listens_and_a_name_that_leads_nowhere() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert f"pages.test, port {port} cannot be reached" in Fetching().refused(f"http://pages.test:{port}/")
    assert "elsewhere.test is not for tests" in Fetching().refused("http://elsewhere.test/")


def test_the_second_address_is_tried_where_the_first_does_not_answer() -> None:
    with site({"/": page("found", "text/plain")}) as server:
        fetch = Fetching(pages_test="127.99.99.99 127.0.0.1")
        assert fetch(server.url("/")).text.endswith("found")


def test_a_page_is_kept_for_fifteen_minutes_by_its_url() -> None:
    with site({"/a": page("a", "text/plain"), "/b": page("b", "text/plain")}) as server:
        fetch = Fetching()
        first = fetch(server.url("/a"))
        fetch.now += FETCH_CACHE_SECONDS - 1
        assert fetch(server.url("/./a#x")) == first
        fetch(server.url("/b"))
        assert len(server.requests) == 2
        fetch.now += 2
        assert fetch(server.url("/a")) == first
        assert len(server.requests) == 3


def test_errors_are_not_kept() -> None:
    with site() as server:
        fetch = Fetching()
        assert "404" in fetch.failed(server.url("/"))
        server.pages["/"] = page("now", "text/plain")
        assert fetch(server.url("/")).text.endswith("now")


def test_the_oldest_pages_go_where_the_cache_is_full() -> None:
    cache = PageCache(lambda: 0.0)
    text = "x" * (FETCH_CACHE_BYTES // 4)
    for number in range(6):
        cache.put(f"u{number}", Page("u", "text/plain", 1, text))
    assert [number for number in range(6) if cache.get(f"u{number}")] == [3, 4, 5]


def test_a_proxy_of_the_environment_is_used_and_looks_names_up_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with site({"http://pages.test:99/a": page("by proxy", "text/plain")}) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        fetch = Fetching()
        assert fetch("http://pages.test:99/a").text.endswith("by proxy")
        assert fetch.names.asked == ["pages.test"]
        assert "is not for tests" in fetch.refused("http://127.0.0.1/")
        assert len(proxy.requests) == 1


def test_a_host_that_the_environment_takes_out_of_the_proxy_is_checked_and_reached_directly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with site() as proxy, site({"/": page("direct", "text/plain")}) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "pages.test")
        assert Fetching()(server.url("/")).text.endswith("direct")
        assert proxy.requests == []
