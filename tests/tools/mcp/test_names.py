"""What models call the tools of servers."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.limits import MCP_TOOL_NAME_CHARS
from akmon_tools.mcp.names import tool_names
from akmon_tools.registry import NAMES

FITS = re.compile(r"mcp__[A-Za-z0-9_-]{1,59}")
SERVERS = st.text("ab_-1", min_size=1, max_size=40)
TOOLS = st.lists(st.text(max_size=80) | st.text("ab_-", max_size=70), max_size=6)


def test_a_name_says_whose_the_tool_is() -> None:
    assert tool_names("github", ["create_issue", "get-me"]) == {
        "create_issue": "mcp__github__create_issue",
        "get-me": "mcp__github__get-me",
    }


@pytest.mark.parametrize("name", [*NAMES, "read_file", "mcp_resource"])
def test_no_tool_of_a_server_passes_for_a_built_in_one(name: str) -> None:
    assert tool_names("evil", [name]) == {name: f"mcp__evil__{name}"}


def test_twenty_servers_with_two_hundred_tools_each_have_names_that_fit_and_differ() -> None:
    tools = [f"a_rather_long_name_of_a_tool_that_only_differs_in_the_end_{at}" for at in range(100)]
    tools += [f"werkzeug.für/alles {at}" for at in range(100)]
    servers = [f"the-server-number-{at}-of-the-organisation" for at in range(20)]
    names = [name for server in servers for name in tool_names(server, tools).values()]
    assert len(set(names)) == 20 * 200
    assert all(FITS.fullmatch(name) and len(name) <= MCP_TOOL_NAME_CHARS for name in names)


@settings(deadline=None)
@given(SERVERS, TOOLS)
def test_a_name_depends_on_nothing_but_server_and_tool(server: str, tools: list[str]) -> None:
    names = tool_names(server, tools)
    assert names == tool_names(server, reversed(tools))
    for tool in tools:
        alone = tool_names(server, [tool])[tool]
        assert names[tool] == alone
        assert FITS.fullmatch(alone)
        assert len(alone) <= MCP_TOOL_NAME_CHARS


@settings(deadline=None)
@given(SERVERS, SERVERS, TOOLS, TOOLS)
def test_no_two_tools_have_one_name(one: str, other: str, tools: list[str], others: list[str]) -> None:
    names = [*tool_names(one, tools).values()]
    if one != other:
        names += tool_names(other, others).values()
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("other", ["a__b", "a_", "_a", "a__", "a-b", "a_b", "__a"])
def test_a_rule_about_one_server_does_not_fit_another(other: str) -> None:
    for name in tool_names(other, ["read", "_read", "b__read"]).values():
        assert not fnmatchcase(name, "mcp__a__*")


def test_what_looks_like_a_changed_name_is_changed_itself() -> None:
    changed = tool_names("s", ["lösen"])["lösen"]
    imitated = changed.removeprefix("mcp__s__")
    names = tool_names("s", ["lösen", imitated])
    assert names["lösen"] == changed
    assert names[imitated] != changed
    assert tool_names("s", [imitated])[imitated] == names[imitated]


def test_a_name_that_is_taken_is_not_given_again() -> None:
    name = tool_names("s", ["t"], taken={"mcp__s__t"})["t"]
    assert name.startswith("mcp__s__t-")
    assert tool_names("s", ["t"], taken={"mcp__s__t", name})["t"] not in {"mcp__s__t", name}
