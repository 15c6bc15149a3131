"""Notices when a provider had to read a known prompt anew, and says why. Pure."""

from __future__ import annotations

import msgspec

from akmon_core.events import CacheBroken
from akmon_core.limits import CACHE_BREAK_TOKENS
from akmon_core.messages import Message
from akmon_core.models import ModelRequest
from akmon_core.stream import Usage


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A model call as its provider's cache saw it."""

    request: ModelRequest
    model: str
    """``provider/id``."""
    usage: Usage
    at: float
    """Seconds since 1970-01-01 UTC."""


def cache_break(before: Sent, now: Sent) -> CacheBroken | None:
    """Whether ``now`` could not use what ``before``, the session's call before it, left in the cache.

    What did not change is the same object in both requests, so comparing them is quick.
    """
    tokens = before.usage.prompt_tokens
    if tokens < CACHE_BREAK_TOKENS:
        return None
    cause = _change(before, now) or _loss(before, now)
    return CacheBroken(cause, tokens) if cause else None


def _change(before: Sent, now: Sent) -> str:
    old, new = before.request, now.request
    if before.model != now.model:
        return "the model changed"
    if old.tools != new.tools:
        return "the tools changed"
    if old.system != new.system:
        return "the system prompt changed"
    if new.messages[: len(old.messages)] != old.messages:
        return f"the history changed at message {_first_change(old.messages, new.messages)}"
    return ""


def _first_change(old: tuple[Message, ...], new: tuple[Message, ...]) -> int:
    """The number of the first message that is another one or gone, counted from 1."""
    pairs = enumerate(zip(old, new, strict=False), 1)
    return next((at for at, (one, other) in pairs if one != other), len(new) + 1)


def _loss(before: Sent, now: Sent) -> str:
    held = before.usage.cache_read_tokens + before.usage.cache_write_tokens
    reported = now.usage.prompt_tokens > 0
    if not reported or held < CACHE_BREAK_TOKENS or now.usage.cache_read_tokens * 2 >= held:
        return ""
    minutes = round((now.at - before.at) / 60)
    ago = f"{minutes} minute{'s' * (minutes != 1)}" if minutes > 0 else "less than a minute"
    return f"the provider no longer had it ({ago} since the last call)"
