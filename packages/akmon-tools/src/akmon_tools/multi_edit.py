"""The tool that makes several replacements in one file, all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import EDITS
from akmon_core.tools import DiffView, Effect, ToolContext, ToolOutput
from akmon_tools.editing import Edit, Plan, carry_out, plan_edits, show_diff
from akmon_tools.workspace import Workspace


class MultiEditArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    edits: Annotated[tuple[Edit, ...], Meta(min_length=1, max_length=EDITS)]


class MultiEditTool:
    name = "multi_edit"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = MultiEditArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: MultiEditArguments) -> tuple[Effect, ...]:
        return (Effect("write", arguments.path),)

    def preview(self, arguments: MultiEditArguments, context: ToolContext) -> DiffView | None:
        try:
            return self._plan(arguments, context).view
        except ToolError:
            return None

    async def run(self, arguments: MultiEditArguments, context: ToolContext) -> ToolOutput:
        import asyncio

        plan = await asyncio.to_thread(self._plan, arguments, context)  # a large file takes a moment
        count = len(arguments.edits)
        made = f"{plan.name}: {count} edit{'s' * (count != 1)} made."
        return carry_out(plan, self._workspace, context, f"{made}\n{show_diff(plan)}")

    def _plan(self, arguments: MultiEditArguments, context: ToolContext) -> Plan:
        return plan_edits(self._workspace, arguments.path, arguments.edits, context)
