"""The SDK's way to a login, kept to safe places: what both a person's login and its renewal are made of."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthTokenError
from mcp.client.auth.utils import union_scopes
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_HTTP_SECONDS
from akmon_core.servers import Server
from akmon_core.text import one_line
from akmon_tools.mcp.facts import Surroundings
from akmon_tools.mcp.tokens import Kept
from akmon_tools.mcp.wire import Wire, shown, timeouts
from akmon_tools.sandbox.hosts import is_local


class Provider(OAuthClientProvider):
    """The SDK's way to a login, for a client that may be registered already, and to safe places only."""

    def __init__(
        self,
        server: Server,
        redirect: str,
        send: Callable[[str], Awaitable[None]],
        wait: Callable[[], Awaitable[AuthorizationCodeResult]],
        wanted: str,
    ) -> None:
        super().__init__(server.url, registration(redirect), Nothing(server, redirect), send, wait)
        self._server = server
        self._wanted = wanted

    async def _perform_authorization(self) -> httpx2.Request:
        context = self.context
        if context.auth_server_url and context.oauth_metadata is None:  # the SDK would guess
            raise ToolError(
                f"the authorization server of {self._server.name}, {one_line(context.auth_server_url, 200)}, "
                "does not say in a valid way where one logs in."
            )
        check_endpoint(self._get_token_endpoint(), self._server)
        metadata = context.client_metadata
        metadata.scope = union_scopes(metadata.scope, self._wanted)
        if self._server.client_secret and context.client_info and context.oauth_metadata:
            offered = context.oauth_metadata.token_endpoint_auth_methods_supported
            if offered and "client_secret_basic" not in offered:
                context.client_info.token_endpoint_auth_method = "client_secret_post"
        return await super()._perform_authorization()

    async def _handle_token_response(self, response: httpx2.Response) -> None:
        await super()._handle_token_response(response)
        if self.context.current_tokens is None or not is_sound(self.context.current_tokens):
            raise OAuthTokenError

    def kept(self) -> Kept | None:
        """The login, if there is one."""
        context, token, client = self.context, self.context.current_tokens, self.context.client_info
        if token is None or client is None:
            return None
        method = client.token_endpoint_auth_method
        if not method:  # what OAuth takes for granted
            method = "client_secret_basic" if client.client_secret else "none"
        resource = context.should_include_resource_param(context.protocol_version)
        return Kept(
            access=token.access_token,
            expires=end_of(token),
            refresh=token.refresh_token or "",
            scope=token.scope or "",
            client_id=client.client_id,
            client_secret="" if self._server.client_secret else client.client_secret or "",
            method=method,
            endpoint=self._get_token_endpoint(),
            resource=context.get_resource_url() if resource else "",
        )


class Nothing:
    """Storage of the SDK's: there is none but the client that is configured; ``login`` keeps the rest."""

    def __init__(self, server: Server | None = None, redirect: str = "") -> None:
        self._server = server
        self._redirect = redirect

    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        pass

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        if self._server is None or not self._server.client_id:
            return None
        secret = self._server.client_secret.reveal()
        return OAuthClientInformationFull.model_validate(
            {
                "client_id": self._server.client_id,
                "client_secret": secret,
                "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
                "redirect_uris": [self._redirect],
            }
        )

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        pass


class AuthWire(Wire):
    """To wherever a server says that one logs in, if that is a safe place.

    ``asking``: what the server answers without a login counts as a refusal, as some let in anybody.
    """

    def __init__(self, server: Server, surroundings: Surroundings, *, asking: bool) -> None:
        super().__init__(surroundings.ca_file)
        self._server = server
        self._asking = asking

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        own = str(request.url) == str(httpx2.URL(self._server.url))
        if not own:
            check_endpoint(str(request.url), self._server)
        response = await super().handle_async_request(request)
        anonymous = "authorization" not in request.headers
        if own and self._asking and anonymous and response.is_success:
            await response.aclose()
            return httpx2.Response(401)
        return response


def auth_client(server: Server, surroundings: Surroundings, *, asking: bool = False) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=AuthWire(server, surroundings, asking=asking),
        timeout=timeouts(reading=MCP_HTTP_SECONDS),
        trust_env=False,
    )


def registration(redirect: str) -> OAuthClientMetadata:
    """What akmon registers as: a program on a person's machine, which can keep no secret."""
    return OAuthClientMetadata.model_validate(
        {"redirect_uris": [redirect], "client_name": "akmon", "token_endpoint_auth_method": "none"}
    )


def check_endpoint(url: str, server: Server) -> None:
    """Raises ``ToolError`` unless ``url`` is ``https``, or, as is the server, on this machine."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise ToolError(f"{server.name} names no valid address to log in at.") from None
    local = is_local(parsed.host) and is_local(httpx2.URL(server.url).host)
    if parsed.host and (parsed.scheme == "https" or (parsed.scheme == "http" and local)):
        return
    raise ToolError(
        f"{server.name} names {shown(parsed)} to log in at, which is not an address that begins with https://."
    )


def is_sound(token: OAuthToken) -> bool:
    """Whether a header can carry it."""
    return bool(token.access_token) and token.access_token.isascii() and token.access_token.isprintable()


def end_of(token: OAuthToken) -> float:
    return time.time() + max(0, min(token.expires_in, 10**9)) if token.expires_in is not None else 0.0
