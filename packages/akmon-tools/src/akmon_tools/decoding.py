"""Undoes what models do to text on its way: escapes typed as such, and line numbers copied from a listing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from akmon_core.text import reveal

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_NUMBER = re.compile(r" *(\d+)\t")
_REVEALED = re.compile(r"<U\+([0-9A-F]{4,6})>")


def decoded(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """What ``old`` and ``new`` may have been meant to be, each with what would then be wrong with them."""
    if numbered := _without_numbers(old):
        yield numbered, _without_numbers(new) or new, "it has line numbers, which are not part of the file"
    if _REVEALED.search(old):
        shown = _REVEALED.sub(_char, old), _REVEALED.sub(_char, new)
        yield *shown, "it names invisible characters"
    kinds, also = _kinds(old), _kinds(new)
    if kinds and also is not None and also <= kinds and _plain_enough(new, kinds):
        yield _unescape(old), _unescape(new), "it has escapes where the file has the characters themselves"


def _without_numbers(text: str) -> str | None:
    """Without the number that begins each line, if they count up by one."""
    ended = text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    numbers = [int(at[1]) for line in lines if (at := _NUMBER.match(line))]
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(lines))):
        return None
    return "\n".join(_NUMBER.sub("", line, count=1) for line in lines) + "\n" * ended


def _char(at: re.Match[str]) -> str:
    number = int(at[1], 16)
    char = chr(number) if number <= 0x10FFFF else at[0]
    return char if reveal(char) == at[0] else at[0]


def _kinds(text: str) -> set[str] | None:
    """The characters that are escaped; None if some of them, or other backslashes, stand for themselves."""
    kinds = set(_ESCAPE.findall(text))
    rest = _ESCAPE.sub("", text)
    if not kinds <= set(_MEANT) or "\\" in rest or any(_MEANT[kind] in rest for kind in kinds):
        return None
    return kinds


def _plain_enough(new: str, kinds: set[str]) -> bool:
    r"""Whether no ``\n`` of ``new`` can be meant as such: within quotes, or beside line ends."""
    if "n" in kinds and "\n" in new:
        return False
    *lines, _ = _unescape(new).split("\n")
    return not any(line.count(quote) % 2 for line in lines for quote in "\"'")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda at: _MEANT[at[1]], text)
