"""Keeps a session's events: one JSON line each, hash-chained, in a file that survives being killed.

A record is written with one ``write`` to a file opened for appending and locked for this process. On
opening, a tail that was torn by a kill or a power cut is moved beside the file, so that the next
record starts on a line of its own. How far the file surely is on the disk is kept beside it (see
``akmon_query.anchor``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from akmon_core.chain import digest
from akmon_core.codec import encode_record
from akmon_core.errors import JournalError
from akmon_core.events import Envelope, TurnEnded
from akmon_query.anchor import Head, anchor_path
from akmon_query.opening import open_journal, sync_data, unusable
from akmon_query.records import Line, read_lines


class MemoryJournal:
    """A journal that lives as long as the process."""

    damage: tuple[str, ...] = ()
    altered = False

    def __init__(self) -> None:
        self._envelopes: list[Envelope] = []

    def append(self, envelope: Envelope, *, sync: bool) -> None:
        self._envelopes.append(envelope)

    def read(self, after: int = 0) -> Iterator[Envelope]:
        yield from (envelope for envelope in self._envelopes if envelope.seq > after)

    def close(self) -> None:
        pass


class FileJournal:
    """A journal in the file ``path``, created if it is missing. Raises ``JournalError``."""

    def __init__(self, path: Path) -> None:
        opened = open_journal(path)
        self.path = path
        self.damage = opened.damage
        self.altered = opened.altered
        self._fd = opened.fd
        self._anchor = opened.anchor
        self._size = opened.size
        self._head = opened.head
        self._starts = opened.starts
        self._misplaced = opened.misplaced
        self._torn = False
        """Whether half a record may lie behind ``_size``."""
        self._behind = False
        """Whether there are records that a power cut would take."""
        self._failed = ""
        """Why nothing can be kept any more."""

    def append(self, envelope: Envelope, *, sync: bool) -> None:
        if self._failed:
            raise JournalError(self._failed)
        line = encode_record(envelope, self._head.hash)
        try:
            if self._torn:
                os.ftruncate(self._fd, self._size)
            self._torn = True
            _write(self._fd, line + b"\n")
        except OSError as error:
            self._take_back()
            raise JournalError(unusable(self.path, error)) from error
        head = Head(envelope.seq, digest(line))
        if sync:
            self._sync(head)
        self._torn = False
        self._behind = not sync
        self._starts[envelope.seq] = self._size
        self._size += len(line) + 1
        self._head = head
        if isinstance(envelope.event, TurnEnded) and not envelope.agent:
            self._sync_anchor()

    def read(self, after: int = 0) -> Iterator[Envelope]:
        for line in _lines(self.path, self._starts.get(after + 1, 0)):
            if line.envelope and line.envelope.seq > after and line.start not in self._misplaced:
                yield line.envelope

    def close(self) -> None:
        if self._behind and not self._failed:
            with suppress(JournalError):  # whatever had to be on the disk has got there before
                self._sync(self._head, last=True)
        self._sync_anchor()
        self._anchor.close()
        os.close(self._fd)

    def _sync(self, head: Head, *, last: bool = False) -> None:
        """Brings everything up to ``head`` to the disk, and then says so in the anchor.

        A failure is final: after it the system may take for written what is lost, so that another try on
        the same file would succeed and mean nothing.
        """
        try:
            sync_data(self._fd)
            self._anchor.write(head)
        except OSError as error:
            self._failed = unusable(self.path, error)
            if not last:
                self._take_back()
            raise JournalError(self._failed) from error

    def _sync_anchor(self) -> None:
        with suppress(OSError):  # after a power cut it may then vouch for less than is there
            self._anchor.sync()

    def _take_back(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._fd, self._size)


def read_records(path: Path, start: int = 0) -> Iterator[tuple[bytes, Envelope, str]]:
    """The records of a journal from byte ``start`` on: line, envelope, and the hash it names.

    Unreadable lines are passed over. Needs no lock: a session that is in use can be read.
    """
    for line in _lines(path, start):
        if line.envelope:
            yield line.data, line.envelope, line.prev


def delete_journal(path: Path) -> None:
    """Deletes a session's journal for good. Raises ``JournalError`` if it is in use or cannot be deleted."""
    journal = FileJournal(path)
    try:
        path.unlink()
        path.with_suffix(".torn").unlink(missing_ok=True)
        anchor_path(path).unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(unusable(path, error)) from error
    finally:
        journal.close()


def _lines(path: Path, start: int) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            yield from read_lines(file, start)
    except OSError as error:
        raise JournalError(unusable(path, error)) from error


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
