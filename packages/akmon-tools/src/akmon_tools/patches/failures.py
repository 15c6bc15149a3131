"""Says why the place of a hunk cannot be told, so that it can be written better."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from akmon_tools.nearest import nearest_lines, number_lines
from akmon_tools.patches.hunks import Hunk
from akmon_tools.patches.lines import Lines

_SHOWN = 8
_PLACES = 10
_COMPARED = 50
"""Lines of a hunk by which the nearest text is found."""


def ambiguous(lines: Sequence[int], what: str = "it fits") -> str:
    shown = ", ".join(str(line) for line in lines[:_PLACES]) + ", …" * (len(lines) > _PLACES)
    return (
        f"{what} at {len(lines)} places, lines {shown}. Add lines around the change until it is unique, "
        "or before it @@ and the line with the head of its class or function."
    )


def no_anchor(text: Lines, hunk: Hunk) -> str:
    anchor = hunk.anchors[-1]
    near = nearest_lines("\n".join(text.lines), anchor)
    return f"the line after its @@ was not found: {anchor}" + (
        f"\nThe nearest text is:\n{near}" if near else ""
    )


def not_found(text: Lines, hunk: Hunk, after: int) -> str:
    lines = hunk.old[:_SHOWN]
    more = len(hunk.old) - len(lines)
    said = f"its old lines were not found{f' below line {after}' if after else ''}. Looked for:\n"
    said += "\n".join(f"      \t{line}" for line in lines) + (
        f"\n[... {more} more lines ...]" if more else ""
    )
    above = [at for at in text.find(hunk, 1) if at < after]
    if above:
        return (
            f"{said}\nThey are at line {above[0] + 1}: put hunks in the order of the file, without overlaps."
        )
    if there := text.find(hunk, 1, new=True):
        return f"{said}\nIts new lines are there already, at line {there[0] + 1}."
    near = _nearest_text(text, hunk)
    return f"{said}\nThe nearest text is:\n{near}" if near else f"{said}\nNothing in the file is similar."


def _nearest_text(text: Lines, hunk: Hunk) -> str:
    """Where most of the first old lines are in a row, the lines after them; else the most similar line."""
    old = [line.strip() for line in hunk.old if line.strip()][:_COMPARED]
    lines = [(number, line.strip()) for number, line in enumerate(text.lines) if line.strip()]
    same, at = (
        max(
            (
                (_same(old, lines[here : here + len(old)]), -here)
                for here, (_, line) in enumerate(lines)
                if line == old[0]
            ),
            default=(0, 0),
        )
        if old
        else (0, 0)
    )
    if same < 2:
        return nearest_lines("\n".join(text.lines), "\n".join(hunk.old))
    first = max(lines[same - at - 1][0] - _SHOWN // 2 + 1, 0)
    return number_lines(list(text.lines[first : first + _SHOWN]), first + 1)


def _same(wanted: Sequence[str], lines: Sequence[tuple[int, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1][1], zip(wanted, lines, strict=False)))
