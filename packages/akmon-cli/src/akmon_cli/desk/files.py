"""The names of a project's files, for completion: without what is ignored, or kept from being read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from akmon_core.limits import COMPLETED_FILES
from akmon_core.pathglobs import Parts, is_met, is_met_below, parts_of, within
from akmon_core.permissions import Rule, may_hold_secrets
from akmon_core.rules import reading_rules
from akmon_tools.gitignore import Ignored

_IGNORE_FILES = (".ignore", ".gitignore")


def project_files(root: Path, rules: Iterable[Rule] = (), most: int = COMPLETED_FILES) -> list[str]:
    """Paths of regular files below ``root``, with ``/`` between folders; the least deep ones first.

    Left out is what ``.gitignore`` and ``.ignore`` name, what ``rules`` deny reading or ask about, and what
    usually holds secrets. Links are not followed. Names that cannot be
    shown or typed are no use here either. About 4 microseconds a file; no process is started.
    """
    found: list[str] = []
    patterns = frozenset(parts_of(rule.pattern) for rule in reading_rules(rules))
    waiting = [("", Ignored(root, _IGNORE_FILES), patterns)]
    while waiting and len(found) < most:
        deeper: list[tuple[str, Ignored, frozenset[Parts]]] = []
        for base, ignored, left in waiting:
            deeper += _folder(base, ignored, left, found)
            if len(found) >= most:
                break
        waiting = deeper
    return found[:most]


def _folder(
    base: str, ignored: Ignored, patterns: frozenset[Parts], found: list[str]
) -> list[tuple[str, Ignored, frozenset[Parts]]]:
    """Adds the files of one folder to ``found``; gives the folders in it."""
    try:
        with os.scandir(ignored.path) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError:  # may not be read, or was removed
        return []
    folders = []
    for entry in entries:
        name = entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if name == ".git" or not name.isprintable() or ignored.ignores(name, is_folder):
            continue
        left = within(patterns, name) if patterns else patterns
        if is_folder:
            if not is_met_below(left):
                folders.append((f"{base}{name}/", ignored.folder((name,)), left))
        elif entry.is_file(follow_symlinks=False) and not is_met(left) and not may_hold_secrets(name):
            found.append(base + name)
    return folders
