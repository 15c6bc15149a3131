"""Other ways to send the same conversation: what it would have cost, by the same rules and prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.cache import Cache, Counted

Block = dict[str, Any]
Message = dict[str, Any]
Way = Callable[[list[Message]], list[Message]]
"""What is sent of a conversation."""

CLEARED = "[Old tool result content cleared]"
KEPT_ROWS = 20
"""The newest rows stay as they are: a row is a message, and each result is one of its own."""
_ALWAYS = frozenset(("read", "list", "search"))
_LONG = {"shell": 500}
"""Characters above which a result of the tool is cleared."""


def counted(played: dict[str, Any], way: Way, *, cached: bool) -> Iterator[Counted]:
    """What each reply of the conversation in ``played`` takes if its prompt is sent this way."""
    head = played["head"]
    cache = Cache(head["model"])
    for asked in played["asked"]:
        if asked["messages"]:
            sent = way(played["history"][: asked["messages"]])
            taken = cache.take({**head, "messages": sent}, asked["at"])
            yield taken if cached else Counted(input=taken.total)


def append_only(messages: list[Message]) -> list[Message]:
    return messages


def cleared_each_time(messages: list[Message]) -> list[Message]:
    """Every old result is a placeholder, as the system did that this project re-creates: those of reading,
    listing and searching always, those of commands if they are long, those of changes to files never."""
    tools = {block["id"]: block["name"] for block in _blocks(messages) if block["type"] == "tool_use"}
    rows = sum(map(_rows, messages))
    sent = []
    for message in messages:
        rows -= _rows(message)
        old = rows >= KEPT_ROWS
        content = [_cleared(block, tools) if old else block for block in message["content"]]
        sent.append({**message, "content": content})
    return sent


def _rows(message: Message) -> int:
    return len(message["content"]) if message["role"] == "user" else 1


def _cleared(block: Block, tools: dict[str, str]) -> Block:
    if block["type"] != "tool_result":
        return block
    tool = tools[block["tool_use_id"]]
    long = len(str(block.get("content", ""))) > _LONG.get(tool, 1 << 60)
    return {**block, "content": CLEARED} if tool in _ALWAYS or long else block


def _blocks(messages: list[Message]) -> Iterator[Block]:
    for message in messages:
        yield from message["content"]
