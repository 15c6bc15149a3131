"""Draws what fills the context window: a bar, and what each part of it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.text import one_line
from akmon_tui.lines import Line, Piece, columns, cut, line, merged
from akmon_tui.services import Slice

_FILLS = "█▓▒░▚▞▙▟"
"""Different shapes, so that the parts can be told apart without colours."""
_STYLES = ("accent", "ok", "keyword", "string", "literal", "number", "heading", "warning")
_FREE = "·"
_BAR = 72
_LABEL = 40


def context_lines(slices: Sequence[Slice], window: int, width: int) -> list[Line]:
    """A head line, a bar of at most 72 columns, and a line for each part and for the free space.

    ``window`` is what a prompt may have in tokens; 0 is unknown, and then the bar shows the parts alone.
    """
    parts = [part for part in slices if part.tokens > 0]
    used = sum(part.tokens for part in parts)
    total = max(window, used)
    free = max(0, window - used)
    head = f"Context: about {used:,}"
    head += f" of {window:,} tokens ({used / window:.0%})" if window else " tokens (the window is not known)"
    rows = [line(head, "warning" if window and used > window else "bold")]
    if not total:
        return [cut(row, width) for row in rows]
    sizes = [part.tokens for part in parts]
    cells = _shares([*sizes, free], max(1, min(width, _BAR)))
    looks = [(_FILLS[at % len(_FILLS)], _STYLES[at % len(_STYLES)]) for at in range(len(parts))]
    looks.append((_FREE, "dim"))
    bar = (Piece(fill * count, style) for (fill, style), count in zip(looks, cells, strict=True))
    rows.append(merged(bar))
    named = [*((part.label, part.tokens) for part in parts), *([("free", free)] if window else [])]
    rows += _legend(named, looks, total)
    return [cut(row, width) for row in rows]


def _legend(named: Sequence[tuple[str, int]], looks: Sequence[tuple[str, str]], total: int) -> list[Line]:
    labels = [one_line(label, _LABEL) for label, _ in named]
    room = max(map(columns, labels))
    digits = max(len(f"{tokens:,}") for _, tokens in named)
    return [
        (
            Piece(f"{fill} ", style),
            Piece(label + " " * (room - columns(label))),
            Piece(f"  {tokens:>{digits},}  {tokens / total:>4.0%}", "dim"),
        )
        for label, (_, tokens), (fill, style) in zip(labels, named, looks, strict=False)
    ]


def _shares(sizes: Sequence[int], cells: int) -> list[int]:
    """``cells`` given out by size; whoever has any size gets one, as far as there are enough."""
    total = sum(sizes)
    exact = [size * cells / total for size in sizes]
    given = [max(int(share), 1 if size else 0) for size, share in zip(sizes, exact, strict=True)]
    while sum(given) > cells:  # the largest can spare one
        given[max(range(len(given)), key=given.__getitem__)] -= 1
    order = sorted(range(len(given)), key=lambda at: exact[at] - int(exact[at]), reverse=True)
    for at in order:
        if sum(given) < cells and sizes[at]:
            given[at] += 1
    largest = max(range(len(given)), key=sizes.__getitem__)
    given[largest] += cells - sum(given)
    return given
