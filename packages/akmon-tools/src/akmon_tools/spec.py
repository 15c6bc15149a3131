"""The tool that lists, reads and writes the specs of a project's features."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import LIST_ENTRIES, READ_BYTES
from akmon_core.specs import DOCUMENTS, FOLDER, Document, name_problem, problem, tasks_of
from akmon_core.text import reveal
from akmon_core.tools import DiffView, Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.anchored import list_folder
from akmon_tools.diff import diff_view
from akmon_tools.oserrors import tool_error
from akmon_tools.textfile import NEW, TextFile, hash_of
from akmon_tools.truncate import truncate
from akmon_tools.workspace import Workspace


class SpecArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    feature: str = ""
    document: Literal["", "requirements", "design", "tasks"] = ""
    text: str | None = None

    def __post_init__(self) -> None:
        if self.feature and (wrong := name_problem(self.feature)):
            raise ValueError(wrong)
        if bool(self.feature) != bool(self.document) or (self.text is not None and not self.document):
            raise ValueError("feature and document go together, and text needs both")


class SpecTool:
    name = "spec"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = SpecArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = workspace.project.joinpath(*FOLDER)

    def effects(self, arguments: SpecArguments) -> tuple[Effect, ...]:
        path = self._path(arguments) if arguments.feature else self._folder
        return (Effect("read" if arguments.text is None else "write", self._workspace.show(path)),)

    def preview(self, arguments: SpecArguments, context: ToolContext) -> DiffView | None:
        if arguments.text is None:
            return None
        try:
            path, before, text = self._draft(arguments, context)
        except ToolError:
            return None
        return diff_view(self._workspace.show(path), before.text, text)

    async def run(self, arguments: SpecArguments, context: ToolContext) -> ToolOutput:
        if not arguments.feature:
            return self._list()
        return self._read(arguments) if arguments.text is None else self._write(arguments, context)

    def _list(self) -> ToolOutput:
        rows = [self._row(feature) for feature in self._features()]
        more = [f"[{len(rows) - LIST_ENTRIES} more]"] if len(rows) > LIST_ENTRIES else []
        text = "\n".join([*rows[:LIST_ENTRIES], *more]) or "There are no specs yet."
        return ToolOutput(text, summary=f"{len(rows)} spec{'s' * (len(rows) != 1)}")

    def _features(self) -> list[str]:
        try:
            names = list_folder(*self._workspace.anchor(self._folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise tool_error(f"cannot read {self._workspace.show(self._folder)}", error) from None
        folders = (self._folder / name for name in names if not name_problem(name))
        return [folder.name for folder in folders if folder.is_dir() and not folder.is_symlink()]

    def _row(self, feature: str) -> str:
        there = self._documents(feature)
        done = f" ({self._done(feature)})" if "tasks" in there else ""
        return f"{feature}: {', '.join(there) or 'no document yet'}{done}"

    def _documents(self, feature: str) -> list[Document]:
        return [each for each in DOCUMENTS if (self._folder / feature / f"{each}.md").is_file()]

    def _done(self, feature: str) -> str:
        try:
            tasks = tasks_of(self._workspace.read_text(self._folder / feature / "tasks.md").text)
        except ToolError as error:
            return str(error)
        return f"{sum(task.done for task in tasks)} of {len(tasks)} done"

    def _read(self, arguments: SpecArguments) -> ToolOutput:
        path = self._located(arguments)
        if not path.is_file():
            there = ", ".join(self._documents(arguments.feature)) or "none"
            raise ToolError(f"{arguments.feature} has no {arguments.document} yet. Its documents: {there}.")
        content = self._workspace.read_text(path)
        shown = truncate(reveal(content.text), READ_BYTES, lambda: f"read {self._workspace.show(path)}")
        seen = FileSeen(str(path), content.sha256)
        return ToolOutput(shown or "[empty]", summary=f"{arguments.document} read", files=(seen,))

    def _write(self, arguments: SpecArguments, context: ToolContext) -> ToolOutput:
        path, before, text = self._draft(arguments, context)
        context.changing({str(path): hash_of(before.encode(text))})
        sha256 = self._workspace.write_text(path, text, before)
        name = self._workspace.show(path)
        return ToolOutput(
            f"{name}: written.",
            view=diff_view(name, before.text, text),
            summary=f"{arguments.document} written",
            files=(FileSeen(str(path), sha256, written=True),),
        )

    def _draft(self, arguments: SpecArguments, context: ToolContext) -> tuple[Path, TextFile, str]:
        """The file, what it is, and what it is to say. Raises ``ToolError``."""
        path = self._located(arguments)
        text = (arguments.text or "").replace("\r\n", "\n").strip("\n") + "\n"
        document = next(each for each in DOCUMENTS if each == arguments.document)
        if wrong := problem(document, text):
            raise ToolError(f"this cannot be the {document}: {wrong}. Nothing was written.")
        before = self._before(path, context)
        text = text.replace("\n", before.newline)
        if (size := len(before.encode(text))) > READ_BYTES:
            raise ToolError(f"the {document} has {size:,} bytes; {READ_BYTES:,} are the most. Shorten it.")
        return path, before, text

    def _before(self, path: Path, context: ToolContext) -> TextFile:
        if not path.exists():
            return NEW
        before = self._workspace.read_text(path)
        if before.text and context.files.get(str(path)) != before.sha256:
            raise ToolError(f"{self._workspace.show(path)} is not as you last saw it: read it first.")
        return before

    def _path(self, arguments: SpecArguments) -> Path:
        return self._folder / arguments.feature / f"{arguments.document}.md"

    def _located(self, arguments: SpecArguments) -> Path:
        """The file of a document, on whose way there is no link. Raises ``ToolError``."""
        path = self._path(arguments)
        if self._workspace.resolve(path) != path:
            raise ToolError(f"{self._workspace.show(path)} is, or lies behind, a link. Work without it.")
        return path
