"""What connects to a provider: an SDK behind one small interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Protocol

from akmon_core.errors import SettingsError

if TYPE_CHECKING:
    from ssl import SSLContext

ERROR_BODY_BYTES = 100_000
"""What is read of the body of an error."""


class Response(Protocol):
    """An open HTTP response, as httpx and httpx2 have it."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def aiter_bytes(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


class Refused(Exception):
    """A response whose status is not that of success, with the start of its body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


async def refuse(response: Response) -> None:
    """For a client's hook on responses: raises ``Refused`` for one without success.

    An SDK would read the body of an error whole, however long it is.
    """
    if 200 <= response.status_code < 300:
        return
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= ERROR_BODY_BYTES:
            break
    raise Refused(response.status_code, response.headers, body[:ERROR_BODY_BYTES])


class Link(Protocol):
    """A provider's connection: knows its address, its authentication, its SDK.

    Neither retries nor follows redirects. Of times it keeps only that for connecting (``CONNECT_SECONDS``).
    """

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the HTTP client raises, while it sends and while a response is read."""
        ...

    async def post(self, path: str, body: bytes) -> Response:
        """Sends ``body``, which is JSON; gives the response when its headers are there.

        Raises ``Refused`` if they tell no success.
        """
        ...

    async def get(self, path: str) -> Response:
        """The same without a body, to list models."""
        ...

    async def close(self) -> None: ...


def certificates(url: str, ca_file: str = "") -> SSLContext | bool:
    """Whom a client for ``url`` trusts: those of ``ca_file`` (PEM), or those whom the system trusts.

    Reading who they are takes 20 ms. An ``http://`` address needs none, and its client trusts nobody.
    Raises ``SettingsError`` for a file that holds no certificates.
    """
    if url.lower().startswith("http://"):
        from ssl import PROTOCOL_TLS_CLIENT, SSLContext

        return SSLContext(PROTOCOL_TLS_CLIENT)
    if not ca_file:
        return True
    from ssl import SSLError, create_default_context

    try:
        return create_default_context(cafile=ca_file)
    except (OSError, SSLError) as error:
        raise SettingsError(
            f"no certificates can be read from {ca_file}: {error.strerror or error}. "
            "Name a PEM file in the setting ca_file."
        ) from None
