"""The tool that fetches a page of the web as text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import (
    FETCH_CACHE_BYTES,
    FETCH_CACHE_SECONDS,
    FETCH_ERROR_CHARS,
    IMAGE_BYTES,
    LINE_CHARS,
    READ_BYTES,
)
from akmon_core.messages import Image
from akmon_core.text import one_line, reveal
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.addresses import Addresses, PublicAddresses
from akmon_tools.answers import WEB, Answer, ServerError
from akmon_tools.outputs import PREFIX, Outputs
from akmon_tools.textfile import mark_of
from akmon_tools.urls import normalise

_ACCEPT = "text/markdown, text/html;q=0.9, text/plain;q=0.8, */*;q=0.5"
_SNIFFED = 8_192
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


class FetchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(min_length=1)]


class Page(msgspec.Struct, frozen=True):
    """What there was at ``url``."""

    url: str
    kind: str
    """The media type, without parameters."""
    size: int
    """Bytes, as they came."""
    text: str = ""
    image: Image | None = None


class FetchTool:
    name = "fetch"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = FetchArguments

    def __init__(
        self,
        outputs: Outputs,
        *,
        addresses: Addresses | None = None,
        ca_file: str = "",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._outputs = outputs
        self._addresses = addresses or PublicAddresses()
        self._ca_file = ca_file
        self._cache = PageCache(clock)

    def effects(self, arguments: FetchArguments) -> tuple[Effect, ...]:
        """A URL that cannot be fetched has none: it is refused without anybody being asked."""
        try:
            return (Effect("fetch", normalise(arguments.url)),)
        except ToolError:
            return ()

    async def run(self, arguments: FetchArguments, context: ToolContext) -> ToolOutput:
        url = normalise(arguments.url)
        if page := self._cache.get(url):
            return self._show(page)
        from akmon_tools.web import Web

        try:
            answer = await Web(self._addresses, self._ca_file).get(url, {"accept": _ACCEPT})
        except ServerError as error:
            return _wrong(str(error))
        if answer.location:
            return _moved(answer)
        if not 200 <= answer.status < 300:
            return await _failed(answer)
        try:
            page = await _page(answer)
        except ToolError as error:
            return _wrong(str(error))
        self._cache.put(url, page)
        return self._show(page)

    def _show(self, page: Page) -> ToolOutput:
        summary = f"{page.kind}, {page.size:,} bytes"
        frame = f"Content of {page.url} ({page.kind})."
        if page.image:
            return ToolOutput(f"[{frame}]", images=(page.image,), summary=summary, untrusted=WEB)
        whole = self._outputs.redactor(f"[{frame}]\n\n{page.text}")
        start = _start(whole)
        if len(start) == len(whole):
            return ToolOutput(whole, summary=summary, untrusted=WEB)
        number, file = self._outputs.open_new(WEB)
        with file:
            file.write(whole.encode(errors="replace"))
        more = (
            f"This is only the start; the whole is in {PREFIX}{number}, a path that "
            f"`read` (go on with offset={start.count(chr(10)) + 1}) and `search` take."
        )
        text = f"[{frame} {more}]{start.removeprefix(f'[{frame}]')}"
        return ToolOutput(text, summary=summary, untrusted=WEB)


class PageCache:
    """Pages that were just fetched, by URL."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pages: dict[str, tuple[float, Page]] = {}

    def get(self, url: str) -> Page | None:
        at, page = self._pages.get(url, (0.0, None))
        return page if self._clock() - at < FETCH_CACHE_SECONDS else None

    def put(self, url: str, page: Page) -> None:
        """Keeps ``page``; the oldest go where all together are too large."""
        self._pages.pop(url, None)
        self._pages[url] = (self._clock(), page)
        total = 0
        for known in reversed(list(self._pages)):
            total += _weight(self._pages[known][1])
            if total > FETCH_CACHE_BYTES:
                del self._pages[known]


def _weight(page: Page) -> int:
    """About the bytes that it takes in memory."""
    return 1_000 + len(page.url) + len(page.text) + (len(page.image.data) if page.image else 0)


