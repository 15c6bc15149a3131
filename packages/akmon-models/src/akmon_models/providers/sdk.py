"""A model behind an SDK: the SDK connects and authenticates, the bytes are encoded and decoded here."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from akmon_core.limits import IDLE_SECONDS
from akmon_core.models import ModelFacts, ModelRequest
from akmon_core.stream import StreamEvent
from akmon_models.backend import VARIABLES, Backend, check_backend, shown_url
from akmon_models.failures import Server, status_failure
from akmon_models.providers.http import Decoder, own_headers, read_reply, transport_failure

if TYPE_CHECKING:
    from httpx2 import Response


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol and the SDK that carries it. Both SDKs in use come from one generator and are alike."""

    base_url: str
    path: str
    sdk: Callable[[], ModuleType]
    """Imports the SDK."""
    connect: Callable[[Backend, float], Any]
    """The SDK's client for a backend, with its address filled in, and a silence in seconds."""
    encode: Callable[[ModelRequest, ModelFacts], bytes]
    decoder: Callable[[Server], Decoder]


class SdkModel:
    """A model at a provider. ``idle`` is the silence in seconds after which a reply counts as broken.

    Raises ``SettingsError`` for a key or an address that no request could carry.
    """

    def __init__(
        self, facts: ModelFacts, backend: Backend, wire: Wire, *, idle: float = IDLE_SECONDS
    ) -> None:
        check_backend(facts.provider, backend)
        self._facts = facts
        self._backend = Backend(backend.api_key, backend.base_url or wire.base_url)
        self._wire = wire
        self._idle = idle
        self._client: Any = None
        self._lock = threading.Lock()
        key_variable, url_variable = VARIABLES[facts.provider]
        self._server = Server(
            provider=facts.provider,
            model=facts.id,
            url=shown_url(self._backend.base_url),
            key_variable=key_variable,
            url_variable=url_variable,
            secret=backend.api_key,
        )

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        response = await self._send(self._wire.encode(request, self._facts))
        decoder = self._wire.decoder(self._server)
        async with aclosing(read_reply(self._server, response, decoder, idle=self._idle)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _send(self, body: bytes) -> Response:
        """The open response. The SDK's retries and redirects are off; its errors are mapped here, once."""
        import asyncio

        client = self._client or await asyncio.to_thread(self._connect)
        sdk = self._wire.sdk()
        from httpx2 import HTTPError, Response

        headers = own_headers(client.default_headers, client.auth_headers, self._backend.api_key, sdk.Omit())
        try:
            # Asked for this type, the SDK hands over the response itself, still open.
            response = await client.post(
                self._wire.path,
                cast_to=Response,
                content=body,
                options={"headers": headers, "follow_redirects": False},
                stream=True,
            )
        except sdk.APIStatusError as error:
            answer = error.response
            raise status_failure(self._server, answer.status_code, answer.headers, answer.content) from error
        except sdk.APIConnectionError as error:
            raise transport_failure(self._server, error.__cause__, self._idle) from error
        except HTTPError as error:  # while the SDK read the body of an error
            raise transport_failure(self._server, error, self._idle) from error
        return cast("Response", response)

    def _connect(self) -> Any:
        """Loads the SDK, which takes long: runs in a thread, so that a screen stays alive meanwhile."""
        with self._lock:
            if self._client is None:
                self._client = self._wire.connect(self._backend, self._idle)
        return self._client
