"""The tools that akmon brings: one line each."""

from __future__ import annotations

from pathlib import Path

from akmon_core.tools import AnyTool
from akmon_tools.ask import AskTool
from akmon_tools.edit import EditTool
from akmon_tools.list import ListTool
from akmon_tools.memory import MemoryTool
from akmon_tools.notes import notes_of
from akmon_tools.read import ReadTool
from akmon_tools.search import SearchTool
from akmon_tools.shell import ShellTool
from akmon_tools.task import TaskTool
from akmon_tools.todo import TodoTool
from akmon_tools.workspace import Workspace
from akmon_tools.write import WriteTool

_IN_A_WORKSPACE = (
    ReadTool,
    WriteTool,
    EditTool,
    SearchTool,
    ListTool,
    ShellTool,
)
_ANYWHERE = (
    TodoTool,
    AskTool,
    TaskTool,
)

NAMES = tuple(tool.name for tool in (*_IN_A_WORKSPACE, *_ANYWHERE, MemoryTool))


def builtin_tools(workspace: Workspace, memory: Path | None = None) -> tuple[AnyTool, ...]:
    """Every built-in tool over ``workspace``, in the order in which a model is told of them.

    ``memory`` is the folder of the user's own notes, which need not exist.
    """
    return (
        *(tool(workspace) for tool in _IN_A_WORKSPACE),
        *(tool() for tool in _ANYWHERE),
        MemoryTool(notes_of(workspace, memory)),
    )
