"""Hashes that link the records of a journal, so that a changed or missing one is noticed."""

from __future__ import annotations

import hashlib

GENESIS = "0" * 64
"""What the first record names as the hash before it."""


def digest(line: bytes) -> str:
    """SHA-256 in hex of a record's line, without its newline."""
    return hashlib.sha256(line).hexdigest()
