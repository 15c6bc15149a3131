"""How a person names what servers offer: resources, and the arguments of prompts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection

import msgspec

from akmon_core.servers import ServerPrompt

_MENTION = re.compile(r"(?<![^\s(\[{\"'])@([A-Za-z0-9_-]+):([^\s]+)")
_BEHIND = ".,;:!?)]}\"'"
"""What ends a sentence around a URI rather than the URI."""


def mentioned(text: str, servers: Collection[str]) -> list[tuple[str, str]]:
    """Server and URI of each resource that ``text`` names as ``@server:uri``, once, in their order."""
    found = ((match[1], match[2].rstrip(_BEHIND)) for match in _MENTION.finditer(text))
    return [*dict.fromkeys((server, uri) for server, uri in found if server in servers and uri)]


class FilledIn(msgspec.Struct, frozen=True):
    """What was typed behind the name of a prompt, as its arguments."""

    values: dict[str, str]
    missing: tuple[str, ...] = ()
    """Arguments that the prompt needs and that were not given."""
    surplus: str = ""
    """The first word that is for no argument."""


def fill_in(prompt: ServerPrompt, typed: str) -> FilledIn:
    """Words stand for the arguments in their order, in quotes if need be, and the last argument takes what is
    left; or ``name=value``."""
    try:
        words = shlex.split(typed)
    except ValueError:  # a quote that has no end, such as the one in "don't"
        words = typed.split()
    names = [argument.name for argument in prompt.arguments]
    values: dict[str, str] = {}
    free: list[str] = []
    for word in words:
        name, sign, value = word.partition("=")
        if sign and name in names:
            values[name] = value
        else:
            free.append(word)
    left = [name for name in names if name not in values]
    for index, name in enumerate(left[: len(free)]):
        last = index == len(left) - 1
        values[name] = " ".join(free[index:]) if last else free[index]
    missing = tuple(each.name for each in prompt.arguments if each.required and not values.get(each.name))
    return FilledIn(values, missing, free[0] if free and not left else "")
