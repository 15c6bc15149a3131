"""Writes down all that a tool of a stranger says of itself, so that a change is noticed and can be shown."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from akmon_core.limits import MCP_CANONICAL_CHARS
from akmon_core.text import exposed


def description_text(
    name: str,
    *,
    title: str = "",
    description: str = "",
    schema: object = None,
    output_schema: object = None,
    annotations: object = None,
) -> str:
    """All that a tool says of itself, on lines, with nothing hidden: the same text if and only if it says the
    same. What is very long is cut, and stands for itself by its SHA-256."""
    said = {
        "name": name,
        "title": title,
        "description": description,
        "arguments": schema,
        "output": output_schema,
        "annotations": annotations,
    }
    return "\n".join(line for key, value in said.items() if value for line in _section(key, value))


def difference(old: str, new: str, *, aligned: bool = True) -> str:
    """What changed from one ``description_text`` to another, as the lines of a unified diff.

    Finding out which lines stay takes time; if they are not ``aligned``, all of both are there.
    """
    before, after = old.splitlines(), new.splitlines()
    if aligned:
        return "\n".join(difflib.unified_diff(before, after, "approved", "now", n=3, lineterm=""))
    return "\n".join(
        ["--- approved", "+++ now", *(f"-{line}" for line in before), *(f"+{line}" for line in after)]
    )


def _section(key: str, value: object) -> Iterator[str]:
    text = value if isinstance(value, str) else "\n".join(_json_lines(value))
    if len(text) > MCP_CANONICAL_CHARS:
        rest = sha256(text.encode(errors="surrogatepass")).hexdigest()
        text = f"{text[:MCP_CANONICAL_CHARS]}\n[{len(text):,} characters, SHA-256 {rest}]"
    yield f"{key}:"
    yield from (f"  {line}" for line in exposed(text).split("\n"))


def _json_lines(value: object) -> Iterator[str]:
    """Any JSON, with sorted keys and an item a line. Not recursive: strangers nest as deep as they like."""
    waiting: list[tuple[int, str, object, str]] = [(0, "", value, "")]
    while waiting:
        depth, key, value, end = waiting.pop()
        margin = " " * min(depth, 20) + key
        match value:
            case Mapping() | list() | tuple() if value:
                opens, closes = "{}" if isinstance(value, Mapping) else "[]"
                yield f"{margin}{opens}"
                waiting.append((depth, "", _Literal(closes), end))
                waiting.extend(_inside(value, depth + 1))
            case _Literal(text):
                yield f"{margin}{text}{end}"
            case _:
                yield f"{margin}{_scalar(value)}{end}"


class _Literal(msgspec.Struct, frozen=True):
    text: str


def _inside(
    value: Mapping[Any, object] | Sequence[object], depth: int
) -> Iterator[tuple[int, str, object, str]]:
    """What is in ``value``, from the last to the first."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=str)
        rows = [(f"{json.dumps(str(key), ensure_ascii=False)}: ", value[key]) for key in keys]
    else:
        rows = [("", each) for each in value]
    for at, (key, each) in reversed(list(enumerate(rows))):
        yield depth, key, each, "," if at < len(rows) - 1 else ""


def _scalar(value: object) -> str:
    if isinstance(value, str | int | float | None):
        return json.dumps(value, ensure_ascii=False)
    match value:
        case Mapping():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            return json.dumps(str(type(value).__name__))
