"""A model behind a link: the link connects and authenticates, the bytes are encoded and decoded here."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from akmon_core.errors import ProviderError, SettingsError
from akmon_core.limits import IDLE_SECONDS
from akmon_core.models import Effort, ModelFacts, ModelRequest, ModelRow
from akmon_core.secret import Secret
from akmon_core.stream import StreamEvent
from akmon_models.backend import ACCESS, Backend, check_backend, check_key, shown_url
from akmon_models.failures import Advice, Server
from akmon_models.history import without_images
from akmon_models.wire.background import in_background
from akmon_models.wire.link import Link, Response
from akmon_models.wire.reply import Decoder, Framer, answered, read_reply
from akmon_models.wire.sse import SseDecoder

UNAUTHORIZED = (401, 403)
"""How servers refuse a key that has expired; Bedrock says 403."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """All that a provider is told of a model that it shall open."""

    facts: ModelFacts
    row: ModelRow
    backend: Backend
    effort: Effort | None = None
    """How much the model shall think; None leaves it to the provider."""
    idle: float = IDLE_SECONDS
    """Silence in seconds after which a reply counts as broken."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol, and the link that carries it."""

    path: str
    connect: Callable[[Backend], Link]
    """Loads the SDK. The backend has its address and its key filled in."""
    encode: Callable[[ModelRequest], bytes]
    decoder: Callable[[Server], Decoder]
    framer: Callable[[], Framer] = SseDecoder
    advice: Advice | None = None


class WireModel:
    """A model at a provider.

    Raises ``SettingsError`` for a key, an address or a header that no request could carry.
    """

    def __init__(self, opening: Opening, wire: Wire) -> None:
        facts = opening.facts
        self._facts = facts
        self._wire = wire
        self._idle = opening.idle
        self._connection = Connection(
            facts.provider, opening.backend, wire.connect, facts.id, advice=wire.advice
        )

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    @property
    def wire(self) -> Wire:
        return self._wire

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamEvent, None]:
        connection, wire = self._connection, self._wire
        if not self._facts.images:
            request = msgspec.structs.replace(request, messages=without_images(request.messages))
        body = wire.encode(request)
        first = self._facts.first_token_seconds
        response = await connection.ask(lambda link: link.post(wire.path, body), first)
        reply = read_reply(
            connection.server,
            response,
            wire.framer(),
            wire.decoder(connection.server),
            connection.errors,
            first=first,
            idle=self._idle,
        )
        async with aclosing(reply) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        await self._connection.close()


class Connection:
    """The link of one backend, made when it is first needed and kept."""

    def __init__(
        self,
        provider: str,
        backend: Backend,
        connect: Callable[[Backend], Link],
        model: str = "",
        *,
        advice: Advice | None = None,
    ) -> None:
        check_backend(provider, backend)
        access = ACCESS[provider]
        self._provider = provider
        self._backend = msgspec.structs.replace(backend, base_url=backend.base_url or access.address)
        self._connect = connect
        self._link: Link | None = None
        self._lock = threading.Lock()
        self.server = Server(
            provider=provider,
            model=model,
            url=shown_url(self._backend.base_url),
            key_variable=access.key,
            url_variable=access.url,
            secret=Secret(backend.api_key),
            advice=advice,
        )

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What reading a response may raise."""
        return self._link.errors if self._link else ()

    async def ask(self, ask: Callable[[Link], Awaitable[Response]], seconds: float) -> Response:
        """The open response to what ``ask`` sends. Raises ``ProviderError``.

        A key that was fetched may have expired: if it is refused, another one is fetched, once.
        """
        try:
            return await self._ask(ask, seconds)
        except ProviderError as error:
            if error.status not in UNAUTHORIZED or self._backend.fetch_key is None:
                raise
        await self.close()
        return await self._ask(ask, seconds)

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _ask(self, ask: Callable[[Link], Awaitable[Response]], seconds: float) -> Response:
        link = self._link or await self._opened()
        return await answered(self.server, ask(link), link.errors, seconds)

    async def _opened(self) -> Link:
        """Fetches the key and loads the SDK, which take long: in threads, for screens to stay alive."""
        import asyncio

        try:
            backend = await self._with_key()
            return await asyncio.to_thread(self._open, backend)
        except SettingsError as error:
            raise ProviderError("bad_request", str(error)) from error

    def _open(self, backend: Backend) -> Link:
        with self._lock:
            link = self._link = self._link or self._connect(backend)
            # Where a provider's address follows from its other settings, only the link knows it.
            if not self.server.url:
                url = shown_url(getattr(link, "address", ""))
                self.server = msgspec.structs.replace(self.server, url=url)
            return link

    async def _with_key(self) -> Backend:
        if self._backend.fetch_key is None:
            return self._backend
        key = await in_background(self._backend.fetch_key)
        check_key(f"the key of {self._provider}", key)
        self.server = msgspec.structs.replace(self.server, secret=Secret(key))
        return msgspec.structs.replace(self._backend, api_key=key)
