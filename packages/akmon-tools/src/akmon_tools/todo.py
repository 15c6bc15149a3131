"""The tool that keeps the list of what is to be done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from akmon_core.limits import TODO_CHARS, TODOS
from akmon_core.messages import Pin
from akmon_core.text import reveal
from akmon_core.tools import Effect, TextView, ToolContext, ToolOutput

_MARKS = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]"}


class Todo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=TODO_CHARS)]
    status: Literal["pending", "in_progress", "completed"]

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("the text of a todo is blank")


class TodoArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    todos: Annotated[tuple[Todo, ...], Meta(max_length=TODOS, description="The whole list, in order.")]


class TodoTool:
    name = "todo"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = TodoArguments

    def effects(self, arguments: TodoArguments) -> tuple[Effect, ...]:
        return ()

    async def run(self, arguments: TodoArguments, context: ToolContext) -> ToolOutput:
        todos = arguments.todos
        done = _count(todos, "completed")
        rows = "\n".join(f"{_MARKS[todo.status]} {' '.join(todo.text.split())}" for todo in todos)
        finished = done == len(todos)
        summary = f"{done} of {len(todos)} done" if todos else "no todos"
        advice = " Have only one in progress at a time." if _count(todos, "in_progress") > 1 else ""
        return ToolOutput(
            f"Kept: {summary}.{advice}",
            view=TextView(reveal(rows)) if rows else None,
            summary=summary,
            pins=(Pin("todos", "" if finished else f"Todos ({summary}):\n{rows}"),),
        )


def _count(todos: tuple[Todo, ...], status: str) -> int:
    return sum(todo.status == status for todo in todos)
