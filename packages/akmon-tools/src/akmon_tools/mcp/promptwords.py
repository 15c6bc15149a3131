"""The arguments of a server's prompt, from what a person types behind its name."""

from __future__ import annotations

import shlex

from akmon_core.errors import ToolError
from akmon_core.servers import ServerPrompt


def promptwords(prompt: ServerPrompt, text: str) -> dict[str, str]:
    """Values by name: words in the order of the arguments, of which the last takes what is left, or
    ``name=value``.

    Raises ``ToolError`` if a required one is missing.
    """
    try:
        words = shlex.split(text)
    except ValueError:  # an apostrophe, most likely
        words = text.split()
    names = [argument.name for argument in prompt.arguments]
    values: dict[str, str] = {}
    free: list[str] = []
    for word in words:
        name, sign, value = word.partition("=")
        if sign and name in names:
            values[name] = value
        else:
            free.append(word)
    open_names = [name for name in names if name not in values]
    if free and not open_names:
        raise ToolError(
            f"{prompt.name} takes {_usage(prompt) or 'no arguments'}, and not {free[0]!r} besides."
        )
    for index, name in enumerate(open_names[: len(free)]):
        last = index == len(open_names) - 1
        values[name] = " ".join(free[index:]) if last else free[index]
    if missing := [each.name for each in prompt.arguments if each.required and not values.get(each.name)]:
        raise ToolError(f"{prompt.name} needs {', '.join(missing)}. It takes: {_usage(prompt)}.")
    return values


def _usage(prompt: ServerPrompt) -> str:
    return " ".join(each.name if each.required else f"[{each.name}]" for each in prompt.arguments)
