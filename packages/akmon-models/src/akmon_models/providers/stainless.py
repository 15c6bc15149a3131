"""A link over the SDKs of OpenAI and Anthropic, which come from one generator and are alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from akmon_core.limits import CONNECT_SECONDS
from akmon_models.backend import Backend
from akmon_models.wire.link import Refused, Response, certificates, refuse

if TYPE_CHECKING:
    import httpx2

_OWN_HEADERS = ("accept", "content-type", "user-agent", "anthropic-version")


def http_client(backend: Backend) -> httpx2.AsyncClient:
    """The client that an SDK is given. Silence is timed where a reply is read, not here."""
    import httpx2

    return httpx2.AsyncClient(
        base_url=backend.base_url,
        timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20),
        verify=certificates(backend.base_url, backend.ca_file),
        follow_redirects=False,
        event_hooks={"response": [refuse]},
    )


class StainlessLink:
    """``client`` is the SDK's, made with ``http_client``, without retries and with everything given that it
    would look up in its environment variables; ``sdk`` is its module. ``credentials`` are headers that take
    the place of those in which the SDK sends the key."""

    def __init__(
        self,
        client: Any,
        sdk: ModuleType,
        backend: Backend,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        from httpx2 import HTTPError, StreamError

        self.errors: tuple[type[Exception], ...] = (HTTPError, StreamError, sdk.APIConnectionError)
        self._client = client
        self._sdk = sdk
        self._headers = _headers(client, backend, sdk.Omit(), credentials)

    async def post(self, path: str, body: bytes) -> Response:
        return await self._send(self._client.post, path, "text/event-stream", content=body)

    async def get(self, path: str) -> Response:
        return await self._send(self._client.get, path, "application/json")

    async def close(self) -> None:
        await self._client.close()

    async def _send(self, send: Any, path: str, accept: str, **content: bytes) -> Response:
        from httpx2 import Response as Open

        options = {"headers": {"Accept": accept, **self._headers}, "follow_redirects": False}
        try:
            # Asked for this type, the SDK hands over the response itself, still open.
            response = await send(path, cast_to=Open, options=options, stream=True, **content)
        except self._sdk.APIConnectionError as error:
            cause = error.__cause__
            if isinstance(cause, Exception) and isinstance(cause, (Refused, *self.errors)):
                raise cause from None
            raise
        return cast("Response", response)


def _headers(
    client: Any, backend: Backend, omit: Any, credentials: Mapping[str, str] | None
) -> Mapping[str, Any]:
    """Headers for each request: ours, and ``omit`` for each that the SDK took from the environment.

    The SDKs add whatever their environment variables name, and these are meant for other servers.
    """
    foreign = [
        name
        for name in client.default_headers
        if name.lower() not in _OWN_HEADERS and not name.lower().startswith("x-stainless-")
    ]
    own = client.auth_headers
    if credentials is not None or not backend.api_key:
        own = {**dict.fromkeys(own, omit), **(credentials or {})}
    return {**dict.fromkeys(foreign, omit), **own, **backend.headers}
