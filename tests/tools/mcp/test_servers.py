"""What a session's servers offer to its model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_core.redact import Redactor
from akmon_tools.mcp.servers import McpServers
from akmon_tools.outputs import Outputs
from tests.tools.mcp.connected import raw, surroundings
from tests.tools.mcp.running import started_by_client

ROOMY = 1_000_000


def test_nothing_that_a_rule_denies_is_offered_not_even_the_tools_that_find_others(tmp_path: Path) -> None:
    cases = [(ROOMY, ""), (ROOMY, "mcp__raw__echo"), (0, ""), (0, "use_tool"), (0, "find_tools")]

    async def names() -> list[list[str]]:
        servers = McpServers([raw()], surroundings(tmp_path), None, Outputs(redactor=Redactor()))
        servers.begin(lambda _: None)
        try:
            await servers.settled()
            return [
                [tool.name for tool in servers.offered(tokens, denied.__ne__)] for tokens, denied in cases
            ]
        finally:
            await servers.close()

    assert asyncio.run(names()) == [
        ["mcp__raw__echo"],
        [],
        ["find_tools", "use_tool"],
        ["find_tools"],
        ["use_tool"],
    ]


def test_a_prompt_that_is_asked_for_wrongly_says_what_it_takes(tmp_path: Path) -> None:
    server = started_by_client()
    asked = [
        ("review", "", r"review needs path. It takes: path \[style\]."),
        ("review", "path=a style=b c", r"review takes path \[style\], and not 'c' besides"),
        ("view", "a", "has no prompt view. It has: .*review"),
    ]

    async def ask() -> None:
        servers = McpServers([server], surroundings(tmp_path), None, Outputs(redactor=Redactor()))
        servers.begin(lambda _: None)
        try:
            await servers.settled()
            for name, typed, problem in asked:
                with pytest.raises(ToolError, match=problem):
                    await servers.prompt(server.name, name, typed)
            assert await servers.prompt(server.name, "review", "'a b.py' long")
        finally:
            await servers.close()

    asyncio.run(ask())
