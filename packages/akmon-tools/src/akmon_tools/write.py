"""The tool that makes a file or replaces all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.tools import DiffView, Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.diff import diff_view
from akmon_tools.textfile import NEW, TextFile
from akmon_tools.workspace import Workspace


class WriteArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    content: Annotated[str, Meta(description="All of it.")]


class WriteTool:
    name = "write"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = WriteArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: WriteArguments) -> tuple[Effect, ...]:
        return (Effect("write", arguments.path),)

    def preview(self, arguments: WriteArguments, context: ToolContext) -> DiffView | None:
        try:
            path = self._workspace.resolve(arguments.path)
            before = self._before(path, context)
        except ToolError:
            return None
        return diff_view(self._workspace.show(path), before.text, _with_line_ends(arguments.content, before))

    async def run(self, arguments: WriteArguments, context: ToolContext) -> ToolOutput:
        path = self._workspace.resolve(arguments.path)
        name = self._workspace.show(path)
        before = self._before(path, context)
        text = _with_line_ends(arguments.content, before)
        note = ""
        if before.encoding == "latin-1" and not _fits(text, before):
            before, note = (
                msgspec.structs.replace(before, encoding="utf-8"),
                " It is UTF-8 now; it was Latin-1.",
            )
        sha256 = self._workspace.write_text(path, text, like=before)
        lines = text.count("\n") + (not text.endswith("\n") and text != "")
        did = f"{lines} line{'s' * (lines != 1)} written"
        return ToolOutput(
            f"{name}: {did}.{note}",
            view=diff_view(name, before.text, text),
            summary=did,
            files=(FileSeen(str(path), sha256, written=True),),
        )

    def _before(self, path: Path, context: ToolContext) -> TextFile:
        """The file as it is, which the session must have seen. Raises ``ToolError``."""
        if not path.exists():
            return NEW
        name = self._workspace.show(path)
        if path.is_dir():
            raise ToolError(f"cannot write {name}: it is a folder.")
        before = self._workspace.read_text(path)
        seen = context.files.get(str(path))
        if seen is None and before.text:
            raise ToolError(f"{name} exists and was not read yet: read it first, or change it with edit.")
        if seen not in (None, before.sha256):
            raise ToolError(f"{name} was changed since it was read: read it again before replacing it.")
        return before


def _with_line_ends(content: str, before: TextFile) -> str:
    """``content`` with the line ends that the file has; a new file gets them as they came."""
    if before.newline == "\n":
        return content
    return content.replace("\r\n", "\n").replace("\n", before.newline)


def _fits(text: str, before: TextFile) -> bool:
    try:
        before.encode(text)
    except ToolError:
        return False
    return True
