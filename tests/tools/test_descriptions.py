"""What it costs, in every request, that a model knows of the tools."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from akmon_core.models import EditFormat
from akmon_core.prompt import SMALL_TOOLS
from akmon_core.tokens import weigh_tools
from akmon_core.tools import ToolSpec, tool_spec
from akmon_tools.registry import NAMES, builtin_tools

MOST = 2_500
MOST_SMALL = 1_500


@pytest.mark.parametrize("edit_format", ["replace", "patch"])
def test_all_tools_together_and_the_small_set_stay_within_their_budgets(
    hands: Any, edit_format: EditFormat
) -> None:
    tools = builtin_tools(hands.workspace, edit_format=edit_format)
    specs = {tool.name: tool_spec(tool) for tool in tools}
    figures = {name: weigh(spec) for name, spec in specs.items()}
    small = weigh(*(spec for name, spec in specs.items() if name in SMALL_TOOLS))
    total = weigh(*specs.values())
    print(*(f"{name:<8}{tokens:>6}" for name, tokens in figures.items()), sep="\n")
    print(f"small   {small:>6} of {MOST_SMALL}\nall     {total:>6} of {MOST}")
    assert small < MOST_SMALL
    assert total < MOST


@pytest.mark.parametrize("edit_format", ["replace", "patch"])
@pytest.mark.parametrize("small", [False, True])
def test_a_description_names_only_tools_that_are_there(
    hands: Any, edit_format: EditFormat, small: bool
) -> None:
    specs = [tool_spec(tool) for tool in builtin_tools(hands.workspace, edit_format=edit_format)]
    specs = [spec for spec in specs if not small or spec.name in SMALL_TOOLS]
    there = {spec.name for spec in specs}
    assert {"read", "write", "shell", "job", "patch" if edit_format == "patch" else "edit"} <= there
    for spec in specs:
        own = msgspec.json.encode(spec.parameters).decode()  # values of its own arguments are no tools
        named = set(re.findall("`([a-z_]+)`", spec.description)) & set(NAMES)
        assert {name for name in named if f'"{name}"' not in own} <= there, spec.name


def weigh(*specs: ToolSpec) -> int:
    return weigh_tools(specs)
