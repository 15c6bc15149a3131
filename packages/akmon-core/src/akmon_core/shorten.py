"""Makes a history shorter: placeholders for old results, cuts in long texts, a summary. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from akmon_core.events import Compacted
from akmon_core.limits import RESULT_SHARE
from akmon_core.messages import Assistant, Image, Message, Text, ToolCall, ToolResult, User
from akmon_core.permissions import Grant, Mode
from akmon_core.text import describe_call
from akmon_core.tokens import weigh, weigh_text

_replace = msgspec.structs.replace

_LEFT_OUT = (
    "[akmon left out the older part of the conversation to save room. The user's own messages from it "
    "stand above. What happened in it:]"
)
_LISTED_RECORDS = 20
_LISTED_CALLS = 40
"""Calls that a mechanical summary names."""


def calls_of(history: Iterable[Message]) -> Iterator[tuple[int, ToolCall, ToolResult]]:
    """Each result of ``history`` with its place in it and its call."""
    calls: dict[str, ToolCall] = {}
    for at, message in enumerate(history):
        match message:
            case Assistant():
                calls = {call.id: call for call in message.calls}
            case ToolResult(call_id) if call_id in calls:
                yield at, calls[call_id], message
            case _:
                pass


def placeholder(call: ToolCall, result: ToolResult) -> ToolResult:
    """What stands for an old result: what it was, and how to read it again."""
    text = (
        f"[Old output of {describe_call(call, 80, to_model=True)} left out: {len(result.text):,} characters. "
        f'`read` shows it again: path "record:{result.record}".]'
    )
    return ToolResult(result.call_id, text, result.error, record=result.record)


def cleared(history: tuple[Message, ...], records: frozenset[int]) -> tuple[tuple[Message, ...], int]:
    """``history`` with placeholders for the results of ``records``, and by how much its weight changed."""
    messages, difference = list(history), 0
    for at, call, result in calls_of(history):
        if result.record and result.record in records:
            messages[at] = short = placeholder(call, result)
            difference += weigh(short) - weigh(result)
    return tuple(messages), difference


def fitted(results: tuple[ToolResult, ...], window: int) -> tuple[ToolResult, ...]:
    """The results of one reply, none with more than its share of a window of so many tokens; 0 is unknown."""
    if not window:
        return results
    share = int(window * min(RESULT_SHARE, 2 * RESULT_SHARE / max(len(results), 1)))
    return tuple(_fitted(result, share) for result in results)


def _fitted(result: ToolResult, share: int) -> ToolResult:
    if len(result.text) <= share // 2 or (weight := weigh_text(result.text)) <= share:
        return result
    return _cut_result(result, max(len(result.text) * share // weight, 100))


def _cut_result(result: ToolResult, cap: int) -> ToolResult:
    return _replace(result, text=cut(result.text, cap, result.record), images=())


def cut(text: str, cap: int, record: int = 0) -> str:
    """The start and the end of ``text``, in about ``cap`` characters, and how to read all of it."""
    if len(text) <= cap:
        return text
    whole = f'; `read` shows all of it: path "record:{record}"' if record else ""
    half = max(cap // 2, 1)
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out{whole} ...]\n{text[-half:]}"


def starts(history: tuple[Message, ...]) -> Iterator[int]:
    """Where ``history`` may be cut in two, last place first.

    Never between calls and their results, or a reply and the request to continue it, and never before a
    summary: a new one takes its place.
    """
    for at in range(len(history) - 1, 0, -1):
        message = history[at]
        if isinstance(message, User) and message.by == "summary":
            return
        if not (isinstance(message, ToolResult) or _goes_on(history[at - 1], message)):
            yield at


def _goes_on(reply: Message, message: Message) -> bool:
    """Whether ``message`` asks for the rest of ``reply``, which the output limit cut."""
    return isinstance(reply, Assistant) and reply.stop == "length" and isinstance(message, User)


def shortened(
    history: tuple[Message, ...],
    how: Compacted,
    pins: Mapping[str, str],
    mode: Mode,
    grants: tuple[Grant, ...],
) -> tuple[Message, ...]:
    """The user's own messages, the summary with all that is pinned, and the end of ``history``."""
    start = max(len(history) - how.kept, 0)
    while 0 < start < len(history) and isinstance(history[start], ToolResult):
        start -= 1  # results were lost in a damaged journal
    said, left_out = _said(history[:start], how.said)
    parts = [
        _LEFT_OUT,
        how.summary,
        *([_left_out(left_out)] if left_out else []),
        *(f"[{name}, as it stands now]\n{text}" for name, text in pins.items()),
        _permissions(mode, grants),
    ]
    summary = User((Text("\n\n".join(parts)),), by="summary")
    end = history[start:]
    return (*said, summary, *(_capped(end, how.cap) if how.cap else end))


