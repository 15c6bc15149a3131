"""What it costs, in every request, that a model knows of the tools."""

from __future__ import annotations

from typing import Any

from akmon_core.tokens import weigh_tools
from akmon_core.tools import ToolSpec, tool_spec

MOST = 2_500
MOST_SMALL = 1_350
SMALL = ("read", "write", "edit", "search", "list", "shell", "todo")
"""What a model with a small window gets."""


def test_all_tools_together_and_the_small_set_stay_within_their_budgets(hands: Any) -> None:
    specs = {name: tool_spec(tool) for name, tool in hands.tools.items()}
    figures = {name: weigh(spec) for name, spec in specs.items()}
    small = weigh(*(specs[name] for name in SMALL))
    total = weigh(*specs.values())
    print(*(f"{name:<8}{tokens:>6}" for name, tokens in figures.items()), sep="\n")
    print(f"small   {small:>6} of {MOST_SMALL}\nall     {total:>6} of {MOST}")
    assert small < MOST_SMALL
    assert total < MOST


def weigh(*specs: ToolSpec) -> int:
    return weigh_tools(specs)
