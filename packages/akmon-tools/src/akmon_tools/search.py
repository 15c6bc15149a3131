"""The tool that finds the lines, or the files, that match a pattern."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import CONTEXT_LINES
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.nearest import not_found
from akmon_tools.outputs import PREFIX, Outputs
from akmon_tools.query import Answer, Query
from akmon_tools.workspace import Workspace

_KEPT = re.compile(rf"{PREFIX}([0-9]{{1,15}})\Z")


class SearchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pattern: Annotated[str, Meta(min_length=1)]
    path: str = "."
    glob: Annotated[str, Meta(description="Such as *.py or src/**/*.ts.")] = ""
    type: Annotated[str, Meta(description="Such as py; instead of a glob.")] = ""
    literal: bool = False
    context: Annotated[int, Meta(ge=0, le=CONTEXT_LINES)] = 0
    multiline: Annotated[bool, Meta(description="A dot matches line ends too.")] = False
    output: Answer = "lines"


class SearchTool:
    name = "search"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = SearchArguments

    def __init__(self, workspace: Workspace, outputs: Outputs | None = None) -> None:
        self._workspace = workspace
        self._outputs = outputs or Outputs()

    def effects(self, arguments: SearchArguments) -> tuple[Effect, ...]:
        return () if _KEPT.match(arguments.path) else (Effect("read", arguments.path),)

    async def run(self, arguments: SearchArguments, context: ToolContext) -> ToolOutput:
        from akmon_tools.findings import Report
        from akmon_tools.ripgrep import find

        if arguments.type and arguments.glob:
            raise ToolError("give a type or a glob, not both.")
        query = Query(
            pattern=arguments.pattern,
            glob=arguments.glob,
            type=arguments.type,
            literal=arguments.literal,
            multiline=arguments.multiline,
            context=arguments.context,
            answer=arguments.output,
        )
        folder, name, shown = self._place(arguments.path)
        if name:
            query = msgspec.structs.replace(query, name=name, glob="", type="")
        found = await find(self._workspace, folder, query, self.name)
        output = Report(folder, shown, query).of(found)
        kept = _KEPT.match(arguments.path)
        return msgspec.structs.replace(
            output, untrusted=self._outputs.untrusted(int(kept[1])) if kept else ""
        )

    def _place(self, path: str) -> tuple[Path, str, str]:
        """The folder to search, the file in it if only that is meant, and what its names are shown with."""
        if kept := _KEPT.match(path):
            file = self._outputs.path(int(kept[1]))
            return file.parent, file.name, PREFIX
        place = self._workspace.resolve(path)
        if not place.exists():
            raise not_found(self._workspace, place)
        folder, name = (place, "") if place.is_dir() else (place.parent, place.name)
        return folder, name, "" if folder == self._workspace.cwd else self._workspace.show(folder) + "/"
