"""Looks whether a journal's records follow from each other, by other means than ``akmon audit verify``."""

from __future__ import annotations

from pathlib import Path

from akmon_core.chain import GENESIS, digest
from akmon_query.journal import read_records


def broken_links(path: Path) -> list[int]:
    """The sequence numbers of records that do not follow from the one before: something was changed."""
    prev, broken = GENESIS, []
    for line, envelope, named in read_records(path):
        if named != prev:
            broken.append(envelope.seq)
        prev = digest(line)
    return broken
