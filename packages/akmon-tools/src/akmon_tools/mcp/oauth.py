"""Logging in to servers with OAuth 2.1: in a session without a word, by a person with ``login``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import (
    OAuthFlowError,
    OAuthRegistrationError,
    OAuthTokenError,
)
from mcp.client.auth.oauth2 import OAuthContext
from mcp.client.auth.utils import extract_field_from_www_auth, union_scopes
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthToken,
)
from pydantic import ValidationError

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_LOGIN_SECONDS
from akmon_core.servers import Server
from akmon_core.text import one_line
from akmon_tools.mcp.callback import Answer, Callback
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.provider import (
    Nothing,
    Provider,
    auth_client,
    check_endpoint,
    end_of,
    is_sound,
    registration,
)
from akmon_tools.mcp.tokens import Kept, forget, load, save
from akmon_tools.mcp.wire import Unreadable, has_credentials, quieten, sent_headers, shown, words

_OTHERS_SECONDS = (0.1, 0.3, 0.6)
"""Between the looks whether another process has renewed the login that this one could not."""
_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class NeedsLogin(ToolError):
    """A person has to log in, for which ``akmon mcp login NAME`` is there."""

    def __init__(self, name: str, why: str = "it wants you to log in") -> None:
        super().__init__(f"{why}: akmon mcp login {name}")


class NeedsRights(NeedsLogin):
    """The login does not reach for what was asked, and a person has to log in for one that does."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "it wants you to log in again, with more rights")


class SessionLogin(httpx2.Auth):
    """Sends along the login that is kept, and renews it. Raises ``NeedsLogin``; never asks anybody.

    Unlike the SDK's it does not let requests wait for each other, knows after a restart when a token ends
    and where it is renewed, and does not lose the login when several processes renew it.
    """

    def __init__(self, server: Server, surroundings: Surroundings) -> None:
        self._server = server
        self._surroundings = surroundings
        self._kept: Kept | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        used = await self._usable()
        response = yield _carrying(request, used)
        if response.status_code == 401:
            used = await self._usable(refused=used)
            response = yield _carrying(request, used)
        if response.status_code == 401:
            raise NeedsLogin(self._server.name)
        if _lacks_rights(response) and (newer := await self._newer(used)):
            response = yield _carrying(request, newer)
        if _lacks_rights(response):
            await self._want(_field(response, "scope"))
            raise NeedsRights(self._server.name)

    async def _newer(self, used: Kept) -> Kept | None:
        """A login of the person's that came after the one that was ``used``."""
        async with self._lock:
            kept = await load(self._server, self._surroundings)
            if not kept.access or kept.expired or kept.access == used.access:
                return None
            self._kept = kept
            return kept

    async def _usable(self, refused: Kept | None = None) -> Kept:
        """A login with another token than the one that was ``refused``. Raises ``NeedsLogin``."""
        async with self._lock:
            if self._kept is None or self._kept.expired or self._refuses(refused, self._kept):
                self._kept = await load(self._server, self._surroundings)
                if self._kept.expired or self._refuses(refused, self._kept):
                    self._kept = await self._renewed(self._kept)
            if self._refuses(refused, self._kept):
                raise NeedsLogin(self._server.name)
            return self._kept

    @staticmethod
    def _refuses(refused: Kept | None, kept: Kept) -> bool:
        return refused is not None and refused.access == kept.access

    async def _renewed(self, kept: Kept) -> Kept:
        """``kept`` itself if it cannot be renewed. Raises ``ToolError`` if that may be another time."""
        if not kept.renewable:
            return kept
        new = await renewed(self._server, self._surroundings, kept)
        if new:
            await save(self._server, self._surroundings, new)
            return new
        for seconds in _OTHERS_SECONDS:
            other = await load(self._server, self._surroundings)
            if other.access != kept.access:
                return other
            await asyncio.sleep(seconds)
        return kept

    async def _want(self, scope: str) -> None:
        kept = await load(self._server, self._surroundings)
        wanted = union_scopes(kept.wanted, scope[:2_000]) or ""
        if kept.access and wanted != kept.wanted:
            await save(self._server, self._surroundings, replace(kept, wanted=wanted))


