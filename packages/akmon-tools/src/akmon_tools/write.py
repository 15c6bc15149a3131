"""The tool that makes a file or replaces all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.tools import DiffView, Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.diff import diff_view
from akmon_tools.placeholders import refuse_placeholder
from akmon_tools.textfile import NEW, TextFile
from akmon_tools.workspace import Workspace


class WriteArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    content: Annotated[str, Meta(description="All of it.")]


class Plan(msgspec.Struct, frozen=True):
    """A file that would be written."""

    path: Path
    name: str
    before: TextFile
    after: str
    like: TextFile
    """How it is encoded."""


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
            plan = self._plan(arguments, context)
        except ToolError:
            return None
        return diff_view(plan.name, plan.before.text, plan.after)

    async def run(self, arguments: WriteArguments, context: ToolContext) -> ToolOutput:
        plan = self._plan(arguments, context)
        path, text, like = plan.path, plan.after, plan.like
        context.changing({str(path): self._workspace.hash_of(path, text, like)})
        sha256 = self._workspace.write_text(path, text, like)
        lines = text.count("\n") + (not text.endswith("\n") and text != "")
        did = f"{lines} line{'s' * (lines != 1)} written"
        note = "" if like.encoding == plan.before.encoding else " It is UTF-8 now; it was Latin-1."
        return ToolOutput(
            f"{plan.name}: {did}.{note}",
            view=diff_view(plan.name, plan.before.text, text),
            summary=did,
            files=(FileSeen(str(path), sha256, written=True),),
        )

    def _plan(self, arguments: WriteArguments, context: ToolContext) -> Plan:
        """Everything but the writing. Raises ``ToolError``."""
        path = self._workspace.resolve(arguments.path)
        name = self._workspace.show(path)
        before = self._before(path, context)
        refuse_placeholder(name, arguments.content, before.text)
        after = _with_line_ends(arguments.content, before)
        like = before
        if before.encoding == "latin-1" and not _fits(after, before):
            like = msgspec.structs.replace(before, encoding="utf-8")
        return Plan(path, name, before, after, like)

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
            raise ToolError(
                f"{name} exists and was not read yet: read it first, or change only a part of it."
            )
        if seen not in (None, before.sha256):
            raise ToolError(f"{name} was changed since it was read: read it again before replacing it.")
        return before


def _with_line_ends(content: str, before: TextFile) -> str:
    """``content`` with the line ends that the file has; a new file gets them as they came.

    A file whose last line had an end keeps one: leaving it out is hardly ever meant, and edit can remove it.
    """
    if before.text.endswith("\n") and content and not content.endswith("\n"):
        content += "\n"
    if before.newline == "\n":
        return content
    return content.replace("\r\n", "\n").replace("\n", before.newline)


def _fits(text: str, before: TextFile) -> bool:
    try:
        before.encode(text)
    except ToolError:
        return False
    return True
