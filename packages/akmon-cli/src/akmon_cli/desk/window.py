"""What fills the context window: the parts of the next request, each with its estimated tokens."""

from __future__ import annotations

from collections.abc import Iterator

from akmon_core.messages import Assistant, ToolResult, User
from akmon_core.models import ModelRequest
from akmon_core.state import State
from akmon_core.tokens import weigh, weigh_text, weigh_tools
from akmon_tui.services import Slice


def window_slices(state: State, request: ModelRequest) -> list[Slice]:
    """The parts of ``request``, which ``state`` is the base of, without empty ones.

    What is estimated is scaled so that all together is what the provider's own count of the last request lets
    expect of this one.
    """
    parts = dict(_prefix(state, request))
    for message in request.messages:
        label = _label(message)
        parts[label] = parts.get(label, 0) + weigh(message)
    weight = sum(parts.values())
    scale = state.gauge.tokens(weight) / weight if weight else 0.0
    return [Slice(label=label, tokens=round(tokens * scale)) for label, tokens in parts.items() if tokens]


def _prefix(state: State, request: ModelRequest) -> Iterator[tuple[str, int]]:
    instructions = weigh_text(state.instructions) if state.instructions else 0
    yield "system prompt", max(0, weigh_text(request.system) - instructions)
    yield "tool descriptions", weigh_tools(request.tools)
    yield "instruction files", instructions
    yield from dict.fromkeys(("summary, plan and to-dos", "your prompts", "notes of akmon"), 0).items()
    yield from dict.fromkeys(("replies and calls", "results of tools"), 0).items()


def _label(message: User | Assistant | ToolResult) -> str:
    match message:
        case User(by="summary"):
            return "summary, plan and to-dos"
        case User(by="akmon"):
            return "notes of akmon"
        case User():
            return "your prompts"
        case Assistant():
            return "replies and calls"
        case ToolResult():
            return "results of tools"
