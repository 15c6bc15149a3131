"""The tool that hands a piece of work to a sub-agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.limits import TASK_CHARS, TITLE_CHARS
from akmon_core.text import one_line
from akmon_core.tools import Delegation, Effect, ToolContext, ToolOutput


class TaskArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, max_length=TITLE_CHARS, description="A few words.")]
    task: Annotated[
        str,
        Meta(min_length=1, max_length=TASK_CHARS, description="All it has to know, and what to answer."),
    ]
    reads_only: Annotated[bool, Meta(description="It may change nothing.")] = False

    def __post_init__(self) -> None:
        if not self.task.strip():
            raise ValueError("the task is blank")


class TaskTool:
    name = "task"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = TaskArguments

    def effects(self, arguments: TaskArguments) -> tuple[Effect, ...]:
        """None of its own: each call of the sub-agent is judged by itself."""
        return ()

    async def run(self, arguments: TaskArguments, context: ToolContext) -> ToolOutput:
        title = one_line(arguments.title, TITLE_CHARS) or one_line(arguments.task, TITLE_CHARS)
        work = Delegation(task=arguments.task, title=title, reads_only=arguments.reads_only)
        return await context.delegate(work)
