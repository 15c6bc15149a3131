"""The places in a conversation that one can go back to: prompts, and earlier rewinds. Pure."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from akmon_core.events import Event, FilesChanged, Prompted, Rewound
from akmon_core.files import FileChange
from akmon_core.rewinding import net_changes
from akmon_core.text import one_line

_LISTED = 20
_WIDTH = 70


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt or an earlier rewind, and what the screen knew right before it."""

    record: int
    text: str = ""
    """The prompt; empty at a rewind."""
    pins: dict[str, str] = {}
    context: int = 0
    """Tokens of the last prompt up to there."""
    before: tuple[Place, ...] = ()
    """Of a rewind: the places that there were. Those of a prompt are the ones that it is listed behind."""


Changed: TypeAlias = dict[int, tuple[FileChange, ...]]
"""What became of files from a place on to the next one, by its record and in order, as far as it was seen."""


def place_of(places: tuple[Place, ...], record: int) -> Place | None:
    return next((place for place in places if place.record == record), None)


def put_back(places: tuple[Place, ...], event: Rewound) -> str:
    """The prompt that a rewind took out of the conversation, to be said better; empty if it took none."""
    place = place_of(places, event.to)
    return place.text if place and event.conversation else ""


def with_prompt(
    places: tuple[Place, ...], event: Prompted, pins: dict[str, str], context: int
) -> tuple[Place, ...]:
    """``places`` and the one that ``event`` makes; journals of old versions do not number prompts."""
    message = event.message
    if not message.record:
        return places
    return (*places, Place(record=message.record, text=message.text, pins=pins, context=context))


def places_before(places: tuple[Place, ...], place: Place) -> tuple[Place, ...]:
    """The places that there were at ``place``, which is one of ``places``."""
    return place.before or places[: places.index(place)]


def with_changes(changed: Changed, event: Event) -> Changed:
    """``changed`` after ``event``: places of the main agent, and files that anyone's calls change."""
    match event:
        case Prompted(message) if message.record:
            return {**changed, message.record: ()}
        case Rewound(record=record, changes=changes):
            return {**changed, record: changes}
        case FilesChanged(changes) if changed:
            last = max(changed)
            return {**changed, last: (*changed[last], *changes)}
        case _:
            return changed


def changes_since(changed: Changed, place: Place) -> tuple[FileChange, ...]:
    """What is known to have become of files from ``place`` on, which is what going back to it undoes."""
    later = sorted(record for record in changed if record >= place.record)
    return net_changes(change for record in later for change in changed[record])


def listed(places: tuple[Place, ...]) -> str:
    """The places with their numbers, counted back from the last one, which is 1."""
    count = len(places)
    hidden = max(0, count - _LISTED)
    width = len(str(count))
    rows = [f"{count - at:>{width + 2}}  {_named(places[at])}" for at in range(hidden, count)]
    more = [f"({hidden} earlier ones have the numbers up to {count})"] if hidden else []
    return "\n".join([*more, *rows, *_HOW])


def _named(place: Place) -> str:
    return one_line(place.text, _WIDTH) if place.text.strip() else "undo the rewind that was made here"


_HOW = (
    "/rewind N takes that one back and all after it, in files and conversation;",
    "/rewind N files, /rewind N conversation: only there.",
)
