"""Logging in: over a real authorization server, its browser and its tricks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from akmon_core.errors import ToolError
from akmon_core.redact import Redactor
from akmon_core.secret import Secret
from akmon_core.servers import Server
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.http import http_transport
from akmon_tools.mcp.oauth import NeedsLogin, login, logout
from akmon_tools.mcp.tokens import key
from tests.tools.mcp.authority import Authority, Browser, Kept, authority, sent_back


def around(kept: Kept) -> Surroundings:
    return Surroundings(roots=(Path("/"),), environ={}, redactor=Redactor(()), credentials=kept)


def tools(server: Server, kept: Kept) -> list[str]:
    """The names of the server's tools, by a connection as a session makes it."""

    async def listed() -> list[str]:
        async with Client(http_transport(server, around(kept))) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    return asyncio.run(listed())


def log_in(
    server: Server,
    kept: Kept,
    browse: Callable[[str], bool],
    pasted: Callable[[], Awaitable[str]] | None = None,
) -> list[str]:
    """What the person was shown."""
    said: list[str] = []
    asyncio.run(login(server, around(kept), said.append, browse=browse, pasted=pasted))
    return said


def stored(kept: Kept) -> dict[str, Any]:
    (text,) = kept.texts.values()
    read: dict[str, Any] = json.loads(text)
    return read


def change(kept: Kept, **values: Any) -> None:
    ((name, text),) = kept.texts.items()
    kept.texts[name] = json.dumps(json.loads(text) | values)


def test_after_a_login_the_server_is_used_and_nobody_is_asked_again() -> None:
    kept, browser = Kept(), Browser()
    with authority() as place:
        with pytest.raises(NeedsLogin, match="akmon mcp login locked"):
            tools(place.server(), kept)
        assert "/register" not in place.paths()  # a session does not even begin to log in
        log_in(place.server(), kept, browser)
        assert tools(place.server(), kept) == ["look"]
    assert len(browser.seen) == 1
    assert "Close this page" in browser.pages[0]
    assert "sesame" not in browser.pages[0]


def test_what_is_shown_holds_no_token() -> None:
    kept, browser = Kept(), Browser()
    with authority() as place:
        said = log_in(place.server(), kept, browser)
    assert browser.seen[0] in said[0]
    assert not [text for text in said if "token-sesame" in text or "refresh-sesame" in text]


def test_a_login_is_for_one_name_and_one_address() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        other = Server(name="locked", transport="http", url=f"{place.url}/mcp?other=1")
        assert key(other) != key(place.server())
        with pytest.raises(NeedsLogin):
            tools(other, kept)
    assert not [each for each in place.asked if each.query and "authorization" in each.headers]


def test_after_a_logout_nothing_is_kept() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        asyncio.run(logout(place.server(), around(kept)))
        assert not kept.texts
        with pytest.raises(NeedsLogin):
            tools(place.server(), kept)


def test_a_token_that_has_ended_is_renewed_before_it_is_sent() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        old = stored(kept)
        change(kept, expires=time.time() - 1)
        place.valid.clear()
        place.asked.clear()
        assert tools(place.server(), kept) == ["look"]
        assert place.paths()[0] == "/token"
    assert stored(kept)["access"] != old["access"]
    assert stored(kept)["refresh"] != old["refresh"]
    assert place.spent == [old["refresh"]]


def test_a_token_that_the_server_no_longer_takes_is_renewed() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        place.valid.clear()
        assert tools(place.server(), kept) == ["look"]
        assert len(place.spent) == 1


def test_a_renewal_without_a_new_refresh_token_keeps_the_old_one() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        old = stored(kept)["refresh"]
        place.valid = {"another"}
        given = {"access_token": "another", "token_type": "Bearer"}
        place.pages["/token"] = lambda _: (200, {}, json.dumps(given).encode())
        assert tools(place.server(), kept) == ["look"]
    assert (stored(kept)["access"], stored(kept)["refresh"]) == ("another", old)


def test_who_comes_second_in_renewing_takes_what_the_first_has_got() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        place.valid.clear()

        def somebody_else_was_faster(_: object) -> tuple[int, dict[str, str], bytes]:
            place.valid.add("theirs")
            change(kept, access="theirs", refresh="their-refresh")
            return 400, {}, b'{"error": "invalid_grant"}'

        place.pages["/token"] = somebody_else_was_faster
        assert tools(place.server(), kept) == ["look"]
    assert stored(kept)["refresh"] == "their-refresh"


