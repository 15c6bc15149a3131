"""Notices a model that goes round in circles, or fails the same way again and again. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec

from akmon_core.limits import REPEATS_STOPPED
from akmon_core.messages import ToolCall, ToolResult

_PERIODS = (1, 2, 3)
"""Steps in a circle: the same step again, two by turns, three by turns."""
_STEPS = REPEATS_STOPPED * max(_PERIODS)


class Track(msgspec.Struct, frozen=True):
    """What the last steps of a turn did and what came of it."""

    steps: tuple[str, ...] = ()
    """A digest of each step's calls and results, as many as circles can be seen in."""
    failure: str = ""
    """How all calls of the last steps failed; empty if the last step had another result."""
    failures: int = 0

    @property
    def rounds(self) -> int:
        """How often the last steps were the same, by turns or not."""
        return max((_rounds(self.steps, period) for period in _PERIODS), default=0)

    def and_also(self, calls: Iterable[tuple[ToolCall, ToolResult]]) -> Track:
        """The track after one more step."""
        step = tuple(calls)
        kinds = {_kind(call, result) for call, result in step}
        failure = kinds.pop() if len(kinds) == 1 else ""
        failures = self.failures + 1 if failure and failure == self.failure else int(bool(failure))
        return Track((*self.steps, _digest(step))[-_STEPS:], failure, failures)


def _rounds(steps: tuple[str, ...], period: int) -> int:
    """How often the last ``period`` steps came in a row; as one of a shorter period they do not count."""
    last = steps[-period:]
    if period > 1 and len(set(last)) == 1:
        return 0
    rounds, start = 0, len(steps) - period
    while start >= 0 and steps[start : start + period] == last:
        rounds, start = rounds + 1, start - period
    return rounds


def _digest(step: tuple[tuple[ToolCall, ToolResult], ...]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for call, result in step:
        for text in (call.name, call.arguments, result.text):
            digest.update(text.encode(errors="replace"))
            digest.update(b"\0")
    return digest.hexdigest()


def _kind(call: ToolCall, result: ToolResult) -> str:
    """How a call failed, without what differs from case to case; empty if it did not."""
    if not result.error:
        return ""
    first = result.text.strip().split("\n", 1)[0][:300]
    return f"{call.name}: {re.sub(r'[0-9]+|[^ ]*[/.][^ ]*', '…', first)}"
