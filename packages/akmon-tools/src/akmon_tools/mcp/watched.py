"""A transport that tells when its connection has ended, which the SDK's client does not."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import anyio
from mcp.client._transport import ReadStream, Transport, TransportStreams
from mcp.shared.message import SessionMessage

from akmon_tools.mcp.stdio import StdioTransport

if TYPE_CHECKING:
    from typing import Self  # the SDK's protocols are written with this one


class Wire:
    """``inner``, with what is known of its connection. ``wake`` is called when that is another thing."""

    def __init__(self, inner: Transport, wake: Callable[[], None]) -> None:
        self._inner = inner
        self._wake = wake
        self.ended = False
        self.stale = False

    @property
    def why(self) -> str:
        if isinstance(self._inner, StdioTransport):
            return self._inner.why
        return "the connection was closed" if self.ended else ""

    def end(self) -> None:
        self.ended = True
        self._wake()

    def change(self) -> None:
        self.stale = True
        self._wake()

    async def __aenter__(self) -> TransportStreams:
        read, write = await self._inner.__aenter__()
        return _Watched(read, self.end), write

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._inner.__aexit__(exc_type, exc_val, exc_tb)


class _Watched:
    """A stream to read from that tells when it is at its end."""

    def __init__(self, inner: ReadStream[SessionMessage | Exception], ended: Callable[[], None]) -> None:
        self._inner = inner
        self._ended = ended

    async def receive(self) -> SessionMessage | Exception:
        try:
            return await self._inner.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._ended()
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()