def _start(text: str) -> str:
    """As much as a model is shown at once, to the end of a line if there is one."""
    data = text.encode(errors="replace")
    if len(data) <= READ_BYTES:
        return text
    kept = data[:READ_BYTES].decode(errors="ignore")
    line_end = kept.rfind("\n") + 1
    return kept[:line_end] if line_end > len(kept) // 2 else kept


def _moved(answer: Answer) -> ToolOutput:
    return ToolOutput(
        f"[{answer.url} redirects to {answer.location}, which was not fetched, as it is at another site. "
        "Fetch that URL if it is what you need.]",
        summary=f"redirects to {one_line(answer.location, 200)}",
        untrusted=WEB,
    )


def _wrong(what: str) -> ToolOutput:
    """An error whose words may be the server's."""
    return ToolOutput(what, error=True, untrusted=WEB)


async def _failed(answer: Answer) -> ToolOutput:
    said = ""
    if answer.body and _kind(answer) not in ("pdf", "image", "binary"):
        try:
            said = (await _page(answer)).text
        except ToolError:
            said = ""
    quoted = f' It said: "{one_line(said, FETCH_ERROR_CHARS)}"' if said else ""
    return _wrong(f"{answer.url} answered {answer.said}.{quoted}")


async def _page(answer: Answer) -> Page:
    """What an answer holds, as text or as an image. Raises ``ToolError`` for anything else."""
    from akmon_tools.charsets import decode_page
    from akmon_tools.reader import read_page

    media = one_line(answer.content_type.partition(";")[0].strip().lower(), 100)
    page = Page(answer.url, media or "unknown type", len(answer.body))
    kind = _kind(answer)
    if not answer.body.strip():
        raise ToolError(f"{answer.url} answered {answer.said} with nothing in it.")
    if kind == "image":
        return msgspec.structs.replace(page, image=_image(answer))
    if kind == "binary":
        raise ToolError(
            f"{answer.url} is neither text nor an image ({page.kind}, {page.size:,} bytes). "
            "If it is needed as a file, download it with a command."
        )
    if kind == "pdf":
        text = await read_page("pdf", answer.body, answer.url)
    else:
        text = decode_page(answer.body, answer.content_type, html=kind == "html")
    if kind == "html":
        text = await read_page("html", text.encode(errors="replace"), answer.url)
    if "json" in media:
        text = _on_lines(text)
    return msgspec.structs.replace(page, text=reveal(text.replace("\r\n", "\n").replace("\r", "\n")))


def _kind(answer: Answer) -> str:
    """``html``, ``text``, ``pdf``, ``image`` or ``binary``: by what it is, as many servers do not know."""
    body, stated = answer.body, answer.content_type.lower()
    if body.startswith(b"%PDF-"):
        return "pdf"
    if _image_type(body):
        return "image"
    bom, _ = mark_of(body)
    if b"\0" in body[:_SNIFFED] and not bom and "charset=utf-16" not in stated.replace(" ", ""):
        return "binary"
    begins = body[:_SNIFFED].lstrip()[:15].lower()
    looks_like_html = begins.startswith((b"<!doctype html", b"<html"))
    return "html" if "html" in stated or ("/" not in stated and looks_like_html) else "text"


def _image_type(body: bytes) -> str:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((media for mark, media in _IMAGES.items() if body.startswith(mark)), "")


def _image(answer: Answer) -> Image:
    if len(answer.body) > IMAGE_BYTES:
        raise ToolError(
            f"{answer.url} is an image of {len(answer.body):,} bytes; "
            f"the most that can be shown is {IMAGE_BYTES:,}."
        )
    return Image(_image_type(answer.body), b64encode(answer.body).decode("ascii"))


def _on_lines(text: str) -> str:
    """JSON that is all on one line gets lines, so that the rest of a long one can be read on."""
    if max(map(len, text.splitlines()), default=0) <= LINE_CHARS:
        return text
    try:
        return msgspec.json.format(text, indent=1)
    except (msgspec.DecodeError, RecursionError):
        return text
