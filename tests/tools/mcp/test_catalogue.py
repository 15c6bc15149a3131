"""Tools that are too many for one prompt."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import mcp_types as types
import pytest

from akmon_core.errors import ArgumentsError
from akmon_core.limits import MCP_FOUND, MCP_OFFERED, MCP_RESULT_CHARS
from akmon_core.servers import Server
from akmon_core.tokens import weigh_tools
from akmon_core.tools import Relaying, ToolContext, ToolOutput, tool_spec
from akmon_tools.mcp.catalogue import FindTools, UseTool, offered
from akmon_tools.mcp.facts import ToolFacts
from akmon_tools.mcp.names import tool_names
from akmon_tools.mcp.tool import McpTool, ResourceTool
from akmon_tools.outputs import Outputs


class Wire:
    def __init__(self, name: str) -> None:
        self.server = Server(name=name, transport="http", url=f"https://{name}.example/")
        self.identity = name

    async def call(self, tool: str, arguments: Any, progress: Any, ask: Any) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(text=f"{tool} {arguments}")])


def tool(name: str, about: str = "", server: str = "hub", /, **properties: Any) -> McpTool:
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    facts = ToolFacts(name=name, description=about, schema=schema)
    return McpTool(tool_names(server, [name])[name], facts, Wire(server), Outputs())


def many(count: int = MCP_OFFERED + 1) -> list[McpTool]:
    return [tool(f"tool_{at}", "Does something.") for at in range(count)]


ISSUES = [
    tool("createIssue", "Opens a new issue in a repository.", title={"type": "string"}),
    tool("list_issues", "Lists the issues of a repository."),
    tool("merge", "Merges a pull request.", number={"type": "integer"}),
    tool("send", "Sends a message to a channel.", "chat", channel={"type": "string"}),
]


def run(tool: Any, **arguments: Any) -> ToolOutput:
    context = ToolContext(call_id="c", files={}, progress=lambda _: None)
    output = asyncio.run(tool.run(tool.arguments(**arguments), context))
    assert isinstance(output, ToolOutput)
    return output


def names(output: ToolOutput) -> list[str]:
    return [line for line in output.text.split("\n") if line.startswith("mcp__") and " " not in line]


def test_a_few_tools_are_offered_as_they_are_in_an_order_that_lasts() -> None:
    tools = [*ISSUES]
    random.Random(1).shuffle(tools)
    extra = ResourceTool([], Outputs())
    assert offered(tools, 100_000, [extra]) == (*sorted(ISSUES, key=lambda each: each.name), extra)
    assert offered([], 100_000, [extra]) == (extra,)
    assert offered([], 0) == ()


def test_too_many_or_too_wordy_ones_are_offered_by_need() -> None:
    weight = weigh_tools(each.spec for each in ISSUES)
    assert len(offered(ISSUES, weight)) == len(ISSUES)
    for tools, tokens in ((ISSUES, weight - 1), (many(), 10_000_000)):
        assert [each.name for each in offered(tools, tokens)] == ["find_tools", "use_tool"]
    few = offered(many(2_000), 10_000_000)
    assert weigh_tools(map(tool_spec, few)) < 500


def test_a_description_says_how_many_tools_there_are_and_whose() -> None:
    assert "There are 4: chat (1), hub (3)." in FindTools(ISSUES).description


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("open an issue", "mcp__hub__createIssue"),
        ("create_issue", "mcp__hub__createIssue"),
        ("list issues", "mcp__hub__list_issues"),
        ("message", "mcp__chat__send"),
        ("channel", "mcp__chat__send"),
        ("chat", "mcp__chat__send"),
        ("mcp__hub__merge", "mcp__hub__merge"),
    ],
)
def test_tools_are_found_by_what_they_do_or_are_called(query: str, found: str) -> None:
    output = run(FindTools(ISSUES), query=query)
    assert names(output)[0] == found
    assert found in output.summary


def test_what_is_found_says_all_that_a_call_needs_and_is_marked_as_the_servers() -> None:
    output = run(FindTools(ISSUES), query="mcp__chat__send")
    assert "Sends a message to a channel." in output.text
    assert '"channel":{"type":"string"}' in output.text
    assert output.untrusted == "chat"
    assert FindTools(ISSUES).effects(FindTools.arguments("x")) == ()


def test_only_the_best_are_shown_with_the_schemas_that_there_is_room_for() -> None:
    fat = {f"argument_{at}": {"type": "string", "description": "x" * 200} for at in range(90)}
    tools = [tool(f"tool_{at}", "Does something.", **fat) for at in range(20)]
    output = run(FindTools(tools), query="something")
    assert len(names(output)) == MCP_FOUND
    assert len(output.text) < 1.1 * MCP_RESULT_CHARS
    assert "search for its name alone" in output.text


def test_nothing_found_says_what_there_is_and_no_words_list_the_names() -> None:
    assert "There are tools of chat (1), hub (3)" in run(FindTools(ISSUES), query="zebra").text
    assert names(run(FindTools(ISSUES), query=" ")) == [each.name for each in ISSUES]
    assert len(run(FindTools(many(4_000)), query="").text) < 1.1 * MCP_RESULT_CHARS


def test_a_call_means_the_tool_that_it_names() -> None:
    use = UseTool(ISSUES)
    assert isinstance(use, Relaying)
    arguments = use.arguments("mcp__hub__merge", {"number": 7})
    meant, parsed = use.relayed(arguments)
    assert meant is ISSUES[2]
    assert use.effects(arguments) == meant.effects(parsed)
    assert use.effects(arguments)[0].target == "merge of hub (https://hub.example/)"
    assert run(use, name="mcp__hub__merge", arguments={"number": 7}).text == "merge {'number': 7}"


def test_a_call_that_fits_no_tool_says_what_would() -> None:
    use = UseTool(ISSUES)
    for name, words in (
        ("merge", "Near: mcp__hub__merge."),
        ("mcp__hub__list_isues", "Near: mcp__hub__list_issues"),
        ("???", "`find_tools` finds those that there are."),
    ):
        with pytest.raises(ArgumentsError) as caught:
            use.relayed(use.arguments(name))
        assert words in str(caught.value)
    with pytest.raises(ArgumentsError, match="'number' is a required property"):
        use.relayed(use.arguments("mcp__hub__merge"))
