"""The status line: what holds now, on one line that never wraps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from akmon_core.stream import Usage
from akmon_core.text import one_line
from akmon_tui.lines import Line, Piece, cut, line, width_of
from akmon_tui.view import View

DEFAULT_PARTS = ("model", "mode", "sandbox", "context", "cost", "cache", "branch")
DROPPED = ("folder", "session", "cache", "branch", "cost", "sandbox", "context", "model", "mode")
"""All parts, in the order in which they go where there is too little room."""
FULL = 0.8
"""The share of the window from which on its use is a warning: soon the conversation will be shortened."""

_NAME_CHARS = 40
_BRANCH_CHARS = 30
_SEPARATOR = Piece(" · ", "dim")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the status line tells besides the view."""

    branch: str = ""
    """The git branch; empty outside of a repository."""
    folder: str = ""
    """The working folder, as people know it."""


def status(view: View, facts: Facts, width: int, parts: Sequence[str] = DEFAULT_PARTS) -> Line:
    """``parts`` in their order, without those of which nothing is known.

    Where they do not fit into ``width`` columns, the parts go in the order of ``DROPPED``; the last one is
    cut. Unknown names count as parts of which nothing is known.
    """
    shown = {name: said for name in parts if name in _PARTS and (said := _PARTS[name](view, facts))}
    for name in DROPPED:
        if _width(shown) <= width or len(shown) == 1:
            break
        shown.pop(name, None)
    pieces: list[Piece] = []
    for said in shown.values():
        pieces += [_SEPARATOR, *said] if pieces else said
    return cut(tuple(pieces), width)


def _width(shown: dict[str, Line]) -> int:
    return sum(map(width_of, shown.values())) + width_of((_SEPARATOR,)) * (len(shown) - 1)


def _model(view: View, _: Facts) -> Line:
    return line(one_line(view.model.partition("/")[2] or view.model, _NAME_CHARS))


def _mode(view: View, _: Facts) -> Line:
    match view.mode:
        case "full-auto":
            return line(" full-auto ", "warning bold selected")
        case "plan":
            return line(" plan ", "accent bold selected")
        case mode:
            return line(mode or "", "dim" if mode == "default" else "bold")


def _sandbox(view: View, _: Facts) -> Line:
    match view.sandbox:
        case None:
            return ()
        case "none":
            return line("no sandbox", "warning")
        case "off":
            return line("sandbox off", "warning")
        case level:
            return line(level, "dim")


def _context(view: View, _: Facts) -> Line:
    """How much of the window the last prompt took."""
    if not view.window or not view.context:
        return ()
    share = view.context / view.window
    return line(f"context {share:.0%}", "warning" if share > FULL else "dim")


def _cost(view: View, _: Facts) -> Line:
    if view.total.usage == Usage():
        return ()
    cost = view.total.cost
    return line("unpriced" if cost is None else f"${cost:.2f}", "dim")


def _cache(view: View, _: Facts) -> Line:
    """How much of the last prompt the provider had in its cache."""
    tokens = view.last.prompt_tokens
    return line(f"cache {view.last.cache_read_tokens / tokens:.0%}", "dim") if tokens else ()


def _branch(_: View, facts: Facts) -> Line:
    return line(f"⎇ {one_line(facts.branch, _BRANCH_CHARS)}", "dim") if facts.branch else ()


def _session(view: View, _: Facts) -> Line:
    return line(one_line(view.name, _NAME_CHARS), "dim")


def _folder(_: View, facts: Facts) -> Line:
    return line(one_line(facts.folder, _NAME_CHARS), "dim")


_PARTS: dict[str, Callable[[View, Facts], Line]] = {
    "model": _model,
    "mode": _mode,
    "sandbox": _sandbox,
    "context": _context,
    "cost": _cost,
    "cache": _cache,
    "branch": _branch,
    "session": _session,
    "folder": _folder,
}
