"""What it costs, in every request, that a model knows of the tools."""

from __future__ import annotations

from typing import Any

import pytest

from akmon_core.models import EditFormat
from akmon_core.prompt import SMALL_TOOLS
from akmon_core.tokens import weigh_tools
from akmon_core.tools import ToolSpec, tool_spec
from akmon_tools.registry import builtin_tools

MOST = 2_500
MOST_SMALL = 1_350


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


def weigh(*specs: ToolSpec) -> int:
    return weigh_tools(specs)
