"""Finds the files and folders that rules keep from being read, for what cannot ask before each file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from akmon_core.errors import SettingsError
from akmon_core.limits import WITHHELD_ENTRIES, WITHHELD_PLACES
from akmon_core.pathglobs import Parts, is_met, is_met_below, parts_of, within


def withheld_places(roots: Iterable[Path], globs: Iterable[str]) -> tuple[Path, ...]:
    """What ``globs`` match below ``roots`` now: files, and folders of which they match all; no links.

    A root as a whole is left out: commands cannot do without their folder, and rules judge them by it. So is
    a whole disk, where no sandbox works.
    Raises ``SettingsError`` if there is too much to look through, or to keep from being read.
    """
    patterns = frozenset(map(parts_of, globs))
    found: list[Path] = []
    if patterns:
        seen = [0]
        for root in roots:
            if is_met_below(patterns) or root == Path(root.anchor):
                continue
            for place in _matching(str(root), patterns, seen):
                found.append(Path(place))
                if len(found) > WITHHELD_PLACES:
                    raise _too_much(f"{WITHHELD_PLACES:,} files and folders")
    return tuple(found)


def _matching(folder: str, patterns: frozenset[Parts], seen: list[int]) -> Iterator[str]:
    """Goes only into folders where anything can match."""
    entries: list[os.DirEntry[str]] = []
    with suppress(OSError), os.scandir(folder) as scanned:  # gone, or not readable for commands either
        entries = list(scanned)
    seen[0] += len(entries)
    if seen[0] > WITHHELD_ENTRIES:
        raise _too_much(f"more than {WITHHELD_ENTRIES:,} files and folders to look through")
    for entry in entries:
        left = within(patterns, entry.name)
        if not left or entry.is_symlink():
            continue
        if not entry.is_dir(follow_symlinks=False):
            if is_met(left):
                yield entry.path
        elif is_met_below(left):
            yield entry.path
        else:
            yield from _matching(entry.path, left, seen)


def _too_much(what: str) -> SettingsError:
    return SettingsError(
        f"rules deny reading in the project, and the sandbox cannot keep commands from it: {what}. Write the "
        "rules so that they begin with a folder and take all of it, such as read(secrets/**), or switch the "
        "sandbox off."
    )


def globs_below(globs: Iterable[str], folder: Parts) -> tuple[str, ...]:
    """As seen from ``folder``: those that match all of some folders, which a search need not go into."""
    patterns = frozenset(map(parts_of, globs))
    for name in folder:
        patterns = within(patterns, name)
    return tuple("/".join(pattern) for pattern in patterns if pattern[-1:] == ("**",))
