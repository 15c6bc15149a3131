"""Takes secrets out of events, before they are kept, folded into the state or shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from akmon_core.events import (
    Attached,
    CommandRan,
    Event,
    FilesChanged,
    Instructed,
    ModelFailed,
    Noticed,
    PermissionAsked,
    PermissionDecided,
    QuestionAnswered,
    SummaryFailed,
    ToolFinished,
    ToolProgress,
    TurnEnded,
    UnknownEvent,
)
from akmon_core.messages import Image
from akmon_core.ports import Redactor
from akmon_core.stream import Retrying

Clean = Callable[[str], str]
_E = TypeVar("_E", bound=Event)

_BY_FORM: dict[type, frozenset[str]] = {
    Attached: frozenset({"message"}),
    CommandRan: frozenset({"output", "message"}),
    FilesChanged: frozenset(),
    Instructed: frozenset({"text"}),
    ModelFailed: frozenset({"message"}),
    Noticed: frozenset({"text"}),
    PermissionAsked: frozenset({"reason", "view"}),
    PermissionDecided: frozenset({"reason"}),
    QuestionAnswered: frozenset({"text"}),
    Retrying: frozenset({"reason"}),
    SummaryFailed: frozenset({"message"}),
    ToolFinished: frozenset({"result", "summary", "view", "pins"}),
    ToolProgress: frozenset({"text"}),
    TurnEnded: frozenset({"reason"}),
}
"""Fields that hold what was read, printed or answered: out of these goes whatever looks like a secret.

Of all others, which the session must keep to the letter (what was said, calls and their targets, paths), only
keys that are known.
"""

_EXACT = frozenset(
    {"id", "call_id", "signature", "origin", "response_id", "sha256", "content", "commit", "prev", "type"}
)
"""Fields that are compared or sent back as they are, and that nobody types a key into."""


def redact_event(event: _E, redactor: Redactor) -> _E:
    """``event`` without secrets; the very same object if it holds none."""
    if isinstance(event, UnknownEvent):
        return event
    by_form = _BY_FORM.get(type(event), frozenset())
    changed = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        clean = redactor if name in by_form else redactor.known
        if name not in _EXACT and (new := _cleaned(value, clean)) is not value:
            changed[name] = new
    return msgspec.structs.replace(event, **changed) if changed else event


def _cleaned(value: Any, clean: Clean) -> Any:
    """``value`` itself if nothing in it changes."""
    match value:
        case str():
            new = clean(value) if value else value
            return value if new == value else new
        case tuple():
            items = tuple(_cleaned(item, clean) for item in value)
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        case dict():
            pairs = {_cleaned(key, clean): _cleaned(item, clean) for key, item in value.items()}
            return value if pairs == value else pairs
        case msgspec.Struct() if not isinstance(value, Image):
            return _struct(value, clean)
        case _:
            return value


def _struct(value: msgspec.Struct, clean: Clean) -> msgspec.Struct:
    changed = {
        name: new
        for name in value.__struct_fields__
        if name not in _EXACT and (new := _cleaned(old := getattr(value, name), clean)) is not old
    }
    return msgspec.structs.replace(value, **changed) if changed else value
