"""Where a browser brings the answer to after a login: a small server on this machine, for one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs, urlsplit

from akmon_core.text import one_line

_PATH = "/callback"
_HEAD_BYTES = 16_384
_HEAD_SECONDS = 10.0
_PAGE = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>akmon</title>
<body style="font: 16px sans-serif; margin: 3em"><p>{text}</p></body></html>
"""


@dataclass(frozen=True, repr=False)
class Answer:
    """What the authorization server has sent the browser back with."""

    code: str = ""
    state: str = ""
    issuer: str | None = None
    error: str = ""
    """Why there is no code, in its words; empty if there is one."""


class Callback:
    """Listens on a free port of 127.0.0.1 while it is entered."""

    def __init__(self, name: str, heard: Callable[[Answer], None]) -> None:
        """``name`` is that of the server that is logged in to; ``heard`` is told the answer."""
        self._name = name
        self._heard = heard
        self._state = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Callback:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=_HEAD_BYTES)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{_PATH}"

    def expect(self, state: str) -> None:
        """From now on the answer with this state counts, and no other."""
        self._state = state

    def read(self, url: str) -> Answer | None:
        """The answer in a URL that the browser was sent to; None if it is not the one that is expected."""
        try:
            parts = urlsplit(url.strip())
            query = parse_qs(parts.query, max_num_fields=50)
        except ValueError:
            return None
        first = {name: values[0] for name, values in query.items()}
        if parts.path != _PATH or not self._state or first.get("state") != self._state:
            return None
        if "error" in first:
            said = one_line(f"{first['error']}: {first.get('error_description', '')}".rstrip(": "), 300)
            return Answer(state=self._state, error=said or "no reason")
        if not first.get("code"):
            return None
        return Answer(first["code"], self._state, first.get("iss"))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, _, rest = head.partition(" ")
                answer = self.read(rest.partition(" ")[0]) if method == "GET" else None
                writer.write(_response(answer, self._name))
                await writer.drain()
            if answer:
                self._heard(answer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
            pass  # something else than a browser
        finally:
            writer.close()


def _response(answer: Answer | None, name: str) -> bytes:
    if answer is None:
        status, text = "404 Not Found", "There is nothing here."
    elif answer.error:
        status, text = "200 OK", f"There was no login to {escape(name)}. Your terminal says more."
    else:
        status = "200 OK"
        text = f"akmon has the answer for {escape(name)}. Close this page and go back to your terminal."
    body = _PAGE.format(text=text).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