def test_two_that_renew_at_the_same_time_both_go_on() -> None:
    kept = Kept()

    async def both(place: Authority) -> None:
        async def one() -> int:
            async with Client(http_transport(place.server(), around(kept))) as client:
                return len((await client.list_tools()).tools)

        assert sum(await asyncio.gather(one(), one(), one())) == 3

    with authority() as place:
        log_in(place.server(), kept, Browser())
        place.valid.clear()
        asyncio.run(both(place))
        assert tools(place.server(), kept) == ["look"]


def test_a_login_that_cannot_be_renewed_any_more_wants_a_person_and_is_kept() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        before = dict(kept.texts)
        place.valid.clear()
        place.refreshes.clear()
        with pytest.raises(NeedsLogin):
            tools(place.server(), kept)
    assert kept.texts == before


def test_an_authorization_server_that_is_ill_is_no_reason_to_log_in_again() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        place.valid.clear()
        place.pages["/token"] = lambda _: (503, {}, b"")
        with pytest.raises(ToolError, match=r"cannot be renewed now: .*/token answered 503") as caught:
            tools(place.server(), kept)
    assert not isinstance(caught.value, NeedsLogin)


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>",
        b"",
        b"\xff\xfe",
        b'{"access_token": 3}',
        b'{"access_token": "open-sesame", "token_type": "mac"}',
        b'{"access_token": "open-sesame\\r\\nX-Evil: 1", "token_type": "bearer"}',
    ],
)
def test_a_token_endpoint_that_answers_garbage_is_an_error_that_quotes_nothing(garbage: bytes) -> None:
    kept = Kept()
    with authority() as place:
        place.pages["/token"] = lambda _: (200, {"content-type": "application/json"}, garbage)
        with pytest.raises(ToolError) as caught:
            log_in(place.server(), kept, Browser())
    assert "sesame" not in str(caught.value)
    assert not kept.texts


def test_garbage_in_a_renewal_is_an_error_that_quotes_nothing() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        before = dict(kept.texts)
        place.valid.clear()
        place.pages["/token"] = lambda _: (200, {}, b'{"access_token": "a b\\nsesame", "token_type": "mac"}')
        with pytest.raises(ToolError, match="answered with something else") as caught:
            tools(place.server(), kept)
    assert "sesame" not in str(caught.value)
    assert kept.texts == before


@pytest.mark.parametrize(
    "endpoint",
    [
        "a:$(touch MARK)",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://evil.example/login",
        "http:///",
        "",
    ],
)
def test_only_safe_addresses_are_opened(endpoint: str) -> None:
    browser = Browser()
    with authority() as place:
        place.metadata["authorization_endpoint"] = endpoint
        with pytest.raises(ToolError):
            log_in(place.server(), Kept(), browser)
    assert not browser.seen


@pytest.mark.parametrize("endpoint", ["http://192.0.2.1/token", "http://evil.example/token"])
def test_a_code_is_not_sent_in_clear_text_to_another_machine(endpoint: str) -> None:
    browser = Browser()
    with authority() as place:
        place.metadata["token_endpoint"] = endpoint
        with pytest.raises(ToolError, match="not an address that begins with https"):
            log_in(place.server(), Kept(), browser)
    assert not browser.seen


@pytest.mark.parametrize("where", ["file:///etc/passwd", "http://192.0.2.1/prm", "http://[bad/"])
def test_a_server_does_not_decide_that_unsafe_places_are_asked(where: str) -> None:
    with authority() as place:
        place.pages["/mcp"] = lambda _: (
            401,
            {"www-authenticate": f'Bearer resource_metadata="{where}"'},
            b"",
        )
        with pytest.raises(ToolError):
            log_in(place.server(), Kept(), Browser())


def test_the_address_of_the_browser_can_be_pasted() -> None:
    kept, browser = Kept(), Browser(works=False)
    typed = ["what?", "http://127.0.0.1:1/callback?code=x&state=wrong"]

    async def pasted() -> str:
        return typed.pop(0) if typed else await asyncio.to_thread(sent_back, browser.seen[0])

    with authority() as place:
        said = log_in(place.server(), kept, browser, pasted)
        assert tools(place.server(), kept) == ["look"]
    assert said[0].startswith("Open this page")
    assert len([text for text in said if "not the address of this login" in text]) == 2


def test_a_terminal_that_cannot_be_read_ends_the_login() -> None:
    async def pasted() -> str:
        raise OSError("the terminal is gone")

    with authority() as place, pytest.raises(OSError, match="the terminal is gone"):
        log_in(place.server(), Kept(), Browser(works=False), pasted)


def test_a_browser_alone_will_do_where_nothing_more_is_typed() -> None:
    async def nothing() -> str:
        return ""

    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser(), nothing)
    assert stored(kept)["access"]


