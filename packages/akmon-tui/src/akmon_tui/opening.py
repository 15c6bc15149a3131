"""What the screen knows of a session before it has seen an event of it."""

from __future__ import annotations

from akmon_core.messages import User
from akmon_core.permissions import Policy
from akmon_core.state import Mark, State
from akmon_tui.places import Place
from akmon_tui.view import View


def view_of(state: State, folder: str = "", policy: Policy | None = None) -> View:
    """How a session looks whose events add up to ``state``; files below ``folder`` are shown from there.

    ``policy`` is the one that the session was opened with.
    """
    return View(
        mode=state.mode,
        sandbox=policy.sandbox if policy else None,
        rules=policy.rules if policy else (),
        grants=state.grants,
        total=state.spent,
        window=state.window,
        context=state.gauge.reported,
        pins=state.pins,
        places=_places(state),
        folder=folder,
        model=f"{state.provider}/{state.model}" if state.model else "",
        name=state.name,
    )


def _places(state: State) -> tuple[Place, ...]:
    """Those of ``state.marks``, with the whole prompts as far as the conversation still holds them."""
    said = {message.record: message.text for message in state.history if isinstance(message, User)}
    marks: dict[int, Mark] = {}
    to_do = [*state.marks]
    while to_do:
        mark = to_do.pop()
        if mark.record not in marks:
            marks[mark.record] = mark
            to_do += mark.marks
    places: dict[int, Place] = {}
    for record, mark in sorted(marks.items()):  # so that what was before a place is there before it
        places[record] = Place(
            record=record,
            text=said.get(record, mark.text) if mark.text else "",
            pins=mark.pins,
            context=mark.gauge.reported,
            before=() if mark.text else tuple(places[earlier.record] for earlier in mark.marks),
        )
    return tuple(places[mark.record] for mark in state.marks)
