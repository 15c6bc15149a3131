"""Which files go back to what they were, and which must not, as someone else changed them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import msgspec

from akmon_core.files import FileChange, FileState, same


class Conflict(msgspec.Struct, frozen=True):
    """A file that would lose what someone else did to it."""

    change: FileChange
    """From what it is now to what it was."""
    reason: str


class RewindPlan(msgspec.Struct, frozen=True):
    """What a rewind would do: ``changes`` lose nothing, each of ``conflicts`` does."""

    changes: tuple[FileChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def changed_paths(changes: Iterable[FileChange]) -> tuple[str, ...]:
    """Each path once, in the order of its first change."""
    return tuple(dict.fromkeys(change.path for change in changes))


def net_changes(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """What ``changes``, oldest first, come to: one for each path that is not what it was before them."""
    chains = _chains(changes)
    whole = (FileChange(path, chain[0].before, chain[-1].after) for path, chain in chains.items())
    return tuple(change for change in whole if not same(change.before, change.after))


def plan_rewind(changes: Iterable[FileChange], now: Mapping[str, FileState | None]) -> RewindPlan:
    """How to undo ``changes``, oldest first, where the files are ``now`` (each changed path has an entry).

    A file goes back to what it was before its first change if it is what the last one left. It may also be
    what it was before the last one, which then was recorded but not carried out.
    """
    planned: list[FileChange] = []
    conflicts: list[Conflict] = []
    for path, chain in _chains(changes).items():
        undo = FileChange(path, now[path], chain[0].before)
        if same(undo.before, undo.after):
            continue
        if reason := _conflict(chain, undo.before):
            conflicts.append(Conflict(undo, reason))
        else:
            planned.append(undo)
    return RewindPlan(in_order(planned), tuple(conflicts))


def _chains(changes: Iterable[FileChange]) -> dict[str, list[FileChange]]:
    chains: dict[str, list[FileChange]] = {}
    for change in changes:
        chains.setdefault(change.path, []).append(change)
    return chains


def _conflict(chain: list[FileChange], now: FileState | None) -> str:
    last = chain[-1]
    if not (same(now, last.after) or same(now, last.before)):
        return "it was changed since"
    for earlier, later in pairwise(chain):
        if not (same(later.before, earlier.after) or same(later.before, earlier.before)):
            return "someone else changed it in between"
    if not all(change.sure for change in chain):
        return "it was changed while nobody looked, perhaps by someone else"
    return ""


def in_order(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """What goes is removed from below upwards, then what comes is made from above downwards."""

    def place(change: FileChange) -> tuple[bool, int]:
        depth = change.path.count("/") + change.path.count("\\")
        return (change.after is not None, depth if change.after else -depth)

    return tuple(sorted(changes, key=place))
