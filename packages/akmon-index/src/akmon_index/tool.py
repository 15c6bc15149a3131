"""The tool ``semantic_search``, which the entry point ``akmon.tools`` adds to the agent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import msgspec

from akmon_core.errors import ToolError
from akmon_core.plugins import Workplace
from akmon_core.text import neutralise
from akmon_core.tools import AnyTool, Effect, ToolContext, ToolOutput

if TYPE_CHECKING:
    from akmon_index.engine import Index

_MOST = 30
_GLOB = "*?["


class SearchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: Annotated[str, msgspec.Meta(description="What to look for: a question, or a few words.")]
    path: Annotated[
        str, msgspec.Meta(description="Stay in this folder, file, or glob such as src/**/*.py.")
    ] = ""
    language: Annotated[str, msgspec.Meta(description="Only files of this language, such as python.")] = ""
    limit: Annotated[int, msgspec.Meta(description="How many places to give.", ge=1, le=_MOST)] = 10


class SemanticSearch:
    """Opens the project's index at the first call; before that it costs nothing."""

    name = "semantic_search"
    arguments = SearchArguments

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._index: Index | None = None
        self._opening = threading.Lock()
        self._closed = threading.Event()
        self._used = False

    @property
    def description(self) -> str:
        return Path(__file__).with_name("semantic_search.md").read_text(encoding="utf-8").strip()

    def effects(self, arguments: SearchArguments) -> tuple[Effect, ...]:
        return (Effect("read", str(Path(self._place.root) / _fixed_part(arguments.path))),)

    async def run(self, arguments: SearchArguments, context: ToolContext) -> ToolOutput:
        import asyncio

        self._used = True
        stopped = threading.Event()
        loop = asyncio.get_running_loop()

        def progress(text: str) -> None:
            loop.call_soon_threadsafe(context.progress, text)

        try:
            return await asyncio.to_thread(self._find, arguments, progress, stopped.is_set)
        finally:
            stopped.set()

    def attend(self) -> None:
        """Brings an index that there is up to date; also loading what does so is left to a thread."""
        from akmon_index.places import index_file

        file = index_file(self._place)
        if file and file.exists():
            self._used = True
            threading.Thread(target=self._prepare, name="akmon-index", daemon=True).start()

    async def close(self) -> None:
        self._closed.set()
        if self._used:
            import asyncio

            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._opening:
            index = self._index
        if index:
            index.close()

    def _prepare(self) -> None:
        index = self._opened()
        if not self._closed.is_set():
            index.attend()

    def _find(
        self, arguments: SearchArguments, progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> ToolOutput:
        from akmon_index.show import as_text, throttled
        from akmon_index.values import Filters

        filters = Filters(
            path=inside(arguments.path), language=arguments.language.strip(), limit=arguments.limit
        )
        found = self._opened().search(arguments.query, filters, progress=throttled(progress), stopped=stopped)
        note = f"({neutralise(found.note)})" if found.note else ""
        if not found.hits:
            return ToolOutput("\n".join(filter(None, ("Nothing was found.", note))), summary="nothing found")
        blocks = [*map(as_text, found.hits), *([note] if note else [])]
        return ToolOutput("\n\n".join(blocks), summary=_counted(len(found.hits)))

    def _opened(self) -> Index:
        from akmon_index.engine import Index

        with self._opening:
            self._index = self._index or Index(self._place)
            return self._index


def tools(place: Workplace) -> tuple[AnyTool, ...]:
    """What the entry point gives: the tools over a project."""
    return (SemanticSearch(place),)


def inside(path: str) -> str:
    """``path`` as the index has it. Raises ``ToolError`` if it leaves the project."""
    pure = PurePosixPath(path.strip().replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts:
        raise ToolError(f"{path} is not given from the project root. Write it as src/module, without '..'.")
    return "" if str(pure) == "." else str(pure)


def _fixed_part(path: str) -> str:
    """The folder that a glob stays in."""
    parts = path.strip().split("/")
    fixed = [part for part in parts if not set(part) & set(_GLOB)]
    return path.strip() if len(fixed) == len(parts) else "/".join(parts[: _first_glob(parts)])


def _first_glob(parts: list[str]) -> int:
    return next(at for at, part in enumerate(parts) if set(part) & set(_GLOB))


def _counted(places: int) -> str:
    return "1 place" if places == 1 else f"{places} places"
