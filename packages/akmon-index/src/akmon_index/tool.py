"""The tool ``find_passages``, which the entry point ``akmon.tools`` adds to the agent."""

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
from akmon_index.chunk import words

if TYPE_CHECKING:
    from akmon_index.store import Found, Index

_MOST = 30
_SNIPPET_LINES = 12
_LINE_CHARS = 200


class FindArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: Annotated[str, msgspec.Meta(description="What to look for, in a few words.")]
    path: Annotated[str, msgspec.Meta(description="A folder or file of the project to stay in.")] = ""
    limit: Annotated[int, msgspec.Meta(description="How many passages to give.", ge=1, le=_MOST)] = 10


class FindPassagesTool:
    """Keeps the project's index from the first call on; before that it costs nothing."""

    name = "find_passages"
    arguments = FindArguments

    def __init__(self, root: Path) -> None:
        self._root = root
        self._index: Index | None = None
        self._in_use = threading.Lock()

    @property
    def description(self) -> str:
        return Path(__file__).with_name("find_passages.md").read_text(encoding="utf-8").strip()

    def effects(self, arguments: FindArguments) -> tuple[Effect, ...]:
        return (Effect("read", str(self._root / arguments.path)),)

    async def run(self, arguments: FindArguments, context: ToolContext) -> ToolOutput:
        import asyncio

        if not words(arguments.query):
            raise ToolError("the query has no word in it. Say in a few words what to look for.")
        stopped = threading.Event()
        loop = asyncio.get_running_loop()

        def progress(text: str) -> None:
            loop.call_soon_threadsafe(context.progress, text)

        try:
            return await asyncio.to_thread(self._find, arguments, progress, stopped.is_set)
        finally:
            stopped.set()

    def _find(
        self, arguments: FindArguments, progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> ToolOutput:
        from akmon_index.store import Index

        folder = _folder(arguments.path)
        with self._in_use:
            self._index = self._index or Index(self._root)
            self._index.refresh(progress, stopped)
            found = self._index.search(arguments.query, folder, arguments.limit)
        if not found:
            return ToolOutput("Nothing in the project has any of these words.", summary="no passages")
        text = "\n\n".join(_show(passage) for passage in found)
        return ToolOutput(text, summary=f"{len(found)} passages")


def tools(place: Workplace) -> tuple[AnyTool, ...]:
    """What the entry point gives: the tools over a project."""
    return (FindPassagesTool(Path(place.root)),)


def _folder(path: str) -> str:
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts:
        raise ToolError(f"{path} is not given from the project root. Write it as src/module, without '..'.")
    return "" if str(pure) == "." else str(pure)


def _show(passage: Found) -> str:
    lines = [line[:_LINE_CHARS] for line in passage.text.split("\n")[:_SNIPPET_LINES]]
    return f"{passage.path}:{passage.first}-{passage.last}\n" + neutralise("\n".join(lines))
