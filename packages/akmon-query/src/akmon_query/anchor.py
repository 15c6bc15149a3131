"""Keeps beside a journal how far it surely is on the disk, so that a journal cut short is noticed.

The file has one line of a fixed size, which is written over: ``{"seq":              12,"hash":"..."}``.
Behind it stands what was found wrong with the journal when it was opened, a line of JSON each.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from akmon_core.chain import GENESIS


class Head(msgspec.Struct, frozen=True):
    """A record by its number and its hash; number 0 is before the first one."""

    seq: int
    hash: str


class Finding(msgspec.Struct, frozen=True):
    """What was wrong with a journal when it was opened."""

    at: float
    """Seconds since 1970-01-01 UTC."""
    text: str


class Anchored(msgspec.Struct, frozen=True):
    """What an anchor says."""

    head: Head | None = None
    """None if there is no anchor, or none that can be read."""
    findings: tuple[Finding, ...] = ()
    problem: str = ""
    """Why it cannot be read."""


START = Head(0, GENESIS)
_head_decoder = msgspec.json.Decoder(Head)
_finding_decoder = msgspec.json.Decoder(Finding)


def anchor_path(journal: Path) -> Path:
    return journal.with_suffix(".head")


def read_anchor(journal: Path) -> Anchored:
    """What the anchor of ``journal`` says. Raises ``OSError`` if it is there and cannot be opened."""
    try:
        data = anchor_path(journal).read_bytes()
    except FileNotFoundError:
        return Anchored()
    first, *rest = data.split(b"\n")
    findings = tuple(finding for line in rest if (finding := _finding(line)))
    try:
        return Anchored(_head_decoder.decode(first), findings)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Anchored(None, findings, "its first line is not what akmon writes there")


def _finding(line: bytes) -> Finding | None:
    try:
        return _finding_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


class Anchor:
    """The anchor of a journal that is open. Raises ``OSError``, also if the disk has no room for it."""

    def __init__(self, journal: Path, head: Head, findings: Sequence[Finding] = ()) -> None:
        self._fd = os.open(anchor_path(journal), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self.write(head)
            for finding in findings:
                os.pwrite(self._fd, b"\n" + msgspec.json.encode(finding), os.lseek(self._fd, 0, os.SEEK_END))
        except OSError:
            os.close(self._fd)
            raise

    def write(self, head: Head) -> None:
        """To be called when the record ``head`` is on the disk, never before."""
        os.pwrite(self._fd, _line(head), 0)

    def sync(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def _line(head: Head) -> bytes:
    return f'{{"seq":{head.seq:>16},"hash":"{head.hash}"}}\n'.encode()
