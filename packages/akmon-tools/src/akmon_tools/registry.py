"""The tools that akmon brings: one line each."""

from __future__ import annotations

from akmon_core.tools import AnyTool
from akmon_tools.edit import EditTool
from akmon_tools.list import ListTool
from akmon_tools.read import ReadTool
from akmon_tools.search import SearchTool
from akmon_tools.shell import ShellTool
from akmon_tools.workspace import Workspace
from akmon_tools.write import WriteTool

_TOOLS = (
    ReadTool,
    WriteTool,
    EditTool,
    SearchTool,
    ListTool,
    ShellTool,
)

NAMES = tuple(tool.name for tool in _TOOLS)


def builtin_tools(workspace: Workspace) -> tuple[AnyTool, ...]:
    """Every built-in tool over ``workspace``, in the order in which a model is told of them."""
    return tuple(tool(workspace) for tool in _TOOLS)
