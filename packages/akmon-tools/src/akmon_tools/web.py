"""Asks servers over HTTP: every hop checked and pinned, and nothing that a server sends is without bounds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akmon_core.errors import ToolError
from akmon_core.limits import FETCH_REDIRECTS, FETCH_SECONDS
from akmon_core.text import one_line
from akmon_tools import __version__
from akmon_tools.addresses import Addresses, environment_proxy
from akmon_tools.answers import Answer, ServerError, read_answer
from akmon_tools.urls import authority, place, same_site

if TYPE_CHECKING:
    from httpx2 import AsyncHTTPTransport, Request, Response

AGENT = f"akmon/{__version__}"
_CONNECT_SECONDS = 10.0


class Web:
    """Connects to whatever ``addresses`` allows, or has the proxy do so that the environment names.

    ``ca_file`` (PEM) says whom to trust instead of those that the system trusts. No cookies, no credentials.
    Every URL is in normal form.
    """

    def __init__(self, addresses: Addresses, ca_file: str = "", *, seconds: float = FETCH_SECONDS) -> None:
        self._addresses = addresses
        self._ca_file = ca_file
        self._seconds = seconds
        self._trusted: ssl.SSLContext | None = None

    async def get(self, url: str, headers: Mapping[str, str] = {}) -> Answer:
        """The answer to a GET; redirects are followed as long as they stay at the same site.

        Raises ``ToolError`` if there is no whole answer, also after ``seconds``: ``ServerError`` if a server
        had a say in that.
        """
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(FETCH_REDIRECTS + 1):
                    answer = await self._exchange("GET", url, headers, b"")
                    if not answer.location or not same_site(url, answer.location):
                        return answer
                    url = answer.location
        except TimeoutError:
            raise self._too_slow(url) from None
        raise ServerError(f"{url} was not fetched: more than {FETCH_REDIRECTS} redirects. Give another URL.")

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer to one request, which may be a redirect. Raises ``ToolError``."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(method, url, headers, body)
        except TimeoutError:
            raise self._too_slow(url) from None

    def _too_slow(self, url: str) -> ToolError:
        return ServerError(f"{url} was not answered whole within {self._seconds:g} seconds.")

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        import httpx2

        scheme, host, port = place(url)
        parts = urlsplit(url)
        proxy = environment_proxy(scheme, host)
        if proxy:
            self._addresses.check(host)
        hosts = (host,) if proxy else await self._addresses.resolve(host, port)
        sent = {
            "host": parts.netloc,
            "user-agent": AGENT,
            "accept-encoding": "gzip",
            "connection": "close",
            **headers,
        }
        extensions = {"sni_hostname": host, "timeout": self._timeouts()}
        target = parts._replace(netloc="", scheme="").geturl()
        urls = [f"{scheme}://{authority(each, port)}{target}" for each in hosts]
        try:
            requests = [
                httpx2.Request(method, each, headers=sent, content=body, extensions=extensions)
                for each in urls
            ]
            async with self._transport(scheme, proxy) as transport:
                return await read_answer(url, await _first(transport, requests))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, ImportError) as error:
            raise failure(url, error, proxy) from None

    def _timeouts(self) -> dict[str, float]:
        return {
            "connect": min(_CONNECT_SECONDS, self._seconds),
            "read": self._seconds,
            "write": self._seconds,
            "pool": self._seconds,
        }

    def _transport(self, scheme: str, proxy: str) -> AsyncHTTPTransport:
        import httpx2

        return httpx2.AsyncHTTPTransport(verify=self._trust(scheme), proxy=proxy or None)

    def _trust(self, scheme: str) -> ssl.SSLContext:
        """Reading whom to trust takes 20 ms, so it is done once, and not for plain ``http``."""

        if scheme == "http":
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._trusted is None:
            self._trusted = trusted(self._ca_file)
        return self._trusted


def trusted(ca_file: str) -> ssl.SSLContext:
    """Whom to trust: those of ``ca_file`` (PEM), or those that the system trusts. Raises ``ToolError``."""
    import httpx2

    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else httpx2.create_ssl_context()
    except OSError as error:
        raise ToolError(
            f"no certificates can be read from {ca_file or 'the system'}: "
            f"{error.strerror or error}. The setting ca_file should name a PEM file."
        ) from None


async def _first(transport: AsyncHTTPTransport, requests: list[Request]) -> Response:
    """The answer of the first address that can be connected to."""
    import httpx2

    for request in requests[:-1]:
        try:
            return await transport.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            if _tls_error(error):
                raise
    return await transport.handle_async_request(requests[-1])


def failure(url: str, error: Exception, proxy: str) -> ToolError:
    """What the HTTP client's ``error`` means, for a URL in normal form."""
    import httpx2

    _, host, port = place(url)
    where = f"{host}, port {port}, through the proxy of the environment" if proxy else f"{host}, port {port}"
    if tls := _tls_error(error):
        why = getattr(tls, "verify_message", "") or tls.reason or str(tls)
        return ToolError(f"there is no secure connection to {host}: {one_line(str(why), 200)}.")
    if isinstance(error, httpx2.ConnectTimeout):
        return ToolError(f"{where} cannot be reached: no connection within {_CONNECT_SECONDS:g} seconds.")
    why = one_line(str(error) or type(error).__name__, 300).rstrip(".")
    if isinstance(error, httpx2.ConnectError):
        return ToolError(f"{where} cannot be reached: {why}.")
    return ServerError(f"{url} was not fetched: {why}.")


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """What failed in making the connection secure, if that is at the bottom of ``error``."""
    while not isinstance(error, ssl.SSLError):
        below = error.__cause__ or error.__context__
        if below is None:
            return None
        error = below
    return error
