"""Finds where in a file a hunk belongs, or refuses where that cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.patches.failures import ambiguous, no_anchor, not_found
from akmon_tools.patches.hunks import Hunk
from akmon_tools.patches.lines import RUNGS, Lines
from akmon_tools.patches.scopes import scopes

_FACTOR = 4
"""How much farther away than the nearest place any other must be for a line number to decide."""
_FAR = 100
"""Lines between the stated place and the nearest one above which the number decides nothing."""

_PLACES = 10_000
"""More of them are too many for an anchor to decide."""


class Place(msgspec.Struct, frozen=True):
    """Where a hunk belongs: the index of its first old line, and how that was compared."""

    at: int
    rung: int = 0
    indents: Mapping[str, str] | None = None
    """What the indentation of the hunk's lines becomes there; None leaves it as it is."""


def find_place(text: Lines, hunk: Hunk, after: int, drift: int) -> Place:
    """Where ``hunk`` belongs in the lines from index ``after``. Raises ``ToolError`` without the file's name.

    ``drift`` is by how much the hunk before was farther down than it said.
    """
    if not hunk.old:
        return Place(_insertion(text, hunk, after, drift))
    stated = None if hunk.start is None else hunk.start - 1 + drift
    for number in range(len(RUNGS)):
        at = _on_rung(text, hunk, number, after, stated)
        if at is not None:
            return Place(at, number, text.indents(hunk, at) if RUNGS[number].indented else None)
    raise ToolError(not_found(text, hunk, after))


def _on_rung(text: Lines, hunk: Hunk, rung: int, after: int, stated: int | None) -> int | None:
    old = hunk.old
    if stated is not None and stated >= after and not hunk.at_end and text.fits(hunk, rung, stated):
        return stated
    found = [at for at in text.find(hunk, rung) if at >= after]
    if hunk.at_end or hunk.old_unended or hunk.new_unended:
        found = [at for at in found if at + len(old) == len(text.lines)] or found
    if not found:
        return None
    if len(found) == 1:
        _refuse_elsewhere(text, hunk, found[0])
        return found[0]
    if hunk.anchors and len(found) <= _PLACES:
        below = sorted({at for scope in scopes(text, hunk.anchors) for at in found if at in scope})
        if len(below) == 1:
            return below[0]
        found = below or found
    elif stated is not None and (at := _nearest(found, stated, len(text.lines))) is not None:
        return at
    raise ToolError(ambiguous([at + 1 for at in found]))


def _refuse_elsewhere(text: Lines, hunk: Hunk, at: int) -> None:
    """Refuses the only place of a hunk if its anchors are in the file and say another one."""
    around = scopes(text, hunk.anchors) if hunk.anchors else []
    if around and not any(at < scope.stop and scope.start < at + len(hunk.old) for scope in around):
        raise ToolError(f"its old lines are at line {at + 1}, which does not belong to @@ {hunk.anchors[-1]}")


def _nearest(found: Sequence[int], stated: int, lines: int) -> int | None:
    """The place that a line number means, if it is much nearer than any other."""
    near, second = sorted(found, key=lambda at: abs(at - stated))[:2]
    distance = abs(near - stated)
    sure = stated < lines and distance <= _FAR and abs(second - stated) > _FACTOR * distance
    return near if sure else None


def _insertion(text: Lines, hunk: Hunk, after: int, drift: int) -> int:
    """Where lines go that have no neighbours: by line number, anchors, or the end of the file."""
    end = len(text.lines)
    if hunk.at_end or end == 0:
        return end
    if hunk.anchors:
        places = sorted({scope.start for scope in scopes(text, hunk.anchors)})
        if not places:
            raise ToolError(no_anchor(text, hunk))
        if len(places) > 1:
            raise ToolError(ambiguous([at + 1 for at in places], "its @@ line fits"))
        if places[0] + 1 >= after:
            return places[0] + 1
        raise ToolError(
            f"it belongs at line {places[0] + 2}, above the hunk before: put them in the order of the file."
        )
    if hunk.start is not None and hunk.inserts and after <= hunk.start + drift <= end:
        return hunk.start + drift
    raise ToolError(
        "it has no line of the file, so its place cannot be told: "
        "add the lines above and below it, each after a space."
    )
