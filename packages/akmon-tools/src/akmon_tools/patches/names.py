"""Reads the names of files in a diff: prefixes, quotes, times after them."""

from __future__ import annotations

import re

from akmon_core.errors import ToolError
from akmon_core.text import one_line

NOTHING = "/dev/null"
"""Stands for the side on which there is no file."""

_PREFIXES = ("a/", "b/", "c/", "i/", "o/", "w/", "1/", "2/")
"""That git puts before names, one on each side; all but the first two only if it is told to."""
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_PLAIN = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


def read_name(rest: str) -> str:
    """The name on a line, without the time or tab after it."""
    if rest.startswith('"'):
        return _unquoted(rest)[0]
    return rest.partition("\t")[0].rstrip()


def read_pair(rest: str) -> tuple[str, str]:
    """Both names of a ``diff --git`` line as they are; empty if it does not say where one ends."""
    if rest.startswith('"'):
        first, more = _unquoted(rest)
        return first, read_name(more.lstrip(" "))
    if rest.endswith('"') and ' "' in rest:
        first, _, more = rest.partition(' "')
        return first, read_name(f'"{more}')
    middle = len(rest) // 2
    first, second = rest[:middle], rest[middle + 1 :]
    if rest[middle : middle + 1] == " " and (first == second or first[2:] == second[2:]):
        return first, second
    return "", ""


def without_prefixes(old: str, new: str) -> tuple[str, str]:
    """The names without the prefixes that tell the sides apart, where they have such."""
    if old == NOTHING:
        return old, new.removeprefix("b/")
    if new == NOTHING:
        return old.removeprefix("a/"), new
    if old.startswith(_PREFIXES) and new.startswith(_PREFIXES) and old[0] != new[0]:
        return old[2:], new[2:]
    if old != new and old.startswith(_PREFIXES) and old[2:] == new:
        return new, new
    if old != new and new.startswith(_PREFIXES) and new[2:] == old:
        return old, old
    return old, new


def _unquoted(text: str) -> tuple[str, str]:
    """A name in quotes as C writes it, and what follows it."""
    found = re.match(r'"((?:[^"\\]|\\.)*)"', text)
    if not found:
        raise ToolError(f"a quoted file name does not end: {one_line(text, 80)}")
    try:
        name = _ESCAPED.sub(lambda one: _char(one[1]), found[1].encode()).decode()
    except UnicodeDecodeError:
        raise ToolError(f"the file name {one_line(text, 80)} is not UTF-8.") from None
    return name, text[found.end() :]


def _char(escaped: bytes) -> bytes:
    return bytes([int(escaped, 8) & 0xFF]) if len(escaped) == 3 else _PLAIN.get(escaped, escaped)