def _said(messages: tuple[Message, ...], cap: int) -> tuple[list[User], list[User]]:
    """What the user said, in at most ``cap`` characters: the first message, then the newest; and the rest."""
    said = [message for message in messages if isinstance(message, User) and message.by == "person"]
    if not said:
        return [], []
    kept, left_out = {0: _cut_user(said[0], cap // 2)}, []
    room = cap - len(kept[0].text)
    for at in range(len(said) - 1, 0, -1):
        message = _cut_user(said[at], cap // 2)
        room -= len(message.text)
        if room < 0:
            left_out = said[1 : at + 1]
            break
        kept[at] = message
    return [kept[at] for at in sorted(kept)], left_out


def _cut_user(message: User, cap: int) -> User:
    """Images are left out: they were looked at."""
    if len(message.text) <= cap and not any(isinstance(part, Image) for part in message.parts):
        return message
    seen = "\n[an image was here]" * sum(isinstance(part, Image) for part in message.parts)
    return _replace(message, parts=(Text(cut(message.text, cap, message.record) + seen),))


def _left_out(messages: list[User]) -> str:
    records = [message.record for message in messages if message.record]
    listed = ", ".join(f"record:{record}" for record in records[-_LISTED_RECORDS:])
    return (
        f"[{len(messages)} more messages of the user, between the first and the others above, are left out"
        + (f"; `read` shows them, such as {listed}]" if listed else "]")
    )


def _permissions(mode: Mode, grants: tuple[Grant, ...]) -> str:
    allowed = ["writing in the project" if grant.writes else _granted(grant) for grant in grants]
    said = f" Allowed by the user for this session: {'; '.join(dict.fromkeys(allowed))}." if allowed else ""
    return f"[The permission mode is {mode}.{said}]"


def _granted(grant: Grant) -> str:
    return grant.rule or f"{grant.tool} {' '.join(effect.target for effect in grant.targets)}".strip()[:200]


def _capped(messages: tuple[Message, ...], cap: int) -> tuple[Message, ...]:
    return tuple(_capped_message(message, cap) for message in messages)


def _capped_message(message: Message, cap: int) -> Message:
    match message:
        case ToolResult() if len(message.text) > cap or message.images:
            return _cut_result(message, cap)
        case User() if message.by != "summary":
            return _cut_user(message, cap)
        case _:
            return message


def listing(before: str, messages: tuple[Message, ...], cap: int) -> str:
    """A summary without a model, in at most ``cap`` characters: the one ``before``, and what came then."""
    calls = [
        f"- {describe_call(call, 120, to_model=True)}{' (failed)' if result.error else ''}"
        for _, call, result in calls_of(messages)
    ]
    said = [each.text for each in messages if isinstance(each, Assistant) and each.text]
    parts = [
        before,
        "Calls made:\n" + "\n".join(calls[-_LISTED_CALLS:]) if calls else "",
        f"The last thing you said: {said[-1]}" if said else "",
    ]
    text = "\n\n".join(part for part in parts if part) or "Nothing of note."
    return text if len(text) <= cap else f"[...]\n{text[-cap:]}"
