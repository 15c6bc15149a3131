"""Opens a journal's file: for this process alone, checked, and ending with a whole line."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from akmon_core.errors import JournalError
from akmon_query.anchor import START, Anchor, Anchored, Finding, Head, read_anchor
from akmon_query.filelock import lock_file
from akmon_query.integrity import Verification, describe_problem, verify_lines
from akmon_query.private import make_private
from akmon_query.records import Line, read_lines

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A journal's file, locked, on the disk as it is, and ready for the next record."""

    fd: int
    anchor: Anchor
    size: int
    head: Head
    """The last record of the file."""
    starts: dict[int, int]
    """Where each record starts, by its number."""
    misplaced: frozenset[int]
    """Where records start that do not stand in the order of their numbers."""
    damage: tuple[str, ...]
    """What is wrong with the file that nobody was told of yet, in words for people."""
    altered: bool
    """Whether any of it is more than a torn end."""


class _Seen:
    """What is noted of a journal's lines as they pass."""

    def __init__(self) -> None:
        self.order: list[tuple[int, int]] = []
        """The number of each record, and where it starts."""
        self.head = START
        self.last: Line | None = None

    def passing(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            if line.envelope:
                self.order.append((line.envelope.seq, line.start))
                self.head = Head(line.envelope.seq, line.hash)
            self.last = line
            yield line


def open_journal(path: Path) -> Opened:
    """Creates it if it is missing. Raises ``JournalError``, also if another process has it open."""
    try:
        make_private(path.parent)
        fd = os.open(path, _FLAGS, 0o600)
    except OSError as error:
        raise JournalError(unusable(path, error)) from error
    try:
        if not lock_file(fd):
            raise JournalError(
                f"session {path.stem} is in use by another akmon process. "
                "End that one, or start a new session."
            )
        if not _is_at(fd, path):
            raise JournalError(f"session {path.stem} was deleted just now. Start a new session.")
        return _check_and_repair(fd, path)
    except OSError as error:
        os.close(fd)
        raise JournalError(unusable(path, error)) from error
    except JournalError:
        os.close(fd)
        raise


def unusable(path: Path, error: OSError) -> str:
    return (
        f"the session journal {path} cannot be used: {error.strerror or error}. "
        "Free some space or make the folder writable, or set AKMON_STATE_DIR to another one."
    )


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _check_and_repair(fd: int, path: Path) -> Opened:
    anchored, seen = read_anchor(path), _Seen()
    with os.fdopen(os.dup(fd), "rb") as file:
        verification = verify_lines(seen.passing(read_lines(file)), anchored)
    size, torn = _mend(fd, path, seen.last)
    sync_data(fd)
    if not size:
        _sync_folders(path)
    found = _findings(verification, anchored)
    misplaced = _misplaced(seen.order)
    return Opened(
        fd=fd,
        anchor=Anchor(path, seen.head, [Finding(time.time(), text) for text in found]),
        size=size,
        head=seen.head,
        starts={seq: start for seq, start in seen.order if start not in misplaced},
        misplaced=misplaced,
        damage=tuple(_told(path, text) for text in found) + torn,
        altered=bool(found),
    )


def _mend(fd: int, path: Path, last: Line | None) -> tuple[int, tuple[str, ...]]:
    """Has the file end with a whole line; gives its size, and what a person should know."""
    if last is None:
        return 0, ()
    if last.whole or last.envelope:
        if not last.whole:
            os.write(fd, b"\n")
        return last.start + len(last.data) + 1, ()
    aside = path.with_suffix(".torn")
    with os.fdopen(os.open(aside, _FLAGS, 0o600), "ab") as file:
        file.write(last.data + b"\n")
    os.ftruncate(fd, last.start)
    told = (
        f"session {path.stem}: the end of its journal was torn when akmon was stopped: half a record, "
        f"{len(last.data):,} bytes, which are now in {aside}. Everything before it is there."
    )
    return last.start, (told,)


def _findings(verification: Verification, anchored: Anchored) -> list[str]:
    """What is wrong apart from a torn end, and is not noted yet."""
    known = {finding.text for finding in anchored.findings}
    told = [problem for problem in verification.problems if problem.kind not in ("torn", "earlier")]
    return [text for text in map(describe_problem, told) if text not in known]


def _told(path: Path, text: str) -> str:
    return (
        f"the journal of session {path.stem} is not what was written: {text}. "
        f"What can be read is used. See: akmon audit verify {path.stem}"
    )


def _misplaced(order: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Where records start that are left out, as few as can be, so that the numbers of the others rise."""
    if all(one[0] < other[0] for one, other in pairwise(order)):
        return frozenset()
    ends: list[int] = []
    """The lowest number with which a rising sequence of each length can end."""
    lengths = []
    for seq, _ in order:
        length = bisect_left(ends, seq)
        ends[length : length + 1] = [seq]
        lengths.append(length)
    kept, wanted = set(), len(ends) - 1
    for (_, start), length in zip(reversed(order), reversed(lengths), strict=True):
        if length == wanted:
            kept.add(start)
            wanted -= 1
    return frozenset(start for _, start in order if start not in kept)


def sync_data(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _sync_folders(path: Path) -> None:
    """A new file is only there after a power cut if its folder, and the one above it, are on the disk."""
    for folder in (path.parent, path.parent.parent):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
