"""The tool that replaces one piece of a file, or each of its occurrences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.tools import DiffView, Effect, ToolContext, ToolOutput
from akmon_tools.editing import Edit, Plan, carry_out, listed, plan_edits, show_diff, show_place
from akmon_tools.workspace import Workspace


class EditArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    old: Annotated[str, Meta(description="Exactly as it is in the file.")]
    new: str
    replace_all: bool = False


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
            return self._plan(arguments, context).view
        except ToolError:
            return None

    async def run(self, arguments: EditArguments, context: ToolContext) -> ToolOutput:
        import asyncio

        plan = await asyncio.to_thread(self._plan, arguments, context)  # a large file takes a moment
        shown = show_diff(plan) if plan.notes else show_place(plan)
        return carry_out(plan, self._workspace, context, f"{plan.name} was changed{_places(plan)}:\n{shown}")

    def _plan(self, arguments: EditArguments, context: ToolContext) -> Plan:
        edit = Edit(arguments.old, arguments.new, arguments.replace_all)
        return plan_edits(self._workspace, arguments.path, [edit], context)


def _places(plan: Plan) -> str:
    if len(plan.spans) == 1:
        return ""
    lines = listed([first for first, _ in plan.spans])
    return f" in {len(plan.spans)} places (lines {lines}){'' if plan.notes else ', the first'}"