async def renewed(server: Server, surroundings: Surroundings, kept: Kept) -> Kept | None:
    """A new login for an old one; None if the authorization server does not give any.

    Raises ``ToolError`` if it cannot be reached, or is at fault.
    """
    context = OAuthContext(server.url, registration("http://127.0.0.1/"), Nothing(), None, None)
    context.client_info = OAuthClientInformationFull(
        client_id=kept.client_id,
        client_secret=kept.client_secret or server.client_secret.reveal() or None,
        token_endpoint_auth_method=kept.method,
    )
    data = {"grant_type": "refresh_token", "refresh_token": kept.refresh, "client_id": kept.client_id}
    if kept.resource:
        data["resource"] = kept.resource
    try:
        data, headers = context.prepare_token_auth(data, {})
        async with auth_client(server, surroundings) as client:
            response = await client.post(kept.endpoint, data=data, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL, Unreadable, OAuthTokenError) as error:
        raise _unrenewed(words(httpx2.URL(kept.endpoint), error)) from None
    if response.status_code == 429 or response.status_code >= 500:
        raise _unrenewed(ToolError(f"{shown(response.url)} answered {response.status_code}."))
    if response.status_code != 200:
        return None
    try:
        token = OAuthToken.model_validate_json(response.content)
    except ValidationError:
        token = None
    if token is None or not is_sound(token):
        raise _unrenewed(ToolError(f"{shown(response.url)} answered with something else."))
    return replace(
        kept,
        access=token.access_token,
        expires=end_of(token),
        refresh=token.refresh_token or kept.refresh,
        scope=token.scope or kept.scope,
    )


async def login(
    server: Server,
    surroundings: Surroundings,
    show: Callable[[str], None],
    *,
    browse: Callable[[str], bool],
    pasted: Callable[[], Awaitable[str]] | None = None,
) -> None:
    """Has the person log in to ``server`` with a browser, and keeps what comes of it.

    ``show`` is told what to do. ``browse`` is to open an address, which is always one of ``http`` or
    ``https``, and says whether it could. ``pasted`` gives what the person typed: the address that the browser
    ended at, where it runs on another machine; empty if nothing more comes. Raises ``ToolError`` if there is
    no login, also after ``MCP_LOGIN_SECONDS``, and ``SettingsError`` if it cannot be kept.
    """
    if server.transport == "stdio" or has_credentials(server):
        raise ToolError(
            f"there is nothing to log in to: {server.name} is a program on this machine."
            if server.transport == "stdio"
            else f"{server.name} has credentials in its configuration, and these are what it is sent."
        )
    quieten()
    try:
        async with asyncio.timeout(MCP_LOGIN_SECONDS):
            kept = await _Login(server, surroundings, show, browse, pasted).run()
    except TimeoutError:
        raise ToolError(f"nobody has logged in within {MCP_LOGIN_SECONDS / 60:g} minutes.") from None
    await save(server, surroundings, kept)


async def logout(server: Server, surroundings: Surroundings) -> None:
    """Forgets the login. Raises ``SettingsError``."""
    await forget(server, surroundings)


