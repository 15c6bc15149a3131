"""Checks that a journal is what was written: nothing changed, removed, inserted, put elsewhere or cut off."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from akmon_core.chain import GENESIS
from akmon_core.errors import JournalError
from akmon_query.anchor import START, Anchored, Finding, Head, read_anchor
from akmon_query.records import Line, read_lines

Kind: TypeAlias = Literal[
    "changed", "removed", "reordered", "inserted", "unreadable", "torn", "shorter", "anchor", "earlier"
]
_TRIES = 4
_PAUSE = 0.05


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a journal, and where."""

    kind: Kind
    record: int
    """Number of the record that it is about; 0 is unknown."""
    line: int
    """Of the file, counted from 1; the one behind the last where something is missing at the end."""
    offset: int
    """Bytes of the file before that line."""
    text: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What came of checking a journal."""

    records: int
    head: Head
    """The last record."""
    anchor: Head | None
    """The last record that was surely on the disk; None if nothing says which."""
    problems: tuple[Problem, ...]
    """In the order of the file."""

    @property
    def intact(self) -> bool:
        return not self.problems

    @property
    def beyond(self) -> int:
        """Records behind the anchor. The last of them is vouched for by nothing."""
        return self.head.seq - self.anchor.seq if self.anchor else self.records


class _Entry(msgspec.Struct, frozen=True):
    """A line as far as checking needs it."""

    line: int
    start: int
    seq: int
    """0 if it is no record."""
    hash: str
    prev: str


def verify_journal(path: Path) -> Verification:
    """Reads only, also beside a process that has the session open. Raises ``JournalError``."""
    for _ in range(_TRIES):
        verification = _verify(path)
        if not any(problem.kind in ("torn", "anchor") for problem in verification.problems):
            return verification
        time.sleep(_PAUSE)  # it may be being written right now
    return _verify(path)


def _verify(path: Path) -> Verification:
    try:
        anchored = read_anchor(path)  # first, as the journal is never behind it
        with path.open("rb") as file:
            return verify_lines(read_lines(file), anchored)
    except FileNotFoundError:
        raise JournalError(f"the journal {path} is not there") from None
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be read: {error.strerror or error}") from error


def verify_lines(lines: Iterable[Line], anchored: Anchored) -> Verification:
    """Checks all ``lines`` of a journal against each other and against its anchor."""
    entries: list[_Entry] = []
    problems: list[Problem] = []
    line, end = 0, 0
    for each in lines:
        line, end = each.number, each.start + len(each.data) + each.whole
        seq = each.envelope.seq if each.envelope else 0
        entries.append(_Entry(line, each.start, seq, each.hash if seq else "", each.prev))
        if not each.whole:
            problems.append(_torn(entries[-1], len(each.data)))
        elif not seq:
            problems.append(_unreadable(entries[-1], each.data))
    records = [entry for entry in entries if entry.seq]
    problems += _Links(entries, anchored.head).problems
    problems += _against(anchored, records, _Entry(line + 1, end, 0, "", ""), problems)
    known = {describe_problem(problem) for problem in problems}
    problems += [_earlier(finding) for finding in anchored.findings if finding.text not in known]
    last = max(records, key=lambda entry: entry.seq, default=None)
    return Verification(
        records=len(records),
        head=Head(last.seq, last.hash) if last else START,
        anchor=anchored.head,
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
    )


class _Links:
    """Follows the chain from record to record."""

    def __init__(self, entries: Sequence[_Entry], head: Head | None) -> None:
        self.problems: list[Problem] = []
        self._head = head
        self._there = {entry.seq for entry in entries}
        self._blamed: set[int] = set()
        seen: dict[str, int] = {}
        last = _Entry(0, 0, 0, GENESIS, "")
        unreadable = 0
        for at, entry in enumerate(entries):
            if not entry.seq:
                unreadable += 1
                continue
            if copied := seen.get(entry.hash):
                self._add("inserted", entry, f"it is a copy of line {copied}")
                continue
            seen[entry.hash] = entry.line
            self._follow(last, entry, self._is_named(entries, at), unreadable)
            last, unreadable = entry, 0

    def _is_named(self, entries: Sequence[_Entry], at: int) -> bool | None:
        """Whether what comes next vouches for an entry; None if nothing does either way."""
        entry = entries[at]
        later = next(
            (each for each in entries[at + 1 : at + 9] if each.seq and each.hash != entry.hash), None
        )
        if later is not None:
            return later.prev == entry.hash
        if self._head and self._head.seq == entry.seq:
            return self._head.hash == entry.hash
        return None

    def _follow(self, last: _Entry, entry: _Entry, named: bool | None, unreadable: int) -> None:
        follows, missing = entry.prev == last.hash, range(last.seq + 1, entry.seq)
        if entry.seq <= last.seq:
            self._add("reordered", entry, f"it stands behind record {last.seq}")
        elif follows and not missing:
            return
        elif follows:
            self._add("changed", entry, f"it follows record {last.seq}, but not by its number")
        elif len(missing) > unreadable:
            if all(seq in self._there for seq in missing):
                self._add("reordered", entry, f"it stands behind record {last.seq}")
            else:
                gone = (
                    f"record {missing[0]}" if len(missing) == 1 else f"records {missing[0]} to {missing[-1]}"
                )
                self._add("removed", entry, f"{gone} should stand before it", missing[0])
        elif not missing:
            blamed = entry if named is False or not last.seq else last
            if blamed.seq not in self._blamed:
                why = (
                    "it does not follow from the one before"
                    if blamed is entry
                    else "the next one does not follow"
                )
                self._add("changed", blamed, why)

    def _add(self, kind: Kind, entry: _Entry, text: str, record: int = 0) -> None:
        self._blamed.add(entry.seq)
        self.problems.append(
            Problem(kind=kind, record=record or entry.seq, line=entry.line, offset=entry.start, text=text)
        )


def _against(
    anchored: Anchored, records: Sequence[_Entry], end: _Entry, known: Sequence[Problem]
) -> Iterable[Problem]:
    """What the anchor says that the journal does not bear out. ``end`` is the place behind its last line."""
    head = anchored.head
    if head is None:
        if anchored.problem:
            text = f"the anchor beside the journal cannot be read: {anchored.problem}"
            yield Problem(kind="anchor", record=0, line=end.line, offset=end.start, text=text)
        return
    last = max((entry.seq for entry in records), default=0)
    if last < head.seq:
        text = f"its anchor names record {head.seq}, and the journal ends with record {last}"
        yield Problem(kind="shorter", record=last + 1, line=end.line, offset=end.start, text=text)
    elif head.seq and all((entry.seq, entry.hash) != (head.seq, head.hash) for entry in records):
        if any(problem.record == head.seq for problem in known):
            return
        there = next((entry for entry in records if entry.seq == head.seq), end)
        text = "it is not the one that the anchor names"
        yield Problem(kind="changed", record=head.seq, line=there.line, offset=there.start, text=text)


def _torn(entry: _Entry, size: int) -> Problem:
    text = (
        "the line break at its end is missing"
        if entry.seq
        else f"{size:,} bytes of a record that is not whole"
    )
    return Problem(kind="torn", record=entry.seq, line=entry.line, offset=entry.start, text=text)


def _unreadable(entry: _Entry, data: bytes) -> Problem:
    what = f"{len(data):,} zero bytes" if data and not data.strip(b"\0") else f"{len(data):,} bytes"
    text = f"{what} that are no record"
    return Problem(kind="unreadable", record=0, line=entry.line, offset=entry.start, text=text)


def _earlier(finding: Finding) -> Problem:
    return Problem(kind="earlier", record=0, line=0, offset=0, text=finding.text)


def describe_problem(problem: Problem) -> str:
    """What is wrong and where, on one line for people."""
    where = f"line {problem.line}, byte {problem.offset:,}"
    what = f"record {problem.record} ({where})" if problem.record else where
    match problem.kind:
        case "changed":
            return f"{what} was changed: {problem.text}"
        case "removed":
            return f"{what}: records were removed: {problem.text}"
        case "reordered":
            return f"{what} is out of order: {problem.text}"
        case "inserted":
            return f"{what} was inserted: {problem.text}"
        case "unreadable":
            return f"{what}: {problem.text}"
        case "torn":
            return f"{what}: torn off at the end: {problem.text}"
        case "shorter":
            return f"{what}: the journal was cut short: {problem.text}"
        case "anchor":
            return problem.text
        case "earlier":
            return f"found when the session was opened before: {problem.text}"
