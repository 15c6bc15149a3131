"""The tool that searches the web."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.limits import QUERY_CHARS, SNIPPET_CHARS, WEB_HITS
from akmon_core.ports import WebHit, WebSearch
from akmon_core.text import one_line
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.answers import WEB, ServerError

_TAG = re.compile(r"</?(?:strong|b|em|i|mark)>")


class WebSearchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: Annotated[str, Meta(min_length=1, max_length=QUERY_CHARS)]
    count: Annotated[int, Meta(ge=1, le=WEB_HITS)] = 5


class WebSearchTool:
    name = "web_search"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = WebSearchArguments

    def __init__(self, engine: WebSearch) -> None:
        self._engine = engine

    def effects(self, arguments: WebSearchArguments) -> tuple[Effect, ...]:
        return (Effect("fetch", self._engine.url),)

    async def run(self, arguments: WebSearchArguments, context: ToolContext) -> ToolOutput:
        try:
            hits = await self._engine.search(arguments.query, arguments.count)
        except ServerError as error:
            return ToolOutput(str(error), error=True, untrusted=WEB)
        if not hits:
            return ToolOutput(f"[{self._engine.name} found nothing; try other words]", summary="0 results")
        shown = [_show(number, hit) for number, hit in enumerate(hits[: arguments.count], 1)]
        frame = f"[Results of {self._engine.name}.]"
        text = "\n\n".join((frame, *shown))
        return ToolOutput(text, summary=f"{len(shown)} results", untrusted=WEB)


def _show(number: int, hit: WebHit) -> str:
    lines = (f"{number}. {_plain(hit.title, 200)}", one_line(hit.url, 500), _plain(hit.text, SNIPPET_CHARS))
    return "\n   ".join(line for line in lines if line)


def _plain(text: str, width: int) -> str:
    return one_line(html.unescape(_TAG.sub("", text)), width)
