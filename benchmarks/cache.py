"""What Anthropic's prompt cache makes of requests, by its documentation; and tokens, by a count of our own.

The rules are those of https://platform.claude.com/docs/en/build-with-claude/prompt-caching:

- A prefix is tools, then system, then messages, block by block; one changed block makes another prefix.
- ``cache_control`` on a block is a breakpoint; at the top level of a request it puts one on the last block
  that can be cached. A request has at most four.
- "Cache writes happen only at your breakpoint": each writes one entry, for the prefix that ends there.
- "Cache reads look backward for entries that prior requests wrote", at most 20 positions from each
  breakpoint, itself the first. A run of ``tool_use`` or of ``tool_result`` blocks is one position.
- An entry lives for five minutes from the start of the request that last wrote or read it. Here a request
  also renews the entries of its other breakpoints, and none that it does not name.
- A prefix below the model's minimum is not cached, and that is no error.
- What is found is ``cache_read``, from there to the last breakpoint ``cache_creation``, the rest ``input``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LIFETIME = 300.0
"""Seconds."""
LOOKBACK = 20
"""Positions that are searched from a breakpoint."""
BREAKPOINTS = 4
IMAGE_TOKENS = 1_500
MINIMUM = {
    "claude-opus-5": 512,
    "claude-fable-5": 512,
    "claude-sonnet-5-5": 512,
    "claude-haiku-5-5": 512,
    "claude-sonnet-5": 1_024,
    "claude-sonnet-4": 1_024,
    "claude-opus-4-8": 1_024,
    "claude-opus-4-7": 2_048,
    "claude-opus-4-5": 4_096,
    "claude-opus-4-6": 4_096,
    "claude-haiku-4-5": 4_096,
}
"""Tokens that a prefix must have to be cached, by the start of a model's id; the longest start holds."""

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\S ]\s*| {2,}|[^\w\s]+|_+")
_TOGETHER = ("tool_use", "tool_result")
"""A run of blocks of such a kind is one position."""
_STEERING = ("thinking", "tool_choice")
"""What makes messages another prompt, though not tools and system."""


class BadRequest(Exception):
    """A request that the server refuses."""


@dataclass(frozen=True)
class Counted:
    """Tokens of one prompt, as usage reports them."""

    input: int = 0
    write: int = 0
    read: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.input + other.input, self.write + other.write, self.read + other.read)

    @property
    def total(self) -> int:
        return self.input + self.write + self.read


@dataclass(frozen=True)
class _Block:
    kind: str
    digest: str
    """Of the prefix that ends with this block."""
    tokens: int
    """Of the prefix that ends with this block."""
    marked: bool
    """Whether it is a breakpoint."""


@lru_cache(maxsize=100_000)
def tokens(text: str) -> int:
    """How many tokens ``text`` is: an approximation of our own, which akmon knows nothing of.

    A word is a token for each five letters begun, a number one for each three digits, punctuation one for
    each two characters, white space other than a single space one. A letter beyond Latin is a token. That
    is about 4 characters a token in English and 3 in code, as
    https://platform.claude.com/docs/en/about-claude/glossary#tokens has it (3.5 in English).
    """
    return sum(_weight(found[0]) for found in _TOKEN.finditer(text))


def _weight(piece: str) -> int:
    first = piece[0]
    if first.isspace():
        return 1
    if first.isalpha():
        return -(-len(piece) // 5) if first < "\u0250" else len(piece)
    return -(-len(piece) // (3 if first.isdigit() else 2))


def _size(block: dict[str, Any]) -> int:
    """Tokens of a block: what it says, and a few that frame it."""
    match block.get("type"):
        case "text" | "thinking":
            return tokens(block[block["type"]]) + 3
        case "tool_use":
            return tokens(block["name"]) + sum(map(tokens, _strings(block["input"]))) + 20
        case "tool_result":
            return sum(map(_size, _as_blocks(block.get("content", "")))) + 10
        case "image":
            return IMAGE_TOKENS
        case _:
            return tokens(json.dumps(block, ensure_ascii=False))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from _strings(inner)
        case list():
            for inner in value:
                yield from _strings(inner)
        case _:
            yield str(value)


def minimum(model: str) -> int:
    """Tokens that a prefix must have at ``model``. Raises ``LookupError`` for one that is not listed."""
    return MINIMUM[max((start for start in MINIMUM if model.startswith(start)), key=len, default=model)]


class Cache:
    """The cache of one model. Requests come one after the other."""

    def __init__(self, model: str) -> None:
        self._minimum = minimum(model)
        self._until: dict[str, float] = {}
        """By digest of a prefix: when its entry ends."""

    def take(self, body: dict[str, Any], now: float) -> Counted:
        """Accounts for the request ``body`` that begins at ``now`` (seconds of any clock).

        Raises ``BadRequest``.
        """
        blocks = _blocks(body)
        marks = [at for at, block in enumerate(blocks) if block.marked]
        if len(marks) > BREAKPOINTS:
            raise BadRequest(f"{len(marks)} cache breakpoints, but at most {BREAKPOINTS} are allowed")
        total = blocks[-1].tokens
        marks = [at for at in marks if blocks[at].tokens >= self._minimum]
        if not marks:
            return Counted(input=total)
        found = self._find(blocks, marks, now)
        for at in (*marks, *([found] if found is not None else [])):
            self._until[blocks[at].digest] = now + LIFETIME
        end = blocks[marks[-1]].tokens
        read = 0 if found is None else blocks[found].tokens
        return Counted(input=total - end, write=end - read, read=read)

    def _find(self, blocks: list[_Block], marks: list[int], now: float) -> int | None:
        """The last block up to which a breakpoint finds an entry."""
        for mark in reversed(marks):
            for at in _looked_at(blocks, mark):
                if self._until.get(blocks[at].digest, 0.0) > now:
                    return at
        return None


def _looked_at(blocks: list[_Block], mark: int) -> Iterator[int]:
    positions = 0
    kind = ""
    for at in range(mark, -1, -1):
        positions += not (blocks[at].kind == kind and kind in _TOGETHER)
        if positions > LOOKBACK:
            return
        kind = blocks[at].kind
        yield at


def _blocks(body: dict[str, Any]) -> list[_Block]:
    """The request as one chain of blocks."""
    said = list(_said(body))
    if not any(where in ("user", "assistant") for where, _, _ in said):
        raise BadRequest("messages: at least one message is required")
    steering = _json({name: body[name] for name in _STEERING if name in body})
    digest, size = str(body.get("model")), 0
    last = max(at for at, (_, block, _) in enumerate(said) if _cacheable(block))
    blocks = []
    for at, (where, block, marked) in enumerate(said):
        asked = steering if where in ("user", "assistant") else ""
        digest = hashlib.sha256(f"{digest}{where}{asked}{_json(block)}".encode()).hexdigest()
        size += _size(block)
        marked = marked or (at == last and "cache_control" in body)
        blocks.append(_Block(block.get("type", ""), digest, size, marked))
    return blocks


def _said(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Where each block stands, what it holds, and whether it is a breakpoint."""
    places = [("tools", body.get("tools", ())), ("system", _as_blocks(body.get("system", ())))]
    places += [(message["role"], _as_blocks(message["content"])) for message in body.get("messages", ())]
    for where, blocks in places:
        for block in blocks:
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            yield where, plain, "cache_control" in block


def _as_blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _json(value: Any) -> str:
    """As it was sent: another order of keys is another prompt."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cacheable(block: dict[str, Any]) -> bool:
    thought = block.get("type") in ("thinking", "redacted_thinking")
    return not thought and not (block.get("type") == "text" and not block["text"])
