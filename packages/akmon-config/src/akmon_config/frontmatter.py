"""Front matter of rule files: the few lines of YAML that tools put before their text, turned into a sentence.

What tools write there is often no valid YAML (``globs: *.ts``), so that it is read line by line.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Fields: TypeAlias = dict[str, str | list[str]]

_LINES = 100
_KEY = re.compile(r"([A-Za-z_][\w-]*):(.*)")
_COMMA = re.compile(r",(?![^{}]*\})")
_PATTERNS = ("globs", "applyto", "paths", "filematchpattern", "glob")
_EVERYTHING = ("**", "**/*", "*", "**/**")


def split(text: str) -> tuple[Fields, str]:
    """The fields by their name in small letters, and the text after them."""
    lines = text.lstrip("\ufeff\n").split("\n")
    if lines[0].rstrip() != "---":
        return {}, text
    end = next(
        (n for n, line in enumerate(lines[1 : _LINES + 1], 1) if line.rstrip() in ("---", "...")), None
    )
    if end is None:
        return {}, text
    return _fields(lines[1:end]), "\n".join(lines[end + 1 :])


def sentence(fields: Fields, name: str) -> str:
    """For what the text below holds, such as "For files matching `src/**`:"; empty if that is everything.

    ``name`` is what a person would call the rules by.
    """
    description = _text(fields.get("description", ""))
    patterns = [pattern for key in _PATTERNS for pattern in listed(fields.get(key, ""))]
    said = f" ({description})" if description else ""
    mode = _text(fields.get("trigger") or fields.get("inclusion") or "")
    always = _text(fields.get("alwaysapply", ""))
    if always == "true" or mode in ("always", "always_on") or set(patterns) & set(_EVERYTHING):
        return ""
    if patterns:
        return f"For files matching {', '.join(f'`{pattern}`' for pattern in patterns)}{said}:"
    if mode == "manual" or (always == "false" and not description):
        return f"Only when the user asks for the rules `{name}`{said}:"
    if description and (always == "false" or mode):
        return f"When this is the case: {description.rstrip('.')}:"
    return ""


def listed(value: str | list[str]) -> list[str]:
    """The items of a value: a list, or one text with commas between them, those in braces left alone."""
    items = value if isinstance(value, list) else _COMMA.split(value)
    return [item for item in (_unquoted(item) for item in items) if item]


def _fields(lines: list[str]) -> Fields:
    fields: Fields = {}
    key = ""
    for line in lines:
        stripped = line.strip()
        if found := _KEY.fullmatch(line.rstrip()):
            key = found[1].lower()
            fields[key] = _value(found[2].strip())
        elif not key or not stripped or stripped.startswith("#"):
            continue
        elif stripped.startswith("- "):
            before = fields[key]
            fields[key] = [*(before if isinstance(before, list) else []), stripped[2:].strip()]
        elif isinstance(before := fields[key], str):  # a text that goes on
            fields[key] = f"{before} {stripped}".strip()
    return fields


def _value(text: str) -> str | list[str]:
    if text in ("|", ">", "|-", ">-"):
        return ""
    if text.startswith("[") and text.endswith("]"):
        return _COMMA.split(text[1:-1])
    return text


def _text(value: str | list[str]) -> str:
    return _unquoted(value if isinstance(value, str) else ", ".join(value))


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
