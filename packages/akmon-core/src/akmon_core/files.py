"""What a file is at one moment, and a change from one such state to another."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["file", "link", "folder"]


class FileState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file, link or folder as far as it can be restored. That there is none is None instead."""

    kind: Kind
    content: str = ""
    """SHA-256 of a file's bytes, or where a link points."""
    mode: int | None = None
    """Permission bits; None is not known, and equal to any."""


class FileChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one path."""

    path: str
    """Absolute; no part above the last one is a link."""
    before: FileState | None = None
    after: FileState | None = None
    sure: bool = True
    """Whether nobody else can have made it. False: it was made while nobody looked."""


def became(change: FileChange) -> Literal["created", "changed", "removed"]:
    """What ``change`` makes of its path, in a word."""
    if change.after is None:
        return "removed"
    return "changed" if change.before else "created"


def same(one: FileState | None, other: FileState | None) -> bool:
    """Whether two states are one, as far as both are known."""
    if one is None or other is None:
        return one is other
    if (one.kind, one.content) != (other.kind, other.content):
        return False
    return one.mode is None or other.mode is None or one.kind == "link" or one.mode == other.mode
