"""The tokens of a prompt by the marathon server's own count, and what of it is in its cache."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from tests.marathon.prompts import Called, Prompt, Result, Said

_PIECE = re.compile(r"(?=[A-Za-z+/=_-]*\d)[A-Za-z0-9+/=_-]{24,}|[^\W\d_]+|\d+|[^\S ]\s*| {2,}|[^\w\s]+|_+")
_LIFETIME = 300.0
"""Seconds that the cache keeps a prefix."""


@lru_cache(maxsize=20_000)
def tokens(text: str) -> int:
    """A word is a token for each five letters begun, a number one for each three digits, punctuation one for
    each two characters, white space other than one space one, letters of other alphabets one for each two, a
    character of Chinese and the like one, and what looks like base64 one for each 1.4 characters."""
    return sum(_weight(found[0]) for found in _PIECE.finditer(text))


def _weight(piece: str) -> int:
    first = piece[0]
    if len(piece) >= 24 and any(map(str.isdigit, piece)) and first.isascii():
        return int(len(piece) / 1.4)
    if first.isspace():
        return 1
    if first.isalpha():
        return -(-len(piece) // (5 if first < "\u0250" else 2 if first < "\u2e80" else 1))
    return -(-len(piece) // (3 if first.isdigit() else 2))


def blocks(prompt: Prompt) -> Iterator[tuple[str, int]]:
    """What the prompt consists of, in order, each with its tokens."""
    for tool in prompt.tools:
        yield tool, tokens(tool)
    yield prompt.system, tokens(prompt.system)
    for message in prompt.messages:
        for part in message.parts:
            match part:
                case Said(text):
                    yield f"{message.role}:{text}", tokens(text) + 4
                case Called(id_, name, arguments):
                    said = json.dumps(arguments, ensure_ascii=False)
                    yield f"{id_}:{name}:{said}", tokens(name) + tokens(said) + 12
                case Result(id_, text):
                    yield f"{id_}:{text}", tokens(text) + 10


@dataclass
class Cache:
    """Prefixes that were seen, by their digest: until when they are kept."""

    _until: dict[bytes, float] = field(default_factory=dict)

    def take(self, prompt: Prompt, now: float) -> tuple[int, int]:
        """Tokens of ``prompt``: those read from the cache, and the others, which it then holds."""
        digest, total, read = hashlib.sha1(usedforsecurity=False), 0, 0
        for text, count in blocks(prompt):
            digest.update(text.encode(errors="surrogatepass"))
            total += count
            prefix = digest.digest()
            if self._until.get(prefix, 0.0) >= now:
                read = total
            self._until[prefix] = now + _LIFETIME
        return read, total - read
