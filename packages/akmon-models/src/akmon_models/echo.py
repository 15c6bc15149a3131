"""Takes a key out of what a server says: whole, encoded, in pieces, or masked in the middle."""

from __future__ import annotations

import re

from akmon_core.redact import Redactor
from akmon_core.secret import Secret

REPLACEMENT = "[key]"

_PIECE_CHARS = 8
"""A shorter piece of a key may be a word."""
_MASKED = re.compile(r"([\w.~+/=-]{0,80}?)(?:[*•]{2,}|\.{3,}|…|x{4,}|X{4,})([\w~+/=-]*)")


def without_key(said: str, secret: Secret | str) -> str:
    """``said`` with ``[key]`` for the key, and without any other secret that is known by its form."""
    key = Secret(secret).reveal().strip()
    if key:
        said = said.replace(key, REPLACEMENT)
        said = _without_pieces(_without_masked(said, key), key)
    return Redactor([key])(said)


def _without_masked(said: str, key: str) -> str:
    """Servers show a key that they refuse as its ends, with stars or dots between."""

    def shown(match: re.Match[str]) -> str:
        start, end = match[1], match[2]
        its_own = len(start) + len(end) >= 3 and key.startswith(start) and key.endswith(end)
        return REPLACEMENT if its_own else match[0]

    return _MASKED.sub(shown, said)


def _without_pieces(said: str, key: str) -> str:
    """A key that is broken over lines, or cut."""
    starts = {key[at : at + _PIECE_CHARS] for at in range(len(key) - _PIECE_CHARS + 1)}
    pieces: list[str] = []
    at = done = 0
    while at <= len(said) - _PIECE_CHARS:
        if said[at : at + _PIECE_CHARS] not in starts:
            at += 1
            continue
        end = at + _PIECE_CHARS
        while end < len(said) and said[at : end + 1] in key:
            end += 1
        pieces += (said[done:at], REPLACEMENT)
        at = done = end
    return "".join([*pieces, said[done:]])