class _Login:
    def __init__(
        self,
        server: Server,
        surroundings: Surroundings,
        show: Callable[[str], None],
        browse: Callable[[str], bool],
        pasted: Callable[[], Awaitable[str]] | None,
    ) -> None:
        self._server = server
        self._surroundings = surroundings
        self._show = show
        self._browse = browse
        self._pasted = pasted
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._callback = Callback(server.name, self._hear)

    async def run(self) -> Kept:
        wanted = (await load(self._server, self._surroundings)).wanted
        async with self._callback, auth_client(self._server, self._surroundings, asking=True) as client:
            provider = Provider(self._server, self._callback.url, self._send, self._wait, wanted)
            status = await self._flow(client, provider)
        kept = provider.kept()
        if kept is None:
            raise ToolError(f"there is no login to {self._server.name}: it answered {status}.")
        if status in (401, 403):
            raise ToolError(
                f"you have logged in, and {self._server.name} does not accept it ({status}): "
                "the account may not have the right to use it."
            )
        return kept

    async def _flow(self, client: httpx2.AsyncClient, provider: Provider) -> int:
        """The status of a request with the new login."""
        method, content = ("GET", None) if self._server.transport == "sse" else ("POST", _PING)
        headers = sent_headers(self._server.headers) | {"accept": "application/json, text/event-stream"}
        request = client.build_request(method, self._server.url, json=content, headers=headers)
        try:
            response = await client.send(request, auth=provider, stream=True)
            await response.aclose()
        except OAuthRegistrationError:
            raise ToolError(
                f"{self._server.name} does not let programs register themselves, or says nothing of how to "
                "log in. If it has given you a client_id, set it in its configuration."
            ) from None
        except OAuthTokenError:  # its words may hold what the server was sent, or has sent
            raise ToolError(f"the authorization server of {self._server.name} gave no token.") from None
        except OAuthFlowError as error:
            why = one_line(self._surroundings.redactor(str(error)), 300)
            raise ToolError(f"there is no login to {self._server.name}: {why}.") from None
        except httpx2.HTTPError as error:
            raise words(_asked(error, request), error) from None
        except (httpx2.StreamError, httpx2.InvalidURL, ValueError):
            raise ToolError(
                f"there is no login to {self._server.name}: what it answered is not as OAuth has it."
            ) from None
        return response.status_code

    def _hear(self, answer: Answer) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    async def _send(self, url: str) -> None:
        """Has the person visit ``url``."""
        check_endpoint(url, self._server)
        if len(url) > 8_000 or not url.isascii() or not url.isprintable() or " " in url:
            raise ToolError("the address to log in at is not one that can be shown.")
        self._callback.expect(parse_qs(urlsplit(url).query).get("state", [""])[-1])
        opened = await asyncio.to_thread(self._browse, url)
        self._show(
            f"Log in to {self._server.name} in the browser. If no page has opened, open this one:\n{url}"
            if opened
            else f"Open this page to log in to {self._server.name}:\n{url}"
        )

    async def _wait(self) -> AuthorizationCodeResult:
        reading = asyncio.create_task(self._read_pasted())
        reading.add_done_callback(self._stop_reading)
        try:
            answer = await self._answer
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        if answer.error:
            said = self._surroundings.redactor(answer.error)
            raise ToolError(f"there is no login to {self._server.name}: the answer was {said!r}.")
        return AuthorizationCodeResult(code=answer.code, state=answer.state, iss=answer.issuer)

    def _stop_reading(self, reading: asyncio.Task[None]) -> None:
        error = None if reading.cancelled() else reading.exception()
        if error and not self._answer.done():
            self._answer.set_exception(error)

    async def _read_pasted(self) -> None:
        while self._pasted and (text := await self._pasted()):
            if answer := self._callback.read(text):
                self._hear(answer)
                return
            self._show(
                "That is not the address of this login. Copy the whole of it from the browser, "
                f"beginning with {self._callback.url}"
            )


def _carrying(request: httpx2.Request, kept: Kept) -> httpx2.Request:
    if kept.access:
        request.headers["authorization"] = f"Bearer {kept.access}"
    return request


def _lacks_rights(response: httpx2.Response) -> bool:
    return response.status_code == 403 and _field(response, "error") == "insufficient_scope"


def _field(response: httpx2.Response, name: str) -> str:
    return extract_field_from_www_auth(response, name) or ""


def _unrenewed(error: ToolError) -> ToolError:
    return ToolError(f"the login cannot be renewed now: {error}")


def _asked(error: httpx2.HTTPError, request: httpx2.Request) -> httpx2.URL:
    try:
        return error.request.url
    except RuntimeError:
        return request.url
