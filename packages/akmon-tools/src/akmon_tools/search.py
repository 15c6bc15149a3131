"""The tool that finds the lines that match a regular expression."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.limits import READ_BYTES, SEARCH_MATCHES
from akmon_core.permissions import may_hold_secrets
from akmon_core.text import reveal
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.nearest import not_found
from akmon_tools.truncate import truncate
from akmon_tools.workspace import Workspace


class SearchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pattern: Annotated[str, Meta(min_length=1)]
    path: str = "."
    glob: Annotated[str, Meta(description="Only files that match, such as *.py or src/**/*.ts.")] = ""


class SearchTool:
    name = "search"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = SearchArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: SearchArguments) -> tuple[Effect, ...]:
        return (Effect("read", arguments.path),)

    async def run(self, arguments: SearchArguments, context: ToolContext) -> ToolOutput:
        from akmon_tools.ripgrep import Where, find_lines

        place = self._workspace.resolve(arguments.path)
        if not place.exists():
            raise not_found(self._workspace, place)
        where = Where(place) if place.is_dir() else Where(place.parent, place.name)
        where = msgspec.structs.replace(where, glob=arguments.glob)
        folder = where.folder
        verdicts: dict[str, bool] = {}

        def wanted(name: str) -> bool:
            if name not in verdicts:
                verdicts[name] = folder / name == place or not may_hold_secrets(name)
            return verdicts[name]

        lines, more = await find_lines(self._workspace, where, arguments.pattern, SEARCH_MATCHES, wanted)
        prefix = "" if folder == self._workspace.cwd else self._workspace.show(folder) + "/"
        blocks = [
            "\n".join([reveal(prefix + name), *(f"{line.number:>6}: {_show(line.text)}" for line in group)])
            for name, group in groupby(lines, key=lambda line: line.name)
        ]
        text = truncate("\n".join(blocks), READ_BYTES) or "[no matches]"
        if more:
            text += f"\n[only the first {SEARCH_MATCHES} matches are shown; narrow the pattern, path or glob]"
        if hidden := [name for name, shown in verdicts.items() if not shown]:
            text += f"\n[not shown, as these may hold secrets: {reveal(', '.join(hidden[:10]))}]"
        return ToolOutput(text, summary=f"{len(lines)}{'+' * more} matches in {len(blocks)} files")


def _show(text: str) -> str:
    return reveal(text.rstrip("\r"))
