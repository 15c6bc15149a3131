"""Asks an embedding server over HTTP: one address, no redirects, bounded in time and size, tried again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import msgspec

from akmon_core.errors import SettingsError, ToolError
from akmon_core.text import one_line
from akmon_index.limits import (
    EMBEDDING_BATCH_CHARS,
    EMBEDDING_BATCH_TEXTS,
    EMBEDDING_QUERY_SECONDS,
    EMBEDDING_REPLY_BYTES,
    EMBEDDING_SECONDS,
    EMBEDDING_TEXT_CHARS,
    EMBEDDING_TRIES,
    EMBEDDING_WAIT_SECONDS,
)

if TYPE_CHECKING:
    from httpx2 import Client, Response

T = TypeVar("T")

_PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses after which the same request may succeed."""
_CONNECT_SECONDS = 10.0
_EXCERPT_CHARS = 300


class Server:
    """An embedding server. ``name`` is what messages call it, ``unreachable`` what to do if it is not there.

    Raises ``SettingsError`` for an address or a key that no request could carry.
    """

    def __init__(self, name: str, url: str, *, key: str = "", unreachable: str) -> None:
        self.name = f"{name} at {check_url(url)}"
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._unreachable = unreachable
        self._client: Client | None = None

    def post(self, path: str, body: object, type_: type[T], advice: Mapping[int, str], *, patient: bool) -> T:
        """What the server answers to ``body`` as JSON. ``advice`` says what to do about a status.

        Raises ``ToolError`` when it has failed in a way that will not pass, or ``EMBEDDING_TRIES`` times;
        once is enough unless ``patient``.
        """
        import httpx2

        sent = msgspec.json.encode(body)
        tries = EMBEDDING_TRIES if patient else 1
        seconds = EMBEDDING_SECONDS if patient else EMBEDDING_QUERY_SECONDS
        for left in reversed(range(tries)):
            try:
                status, wait, answer = self._exchange(path, sent, seconds)
            except httpx2.HTTPError as error:
                if not left:
                    raise self._failed(error) from None
                wait = 0.0
            else:
                if status == 200:
                    return self._decoded(answer, type_)
                if not left or status not in _PASSING:
                    raise self._refused(status, answer, advice)
            time.sleep(min(max(wait, 0.5 * 4 ** (tries - 1 - left)), EMBEDDING_WAIT_SECONDS))
        raise AssertionError("the last try returns or raises")

    def _exchange(self, path: str, sent: bytes, seconds: float) -> tuple[int, float, bytes]:
        """Status, seconds that the server wants us to wait, and body."""
        import httpx2

        client = self._client = self._client or _client(self._url, self._headers)
        end = time.monotonic() + seconds
        headers = {"content-type": "application/json"}
        timeout = httpx2.Timeout(seconds, connect=_CONNECT_SECONDS)
        request = client.build_request(
            "POST", f"{self._url}{path}", content=sent, headers=headers, timeout=timeout
        )
        with closing(client.send(request, stream=True)) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > EMBEDDING_REPLY_BYTES:
                    raise ToolError(f"{self.name} answers with more than {EMBEDDING_REPLY_BYTES:,} bytes.")
                if time.monotonic() > end:
                    raise ToolError(f"{self.name} did not answer whole within {seconds:g} seconds.")
            return response.status_code, _retry_after(response), bytes(body)

    def _decoded(self, answer: bytes, type_: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=type_)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ToolError(
                f"{self.name} did not answer with embeddings but “{_excerpt(answer)}”. Check the address."
            ) from None

    def _refused(self, status: int, answer: bytes, advice: Mapping[int, str]) -> ToolError:
        if 300 <= status < 400:
            said, what = "", "It sends requests elsewhere: set url to the address that it sends them to."
        else:
            said, what = _excerpt(answer), advice.get(status, "Try again later, or use another model.")
        return ToolError(f"{self.name} refused ({status}){f': “{said}”' if said else ''}. {what}")

    def _failed(self, error: Exception) -> ToolError:
        reason = one_line(str(error), _EXCERPT_CHARS) or type(error).__name__
        return ToolError(f"{self.name} cannot be asked: {reason}. {self._unreachable}")


def check_url(url: str) -> str:
    """``url`` as messages may show it. Raises ``SettingsError``, quoting nothing: it may hold a password."""
    from httpx2 import URL, InvalidURL

    try:
        parts = urlsplit(url)
        URL(url)
        sound = bool(url.isprintable() and parts.scheme in ("http", "https") and parts.hostname)
        sound = sound and parts.port != 0 and "@" not in parts.netloc and not (parts.query or parts.fragment)
    except (ValueError, InvalidURL):
        sound = False
    if not sound:
        raise SettingsError(
            "the url of the embedding model (url in index.toml, or AKMON_INDEX_URL) cannot be used: "
            "it should be http(s)://HOST, with a path if there is one, without a user name, a password or a "
            "question mark."
        )
    return url


def is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """``texts`` in order, each cut to what models take, in groups that fit a request."""
    batch: list[str] = []
    for text in texts:
        cut = text[:EMBEDDING_TEXT_CHARS] or " "  # servers refuse an empty one
        full = len(batch) >= EMBEDDING_BATCH_TEXTS
        if batch and (full or sum(map(len, batch)) + len(cut) > EMBEDDING_BATCH_CHARS):
            yield batch
            batch = []
        batch.append(cut.encode(errors="replace").decode())
    if batch:
        yield batch


def _client(url: str, headers: Mapping[str, str]) -> Client:
    import httpx2

    from akmon_index import __version__

    sent = {"user-agent": f"akmon-index/{__version__}", **headers}
    try:
        return httpx2.Client(headers=sent, follow_redirects=False, trust_env=not is_this_machine(url))
    except (ImportError, ValueError, httpx2.InvalidURL):  # which may quote a password
        raise SettingsError(
            "the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) cannot be used: it "
            "should be http://HOST:PORT or https://HOST:PORT. Or name the embedding server in NO_PROXY."
        ) from None


def _retry_after(response: Response) -> float:
    """Seconds; what is no number of them counts as none."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _excerpt(answer: bytes) -> str:
    return one_line(answer[:4000].decode(errors="replace"), _EXCERPT_CHARS)
