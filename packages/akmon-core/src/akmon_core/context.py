"""Keeps a conversation inside its window: how large it is, what to leave out, and when that pays. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from akmon_core.events import Compacted
from akmon_core.limits import (
    CLEAR_CHARS,
    COMPACT_AT,
    COMPACTED_SHARE,
    CROWDED_SHARE,
    FULL_AT,
    INTACT_MESSAGES,
    KEPT_SHARE,
    SAID_SHARE,
    SMALL_KEPT_MESSAGES,
    SUMMARIES,
    SUMMARISED_SHARE,
)
from akmon_core.messages import Message, ToolCall, ToolResult, User
from akmon_core.models import Prices
from akmon_core.shorten import calls_of, cleared, listing, starts
from akmon_core.state import State, apply
from akmon_core.tokens import weigh

_replace = msgspec.structs.replace

_KEPT_TOOLS = frozenset(("write", "edit", "multi_edit", "patch", "ask", "memory", "task", "todo"))
"""Their results are short, or what the model still needs."""
_READING_TOOLS = frozenset(("read", "list", "search", "fetch"))
"""Their results are cleared whatever their length."""
_CAPS = (0, 20_000, 8_000, 4_000, 2_000, 1_000, 500, 200)
"""Characters of a text at the end of the conversation, tried one after the other."""
_LEGIBLE_CHARS = 2_000
"""A shorter piece of a text at the end is of little use."""
_TRIALS = 6
_CHARS_PER_TOKEN = 4
_IMAGE_CHARS = 6_000
_PLACEHOLDER_CHARS = 200
_USUAL = Prices(input=1.0, output=5.0, cache_read=0.1, cache_write=1.25)
"""Stands in for prices that are not known: only how they relate matters."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What prompts may take, and what they cost."""

    usable: int
    """Tokens that a prompt may have."""
    prefix: int = 0
    """What the system prompt and the tools weigh."""
    small: bool = False
    """The history is trimmed, not summarised."""
    caches: bool = True
    prices: Prices | None = None
    cold: bool = False
    """The provider no longer holds the prompt of the last call."""
    intact: int = INTACT_MESSAGES
    """Messages at the end whose results are not cleared."""
    auto: bool = True
    """Whether the conversation may be shortened without being asked for."""


class Clear(msgspec.Struct, frozen=True):
    """Have old results stand as placeholders."""

    results: tuple[int, ...]
    tokens: int


class Summarise(msgspec.Struct, frozen=True):
    """Ask the model for a summary of all but the last ``kept`` messages."""

    kept: int


class Trim(msgspec.Struct, frozen=True):
    """Leave out the oldest, and list it."""

    how: Compacted


class Overfull(msgspec.Struct, frozen=True):
    """Nothing more can be left out, and the prompt still does not fit."""

    reason: str


Making: TypeAlias = Clear | Summarise | Trim | Overfull


def prompt_tokens(state: State, room: Room) -> int:
    """Estimated tokens of the next prompt: what the provider counted last, and what came since."""
    return state.gauge.tokens(room.prefix + state.weight)


def usable(state: State, room: Room) -> int:
    """Tokens that the next prompt may have."""
    return min(room.usable, state.ceiling or room.usable)


def make_room(state: State, room: Room) -> Making | None:
    """What to leave out before the next model call; None if it may go as it is."""
    tokens, limit = prompt_tokens(state, room), usable(state, room)
    if tokens <= COMPACT_AT * limit:
        return _worth_clearing(state, room)
    if not room.auto:
        return None if tokens <= limit else Overfull(_full(tokens, limit))
    old = _clearable(state, room)
    everything = _clear(state, old) if old else None
    if everything and tokens - everything.tokens <= COMPACTED_SHARE * limit:
        return everything
    tried = state.summarised == state.steps or state.summaries_failed >= SUMMARIES
    if not (tried or room.small) and (kept := kept_messages(state, room, SUMMARISED_SHARE)):
        if can_be_read(state, room, kept):
            return Summarise(kept)
    elif tokens <= FULL_AT * limit and (tried or not room.small):
        return None
    if trim := trimmed(state, room):
        return Trim(trim)
    return None if tokens <= limit else Overfull(_overfull(tokens, limit, room))


def kept_messages(state: State, room: Room, least: float = 0.0) -> int:
    """How many messages at the end stay verbatim beside a summary: whole exchanges, as many as fit in their
    share of the window and of the history, but at least the last one.

    0 if what is before them takes no more than ``least`` of the window, and so is not worth a summary.
    """
    history = state.history
    budget = KEPT_SHARE * min(usable(state, room) / state.gauge.ratio, state.weight)
    kept, weight, counted = 0, 0, len(history)
    for start in starts(history):
        weight += sum(map(weigh, history[start:counted]))
        if kept and weight > budget:
            break
        kept, counted = len(history) - start, start
    gone = sum(weigh(each) for each in history[: len(history) - kept] if not isinstance(each, User))
    return kept if gone * state.gauge.ratio > least * usable(state, room) else 0


def can_be_read(state: State, room: Room, kept: int) -> bool:
    """Whether all but the last ``kept`` messages fit into one prompt. They were in one before, unless a turn
    ended with results that the model never read."""
    weight = room.prefix + state.weight - sum(map(weigh, state.history[-kept:]))
    return state.gauge.tokens(weight) <= FULL_AT * usable(state, room)


