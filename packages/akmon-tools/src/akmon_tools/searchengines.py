"""Search engines: how each is asked, and what it answers, as pure functions in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from akmon_core.errors import SettingsError, ToolError
from akmon_core.limits import FETCH_ERROR_CHARS
from akmon_core.ports import WebHit, WebSearch
from akmon_core.text import one_line

Key: TypeAlias = str | Callable[[], str]
"""A key, or what fetches it: that may take a while, and raises ``SettingsError``."""


class Asking(msgspec.Struct, frozen=True):
    """A request for an engine."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Hit(msgspec.Struct, frozen=True):
    """One answer, as the engines name its parts."""

    url: str = ""
    title: str | None = None
    content: str | None = None
    description: str | None = None


class Hits(msgspec.Struct, frozen=True):
    results: tuple[Hit, ...] = ()


class BraveHits(msgspec.Struct, frozen=True):
    web: Hits | None = None


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of engine. ``ask`` takes its address, a question, how many answers, and the key."""

    ask: Callable[[str, str, int, str], Asking]
    read: Callable[[bytes], tuple[Hit, ...]]
    """Raises ``msgspec.DecodeError`` for what is no answer."""
    url: str = ""
    """Where it is; empty if each has its own place."""
    needs_key: bool = True
    advice: str = ""
    """What to do if it refuses."""


def _ask_searxng(url: str, query: str, count: int, key: str) -> Asking:  # noqa: ARG001 - it has its own
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return Asking("GET", f"{url}/search?{urlencode({'q': query, 'format': 'json'})}", headers)


def _ask_brave(url: str, query: str, count: int, key: str) -> Asking:
    parameters = urlencode({"q": query, "count": count, "text_decorations": "false"})
    return Asking("GET", f"{url}/res/v1/web/search?{parameters}", {"x-subscription-token": key})


def _ask_tavily(url: str, query: str, count: int, key: str) -> Asking:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return Asking(
        "POST", f"{url}/search", headers, msgspec.json.encode({"query": query, "max_results": count})
    )


def _read_hits(body: bytes) -> tuple[Hit, ...]:
    return msgspec.json.decode(body, type=Hits).results


def _read_brave(body: bytes) -> tuple[Hit, ...]:
    found = msgspec.json.decode(body, type=BraveHits).web
    return found.results if found else ()


PROVIDERS: dict[str, Provider] = {
    "searxng": Provider(
        ask=_ask_searxng,
        read=_read_hits,
        needs_key=False,
        advice="Its settings.yml must allow the format json (search: formats: [html, json]).",
    ),
    "brave": Provider(
        ask=_ask_brave,
        read=_read_brave,
        url="https://api.search.brave.com",
        advice="Check the setting web_search_key.",
    ),
    "tavily": Provider(
        ask=_ask_tavily,
        read=_read_hits,
        url="https://api.tavily.com",
        advice="Check the setting web_search_key.",
    ),
}
"""As their own documentation has them, autumn of 2026: docs.searxng.org/dev/search_api,
api-dashboard.search.brave.com/api-reference/web/search, docs.tavily.com/api-reference."""


def search_engine(name: str, url: str = "", key: Key = "", ca_file: str = "") -> WebSearch | None:
    """The engine that the settings name; None if they name none.

    Raises ``SettingsError`` if something that it needs is not set. Nothing is asked or fetched yet.
    """
    if not name:
        return None
    provider = PROVIDERS.get(name)
    if provider is None:
        raise SettingsError(f"there is no search engine {name!r}. There are: {', '.join(PROVIDERS)}.")
    url = (url or provider.url).rstrip("/")
    if not url:
        raise SettingsError(f"web_search is {name}, and web_search_url is not set: set it to your instance.")
    if not _plain(url):
        raise SettingsError(
            "web_search_url cannot be used: it should be http(s)://HOST, with a path if there is one, "
            "without a user name, a password or a question mark."
        )
    if provider.needs_key and not key:
        raise SettingsError(f"web_search is {name}, and web_search_key is not set: set it to your key.")
    return _Engine(name, url, provider, key, ca_file)


def _plain(url: str) -> bool:
    from akmon_tools.urls import normalise

    try:
        normalise(url)
    except ToolError:
        return False
    return "?" not in url and "#" not in url


class _Engine:
    def __init__(self, name: str, url: str, provider: Provider, key: Key, ca_file: str) -> None:
        self.name = name
        self.url = url
        self._provider = provider
        self._key = key
        self._ca_file = ca_file

    async def search(self, query: str, count: int) -> tuple[WebHit, ...]:
        from akmon_tools.addresses import ChosenAddresses
        from akmon_tools.answers import ServerError
        from akmon_tools.urls import normalise
        from akmon_tools.web import Web

        asking = self._provider.ask(self.url, query, count, await self._fetched_key())
        web = Web(ChosenAddresses(), self._ca_file)
        answer = await web.ask(asking.method, normalise(asking.url), asking.headers, asking.body)
        if answer.status != 200:
            said = one_line(answer.body.decode(errors="replace"), FETCH_ERROR_CHARS)
            told = f' It said: "{said}".' if said else ""
            raise ServerError(f"{self.name} answered {answer.said}.{told} {self._provider.advice}")
        try:
            hits = self._provider.read(answer.body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ServerError(
                f"{self.name} answered with something else than results. {self._provider.advice}"
            ) from None
        return tuple(
            WebHit(hit.title or hit.url, hit.url, hit.content or hit.description or "")
            for hit in hits[:count]
            if hit.url.startswith(("http://", "https://"))
        )

    async def _fetched_key(self) -> str:
        if isinstance(self._key, str):
            return self._key
        import asyncio

        try:
            return await asyncio.to_thread(self._key)
        except SettingsError as error:
            raise ToolError(f"the key for {self.name} could not be fetched: {error}") from None
