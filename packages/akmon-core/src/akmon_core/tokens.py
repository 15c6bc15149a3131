"""Estimates how many tokens a text, a message or a prompt has."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from akmon_core.messages import Assistant, Message, Text, Thinking, ToolResult, User
from akmon_core.tools import ToolSpec


class Gauge(msgspec.Struct, frozen=True):
    reported: int = 0
    weighed: int = 0

    @property
    def ratio(self) -> float:
        if not (self.reported and self.weighed):
            return 1.0
        return min(max(self.reported / self.weighed, 0.5), 3.0)

    def tokens(self, weighed_now: int) -> int:
        if not self.reported:
            return weighed_now
        return max(0, int(self.reported + (weighed_now - self.weighed) * self.ratio))


def weigh_text(text: str) -> int:
    return -(-len(text) // 4)


def weigh(message: Message) -> int:
    match message:
        case User(parts):
            return 4 + sum(weigh_text(p.text) if isinstance(p, Text) else 1500 for p in parts)
        case Assistant(parts):
            return 4 + sum(
                weigh_text(p.text) if isinstance(p, Text | Thinking) else 8 + weigh_text(p.arguments)
                for p in parts
            )
        case ToolResult(text=text):
            return 4 + weigh_text(text) + 1500 * len(message.images)


def weigh_tools(specs: Iterable[ToolSpec]) -> int:
    return sum(weigh_text(s.description + str(s.parameters)) for s in specs)
