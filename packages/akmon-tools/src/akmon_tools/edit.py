"""The tool that replaces one exact piece of a file, or each of its occurrences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.tools import DiffView, Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.diff import diff_view
from akmon_tools.nearest import nearest_lines, not_found, number_lines
from akmon_tools.replace import Edited, LineText, apart
from akmon_tools.textfile import TextFile
from akmon_tools.workspace import Workspace

_PLACES = 100_000
"""More replacements at once are refused."""
_CONTEXT = 3
_SHOWN_LINES = 40


class EditArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    old: Annotated[str, Meta(description="Exactly as it is in the file.")]
    new: str
    replace_all: bool = False


class Plan(msgspec.Struct, frozen=True):
    """An edit that would succeed."""

    path: Path
    name: str
    before: TextFile
    after: Edited


class EditTool:
    name = "edit"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = EditArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: EditArguments) -> tuple[Effect, ...]:
        return (Effect("write", arguments.path),)

    def preview(self, arguments: EditArguments, context: ToolContext) -> DiffView | None:
        try:
            plan = self._plan(arguments, context)
        except ToolError:
            return None
        return diff_view(plan.name, plan.before.text, plan.after.text)

    async def run(self, arguments: EditArguments, context: ToolContext) -> ToolOutput:
        plan = self._plan(arguments, context)
        sha256 = self._workspace.write_text(plan.path, plan.after.text, like=plan.before)
        view = diff_view(plan.name, plan.before.text, plan.after.text)
        return ToolOutput(
            f"{plan.name} was changed{_places(plan.after)}:\n{_around(plan.after, arguments.new)}",
            view=view,
            summary=f"+{view.added} -{view.removed} lines",
            files=(FileSeen(str(plan.path), sha256, written=True),),
        )

    def _plan(self, arguments: EditArguments, context: ToolContext) -> Plan:
        """Everything but the writing. Raises ``ToolError``."""
        path = self._workspace.resolve(arguments.path)
        name = self._workspace.show(path)
        old, new = (text.replace("\r\n", "\n") for text in (arguments.old, arguments.new))
        if not old:
            raise ToolError("old is empty: give the text to replace, or use write for a new file.")
        if old == new:
            raise ToolError("old and new are the same: nothing would change.")
        if not path.exists():
            raise not_found(self._workspace, path)
        before = self._workspace.read_text(path)
        if context.files.get(str(path), before.sha256) != before.sha256:
            raise ToolError(f"{name} was changed since it was read: read it again before editing it.")
        text = LineText(before.text)
        places = _choose(text, old, name, arguments.replace_all)
        return Plan(path, name, before, text.replace(places, old, new, before.newline))


def _choose(text: LineText, old: str, name: str, replace_all: bool) -> list[int]:
    places = text.find(old, _PLACES + 1)
    if not places:
        near = nearest_lines(text.text, old)
        hint = f" The nearest text is:\n{near}" if near else ""
        raise ToolError(f"old was not found in {name}. It must match exactly, indentation included.{hint}")
    if len(places) > _PLACES:
        raise ToolError(f"old occurs more than {_PLACES:,} times in {name}: use a command instead.")
    if len(places) > 1 and not replace_all:
        lines = ", ".join(str(text.line_at(place)) for place in places[:10])
        raise ToolError(
            f"old occurs {len(places)} times in {name}, at lines {lines}{', …' * (len(places) > 10)}. "
            "Add lines around it until it is unique, or set replace_all."
        )
    return apart(places, len(old))


def _places(after: Edited) -> str:
    if len(after.lines) == 1:
        return ""
    lines = ", ".join(str(line) for line in after.lines[:10])
    return f" in {len(after.lines)} places (lines {lines}{', …' * (len(after.lines) > 10)}), the first"


def _around(after: Edited, new: str) -> str:
    """The first changed region with its neighbours, numbered."""
    first = max(after.lines[0] - 1 - _CONTEXT, 0)
    last = after.lines[0] + new.count("\n") + _CONTEXT
    lines = after.text.removesuffix("\n").split("\n")[first:last]
    shown = number_lines(lines[:_SHOWN_LINES], first + 1)
    return (
        shown if len(lines) <= _SHOWN_LINES else f"{shown}\n[... {len(lines) - _SHOWN_LINES} more lines ...]"
    )
