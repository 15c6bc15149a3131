"""A prompt that had to be read anew is noticed, and its cause is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import CacheBroken
from akmon_core.limits import CACHE_BREAK_TOKENS
from akmon_core.messages import Assistant, Message, Text, User
from akmon_core.models import ModelRequest
from akmon_core.prefix import Sent, cache_break
from akmon_core.stream import Usage
from akmon_core.tools import ToolSpec

TOOL = ToolSpec(name="read", description="Reads.", parameters={"type": "object"})
HISTORY: tuple[Message, ...] = tuple(
    message for at in range(3) for message in (User((Text(f"q{at}"),)), Assistant((Text(f"a{at}"),)))
)
REQUEST = ModelRequest(system="Be brief.", messages=HISTORY[:3], tools=(TOOL,), session="s")
LONG = Usage(input_tokens=100, cache_read_tokens=9_000, cache_write_tokens=900)
BEFORE = Sent(request=REQUEST, model="p/m", usage=LONG, at=1_000.0)
NOW = Sent(
    request=msgspec.structs.replace(REQUEST, messages=HISTORY[:5]), model="p/m", usage=LONG, at=1_030.0
)


def asked(**changes: Any) -> Sent:
    return msgspec.structs.replace(NOW, request=msgspec.structs.replace(NOW.request, **changes))


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_request_that_only_goes_on_breaks_nothing(known: int, more: int) -> None:
    before = msgspec.structs.replace(
        BEFORE, request=msgspec.structs.replace(REQUEST, messages=HISTORY[: min(known, more)])
    )
    assert cache_break(before, asked(messages=HISTORY[:more])) is None


def test_equal_values_that_are_other_objects_break_nothing() -> None:
    copy = msgspec.json.decode(msgspec.json.encode(NOW), type=Sent)
    assert cache_break(BEFORE, copy) is None


@pytest.mark.parametrize(
    ("now", "cause"),
    [
        (msgspec.structs.replace(NOW, model="p/other"), "the model changed"),
        (asked(tools=()), "the tools changed"),
        (asked(tools=(TOOL, TOOL)), "the tools changed"),
        (asked(system="Be long."), "the system prompt changed"),
        (asked(messages=(HISTORY[2], *HISTORY[1:])), "the history changed at message 1"),
        (asked(messages=(*HISTORY[:2], HISTORY[4])), "the history changed at message 3"),
        (asked(messages=HISTORY[:2]), "the history changed at message 3"),
        (asked(messages=()), "the history changed at message 1"),
    ],
)
def test_what_changed_is_named_with_the_tokens_that_the_cache_may_have_held(now: Sent, cause: str) -> None:
    assert cache_break(BEFORE, now) == CacheBroken(cause, 10_000)


def read(tokens: int, at: float = 1_030.0, new: int = 500) -> Sent:
    usage = Usage(input_tokens=new, cache_read_tokens=tokens)
    return msgspec.structs.replace(NOW, usage=usage, at=at)


@pytest.mark.parametrize(
    ("seconds", "ago"),
    [(5, "less than a minute"), (61, "1 minute"), (420, "7 minutes"), (86_400, "1440 minutes")],
)
def test_a_provider_that_forgot_the_prompt_is_named_with_the_time_it_had(seconds: float, ago: str) -> None:
    broken = cache_break(BEFORE, read(0, at=BEFORE.at + seconds))
    assert broken == CacheBroken(f"the provider no longer had it ({ago} since the last call)", 10_000)


def test_reading_half_of_what_was_held_is_enough() -> None:
    assert cache_break(BEFORE, read(4_950)) is None
    assert cache_break(BEFORE, read(4_949)) is not None


def test_a_provider_that_reports_nothing_is_not_accused() -> None:
    assert cache_break(BEFORE, read(0, new=0)) is None
    uncached = msgspec.structs.replace(BEFORE, usage=Usage(input_tokens=10_000))
    assert cache_break(uncached, read(0)) is None


def test_a_short_prompt_is_not_worth_a_notice() -> None:
    short = msgspec.structs.replace(BEFORE, usage=Usage(cache_write_tokens=CACHE_BREAK_TOKENS - 1))
    assert cache_break(short, asked(tools=())) is None
    assert cache_break(short, read(0)) is None