def summarised(state: State, room: Room, summary: str, kept: int) -> Compacted | None:
    """How ``summary`` stands for all but the last ``kept`` messages; None if the prompt gets no shorter."""
    plans = [(kept, 0), *((_last_exchange(state.history), cap) for cap in _CAPS)]
    return _first_that_fits(
        state, room, (Compacted(summary=summary, kept=count, said=0, cap=cap) for count, cap in plans)
    )


def trimmed(state: State, room: Room) -> Compacted | None:
    """How the oldest is left out without a summary; None if the prompt gets no shorter.

    A small model keeps its last six messages, another one half of what it has; either fewer if need be.
    """
    history = state.history
    counts = [len(history) - start for start in starts(history)]
    if not counts:
        return None
    most = SMALL_KEPT_MESSAGES if room.small else len(history) // 2
    plans = [(count, 0) for count in reversed(counts) if count <= most][:_TRIALS]
    plans += [(counts[0], cap) for cap in _CAPS]
    size = max(_said_chars(state, room), 400)
    return _first_that_fits(
        state,
        room,
        (
            Compacted(
                summary=listing(state.summary, history[:-count], size), kept=count, said=0, cap=cap, by="trim"
            )
            for count, cap in plans
        ),
    )


def _first_that_fits(state: State, room: Room, plans: Iterable[Compacted]) -> Compacted | None:
    """The first plan after which half of the window is free, else one after which there is some room.

    What was said last is worth more than that half: it is not cut to a few words for it, but only if
    there is no room at all otherwise. Then it is the plan that leaves the shortest prompt.
    """
    before, limit = prompt_tokens(state, room), usable(state, room)
    said = _said_chars(state, room)
    best, crowded = None, True
    for plan in plans:
        if not crowded and 0 < plan.cap < _LEGIBLE_CHARS:
            break
        plan = _replace(plan, said=said, before=before)
        plan = _replace(plan, after=prompt_tokens(apply(state, plan), room))
        if plan.after <= COMPACTED_SHARE * limit:
            best = plan
            break
        if best is None or (crowded and plan.after < best.after):
            best, crowded = plan, plan.after > CROWDED_SHARE * limit
    return best if best and best.after < before else None


def _said_chars(state: State, room: Room) -> int:
    """What the user's earlier messages may have; in a small window half of that, as its prefix takes much."""
    share = SAID_SHARE / 2 if room.small else SAID_SHARE
    return int(share * usable(state, room)) * _CHARS_PER_TOKEN


def _last_exchange(history: tuple[Message, ...]) -> int:
    return len(history) - next(starts(history), 0)


def _full(tokens: int, limit: int) -> str:
    return (
        f"the prompt has about {tokens:,} tokens, and the model takes {limit:,}. The conversation is not "
        "shortened by itself (--no-auto-compact): shorten it with /compact, or start a new one."
    )


def _overfull(tokens: int, limit: int, room: Room) -> str:
    own = f"The system prompt, the instructions and the tools alone take about {room.prefix:,}. "
    return (
        f"the prompt has about {tokens:,} tokens, and the model takes {limit:,}. {own}"
        "Shorten the instruction files or the last message, or choose a model with a larger window."
    )


# --- old results ------------------------------------------------------------------------------------


class _Old(msgspec.Struct, frozen=True):
    """A result that may be cleared."""

    record: int
    saved: int
    """Characters that clearing it saves."""


def _clearable(state: State, room: Room) -> list[_Old]:
    """The results that may be cleared, oldest first."""
    return [
        _Old(result.record, saved)
        for _, call, result in calls_of(state.history[: max(len(state.history) - room.intact, 0)])
        if (saved := _saved(call, result)) > 0
    ]


def _saved(call: ToolCall, result: ToolResult) -> int:
    """Characters that clearing a result saves; 0 or less if it should stay."""
    size = len(result.text) + _IMAGE_CHARS * len(result.images)
    if not result.record or call.name in _KEPT_TOOLS:
        return 0
    if call.name not in _READING_TOOLS and size <= CLEAR_CHARS:
        return 0
    return size - _PLACEHOLDER_CHARS


def _clear(state: State, old: list[_Old]) -> Clear | None:
    """None if the placeholders would weigh as much, as beside a result of spaces."""
    records = tuple(each.record for each in old)
    _, difference = cleared(state.history, frozenset(records))
    tokens = int(-difference * state.gauge.ratio)
    return Clear(records, tokens) if tokens > 0 else None


def _worth_clearing(state: State, room: Room) -> Clear | None:
    """All old results, once clearing them costs less than sending them on and on.

    A provider that caches prompts has to be sent anew, at once, what is left of the prompt: its entries end
    where earlier prompts ended, behind what changes. What the results take is saved in each prompt until the
    next clearing, which is expected after a third as many replies as came since the last one; measured over
    sessions of different length and pace, that costs 1.4 % more than the best choice would have
    (benchmarks/README.md).
    """
    old = _clearable(state, room)
    saved = sum(each.saved for each in old) // _CHARS_PER_TOKEN
    if not saved:
        return None
    if room.cold or not room.caches:
        return _clear(state, old)
    prices = room.prices or _USUAL
    rewrite = max(prices.cache_write, prices.input) - prices.cache_read
    expected = (state.replies - state.cleared_at) / 3
    rest = room.prefix + state.weight - saved
    return _clear(state, old) if expected * saved * prices.cache_read > rest * rewrite else None
