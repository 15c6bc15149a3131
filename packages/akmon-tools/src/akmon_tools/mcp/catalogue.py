"""Too many tools for one prompt: they are found by need, and called through one tool."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from akmon_core.errors import ArgumentsError
from akmon_core.limits import MCP_FOUND, MCP_OFFERED, MCP_RESULT_CHARS, QUESTION_CHARS
from akmon_core.text import one_line
from akmon_core.tokens import weigh_tools
from akmon_core.tools import AnyTool, Effect, ToolContext, ToolOutput, View
from akmon_tools.mcp.tool import McpArguments, McpTool
from akmon_tools.ranking import rank

_JOINTS = re.compile(r"[_\-.:/]+|(?<=[a-z0-9])(?=[A-Z])")
_NEAR = 5


def offered(tools: Sequence[McpTool], tokens: int, extra: Sequence[AnyTool] = ()) -> tuple[AnyTool, ...]:
    """``tools`` if their descriptions take at most ``tokens`` and they are not too many, else two that find
    and call them; and ``extra``. The same for the same tools, in whatever order they come."""
    tools = sorted(tools, key=lambda tool: tool.name)
    if not tools:
        return tuple(extra)
    if len(tools) <= MCP_OFFERED and weigh_tools(tool.spec for tool in tools) <= tokens:
        return (*tools, *extra)
    return (FindTools(tools), UseTool(tools), *extra)


class FindArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: Annotated[str, Meta(max_length=QUESTION_CHARS)]


class FindTools:
    name = "find_tools"
    arguments = FindArguments

    def __init__(self, tools: Sequence[McpTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        counts = Counter(tool.server_name for tool in tools)
        self._servers = ", ".join(f"{name} ({count:,})" for name, count in sorted(counts.items()))
        about = Path(__file__).with_name("find_tools.md").read_text("utf-8")
        self.description = f"{about}\nThere are {len(tools):,}: {self._servers}.\n"

    def effects(self, arguments: FindArguments) -> tuple[Effect, ...]:
        return ()

    async def run(self, arguments: FindArguments, context: ToolContext) -> ToolOutput:
        if not arguments.query.strip():
            return ToolOutput(self._names(), summary=f"{len(self._tools):,} names")
        found = self._found(arguments.query)
        if not found:
            text = f"None of {len(self._tools):,} tools fits. There are tools of {self._servers}; "
            return ToolOutput(text + "try other words, or none for all names.", summary="nothing found")
        more = f" of {len(self._tools):,} tools" if len(self._tools) > len(found) else " tools"
        text = "\n\n".join([f"{len(found)}{more}, best first:", *_described(found)])
        summary = ", ".join(tool.name for tool in found)
        source = ", ".join(dict.fromkeys(tool.server_name for tool in found))
        return ToolOutput(text, summary=one_line(summary, 200), untrusted=source)

    def _found(self, query: str) -> list[McpTool]:
        """Those that are named; else the best."""
        if named := [self._tools[name] for name in query.replace(",", " ").split() if name in self._tools]:
            return named[:MCP_FOUND]
        tools = [*self._tools.values()]
        texts = [(_words(f"{tool.name} {tool.facts.title}"), _searched(tool)) for tool in tools]
        return [tools[at] for at in rank(_words(query), texts)[:MCP_FOUND]]

    def _names(self) -> str:
        text = "\n".join(self._tools)
        return (
            text
            if len(text) <= MCP_RESULT_CHARS
            else text[:MCP_RESULT_CHARS] + "\n[and more: search for them]"
        )


class UseArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="Such as mcp__server__tool.")]
    arguments: dict[str, Any] = {}


class UseTool:
    """Stands for the tool that is named: the call is judged, shown and run as one of that."""

    name = "use_tool"
    description = Path(__file__).with_name("use_tool.md").read_text("utf-8")
    arguments = UseArguments

    def __init__(self, tools: Sequence[McpTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def relayed(self, arguments: UseArguments) -> tuple[McpTool, McpArguments]:
        tool = self._tools.get(arguments.name)
        if tool is None:
            raise ArgumentsError(f"there is no tool {arguments.name[:100]!r}.{self._near(arguments.name)}")
        return tool, tool.checked(arguments.arguments)

    def effects(self, arguments: UseArguments) -> tuple[Effect, ...]:
        tool, meant = self.relayed(arguments)
        return tool.effects(meant)

    def preview(self, arguments: UseArguments, context: ToolContext) -> View | None:
        tool, meant = self.relayed(arguments)
        return tool.preview(meant, context)

    async def run(self, arguments: UseArguments, context: ToolContext) -> ToolOutput:
        tool, meant = self.relayed(arguments)
        return await tool.run(meant, context)

    def _near(self, name: str) -> str:
        ends = [known for known in self._tools if known.endswith(f"__{name}")]
        near = ends or difflib.get_close_matches(name[:100], self._tools, n=_NEAR)
        return f" Near: {', '.join(near[:_NEAR])}." if near else " `find_tools` finds those that there are."


def _described(tools: Sequence[McpTool]) -> Iterator[str]:
    """Each with its schema, as far as there is room for it."""
    room = MCP_RESULT_CHARS
    for tool in tools:
        schema = msgspec.json.encode(tool.spec.parameters).decode()
        text = f"{tool.name}\n{tool.spec.description}\n{schema}"
        if len(text) > room:
            about = one_line(tool.spec.description, 200)
            text = f"{tool.name}\n{about}\n(its schema: search for its name alone)"
        room -= len(text)
        yield text


def _searched(tool: McpTool) -> str:
    properties = tool.facts.schema.get("properties")
    names = " ".join(map(str, properties)) if isinstance(properties, dict) else ""
    return _words(f"{tool.facts.description} {names}"[:MCP_RESULT_CHARS])


def _words(text: str) -> str:
    return _JOINTS.sub(" ", text)
