"""Keeps a session's events: one JSON line each, hash-chained, in a file that survives being killed.

A record is written with one ``write`` to a file opened for appending and locked for this process. On
opening, a tail that was torn by a kill or a power cut is moved beside the file, so that the next
record starts on a line of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.chain import GENESIS, digest
from akmon_core.codec import decode_record, encode_record
from akmon_core.errors import JournalError
from akmon_core.events import Envelope
from akmon_query.filelock import lock_file


class MemoryJournal:
    """A journal that lives as long as the process."""

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
        self.path = path
        self._torn = False
        """Whether half a record may lie behind ``_size``."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(_unusable(path, error)) from error
        if not lock_file(self._fd):
            os.close(self._fd)
            raise JournalError(
                f"session {path.stem} is in use by another akmon process. "
                "End that one, or start a new session."
            )
        try:
            self._size, self._prev, self._starts = _repair(self._fd, path)
        except OSError as error:
            os.close(self._fd)
            raise JournalError(_unusable(path, error)) from error

    def append(self, envelope: Envelope, *, sync: bool) -> None:
        line = encode_record(envelope, self._prev)
        try:
            if self._torn:
                os.ftruncate(self._fd, self._size)
            self._torn = True
            _write(self._fd, line + b"\n")
            if sync:
                _sync(self._fd)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise JournalError(_unusable(self.path, error)) from error
        self._torn = False
        self._starts[envelope.seq] = self._size
        self._size += len(line) + 1
        self._prev = digest(line)

    def read(self, after: int = 0) -> Iterator[Envelope]:
        for _, envelope, _ in read_records(self.path, self._starts.get(after + 1, 0)):
            if envelope.seq > after:
                yield envelope

    def close(self) -> None:
        os.close(self._fd)


def read_records(path: Path, start: int = 0) -> Iterator[tuple[bytes, Envelope, str]]:
    """The records of a journal from byte ``start`` on: line, envelope, and the hash it names.

    Unreadable lines are passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if record := _decode(line.rstrip(b"\n")):
                    yield (line.rstrip(b"\n"), *record)
    except OSError as error:
        raise JournalError(_unusable(path, error)) from error


def broken_links(path: Path) -> list[int]:
    """The sequence numbers of records that do not follow from the one before: something was changed."""
    prev, broken = GENESIS, []
    for line, envelope, named in read_records(path):
        if named != prev:
            broken.append(envelope.seq)
        prev = digest(line)
    return broken


def _decode(line: bytes) -> tuple[Envelope, str] | None:
    try:
        return decode_record(line)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _repair(fd: int, path: Path) -> tuple[int, str, dict[int, int]]:
    """Leaves a file that ends with a whole line; gives its size, the hash of its last record, and where each
    record starts, by sequence number."""
    prev, end = GENESIS, 0
    starts: dict[int, int] = {}
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for line in file:
            start, record = end, _decode(line.rstrip(b"\n"))
            if line.endswith(b"\n"):
                end += len(line)
            elif record:
                end += len(line) + 1
                _write(fd, b"\n")
            else:
                _set_aside(path, line)
                os.ftruncate(fd, end)
                break
            if record:
                prev = digest(line.rstrip(b"\n"))
                starts.setdefault(record[0].seq, start)
    return end, prev, starts


def _set_aside(path: Path, torn: bytes) -> None:
    fd = os.open(path.with_suffix(".torn"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "ab") as file:
        file.write(torn + b"\n")


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _unusable(path: Path, error: OSError) -> str:
    return (
        f"the session journal {path} cannot be used: {error.strerror or error}. "
        "Free some space or make the folder writable, or set AKMON_STATE_DIR to another one."
    )


def delete_journal(path: Path) -> None:
    """Deletes a session's journal for good. Raises ``JournalError`` if it is in use or cannot be deleted."""
    FileJournal(path).close()
    try:
        path.unlink()
        path.with_suffix(".torn").unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(_unusable(path, error)) from error
