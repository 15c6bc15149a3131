"""Shows the end of a conversation that is resumed. Pure."""

from __future__ import annotations

import re

from akmon_core.messages import Assistant, Image, Message, Text, ToolCall, ToolResult, User
from akmon_core.text import describe_attached, one_line
from akmon_tui.blocks import prompt_lines
from akmon_tui.cards import FAILED, OK, REFUSED, call_line
from akmon_tui.lines import Line, cut, line
from akmon_tui.markdown import prose

_ATTACHED = re.compile(
    r"(?:The user chose the prompt (?P<prompt>\S+) of the server (?P<server>\S+), which reads:\n)"
    r"|<untrusted [0-9a-f]+ from=(?P<source>[^\s>]+)> [^\n]*(?:\n\[(?P<uri>[^\s,\]]+)[^\n]*\]\n)?"
)
"""How a message begins that brings in what a prompt names (``Attached``)."""


def recent(history: tuple[Message, ...], width: int, most_lines: int) -> list[Line]:
    """The last messages in at most ``most_lines`` lines, the first of which says how many came before.

    Takes as long as these take, however long the history is. What akmon itself said to the model is left out.
    """
    shown: list[list[Line]] = []
    results: dict[str, ToolResult] = {}
    used, at = 0, len(history)
    while at > 0 and used <= most_lines:
        at -= 1
        shown.append(_message(history[at], results, width))
        used += len(shown[-1])
    lines = [each for message in reversed(shown) for each in message]
    if at == 0 and used <= most_lines:
        return lines
    earlier, left_out = at, used - most_lines + 1
    for message in reversed(shown):
        left_out -= len(message)
        if left_out < 0:
            break
        earlier += 1
    head = line(f"… {earlier:,} earlier message{'s' * (earlier != 1)}", "dim")
    return [cut(head, width), *lines[used - most_lines + 1 :]][: max(0, most_lines)]


def _message(message: Message, results: dict[str, ToolResult], width: int) -> list[Line]:
    """The lines of a message. ``results`` are those that came after it, and take in the one that it is."""
    match message:
        case ToolResult(call_id):
            results[call_id] = message
            return []
        case User(by="person"):
            return [(), *prompt_lines(message, width)]
        case User(by="summary"):
            return [(), cut(line("(a summary stands for what was said before)", "dim"), width)]
        case User():
            return _attached(message, width)
        case Assistant():
            return _reply(message, results, width)


def _attached(message: User, width: int) -> list[Line]:
    """What akmon said to the model, if it is what the prompt above names."""
    text = message.text
    found = _ATTACHED.match(text)
    if not found:
        return []
    server, what = found["source"] or found["server"], found["uri"] or found["prompt"]
    name = f"{server}:{what}" if what else server
    images = sum(isinstance(part, Image) for part in message.parts)
    return [cut(line(describe_attached(name, text, images), "dim"), width)]


def _reply(message: Assistant, results: dict[str, ToolResult], width: int) -> list[Line]:
    text = "".join(part.text for part in message.parts if isinstance(part, Text))
    lines: list[Line] = [(), *prose(text, width)] if text.strip() else []
    return [*lines, *(_call(call, results.pop(call.id, None), width) for call in message.calls)]


def _call(call: ToolCall, result: ToolResult | None, width: int) -> Line:
    """On one line: its result is as the model reads it, so of that only what went wrong is told."""
    if result is None or not result.error:
        return call_line(call, OK, "", "", width)
    denied = result.text.startswith("Denied: ")
    return call_line(call, REFUSED if denied else FAILED, one_line(result.text, width), "", width)
