"""Reads a journal's lines, whatever has become of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from akmon_core.chain import digest
from akmon_core.codec import decode_record
from akmon_core.events import Envelope


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a journal."""

    number: int
    """Counted from 1."""
    start: int
    """Bytes of the file before it."""
    data: bytes
    """Without its line break."""
    whole: bool
    """Whether there is a line break at its end."""
    envelope: Envelope | None = None
    """What it records; None if it is no record."""
    prev: str = ""
    """The hash that it says the record before has."""

    @property
    def hash(self) -> str:
        return digest(self.data)


def read_lines(file: BinaryIO, start: int = 0) -> Iterator[Line]:
    """The lines from byte ``start`` on, which is the first of a line; they are counted from there."""
    file.seek(start)
    for number, line in enumerate(file, 1):
        data = line.removesuffix(b"\n")
        envelope, prev = _decode(data)
        yield Line(
            number=number, start=start, data=data, whole=len(data) < len(line), envelope=envelope, prev=prev
        )
        start += len(line)


def _decode(line: bytes) -> tuple[Envelope | None, str]:
    try:
        return decode_record(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, ""
