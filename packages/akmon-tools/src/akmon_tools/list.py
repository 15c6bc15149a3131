"""The tool that lists a folder, or the files below it that match a glob."""

from __future__ import annotations

import heapq
import os
import stat
from itertools import count
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import LIST_ENTRIES
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.nearest import not_found
from akmon_tools.oserrors import tool_error
from akmon_tools.query import Query
from akmon_tools.workspace import Workspace, visible_name


class ListArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str = "."
    glob: Annotated[str, Meta(description="Such as *.py or src/**/*.ts.")] = ""


class ListTool:
    name = "list"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = ListArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: ListArguments) -> tuple[Effect, ...]:
        return (Effect("read", arguments.path),)

    async def run(self, arguments: ListArguments, context: ToolContext) -> ToolOutput:
        folder = self._workspace.resolve(arguments.path)
        if not folder.exists():
            raise not_found(self._workspace, folder)
        if not folder.is_dir():
            raise ToolError(f"{self._workspace.show(folder)} is a file: use read.")
        if arguments.glob:
            return await self._matching(folder, arguments.glob)
        return list_folder(self._workspace, folder, self.name)

    async def _matching(self, folder: Path, glob: str) -> ToolOutput:
        from akmon_tools.found import newest_first
        from akmon_tools.ripgrep import find

        found = await find(self._workspace, folder, Query(glob=glob, answer="files"), self.name)
        names = newest_first(folder, found.files)
        prefix = "" if folder == self._workspace.cwd else self._workspace.show(folder) + "/"
        rows = [prefix + visible_name(os.fsdecode(name)) for name in names[:LIST_ENTRIES]]
        nothing = f"[no file matches {visible_name(glob)}]"
        return _output(rows, len(names), "files", nothing, more=found.more)


def list_folder(workspace: Workspace, folder: Path, tool: str) -> ToolOutput:
    """The first entries of a resolved folder that ``tool`` may show, folders before files.

    Raises ``ToolError``.
    """
    counter = count()
    try:
        with os.scandir(folder) as entries:
            shown = (entry for entry in entries if not workspace.withholds(tool, entry.path, folder))
            ranked = ((_is_file(entry), entry.name, next(counter), entry) for entry in shown)
            first = heapq.nsmallest(LIST_ENTRIES, ranked)
    except OSError as error:
        raise tool_error(f"cannot list {workspace.show(folder)}", error) from None
    rows = [_row(entry) for _, _, _, entry in first]
    return _output(rows, next(counter), "entries", "[the folder is empty]")


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.is_dir(follow_symlinks=False)
    except OSError:  # removed meanwhile
        return True


def _row(entry: os.DirEntry[str]) -> str:
    """A link is shown with where it points, and not followed."""
    name = visible_name(entry.name)
    try:
        if entry.is_symlink():
            return f"{name} -> {visible_name(os.readlink(entry.path))}"  # noqa: PTH115
        if entry.is_dir(follow_symlinks=False):
            return f"{name}/"
        info = entry.stat(follow_symlinks=False)
    except OSError:  # removed meanwhile
        return name
    return f"{name}  {_size(info.st_size) if stat.S_ISREG(info.st_mode) else 'special file'}"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _output(rows: list[str], total: int, what: str, nothing: str, *, more: bool = False) -> ToolOutput:
    """``more``: there are others, not counted."""
    if not rows:
        return ToolOutput(nothing, summary=f"0 {what}")
    text = "\n".join(rows)
    if total > len(rows) or more:
        text += (
            f"\n[{len(rows)} of {'at least ' * more}{total:,} {what} are shown; narrow the path or the glob]"
        )
    return ToolOutput(text, summary=f"{len(rows)}{'+' * (total > len(rows))} {what}")
