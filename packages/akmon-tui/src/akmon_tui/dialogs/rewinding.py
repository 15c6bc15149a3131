"""How far back to go, and in what: files, conversation, or both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from akmon_core.commands import Rewind
from akmon_core.files import FileChange
from akmon_core.text import from_folder, neutralise, one_line
from akmon_tui.asking import on_one_line
from akmon_tui.dialogs.base import Dialog, Done
from akmon_tui.dialogs.pane import block
from akmon_tui.dialogs.picker import Picker, Row
from akmon_tui.dialogs.steps import Steps
from akmon_tui.lines import Line, line
from akmon_tui.places import Changed, Place, changes_since

_LABEL = 60


def rewind_picker(places: tuple[Place, ...], changed: Changed, folder: str = "") -> Steps:
    """Its value is a ``Rewind``. Files below ``folder`` are named from there."""

    def then(value: object) -> Dialog | Done:
        return _what(value, places, changed, folder) if isinstance(value, Place) else Done(None)

    def preview(row: Row, width: int) -> list[Line]:
        return _preview(row.value, width, changed, folder) if isinstance(row.value, Place) else []

    rows = [_row(place, changed) for place in reversed(places)]
    empty = "Nothing was asked yet that could be taken back."
    return Steps(Picker("Go back to before", rows, preview=preview, chooses="goes on", empty=empty), then)


def _row(place: Place, changed: Changed) -> Row:
    label = one_line(place.text, _LABEL) if place.text.strip() else "the rewind that was made here"
    return Row(label, place, _count(place, changed), words=place.text)


def _what(place: Place, places: tuple[Place, ...], changed: Changed, folder: str) -> Picker:
    changes = changes_since(changed, place)
    files = _count(place, changed)
    after = len(places) - next(at for at, each in enumerate(places) if each.record == place.record) - 1
    later = f" and {after:,} later place{'s' * (after != 1)}" if after else ""
    talk = f"takes it{later} out of the conversation" if place.text else "undoes that rewind"

    def row(label: str, what: Literal["both", "files", "conversation"], detail: str) -> Row:
        return Row(label, Rewind(place.record, what), detail)

    def preview(_row: Row, width: int) -> list[Line]:
        return _files(changes, width, folder)

    rows = [
        row("files and conversation", "both", f"{files}; {talk}"),
        row("files", "files", files),
        row("conversation", "conversation", talk),
    ]
    name = one_line(place.text, _LABEL) if place.text.strip() else "the rewind"
    return Picker(f"Take back: {name}", rows, preview=preview, chooses="goes back")


def _count(place: Place, changed: Changed) -> str:
    """How many files would change, as far as that is known: a resumed session has not seen all."""
    count = len(changes_since(changed, place))
    if place.record not in changed:
        return f"{count:,} or more files changed since" if count else "files as they were then"
    return f"{count:,} file{'s' * (count != 1)} changed since" if count else "no file changed since"


def _preview(place: Place, width: int, changed: Changed, folder: str) -> list[Line]:
    said = block(neutralise(place.text), width) if place.text.strip() else []
    return [*said[:8], *_files(changes_since(changed, place), width, folder)]


def _files(changes: Sequence[FileChange], width: int, folder: str) -> list[Line]:
    """What would become of each file."""
    rows: list[Line] = []
    for change in changes:
        does = "restore" if change.before else "remove "
        name = on_one_line(from_folder(change.path, folder))
        rows += block(f"{does}  {name}", width, "added" if change.before else "removed")
    return rows or [line("No file is known to change.", "dim")]