def test_an_answer_with_another_state_does_not_count() -> None:
    kept = Kept()

    class Attacked(Browser):
        def __call__(self, url: str) -> bool:
            back = sent_back(url)
            from urllib.error import HTTPError
            from urllib.request import urlopen

            with pytest.raises(HTTPError), urlopen(back.rpartition("&state=")[0] + "&state=guessed"):
                pass
            with urlopen(back):
                return True

    with authority() as place:
        log_in(place.server(), kept, Attacked())
        assert tools(place.server(), kept) == ["look"]


def test_a_person_who_says_no_is_understood() -> None:
    def refuse(asked: Any) -> tuple[int, dict[str, str], bytes]:
        back = f"{asked.query['redirect_uri']}?error=access_denied&error_description=No%1b[31m&state="
        return 302, {"location": back + asked.query["state"]}, b""

    with authority() as place:
        place.pages["/authorize"] = refuse
        with pytest.raises(ToolError, match="access_denied") as caught:
            log_in(place.server(), Kept(), Browser())
    assert "\x1b" not in str(caught.value)


def test_a_client_that_is_registered_already_is_used_with_its_secret() -> None:
    kept = Kept()
    with authority() as place:
        server = place.server(client_id="mine", client_secret=Secret("hush hush"))
        log_in(server, kept, Browser())
        assert "/register" not in place.paths()
        asked = [each for each in place.asked if each.path == "/token"]
        assert asked[0].headers["authorization"].startswith("Basic ")
        assert "client_secret" not in asked[0].form
        place.valid.clear()
        assert tools(server, kept) == ["look"]
        with pytest.raises(NeedsLogin):  # what another client was given is not used
            tools(place.server(client_id="other"), kept)
    assert "hush" not in str(kept.texts)


def test_a_secret_goes_where_the_authorization_server_takes_it() -> None:
    with authority() as place:
        place.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        log_in(place.server(client_id="mine", client_secret=Secret("hush")), Kept(), Browser())
        assert place.forms()[0]["client_secret"] == "hush"


def test_a_server_without_registration_is_told_to_need_a_client_id() -> None:
    with authority() as place:
        place.pages["/register"] = lambda _: (403, {}, b"sesame")
        with pytest.raises(ToolError, match="client_id") as caught:
            log_in(place.server(), Kept(), Browser())
    assert "sesame" not in str(caught.value)


def test_one_can_log_in_to_a_server_that_lets_in_anybody() -> None:
    kept = Kept()
    with authority() as place:
        place.open_to_all = True
        assert tools(place.server(), kept) == ["look"]
        log_in(place.server(), kept, Browser())
        tools(place.server(), kept)
        assert place.asked[-1].headers["authorization"] == f"Bearer {stored(kept)['access']}"


def test_more_rights_are_asked_for_at_the_next_login() -> None:
    kept, browser = Kept(), Browser()
    with authority() as place:
        log_in(place.server(), kept, browser)
        place.scope_for_calls = "tools:write"
        with pytest.raises(NeedsLogin, match="more rights"):
            tools(place.server(), kept)
        place.scope_for_calls = ""
        log_in(place.server(), kept, browser)
    assert "scope=tools%3Awrite" in browser.seen[1]


def test_a_configured_header_leaves_no_room_for_a_login() -> None:
    kept = Kept()
    with authority() as place:
        server = place.server(headers={"Authorization": Secret("Bearer my-sesame")})
        with pytest.raises(ToolError, match="refused the credentials that are configured") as caught:
            tools(server, kept)
        assert not isinstance(caught.value, NeedsLogin)
        assert "sesame" not in str(caught.value)
        with pytest.raises(ToolError, match="has credentials in its configuration"):
            log_in(server, kept, Browser())
        assert {each.path for each in place.asked} == {"/mcp"}


def test_a_login_that_fails_leaves_the_one_before_it() -> None:
    kept = Kept()
    with authority() as place:
        log_in(place.server(), kept, Browser())
        before = dict(kept.texts)
        place.pages["/token"] = lambda _: (400, {}, b'{"error": "invalid_grant"}')
        with pytest.raises(ToolError, match="gave no token"):
            log_in(place.server(), kept, Browser())
    assert kept.texts == before


def test_a_login_can_be_given_up() -> None:
    async def given_up(place: Authority) -> None:
        shown = asyncio.Event()
        task = asyncio.create_task(
            login(place.server(), around(Kept()), lambda _: shown.set(), browse=lambda _: True)
        )
        await shown.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [each for each in asyncio.all_tasks() if each is not asyncio.current_task()] == []

    with authority() as place:
        asyncio.run(given_up(place))


def test_nothing_prints_what_is_kept() -> None:
    from akmon_tools.mcp.tokens import Kept as Login

    assert "sesame" not in repr(Login(access="sesame", refresh="sesame", client_secret="sesame"))
