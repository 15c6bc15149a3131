"""Turns to play, for the tests in this process and for those in a terminal of their own."""

from __future__ import annotations

from akmon_core.events import PermissionAsked, Replied, ToolFinished, ToolStarted
from akmon_core.messages import Assistant, Text, ToolCall, ToolResult
from akmon_core.stream import TextDelta, Usage
from akmon_core.tools import DiffView, Effect, TextView
from tests.tui.fake import WAIT, Step

USAGE = Usage(input_tokens=1200, output_tokens=34, cache_read_tokens=800)
DIFF = DiffView("src/a.py", "@@ -1,2 +1,2 @@\n same\n-old line\n+new line", 1, 1)


def said(text: str, *calls: ToolCall, cost: float | None = 0.0123) -> Replied:
    parts: tuple[Text | ToolCall, ...] = ((Text(text),) if text else ()) + calls
    return Replied(Assistant(parts, "tools" if calls else "end"), USAGE, cost)


def call(number: int = 1, name: str = "shell", arguments: str = '{"command": "pytest -q"}') -> ToolCall:
    return ToolCall(f"call-{number}", name, arguments)


def finished(
    number: int = 1,
    summary: str = "3 passed",
    tool: str = "shell",
    *,
    error: bool = False,
    view: DiffView | TextView | None = None,
    seconds: float = 0.0,
) -> ToolFinished:
    result = ToolResult(f"call-{number}", summary, error)
    return ToolFinished(result, tool, summary, view, seconds=seconds)


def asks(command: str = "rm -rf build", number: int = 1) -> PermissionAsked:
    return PermissionAsked(
        call(number), (Effect("run", command),), "default mode asks before running a command"
    )


def asks_for_tests(command: str = "pytest -q tests/a.py") -> PermissionAsked:
    """A question with a rule that is proposed."""
    return PermissionAsked(
        call(),
        (Effect("run", command),),
        "default mode asks before running a command",
        rule="shell(pytest *)",
    )


def asks_to_write(number: int = 1) -> PermissionAsked:
    return PermissionAsked(
        call(number, "edit", '{"path": "src/a.py"}'),
        (Effect("write", "src/a.py"),),
        "default mode asks before writing",
        DIFF,
    )


HELLO: list[Step] = [TextDelta("Hello "), TextDelta("there."), said("Hello there.")]
TOOL: list[Step] = [
    TextDelta("Let me see."),
    said("Let me see.", call()),
    ToolStarted("call-1", "shell"),
    finished(seconds=2.5),
    TextDelta("All is well."),
    said("All is well."),
]
QUESTION: list[Step] = [said("", call()), asks(), ToolStarted("call-1", "shell", True), finished()]
ENDLESS: list[Step] = [TextDelta("This is only the beg"), WAIT]
