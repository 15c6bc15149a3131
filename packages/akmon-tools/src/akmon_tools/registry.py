"""The tools that akmon brings: one line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_core.models import EditFormat
from akmon_core.ports import WebSearch
from akmon_core.tools import AnyTool
from akmon_tools.ask import AskTool
from akmon_tools.edit import EditTool
from akmon_tools.fetch import FetchTool
from akmon_tools.job import JobTool
from akmon_tools.jobs import Jobs
from akmon_tools.list import ListTool
from akmon_tools.memory import MemoryTool
from akmon_tools.multi_edit import MultiEditTool
from akmon_tools.notes import notes_of
from akmon_tools.outputs import Outputs
from akmon_tools.patch import PatchTool
from akmon_tools.read import ReadTool
from akmon_tools.search import SearchTool
from akmon_tools.shell import ShellTool
from akmon_tools.spec import SpecTool
from akmon_tools.task import TaskTool
from akmon_tools.todo import TodoTool
from akmon_tools.web_search import WebSearchTool
from akmon_tools.workspace import Workspace
from akmon_tools.write import WriteTool

if TYPE_CHECKING:
    from akmon_tools.sandbox.box import Sandbox

EDITING = {
    "replace": (EditTool, MultiEditTool),
    "patch": (PatchTool,),
}
"""What a model gets to change files with, by the format that it is best at."""

BY_MODEL = frozenset(("read", *(tool.name for tools in EDITING.values() for tool in tools)))
"""Names of the tools that are others for other models."""

NAMES = (
    "read",
    "write",
    "edit",
    "multi_edit",
    "patch",
    "search",
    "list",
    "shell",
    "job",
    "fetch",
    "web_search",
    "todo",
    "ask",
    "task",
    "memory",
    "spec",
)
"""Of all tools, whichever a session has."""


def builtin_tools(
    workspace: Workspace,
    *,
    memory: Path | None = None,
    outputs: Outputs | None = None,
    edit_format: EditFormat = "replace",
    web_search: WebSearch | None = None,
    ca_file: str = "",
    images: bool = True,
    sandbox: Sandbox | None = None,
    variables: Sequence[str] = (),
) -> tuple[AnyTool, ...]:
    """Every built-in tool over ``workspace``, in the order in which a model is told of them.

    ``memory`` is the folder of the user's own notes, which need not exist; ``outputs`` keeps what commands
    print. Without ``web_search`` there is no tool for that. ``ca_file`` (PEM) says whom ``fetch`` trusts,
    ``images`` whether the model can look at pictures. ``sandbox`` holds commands in, and ``variables`` are
    names, or patterns of such, of variables that they get besides the usual ones.
    """
    outputs = outputs or Outputs()
    jobs = Jobs()
    return (
        ReadTool(workspace, outputs, images=images),
        WriteTool(workspace),
        *(tool(workspace) for tool in EDITING[edit_format]),
        SearchTool(workspace, outputs),
        ListTool(workspace),
        ShellTool(workspace, jobs, outputs, sandbox=sandbox, variables=variables),
        JobTool(jobs),
        FetchTool(outputs, ca_file=ca_file),
        *([WebSearchTool(web_search)] if web_search else ()),
        TodoTool(),
        AskTool(),
        TaskTool(),
        MemoryTool(notes_of(workspace, memory)),
        SpecTool(workspace),
    )
