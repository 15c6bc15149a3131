"""A project folder with another folder beside it, and a way to call tools as a session does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from akmon_core.errors import ToolError
from akmon_core.messages import ToolCall
from akmon_core.tools import (
    AnyTool,
    Delegation,
    DiffView,
    Previewing,
    ToolContext,
    ToolOutput,
    parse_arguments,
)
from akmon_tools.registry import builtin_tools
from akmon_tools.workspace import Workspace


class Hands:
    """The tools over one folder, with the session's memory of files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = root.parent / "out"
        self.workspace = Workspace([root])
        self.user = root.parent / "home" / "memory"
        tools = builtin_tools(self.workspace, memory=self.user)
        self.tools: dict[str, AnyTool] = {tool.name: tool for tool in tools}
        self.files: dict[str, str] = {}
        self.progress: list[str] = []
        self.records: dict[int, str] = {}
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.delegated: list[Delegation] = []

    def names(self) -> list[str]:
        """What lies in the project folder."""
        return sorted(path.name for path in self.root.iterdir())

    def context(self) -> ToolContext:
        return ToolContext(
            call_id="c1",
            files=self.files,
            progress=self.progress.append,
            recall=self.records.get,
            ask=self._ask,
            delegate=self._delegate,
        )

    async def _ask(self, question: str, options: tuple[str, ...]) -> str:
        self.asked.append((question, options))
        return self.answers[question]

    async def _delegate(self, delegation: Delegation) -> ToolOutput:
        self.delegated.append(delegation)
        return ToolOutput(f"did {delegation.title}", summary="2 steps")

    def parsed(self, name: str, arguments: dict[str, Any]) -> Any:
        call = ToolCall(id="c1", name=name, arguments=msgspec.json.encode(arguments).decode())
        return parse_arguments(self.tools[name], call)

    async def start(self, name: str, **arguments: Any) -> ToolOutput:
        output = await self.tools[name].run(self.parsed(name, arguments), self.context())
        self.files.update({seen.path: seen.sha256 for seen in output.files})
        return output

    def __call__(self, name: str, **arguments: Any) -> ToolOutput:
        return asyncio.run(self.start(name, **arguments))

    def refused(self, name: str, **arguments: Any) -> str:
        with pytest.raises(ToolError) as caught:
            self(name, **arguments)
        return str(caught.value)

    def preview(self, name: str, **arguments: Any) -> DiffView | None:
        tool = self.tools[name]
        assert isinstance(tool, Previewing)
        view = tool.preview(self.parsed(name, arguments), self.context())
        assert view is None or isinstance(view, DiffView)
        return view


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    root = tmp_path.resolve() / "ws"
    root.mkdir()
    (root.parent / "out").mkdir()
    (root.parent / "out" / "secret.txt").write_text("CANARY\n")
    return Hands(root)
